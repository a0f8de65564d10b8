/* The grammar of a safetensors header: an object of tensors, each { dtype, shape, data_offsets }, and at most one
 * "__metadata__" of strings. Everything else is refused. */
#include "io/json.h"
#include "io/safetensors.h"

#include <string.h>

enum { SAFETENSORS_HEADER_PREFIX = CNN__PREFIX, LONGEST_TYPE = 31 };

/* One pass over the header. While `st->entries` is NULL, it only counts and leaves the text unchanged. */
typedef struct parse {
    cnn__json json;
    cnn__safetensors *st;
    bool metadata_seen;
} parse;

/* Whether a name has the form of the format's dtypes: an upper-case letter, then letters, digits and underscores. */
static bool is_type_name(const char *name, size_t length)
{
    if (length == 0 || length > LONGEST_TYPE || !(name[0] >= 'A' && name[0] <= 'Z')) {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        if (!((name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '_')) {
            return false;
        }
    }
    return true;
}

/* A dtype that later versions of the format may add is accepted here, because the caller may not ask for the tensors
 * that have it. */
static bool parse_type(parse *p, cnn__entry *entry)
{
    char name[LONGEST_TYPE];
    cnn__json_peek(&p->json);
    cnn__json again = p->json;
    int64_t length = cnn__json_string(&p->json, name, sizeof name);
    if (length < 0) {
        return false;
    }
    for (entry->type = 0; entry->type < CNN__TYPE_UNKNOWN; entry->type++) {
        const cnn__file_type *type = &cnn__file_types[entry->type];
        if ((size_t)length == strnlen(type->name, sizeof type->name) && memcmp(name, type->name, (size_t)length) == 0) {
            break;
        }
    }
    if (entry->type == CNN__TYPE_UNKNOWN && !is_type_name(name, (size_t)length)) {
        return cnn__json_fail(&p->json, again.at, "an unknown dtype");
    }
    entry->type_name = (uint32_t)(again.at + 1);
    return !p->st->entries || cnn__json_string_in_place(&again);
}

static bool parse_shape(parse *p, cnn__entry *entry)
{
    bool first = true;
    cnn__json_enter(&p->json, '[');
    while (cnn__json_more(&p->json, ']', &first)) {
        if (entry->ndim == CNN_MAX_DIMS) {
            return cnn__json_fail(&p->json, p->json.at, "more than 8 dimensions");
        }
        cnn__json_integer(&p->json, &entry->shape[entry->ndim++]);
    }
    return !p->json.error;
}

static bool parse_offsets(parse *p, cnn__entry *entry)
{
    int64_t offsets[2] = { 0, 0 };
    int count = 0;
    bool first = true;
    cnn__json_enter(&p->json, '[');
    size_t at = p->json.at;
    while (cnn__json_more(&p->json, ']', &first)) {
        if (count == 2) {
            return cnn__json_fail(&p->json, p->json.at, "more than two data_offsets");
        }
        cnn__json_integer(&p->json, &offsets[count++]);
    }
    if (!p->json.error && (count < 2 || offsets[0] > offsets[1])) {
        return cnn__json_fail(&p->json, at, count < 2 ? "fewer than two data_offsets" : "data_offsets run backwards");
    }
    entry->begin = (uint64_t)offsets[0];
    entry->end = (uint64_t)offsets[1];
    return !p->json.error;
}

/* { "dtype": …, "shape": …, "data_offsets": … }: each once, in any order. */
static bool parse_entry(parse *p, cnn__entry *entry)
{
    static const struct {
        const char *name;
        bool (*parse)(parse *p, cnn__entry *entry);
    } fields[] = { { "dtype", parse_type }, { "shape", parse_shape }, { "data_offsets", parse_offsets } };
    unsigned seen = 0;
    bool first = true;
    cnn__json_enter(&p->json, '{');
    size_t at = p->json.at;
    while (cnn__json_more(&p->json, '}', &first)) {
        char name[16];
        cnn__json_peek(&p->json);
        at = p->json.at;
        int64_t length = cnn__json_string(&p->json, name, sizeof name);
        unsigned i = 0;
        while (i < 3 &&
               !((size_t)length == strlen(fields[i].name) && memcmp(name, fields[i].name, (size_t)length) == 0)) {
            i++;
        }
        if (i == 3 || seen & 1u << i) {
            return cnn__json_fail(&p->json, at, i == 3 ? "expected dtype, shape or data_offsets" : "a duplicate key");
        }
        seen |= 1u << i;
        if (!cnn__json_colon(&p->json) || !fields[i].parse(p, entry)) {
            return false;
        }
    }
    if (seen != 7) {
        return cnn__json_fail(&p->json, at, "dtype, shape or data_offsets is missing");
    }
    return !p->json.error;
}

/* The number of bytes that follows from shape and dtype must agree with the offsets. If the size of the dtype is
 * unknown, this can be checked only for tensors without elements. */
static bool safetensors_header_check_entry(parse *p, size_t at, const cnn__entry *entry)
{
    int64_t element_bits = cnn__file_types[entry->type].bits;
    uint64_t data = p->st->file.size - SAFETENSORS_HEADER_PREFIX - p->st->header_size,
             given = entry->end - entry->begin;
    int64_t numel, bits;
    if (cnn__shape_check(NULL, NULL, CNN_U8, entry->ndim, entry->shape, &numel) != CNN_OK ||
        __builtin_mul_overflow(numel, element_bits, &bits)) {
        return cnn__json_fail(&p->json, at, "the shape's product overflows");
    }
    if (entry->end > data) {
        return cnn__json_fail(&p->json, at, "data_offsets point past the end of the file");
    }
    if (bits % 8 != 0) {
        return cnn__json_fail(&p->json, at, "dtype and shape do not need whole bytes");
    }
    if ((element_bits > 0 || numel == 0) && given != (uint64_t)bits / 8) {
        return cnn__json_fail(&p->json, at, "dtype and shape do not need as many bytes as data_offsets give");
    }
    return true;
}

/* Reads a string of the metadata and returns its offset in the header, where it is decoded in the second pass. */
static bool parse_text(parse *p, uint32_t *place)
{
    cnn__json_peek(&p->json);
    *place = (uint32_t)(p->json.at + 1);
    return p->st->entries ? cnn__json_string_in_place(&p->json) != NULL : cnn__json_string(&p->json, NULL, 0) >= 0;
}

static bool parse_metadata(parse *p)
{
    cnn__safetensors *st = p->st;
    bool first = true;
    cnn__json_enter(&p->json, '{');
    while (cnn__json_more(&p->json, '}', &first)) {
        cnn__pair pair;
        if (!parse_text(p, &pair.key) || !cnn__json_colon(&p->json) || !parse_text(p, &pair.value)) {
            return false;
        }
        if (st->entries) {
            st->pairs[st->pair_count] = pair;
        }
        st->pair_count++;
    }
    return !p->json.error;
}

static bool parse_member(parse *p)
{
    static const char metadata[] = "__metadata__";
    cnn__safetensors *st = p->st;
    char start[sizeof metadata];
    cnn__entry entry = { 0 };
    cnn__json_peek(&p->json);
    size_t at = p->json.at;
    int64_t length = cnn__json_string(&p->json, start, sizeof start);
    if (length < 0 || !cnn__json_colon(&p->json)) {
        return false;
    }
    if (length == sizeof metadata - 1 && memcmp(start, metadata, sizeof metadata - 1) == 0) {
        if (p->metadata_seen) {
            return cnn__json_fail(&p->json, at, "a duplicate key");
        }
        p->metadata_seen = true;
        return parse_metadata(p);
    }
    if (!parse_entry(p, &entry) || !safetensors_header_check_entry(p, at, &entry)) {
        return false;
    }
    if (st->entries) {
        /* Only now is the name decoded in place. */
        cnn__json name = { .text = st->header, .size = (size_t)st->header_size, .at = at };
        cnn__json_string_in_place(&name);
        entry.name = (uint32_t)(at + 1);
        st->entries[st->count] = entry;
    }
    st->count++;
    return true;
}

/* The object begins at the first byte, and only spaces may follow it. */
static bool parse_header(cnn__safetensors *st, parse *p)
{
    bool first = true;
    if (st->header[0] != '{') {
        return cnn__json_fail(&p->json, 0, "the header does not begin with '{'");
    }
    cnn__json_enter(&p->json, '{');
    while (cnn__json_more(&p->json, '}', &first)) {
        if (!parse_member(p)) {
            return false;
        }
    }
    while (!p->json.error && p->json.at < p->json.size && st->header[p->json.at] == ' ') {
        p->json.at++;
    }
    if (p->json.at != p->json.size) {
        return cnn__json_fail(&p->json, p->json.at, "expected spaces up to the header's end");
    }
    return !p->json.error;
}

cnn_status cnn__safetensors_parse(cnn__safetensors *st)
{
    parse p = { .json = { .text = st->header, .size = (size_t)st->header_size }, .st = st };
    st->count = st->pair_count = 0;
    if (parse_header(st, &p)) {
        return CNN_OK;
    }
    return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, SAFETENSORS_HEADER_PREFIX + p.json.error_at, "%s", p.json.error);
}
