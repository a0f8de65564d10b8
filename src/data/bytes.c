/* Plain files are passed through; gzip files (RFC 1952, any number of members) are inflated by zlib, which allocates
 * from the context. Without zlib, gzip files are refused. */
#include "data/bytes.h"

#include <inttypes.h>
#include <stdarg.h>

#ifdef CNN_HAVE_ZLIB
#define ZLIB_CONST
#include <zlib.h>

enum { BUFFER = 1 << 16, LARGEST_CALL = 1 << 20, GZIP_ONLY = 16 + MAX_WBITS };

struct cnn__inflater {
    z_stream stream;
    bool between; /* a member has ended and the next one has not begun */
    unsigned char buffer[BUFFER];
};

static void *inflate_alloc(void *ctx, unsigned count, unsigned size)
{
    return cnn__calloc(ctx, count, size);
}

static void inflate_free(void *ctx, void *memory)
{
    cnn__free(ctx, memory);
}

static cnn_status inflater_open(cnn__bytes *bytes)
{
    cnn__inflater *inflater = cnn__calloc(bytes->ctx, 1, sizeof *inflater);
    if (inflater) {
        inflater->stream.zalloc = inflate_alloc;
        inflater->stream.zfree = inflate_free;
        inflater->stream.opaque = bytes->ctx;
    }
    if (!inflater || inflateInit2(&inflater->stream, GZIP_ONLY) != Z_OK) {
        cnn__free(bytes->ctx, inflater);
        return cnn__fail_memory(bytes->ctx, bytes->file.call, sizeof *inflater);
    }
    bytes->inflater = inflater;
    return CNN_OK;
}

static void inflater_close(cnn__bytes *bytes)
{
    if (bytes->inflater) {
        inflateEnd(&bytes->inflater->stream);
        cnn__free(bytes->ctx, bytes->inflater);
        bytes->inflater = NULL;
    }
}

/* Fills the buffer if it is empty; at the end of the file it stays empty. */
static cnn_status refill(cnn__bytes *bytes)
{
    cnn__inflater *inflater = bytes->inflater;
    uint64_t left = bytes->file.size - bytes->file.at;
    if (inflater->stream.avail_in > 0 || left == 0) {
        return CNN_OK;
    }
    size_t size = left < BUFFER ? (size_t)left : BUFFER;
    inflater->stream.next_in = inflater->buffer;
    inflater->stream.avail_in = (unsigned)size;
    return cnn__file_read(&bytes->file, inflater->buffer, size);
}

static cnn_status inflate_fault(const cnn__bytes *bytes, int code)
{
    const z_stream *stream = &bytes->inflater->stream;
    if (code == Z_MEM_ERROR) {
        return cnn__fail_memory(bytes->ctx, bytes->file.call, (size_t)1 << MAX_WBITS);
    }
    return cnn__file_fail(&bytes->file, CNN_ERROR_FORMAT, bytes->file.at - stream->avail_in, "broken gzip data: %s",
                          stream->msg ? stream->msg : "it ends early");
}

/* Reads up to `size` bytes; fewer only at the end of the data. */
static cnn_status inflater_read(cnn__bytes *bytes, void *to, size_t size, size_t *got)
{
    cnn__inflater *inflater = bytes->inflater;
    z_stream *stream = &inflater->stream;
    stream->next_out = to;
    *got = 0;
    while (*got < size) {
        cnn_status status = refill(bytes);
        if (status != CNN_OK) {
            return status;
        }
        if (inflater->between) {
            if (stream->avail_in == 0) {
                return CNN_OK;
            }
            inflateReset(stream);
            inflater->between = false;
        }
        unsigned room = size - *got < LARGEST_CALL ? (unsigned)(size - *got) : LARGEST_CALL;
        stream->avail_out = room;
        int code = inflate(stream, Z_NO_FLUSH);
        *got += room - stream->avail_out;
        if (code == Z_STREAM_END) {
            inflater->between = true;
        } else if (code != Z_OK) {
            return inflate_fault(bytes, code);
        }
    }
    return CNN_OK;
}
#else
static cnn_status inflater_open(cnn__bytes *bytes)
{
    char path[CNN__QUOTE];
    return cnn__fail(bytes->ctx, CNN_ERROR_UNSUPPORTED,
                     "%s: %s: gzipped, and this library was built without zlib; decompress the file first",
                     bytes->file.call, cnn__quote(path, bytes->file.path, true));
}

