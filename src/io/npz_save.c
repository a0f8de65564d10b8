/* Saves named tensors as a .npz archive. Its fields are zip64's throughout, so that there is one form for all sizes, and
 * dates are zip's first day, so that the same tensors always give the same file. A stored member's check sum is found by
 * a pass of its own; that of a deflated one follows it in a data descriptor. */
#include "io/numpy.h"
#include "io/restore.h"

#include <cnn/numpy.h>

#include <string.h>

enum {
    NPZ_LOCAL_EXTRA = 20,
    NPZ_RECORD_EXTRA = 28,
    NPZ_VERSION = 45,
    NPZ_UTF8 = 0x800,
    NPZ_DESCRIBED = 8,
    NPZ_DATE = 0x21
};
enum { NPZ_DEFLATED = 8, NPZ_BUFFER = 1 << 14, NPZ_CALL = 1 << 20, NPZ_LONGEST_NAME = UINT16_MAX - 4 };

typedef struct archive {
    cnn__save save;
    cnn__text directory;
    uint64_t at;                   /* the position in the file */
    uint64_t packed, size;         /* of the member that is being written */
    uint32_t crc;                  /* so far */
    struct npz_deflater *deflater; /* NULL: members are stored */
} archive;

/* Appends a little-endian number. */
static void number(cnn__text *text, uint64_t value, int bytes)
{
    for (; bytes > 0; bytes--, value >>= 8) {
        cnn__text_add(text, &(const char){ (char)(value & 0xff) }, 1);
    }
}

/* Writes to the file and keeps the position. */
static cnn_status archive_write(archive *a, const void *data, size_t size)
{
    a->at += size;
    return cnn__save_write(&a->save, data, size);
}

