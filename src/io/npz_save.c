/* Saves named tensors as a .npz archive. Its fields are zip64's throughout, so that there is one form for all sizes,
 * and dates are zip's first day, so that the same tensors always give the same file. A stored member's check sum is
 * found by a pass of its own; that of a deflated one follows it in a data descriptor. */
#include "io/numpy.h"

#include <cnn/numpy.h>

#include <string.h>

enum {
    NPZ_LOCAL = 30,
    NPZ_LOCAL_EXTRA = 20,
    NPZ_RECORD = 46,
    NPZ_RECORD_EXTRA = 28,
    NPZ_DESCRIPTOR = 24,
    NPZ_END = 98
};
enum { NPZ_DEFLATED = 8, NPZ_BUFFER = 1 << 14, NPZ_CALL = 1 << 20, NPZ_LONGEST_NAME = UINT16_MAX - 4 };

/* The first failure is kept, and nothing is written after it. */
typedef struct archive {
    cnn__save save;
    cnn_status status;
    cnn__text directory;
    uint64_t at;                   /* the position in the file */
    uint64_t packed, size;         /* sizes of the member that is being written */
    uint32_t crc;                  /* so far */
    struct npz_deflater *deflater; /* NULL: members are stored */
} archive;

static cnn_status archive_write(archive *a, const void *data, size_t size)
{
    a->at += size;
    if (a->status == CNN_OK) {
        a->status = cnn__save_write(&a->save, data, size);
    }
    return a->status;
}

/* ---- deflate ---- */

#ifdef CNN_HAVE_ZLIB
#define ZLIB_CONST
#include <zlib.h>

struct npz_deflater {
    z_stream stream;
    unsigned char buffer[NPZ_BUFFER];
};

static void *npz_alloc(void *ctx, unsigned count, unsigned size)
{
    return cnn__calloc(ctx, count, size);
}

static void npz_free(void *ctx, void *memory)
{
    cnn__free(ctx, memory);
}

static cnn_status deflater_make(archive *a, cnn_context *ctx, const char *call)
{
    a->deflater = cnn__calloc(ctx, 1, sizeof *a->deflater);
    if (a->deflater) {
        a->deflater->stream = (z_stream){ .zalloc = npz_alloc, .zfree = npz_free, .opaque = ctx };
    }
    if (!a->deflater || deflateInit2(&a->deflater->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8,
                                     Z_DEFAULT_STRATEGY) != Z_OK) {
        cnn__free(ctx, a->deflater);
        a->deflater = NULL;
        return cnn__fail_memory(ctx, call, sizeof *a->deflater);
    }
    return CNN_OK;
}

static void deflater_free(archive *a, cnn_context *ctx)
{
    if (a->deflater) {
        deflateEnd(&a->deflater->stream);
        cnn__free(ctx, a->deflater);
    }
}

/* Deflates the next bytes of a member and writes what comes out; with Z_FINISH also the rest, and begins anew. */
static void deflate_some(archive *a, const void *data, unsigned size, int flush)
{
    z_stream *stream = &a->deflater->stream;
    stream->next_in = data;
    stream->avail_in = size;
    do {
        stream->next_out = a->deflater->buffer;
        stream->avail_out = NPZ_BUFFER;
        deflate(stream, flush);
        archive_write(a, a->deflater->buffer, NPZ_BUFFER - stream->avail_out);
        a->packed += NPZ_BUFFER - stream->avail_out;
    } while (stream->avail_out == 0);
    if (flush == Z_FINISH) {
        deflateReset(stream);
    }
}

static void deflate_finish(archive *a)
{
    deflate_some(a, "", 0, Z_FINISH);
}

static cnn_status deflate_sink(void *user, const void *data, size_t size)
{
    archive *a = user;
    const char *from = data;
    a->crc = cnn__crc32(a->crc, data, size);
    for (size_t left = size; left > 0 && a->status == CNN_OK;) {
        unsigned part = left < NPZ_CALL ? (unsigned)left : NPZ_CALL;
        deflate_some(a, from, part, Z_NO_FLUSH);
        from += part;
        left -= part;
    }
    return a->status;
}
#else
static cnn_status deflater_make(archive *a, cnn_context *ctx, const char *call)
{
    (void)a;
    return cnn__fail(ctx, CNN_ERROR_UNSUPPORTED, "%s: this library was built without zlib; cnn_npz_save() stores",
                     call);
}

