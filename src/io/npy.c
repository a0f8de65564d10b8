/* The .npy format: its header is a Python literal of which exactly one form is understood, a dictionary of 'descr',
 * 'fortran_order' and 'shape', each once, in any order. Nothing of it is executed, and objects are never read. */
#include "io/numpy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A position in the header; what is said of it where parsing stops, if it is more than that the form is not .npy's. The
 * text ends with a NUL, which is no part of any token. */
typedef struct literal {
    const char *at;
    const char *fault;
    cnn_status status;
} literal;

static bool literal_fail(literal *l, cnn_status status, const char *fault)
{
    l->fault = fault;
    l->status = status;
    return false;
}

/* Consumes spaces, and then `token` if it is there. */
static bool accept(literal *l, const char *token)
{
    size_t length = strlen(token);
    l->at += strspn(l->at, " ");
    bool there = strncmp(l->at, token, length) == 0;
    l->at += there ? length : 0;
    return there;
}

/* A string between quotes of either kind, without escapes. */
static bool take_string(literal *l, char *out, size_t room)
{
    const char *quote = accept(l, "'") ? "'\\" : accept(l, "\"") ? "\"\\" : NULL;
    size_t length = quote ? strcspn(l->at, quote) : 0;
    if (!quote || l->at[length] != *quote || length >= room) {
        return false;
    }
    memcpy(out, l->at, length);
    out[length] = '\0';
    l->at += length + 1;
    return true;
}

/* Digits, behind which Python 2 wrote an L. */
static bool take_size(literal *l, int64_t *size)
{
    char digits[24] = "";
    size_t length = strspn(l->at, "0123456789");
    if (length >= sizeof digits || !cnn__parse_i64(memcpy(digits, l->at, length), size)) {
        return false;
    }
    l->at += length;
    l->at += *l->at == 'L';
    return true;
}

/* "()", "(3,)", "(3, 4)". */
static bool take_shape(literal *l, cnn__entry *entry)
{
    if (!accept(l, "(")) {
        return false;
    }
    for (bool comma = true; !accept(l, ")"); comma = accept(l, ",")) {
        if (entry->ndim == CNN_MAX_DIMS) {
            return literal_fail(l, CNN_ERROR_UNSUPPORTED, "more than 8 dimensions");
        }
        if (!comma || !take_size(l, &entry->shape[entry->ndim++])) {
            return false;
        }
    }
    return true;
}

/* The size of an element follows from the text alone: "<f4", "|b1", "<U10" (of 4 bytes each), "<M8[ns]". Sets the
 * number of bytes, which is 0 where there are objects. */
static bool understand_type(literal *l, const char *text, cnn__member *member, cnn__entry *entry, uint64_t *bytes)
{
    static const struct {
        char name[4];
        uint8_t type;
    } types[] = { { "f4", CNN_F32 },       { "f8", CNN_F64 },       { "i8", CNN_I64 },       { "i4", CNN_I32 },
                  { "u1", CNN_U8 },        { "b1", CNN_BOOL },      { "f2", CNN__TYPE_F16 }, { "i1", CNN__TYPE_I8 },
                  { "i2", CNN__TYPE_I16 }, { "u2", CNN__TYPE_U16 }, { "u4", CNN__TYPE_U32 }, { "V2", CNN_BF16 },
                  { "u8", CNN_I64 } /* by its bits, as ONNX's */ };
    if (strcmp(text, "bfloat16") == 0) {
        text = "<V2"; /* what NumPy makes of ml_dtypes.bfloat16 */
    }
    size_t digits = text[0] && text[1] ? strspn(text + 2, "0123456789") : 0;
    if (!strchr("<>|", text[0]) || digits == 0 || digits > 9 || !strchr("fiubVcSUaMm", text[1]) ||
        (text[2 + digits] && !(text[2 + digits] == '[' && strchr("Mm", text[1])))) {
        bool objects = text[0] && text[1] == 'O';
        return objects && literal_fail(l, CNN_ERROR_UNSUPPORTED, "objects, which are pickled and never read");
    }
    *bytes = 0;
    for (size_t i = 0; i < digits; i++) {
        *bytes = *bytes * 10 + (uint64_t)(text[2 + i] - '0');
    }
    *bytes *= text[1] == 'U' ? 4 : 1;
    member->big = text[0] == '>';
    entry->type = CNN__TYPE_UNKNOWN;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(text + 1, types[i].name) == 0 && (text[0] != '|' || *bytes == 1)) {
            entry->type = types[i].type;
        }
    }
    return true;
}

static bool take_type(literal *l, char type[CNN__NPY_TYPE], cnn__member *member, cnn__entry *entry, uint64_t *bytes)
{
    return accept(l, "[") ? literal_fail(l, CNN_ERROR_UNSUPPORTED, "a structured dtype, which is not read")
                          : take_string(l, type, CNN__NPY_TYPE) && understand_type(l, type, member, entry, bytes);
}