static cnn_status archive_text(archive *a, cnn__text *text)
{
    return text->failed ? cnn__fail_memory(a->save.ctx, a->save.call, text->size)
                        : archive_write(a, text->data, text->size);
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
static cnn_status deflate_some(archive *a, const void *data, unsigned size, int flush)
{
    z_stream *stream = &a->deflater->stream;
    stream->next_in = data;
    stream->avail_in = size;
    do {
        stream->next_out = a->deflater->buffer;
        stream->avail_out = NPZ_BUFFER;
        deflate(stream, flush);
        size_t part = NPZ_BUFFER - stream->avail_out;
        cnn_status status = archive_write(a, a->deflater->buffer, part);
        if (status != CNN_OK) {
            return status;
        }
        a->packed += part;
    } while (stream->avail_out == 0);
    if (flush == Z_FINISH) {
        deflateReset(stream);
    }
    return CNN_OK;
}

static cnn_status deflate_finish(archive *a)
{
    return deflate_some(a, "", 0, Z_FINISH);
}

static cnn_status deflate_sink(void *user, const void *data, size_t size)
{
    archive *a = user;
    const char *from = data;
    cnn_status status = CNN_OK;
    a->crc = cnn__crc32(a->crc, data, size);
    for (size_t left = size; left > 0 && status == CNN_OK;) {
        unsigned part = left < NPZ_CALL ? (unsigned)left : NPZ_CALL;
        status = deflate_some(a, from, part, Z_NO_FLUSH);
        from += part;
        left -= part;
    }
    return status;
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

static cnn_status deflate_finish(archive *a)
{
    (void)a;
    return CNN_OK;
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

/* What local headers and records have in common: from the version that is needed to the length of the name. */
static void common_fields(const archive *a, cnn__text *text, const char *name, bool known)
{
    number(text, NPZ_VERSION, 2);
    number(text, NPZ_UTF8 | (a->deflater ? NPZ_DESCRIBED : 0), 2);
    number(text, a->deflater ? NPZ_DEFLATED : 0, 2);
    number(text, (uint64_t)NPZ_DATE << 16, 4);
    number(text, known ? a->crc : 0, 4);
    number(text, UINT64_MAX, 8); /* zip64's field has the sizes */
    number(text, strlen(name) + 4, 2);
}

static void add_name(cnn__text *text, const char *name)
{
    cnn__text_add(text, name, strlen(name));
    cnn__text_add(text, ".npy", 4);
}

static cnn_status write_local(archive *a, const char *name)
{
    cnn__text text = { .ctx = a->save.ctx };
    bool known = !a->deflater;
    number(&text, 0x04034b50, 4);
    common_fields(a, &text, name, known);
    number(&text, NPZ_LOCAL_EXTRA, 2);
    add_name(&text, name);
    number(&text, 16 << 16 | 1, 4);
    number(&text, known ? a->size : 0, 8);
    number(&text, known ? a->packed : 0, 8);
    cnn_status status = archive_text(a, &text);
    cnn__text_free(&text);
    return status;
}

static cnn_status write_descriptor(archive *a)
{
    cnn__text text = { .ctx = a->save.ctx };
    number(&text, 0x08074b50, 4);
    number(&text, a->crc, 4);
    number(&text, a->packed, 8);
    number(&text, a->size, 8);
    cnn_status status = archive_text(a, &text);
    cnn__text_free(&text);
    return status;
}

static void add_record(archive *a, const char *name, uint64_t local)
{
    cnn__text *text = &a->directory;
    number(text, 0x02014b50, 4);
    number(text, 3 << 8 | NPZ_VERSION, 2); /* made on Unix */
    common_fields(a, text, name, true);
    number(text, NPZ_RECORD_EXTRA, 2);
    number(text, 0, 6); /* no comment, the first disk, binary */
    number(text, (uint64_t)0100644 << 16, 4); /* a regular file */
    number(text, UINT32_MAX, 4);
    add_name(text, name);
    number(text, 24 << 16 | 1, 4);
    number(text, a->size, 8);
    number(text, a->packed, 8);
    number(text, local, 8);
}

static cnn_status write_member(archive *a, const char *name, const cnn_tensor *t)
{
    char header[CNN__NPY_HEADER_ROOM];
    size_t size = cnn__npy_header(header, t);
    uint64_t local = a->at;
    cnn__sink_fn sink = a->deflater ? deflate_sink : store_sink;
    a->crc = 0;
    a->size = size + (uint64_t)t->numel * cnn_dtype_size(t->dtype);
    a->packed = a->deflater ? 0 : a->size;
    if (!a->deflater) {
        crc_sink(a, header, size);
        cnn__elements_pass(t, crc_sink, a);
    }
    cnn_status status = write_local(a, name);
    status = status == CNN_OK ? sink(a, header, size) : status;
    status = status == CNN_OK ? cnn__elements_pass(t, sink, a) : status;
    if (a->deflater) {
        status = status == CNN_OK ? deflate_finish(a) : status;
        status = status == CNN_OK ? write_descriptor(a) : status;
    }
    add_record(a, name, local);
    return status;
}

/* The directory, zip64's end record and its locator, and the end record, whose numbers are all in zip64's. */
static cnn_status write_end(archive *a, size_t count)
{
    cnn__text *text = &a->directory;
    uint64_t at = a->at, size = text->size;
    number(text, 0x06064b50, 4);
    number(text, 44, 8);
    number(text, (uint64_t)NPZ_VERSION << 16 | 3 << 8 | NPZ_VERSION, 4);
    number(text, 0, 8);
    number(text, count, 8);
    number(text, count, 8);
    number(text, size, 8);
    number(text, at, 8);
    number(text, 0x07064b50, 4);
    number(text, 0, 4);
    number(text, at + size, 8);
    number(text, 1, 4);
    number(text, 0x06054b50, 4);
    number(text, 0, 4);
    number(text, UINT64_MAX, 8);
    number(text, UINT32_MAX, 4);
    number(text, 0, 2);
    return archive_text(a, text);
}

static cnn_status npz_write(archive *a, cnn_context *ctx, const char *call, const char *path, const cnn__item *items,
                            size_t count)
{
    cnn_status status = cnn__save_begin(&a->save, ctx, call, path);
    if (status != CNN_OK) {
        return status;
    }
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        const cnn_tensor *in_file = cnn__tensor_for_file(items[i].tensor, call);
        status = in_file ? write_member(a, items[i].name, in_file) : cnn__failure_status();
        cnn__tensor_for_file_end(items[i].tensor, in_file);
    }
    status = status == CNN_OK ? write_end(a, count) : status;
    return cnn__save_end(&a->save, status);
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
    status = status == CNN_OK ? npz_write(&a, ctx, call, path, items, count) : status;
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
