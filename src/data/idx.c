/* Reading IDX files. The header says how many bytes must follow, and memory is allocated only if the file can
 * contain that many; a plain file must contain exactly that many. */
#include "data/idx.h"

#include "data/bytes.h"

#include <cnn/dataset.h>

#include <inttypes.h>
#include <string.h>

enum { IDX_CHUNK = 1 << 14 };

/* Converts n big-endian elements into elements of the tensor. */
typedef void (*idx_convert_fn)(const unsigned char *from, void *to, size_t n);

static uint64_t big_endian(const unsigned char *bytes, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void convert_i8(const unsigned char *from, void *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((int32_t *)to)[i] = (int32_t)from[i] - (from[i] & 0x80 ? 0x100 : 0);
    }
}

static void convert_i16(const unsigned char *from, void *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t value = (int32_t)big_endian(from + 2 * i, 2);
        ((int32_t *)to)[i] = value - (value & 0x8000 ? 0x10000 : 0);
    }
}

static void convert_32(const unsigned char *from, void *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint32_t *)to)[i] = (uint32_t)big_endian(from + 4 * i, 4);
    }
}

static void convert_64(const unsigned char *from, void *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint64_t *)to)[i] = big_endian(from + 8 * i, 8);
    }
}

typedef struct idx_type {
    unsigned char code;
    unsigned char size;
    cnn_dtype dtype;
    idx_convert_fn convert; /* NULL: stored as in memory */
} idx_type;

static const idx_type types[] = {
    { 0x08, 1, CNN_U8, NULL },        { 0x09, 1, CNN_I32, convert_i8 }, { 0x0b, 2, CNN_I32, convert_i16 },
    { 0x0c, 4, CNN_I32, convert_32 }, { 0x0d, 4, CNN_F32, convert_32 }, { 0x0e, 8, CNN_F64, convert_64 },
};

typedef struct idx_header {
    const idx_type *type;
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    int64_t numel;
} idx_header;

static cnn_status idx_read_header(cnn__bytes *bytes, idx_header *header)
{
    unsigned char magic[4], sizes[4 * CNN_MAX_DIMS];
    cnn_status status = cnn__bytes_read(bytes, magic, sizeof magic);
    if (status != CNN_OK) {
        return status;
    }
    if (magic[0] || magic[1]) {
        return cnn__bytes_fail(bytes, magic[0] ? 0 : 1, "not an IDX file: it does not begin with two zero bytes");
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        header->type = types[i].code == magic[2] ? &types[i] : header->type;
    }
    if (!header->type) {
        return cnn__bytes_fail(bytes, 2, "type 0x%02x, expected 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e", magic[2]);
    }
    if (magic[3] > CNN_MAX_DIMS) {
        return cnn__bytes_fail(bytes, 3, "%d dimensions, expected at most %d", magic[3], CNN_MAX_DIMS);
    }
    header->ndim = magic[3];
    status = cnn__bytes_read(bytes, sizes, 4 * (size_t)header->ndim);
    for (int i = 0; i < header->ndim && status == CNN_OK; i++) {
        header->shape[i] = (int64_t)big_endian(sizes + 4 * i, 4);
    }
    return status;
}

/* Checks that the file can contain what the header promises. */
static cnn_status idx_check_size(const cnn__bytes *bytes, idx_header *header)
{
    char text[CNN__SHAPE_TEXT];
    uint64_t promised;
    CNN__KNOWN(header->type != NULL);
    if (cnn__shape_check(NULL, NULL, CNN_F64, header->ndim, header->shape, &header->numel) != CNN_OK) {
        return cnn__bytes_fail(bytes, 4, "the sizes' product overflows: %s",
                               cnn__shape_text(text, header->ndim, header->shape));
    }
    promised = bytes->at + (uint64_t)header->numel * header->type->size;
    uint64_t limit = cnn__bytes_limit(bytes);
    if (promised > limit || (!bytes->inflater && promised != limit)) {
        return cnn__bytes_fail(bytes, promised < limit ? promised : bytes->file.size,
                               "the sizes %s promise %" PRIu64 " bytes, but the file %s %" PRIu64,
                               cnn__shape_text(text, header->ndim, header->shape), promised,
                               bytes->inflater ? "can hold at most" : "has", limit);
    }
    return CNN_OK;
}

static cnn_status read_elements(cnn__bytes *bytes, const idx_type *type, cnn_tensor *t)
{
    char *to = cnn__data(t);
    size_t left = (size_t)t->numel, size = cnn_dtype_size(t->dtype);
    if (!type->convert) {
        return cnn__bytes_read(bytes, to, left * size);
    }
    while (left > 0) {
        unsigned char chunk[IDX_CHUNK];
        size_t room = IDX_CHUNK / (size_t)type->size, n = left < room ? left : room;
        cnn_status status = cnn__bytes_read(bytes, chunk, n * type->size);
        if (status != CNN_OK) {
            return status;
        }
        type->convert(chunk, to, n);
        to += n * size;
        left -= n;
    }
    return CNN_OK;
}

static cnn_tensor *read_all(cnn__bytes *bytes)
{
    idx_header header = { .type = NULL };
    if (idx_read_header(bytes, &header) != CNN_OK || idx_check_size(bytes, &header) != CNN_OK) {
        return NULL;
    }
    CNN__KNOWN(header.type != NULL);
    cnn_tensor *t =
        cnn__tensor_new_on_host(bytes->ctx, bytes->file.call, header.type->dtype, header.ndim, header.shape);
    if (t && (read_elements(bytes, header.type, t) != CNN_OK || cnn__bytes_end(bytes) != CNN_OK)) {
        cnn__tensor_release(t);
        t = NULL;
    }
    return t;
}

cnn_tensor *cnn__idx_read(cnn_context *ctx, const char *call, const char *path)
{
    cnn__bytes bytes;
    if (cnn__bytes_open(&bytes, ctx, call, path) != CNN_OK) {
        return NULL;
    }
    cnn_tensor *t = read_all(&bytes);
    cnn__bytes_close(&bytes);
    return t;
}

cnn_tensor *cnn_idx_read(cnn_context *ctx, const char *path)
{
    if (!ctx || !path) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "idx_read: %s is NULL", ctx ? "path" : "ctx");
        return NULL;
    }
    return cnn__tensor_off_host(cnn__idx_read(ctx, "idx_read", path), "idx_read");
}