static void deflater_free(archive *a, cnn_context *ctx)
{
    (void)a;
    (void)ctx;
}

static void deflate_finish(archive *a)
{
    (void)a;
}

static cnn_status deflate_sink(void *user, const void *data, size_t size)
{
    (void)user;
    (void)data;
    return size ? CNN_ERROR_UNSUPPORTED : CNN_OK;
}
#endif

/* ---- members ---- */

static cnn_status crc_sink(void *user, const void *data, size_t size)
{
    archive *a = user;
    a->crc = cnn__crc32(a->crc, data, size);
    return CNN_OK;
}

static cnn_status store_sink(void *user, const void *data, size_t size)
{
    return archive_write(user, data, size);
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NPZ_LITTLE(value, bits) __builtin_bswap##bits(value)
#else
#define NPZ_LITTLE(value, bits) (value)
#endif

static void put16(unsigned char *to, size_t value)
{
    memcpy(to, &(uint16_t){ NPZ_LITTLE((uint16_t)value, 16) }, 2);
}

static void put32(unsigned char *to, uint32_t value)
{
    memcpy(to, &(uint32_t){ NPZ_LITTLE(value, 32) }, 4);
}

static void put64(unsigned char *to, uint64_t value)
{
    memcpy(to, &(uint64_t){ NPZ_LITTLE(value, 64) }, 8);
}

/* What the fields of a header are besides, from the needed version on: 4.5, names in UTF-8, 1980-01-01, and the sizes
 * in zip64's extra field. */
static void put_common(const archive *a, unsigned char *to, size_t name, uint32_t crc)
{
    to[2] = to[4] = a->deflater ? NPZ_DEFLATED : 0; /* the flag of a data descriptor is 8, too */
    put32(to + 10, crc);
    put16(to + 22, name + 4);
}

static void write_local(archive *a, const char *name, size_t length)
{
    unsigned char local[NPZ_LOCAL + 1] = "PK\3\4"
                                         "\x2d\0\0\x08\0\0\0\0\x21\0\0\0\0\0"
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x14\0";
    unsigned char extra[NPZ_LOCAL_EXTRA] = { 1, 0, 16 };
    put_common(a, local + 4, length, a->deflater ? 0 : a->crc);
    if (!a->deflater) {
        put64(extra + 4, a->size);
        put64(extra + 12, a->packed);
    }
    archive_write(a, local, NPZ_LOCAL);
    archive_write(a, name, length);
    archive_write(a, ".npy", 4);
    archive_write(a, extra, sizeof extra);
}

static void write_descriptor(archive *a)
{
    unsigned char descriptor[NPZ_DESCRIPTOR] = "PK\7\10";
    put32(descriptor + 4, a->crc);
    put64(descriptor + 8, a->packed);
    put64(descriptor + 16, a->size);
    archive_write(a, descriptor, sizeof descriptor);
}

static void add_record(archive *a, const char *name, size_t length, uint64_t local)
{
    unsigned char record[NPZ_RECORD + 1] = "PK\1\2"
                                           "\x2d\3\x2d\0\0\x08\0\0\0\0\x21\0\0\0\0\0"
                                           "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x1c\0\0\0\0\0\0\0"
                                           "\0\0\xa4\x81\xff\xff\xff\xff";
    unsigned char extra[NPZ_RECORD_EXTRA] = { 1, 0, 24 };
    put_common(a, record + 6, length, a->crc);
    put64(extra + 4, a->size);
    put64(extra + 12, a->packed);
    put64(extra + 20, local);
    cnn__text_add(&a->directory, (char *)record, NPZ_RECORD);
    cnn__text_add(&a->directory, name, length);
    cnn__text_add(&a->directory, ".npy", 4);
    cnn__text_add(&a->directory, (char *)extra, sizeof extra);
}

static void write_member(archive *a, const char *name, const cnn_tensor *t)
{
    char header[CNN__NPY_HEADER_ROOM];
    size_t size = cnn__npy_header(header, t), length = strlen(name);
    uint64_t local = a->at;
    cnn__sink_fn sink = a->deflater ? deflate_sink : store_sink;
    a->crc = 0;
    a->size = size + (uint64_t)t->numel * cnn_dtype_size(t->dtype);
    a->packed = a->deflater ? 0 : a->size;
    if (!a->deflater) {
        crc_sink(a, header, size);
        cnn__elements_pass(t, crc_sink, a);
    }
    write_local(a, name, length);
    sink(a, header, size);
    cnn__elements_pass(t, sink, a);
    if (a->deflater) {
        deflate_finish(a);
        write_descriptor(a);
    }
    add_record(a, name, length, local);
}

/* The directory, zip64's end record and its locator, and the end record, whose numbers are all in zip64's. */
static void write_end(archive *a, size_t count)
{
    unsigned char end[NPZ_END + 1] = "PK\6\6"
                                     "\x2c\0\0\0\0\0\0\0\x2d\3\x2d\0\0\0\0\0\0\0\0\0"
                                     "\0\0\0\0\0\0\0\0"
                                     "\0\0\0\0\0\0\0\0"
                                     "\0\0\0\0\0\0\0\0"
                                     "\0\0\0\0\0\0\0\0"
                                     "PK\6\7"
                                     "\0\0\0\0"
                                     "\0\0\0\0\0\0\0\0"
                                     "\1\0\0\0"
                                     "PK\5\6"
                                     "\0\0\0\0"
                                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0";
    uint64_t at = a->at, size = a->directory.size;
    put64(end + 24, count);
    put64(end + 32, count);
    put64(end + 40, size);
    put64(end + 48, at);
    put64(end + 64, at + size);
    if (a->status == CNN_OK && a->directory.failed) {
        a->status = cnn__fail_memory(a->save.ctx, a->save.call, (size_t)size);
    }
    archive_write(a, a->directory.data, (size_t)size);
    archive_write(a, end, NPZ_END);
}

static cnn_status npz_save(cnn_context *ctx, const char *call, const char *path, cnn__item *items, size_t count,
                           bool deflated)
{
    archive a = { .directory = { .ctx = ctx } };
    cnn_status status = cnn__items_check(ctx, call, items, count, NULL);
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        if (strlen(items[i].name) > NPZ_LONGEST_NAME) {
            status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: a name of %zu bytes, expected at most %d", call,
                               strlen(items[i].name), NPZ_LONGEST_NAME);
        }
    }
    status = status == CNN_OK && deflated ? deflater_make(&a, ctx, call) : status;
    status = status == CNN_OK ? cnn__save_begin(&a.save, ctx, call, path) : status;
    if (status == CNN_OK) {
        for (size_t i = 0; i < count && a.status == CNN_OK; i++) {
            const cnn_tensor *in_file = cnn__tensor_for_file(items[i].tensor, call);
            if (in_file) {
                write_member(&a, items[i].name, in_file);
            } else {
                a.status = cnn__failure_status();
            }
            cnn__tensor_for_file_end(items[i].tensor, in_file);
        }
        write_end(&a, count);
        status = cnn__save_end(&a.save, a.status);
    }
    deflater_free(&a, ctx);
    cnn__text_free(&a.directory);
    return status;
}

static cnn_status save_stored(cnn_context *ctx, const char *call, const char *path, cnn__item *items, size_t count)
{
    return npz_save(ctx, call, path, items, count, false);
}

static cnn_status save_deflated(cnn_context *ctx, const char *call, const char *path, cnn__item *items, size_t count)
{
    return npz_save(ctx, call, path, items, count, true);
}

cnn_status cnn_npz_save(const char *const *names, cnn_tensor *const *tensors, int count, const char *path)
{
    return cnn__items_save("npz_save", names, tensors, count, path, save_stored);
}

cnn_status cnn_npz_save_compressed(const char *const *names, cnn_tensor *const *tensors, int count, const char *path)
{
    return cnn__items_save("npz_save_compressed", names, tensors, count, path, save_deflated);
}
