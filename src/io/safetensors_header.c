/* The grammar of a safetensors header: an object of tensors, each { dtype, shape, data_offsets }, and at most one
 * "__metadata__" of strings. Nothing else is let through. */
#include "io/json.h"
#include "io/safetensors.h"

#include <string.h>

enum { PREFIX = CNN__PREFIX };

/* One run over the header. While `st->entries` is NULL it only counts, and leaves the text as it is. */
typedef struct parse {
    cnn__json json;
    cnn__safetensors *st;
    bool metadata_seen;
} parse;

static bool parse_type(parse *p, cnn__entry *entry)
{
    char name[8];
    cnn__json_peek(&p->json);
    size_t at = p->json.at;
    int64_t length = cnn__json_string(&p->json, name, sizeof name);
    for (uint8_t i = 0; length >= 0 && i < CNN__FILE_TYPES; i++) {
        size_t size = strnlen(cnn__file_types[i].name, sizeof name);
        if ((size_t)length == size && memcmp(name, cnn__file_types[i].name, size) == 0) {
            entry->type = i;
            return true;
        }
    }
    return cnn__json_fail(&p->json, at, "an unknown dtype");
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
        while (i < 3 && !((size_t)length == strlen(fields[i].name) &&
                          memcmp(name, fields[i].name, (size_t)length) == 0)) {
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

/* The bytes that shape and dtype ask for must be those that the offsets give. */
static bool check_entry(parse *p, size_t at, const cnn__entry *entry)
{
    const cnn__file_type *type = &cnn__file_types[entry->type];
    uint64_t data = p->st->file.size - PREFIX - p->st->header_size;
    int64_t numel, bytes;
    if (cnn__shape_check(NULL, NULL, CNN_U8, entry->ndim, entry->shape, &numel) != CNN_OK ||
        __builtin_mul_overflow(numel, (int64_t)type->size, &bytes)) {
        return cnn__json_fail(&p->json, at, "the shape's product overflows");
    }
    if (entry->end > data) {
        return cnn__json_fail(&p->json, at, "data_offsets point past the end of the file");
    }
    if (entry->end - entry->begin != (uint64_t)bytes) {
        return cnn__json_fail(&p->json, at, "dtype and shape do not need as many bytes as data_offsets give");
    }
    return true;
}

/* A string of the metadata and its place in the header: decoded there in the second run. */
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
    if (!parse_entry(p, &entry) || !check_entry(p, at, &entry)) {
        return false;
    }
    if (st->entries) {
        /* Only now is the name decoded over its own text. */
        cnn__json name = { .text = st->header, .size = st->header_size, .at = at };
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
    parse p = { .json = { .text = st->header, .size = st->header_size }, .st = st };
    st->count = st->pair_count = 0;
    if (parse_header(st, &p)) {
        return CNN_OK;
    }
    return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, PREFIX + p.json.error_at, "%s", p.json.error);
}