/* The dictionary, padding of spaces, a newline, and no more. */
static bool take_members(literal *l, cnn__member *member, cnn__entry *entry, char type[CNN__NPY_TYPE], uint64_t *item)
{
    unsigned seen = 0;
    char name[16];
    if (!accept(l, "{")) {
        return false;
    }
    for (bool comma = true; !accept(l, "}"); comma = accept(l, ",")) {
        if (!comma || !take_string(l, name, sizeof name) || !accept(l, ":")) {
            return false;
        }
        unsigned key = strcmp(name, "descr") == 0 ? 1 : strcmp(name, "fortran_order") == 0 ? 2 : 4;
        if (seen & key || (key == 4 && strcmp(name, "shape") != 0)) {
            return false;
        }
        seen |= key;
        member->fortran |= key == 2 && accept(l, "True");
        if (!(key == 1   ? take_type(l, type, member, entry, item)
              : key == 2 ? member->fortran || accept(l, "False")
                         : take_shape(l, entry))) {
            return false;
        }
    }
    return seen == 7 && accept(l, "\n");
}

static bool npy_check_sizes(literal *l, uint64_t item, cnn__member *member, cnn__entry *entry)
{
    int64_t numel, bytes;
    if (cnn__shape_check(NULL, NULL, CNN_U8, entry->ndim, entry->shape, &numel) != CNN_OK ||
        __builtin_mul_overflow(numel, (int64_t)item, &bytes)) {
        bytes = -1;
    }
    entry->end = (uint64_t)bytes;
    return entry->end == member->size - member->header ||
           literal_fail(l, CNN_ERROR_FORMAT, "dtype and shape do not need as many bytes as follow");
}

/* The fixed part: magic, version, and the length of the header in 2 bytes, or 4 since version 2. */
static cnn_status read_prefix(cnn__source *source, cnn__member *member, size_t *length)
{
    unsigned char prefix[12];
    const cnn__file *file = &source->st->file;
    cnn_status status = member->size < sizeof prefix ? CNN_OK : cnn__source_read(source, prefix, 10);
    if (status != CNN_OK) {
        return status;
    }
    if (member->size < sizeof prefix || memcmp(prefix, "\x93NUMPY", 6) != 0) {
        return cnn__file_fail(file, CNN_ERROR_FORMAT, member->at, "not an array in .npy's form");
    }
    if (prefix[6] < 1 || prefix[6] > 3 || prefix[7] != 0) {
        return cnn__file_fail(file, CNN_ERROR_UNSUPPORTED, member->at + 6, ".npy %d.%d, expected 1.0, 2.0 or 3.0",
                              prefix[6], prefix[7]);
    }
    bool wide = prefix[6] > 1;
    status = cnn__source_read(source, prefix + 10, wide ? 2 : 0);
    *length = wide ? cnn__u32_at(prefix + 8) : cnn__u16_at(prefix + 8);
    size_t header = (wide ? 12 : 10) + *length;
    member->header = (uint16_t)header;
    if (status == CNN_OK && (*length > CNN__NPY_LONGEST_HEADER || member->size < header)) {
        status = cnn__file_fail(file, CNN_ERROR_FORMAT, member->at + 8, "a header of %zu bytes, expected at most %d",
                                *length, CNN__NPY_LONGEST_HEADER);
    }
    return status;
}

cnn_status cnn__npy_parse(cnn__safetensors *st, cnn__member *member, cnn__entry *entry, char type[CNN__NPY_TYPE])
{
    char text[1 + CNN__NPY_LONGEST_HEADER];
    cnn__source source;
    size_t length = 0;
    uint64_t item = 0;
    cnn_status status = cnn__member_begin(&source, st, member);
    if (status == CNN_OK) {
        status = read_prefix(&source, member, &length);
    }
    if (status == CNN_OK) {
        status = cnn__source_read(&source, text, length);
    }
    if (status != CNN_OK) {
        return status;
    }
    text[length] = '\0';
    literal l = { text, "not a dictionary of descr, fortran_order and shape in .npy's form", CNN_ERROR_FORMAT };
    if (take_members(&l, member, entry, type, &item) && l.at == text + length &&
        npy_check_sizes(&l, item, member, entry)) {
        return CNN_OK;
    }
    /* In a deflated member the position is that of its first byte. */
    uint64_t at = member->deflated ? 0 : member->header - length + (size_t)(l.at - text);
    return cnn__file_fail(&st->file, l.status, member->at + at, "%s", l.fault);
}

size_t cnn__npy_header(char out[CNN__NPY_HEADER_ROOM], const cnn_tensor *t)
{
    static const char types[CNN__DTYPES][4] = { "<f4", "<f8", "<i8", "<i4", "|u1", "|b1", "<V2" };
    size_t room = CNN__NPY_HEADER_ROOM - 10;
    char *text = out + 10;
    size_t size = (size_t)snprintf(text, room, "{'descr': '%.3s', 'fortran_order': False, 'shape': (", types[t->dtype]);
    for (int d = 0; d < t->ndim; d++) {
        size += (size_t)snprintf(text + size, room - size, d + 1 < t->ndim ? "%" PRId64 ", " : "%" PRId64, t->shape[d]);
    }
    size += (size_t)snprintf(text + size, room - size, t->ndim == 1 ? ",), }" : "), }");
    size_t whole = (10 + size + CNN__NPY_ALIGNMENT) / CNN__NPY_ALIGNMENT * CNN__NPY_ALIGNMENT; /* with the newline */
    memset(text + size, ' ', whole - 10 - size);
    out[whole - 1] = '\n';
    memcpy(out, "\x93NUMPY\1", 8); /* the last byte is 0 */
    out[8] = (char)((whole - 10) & 0xff);
    out[9] = (char)((whole - 10) >> 8);
    return whole;
}