static void inflater_close(cnn__bytes *bytes)
{
    (void)bytes;
}

static cnn_status inflater_read(cnn__bytes *bytes, void *to, size_t size, size_t *got)
{
    (void)bytes;
    (void)to;
    *got = size;
    return CNN_ERROR_UNSUPPORTED;
}
#endif

cnn_status cnn__bytes_open(cnn__bytes *bytes, cnn_context *ctx, const char *call, const char *path)
{
    unsigned char magic[2] = { 0, 0 };
    *bytes = (cnn__bytes){ .ctx = ctx };
    cnn_status status = cnn__file_open(&bytes->file, ctx, call, path);
    if (status != CNN_OK) {
        return status;
    }
    if (bytes->file.size >= sizeof magic) {
        status = cnn__file_read(&bytes->file, magic, sizeof magic);
    }
    if (status == CNN_OK) {
        status = cnn__file_seek(&bytes->file, 0);
    }
    if (status == CNN_OK && magic[0] == 0x1f && magic[1] == 0x8b) {
        status = inflater_open(bytes);
    }
    if (status != CNN_OK) {
        cnn__file_close(&bytes->file);
    }
    return status;
}

void cnn__bytes_close(cnn__bytes *bytes)
{
    inflater_close(bytes);
    cnn__file_close(&bytes->file);
}

cnn_status cnn__bytes_read(cnn__bytes *bytes, void *to, size_t size)
{
    size_t got = size;
    cnn_status status = bytes->inflater ? inflater_read(bytes, to, size, &got) : cnn__file_read(&bytes->file, to, size);
    if (status == CNN_OK && got < size) {
        status = cnn__bytes_fail(bytes, bytes->at + got, "the data ends here, %zu more bytes are expected", size - got);
    }
    bytes->at += got;
    return status;
}

cnn_status cnn__bytes_read_some(cnn__bytes *bytes, void *to, size_t size, size_t *got)
{
    uint64_t left = bytes->file.size - bytes->file.at;
    *got = size < left ? size : (size_t)left;
    cnn_status status = bytes->inflater ? inflater_read(bytes, to, size, got) : cnn__file_read(&bytes->file, to, *got);
    bytes->at += *got;
    return status;
}

cnn_status cnn__bytes_end(cnn__bytes *bytes)
{
    char more;
    size_t got = bytes->file.size > bytes->file.at;
    cnn_status status = bytes->inflater ? inflater_read(bytes, &more, 1, &got) : CNN_OK;
    if (status == CNN_OK && got > 0) {
        status = cnn__bytes_fail(bytes, bytes->at, "the data should end here, but it goes on");
    }
    return status;
}

uint64_t cnn__bytes_limit(const cnn__bytes *bytes)
{
    uint64_t size = bytes->file.size;
    return !bytes->inflater ? size : size > UINT64_MAX / CNN__GZIP_RATIO ? UINT64_MAX : size * CNN__GZIP_RATIO;
}

cnn_status cnn__bytes_fail(const cnn__bytes *bytes, uint64_t byte, const char *format, ...)
{
    char reason[256], path[CNN__QUOTE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return cnn__fail(bytes->ctx, CNN_ERROR_FORMAT, "%s: %s: byte %" PRIu64 "%s: %s", bytes->file.call,
                     cnn__quote(path, bytes->file.path, true), byte, bytes->inflater ? " of the uncompressed data" : "",
                     reason);
}
