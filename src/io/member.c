/* The bytes of an entry in order: of a safetensors file or a .npy file as they are, of an archive's member with its
 * check sum, inflated by zlib where it is deflated. One inflater serves all members of a file, one after another. */
#include "io/numpy.h"

#include <string.h>

#ifdef CNN_HAVE_ZLIB
#define ZLIB_CONST
#include <zlib.h>

enum { MEMBER_BUFFER = 1 << 14, MEMBER_CALL = 1 << 20 };

struct cnn__inflater {
    z_stream stream;
    unsigned char buffer[MEMBER_BUFFER];
};

uint32_t cnn__crc32(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    while (size > 0) {
        unsigned part = size < MEMBER_CALL ? (unsigned)size : MEMBER_CALL;
        crc = (uint32_t)crc32(crc, bytes, part);
        bytes += part;
        size -= part;
    }
    return crc;
}

static void *member_alloc(void *ctx, unsigned count, unsigned size)
{
    return cnn__calloc(ctx, count, size);
}

static void member_free(void *ctx, void *memory)
{
    cnn__free(ctx, memory);
}

static cnn_status inflater_begin(cnn__safetensors *st)
{
    struct cnn__inflater *inflater = st->inflater;
    if (inflater) {
        inflater->stream.avail_in = 0;
        inflateReset(&inflater->stream);
        return CNN_OK;
    }
    inflater = cnn__calloc(st->ctx, 1, sizeof *inflater);
    if (inflater) {
        inflater->stream.zalloc = member_alloc;
        inflater->stream.zfree = member_free;
        inflater->stream.opaque = st->ctx;
    }
    if (!inflater || inflateInit2(&inflater->stream, -MAX_WBITS) != Z_OK) {
        cnn__free(st->ctx, inflater);
        return cnn__fail_memory(st->ctx, st->file.call, sizeof *inflater);
    }
    st->inflater = inflater;
    return CNN_OK;
}

void cnn__inflater_free(cnn__safetensors *st)
{
    if (st->inflater) {
        inflateEnd(&st->inflater->stream);
        cnn__free(st->ctx, st->inflater);
        st->inflater = NULL;
    }
}

/* Inflates once into `size` bytes, of which `*got` are filled; `*got` is 0 and the source has ended, or it moves on. */
static cnn_status inflate_some(cnn__source *source, void *to, size_t size, size_t *got)
{
    cnn__file *file = &source->st->file;
    struct cnn__inflater *inflater = source->st->inflater;
    z_stream *stream = &inflater->stream;
    if (stream->avail_in == 0 && source->packed > 0) {
        size_t part = source->packed < MEMBER_BUFFER ? (size_t)source->packed : MEMBER_BUFFER;
        cnn_status status = cnn__file_read(file, inflater->buffer, part);
        if (status != CNN_OK) {
            return status;
        }
        stream->next_in = inflater->buffer;
        stream->avail_in = (unsigned)part;
        source->packed -= part;
    }
    unsigned room = size < MEMBER_CALL ? (unsigned)size : MEMBER_CALL;
    stream->next_out = to;
    stream->avail_out = room;
    int code = inflate(stream, Z_NO_FLUSH);
    *got = room - stream->avail_out;
    source->ended = code == Z_STREAM_END;
    if (code == Z_MEM_ERROR) {
        return cnn__fail_memory(source->st->ctx, file->call, (size_t)1 << MAX_WBITS);
    }
    if (code != Z_OK && !source->ended) {
        return cnn__file_fail(file, CNN_ERROR_FORMAT, file->at - stream->avail_in, "broken deflated data: %s",
                              stream->msg ? stream->msg : "it ends early");
    }
    return CNN_OK;
}

static cnn_status member_inflate(cnn__source *source, void *to, size_t size)
{
    size_t got;
    cnn_status status = CNN_OK;
    for (char *out = to; size > 0 && status == CNN_OK; out += got, size -= got) {
        if (source->ended) {
            const cnn__file *file = &source->st->file;
            return cnn__file_fail(file, CNN_ERROR_FORMAT, file->at, "the deflated data ends %zu bytes early", size);
        }
        got = 0;
        status = inflate_some(source, out, size, &got);
    }
    return status;
}

/* Nothing but the end of the deflated data may follow. */
static bool inflater_ends(cnn__source *source, cnn_status *status)
{
    size_t got = 0;
    char more;
    while (*status == CNN_OK && !source->ended && got == 0) {
        *status = inflate_some(source, &more, 1, &got);
    }
    return got == 0 && source->packed == 0 && source->st->inflater->stream.avail_in == 0;
}
#else
uint32_t cnn__crc32(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
        }
    }
    return ~crc;
}

static cnn_status inflater_begin(cnn__safetensors *st)
{
    char path[CNN__QUOTE];
    return cnn__fail(st->ctx, CNN_ERROR_UNSUPPORTED,
                     "%s: %s: compressed, and this library was built without zlib; numpy.savez() does not compress",
                     st->file.call, cnn__quote(path, st->file.path, true));
}

void cnn__inflater_free(cnn__safetensors *st)
{
    (void)st;
}

static cnn_status member_inflate(cnn__source *source, void *to, size_t size)
{
    (void)source;
    (void)to;
    return size ? CNN_ERROR_UNSUPPORTED : CNN_OK;
}

static bool inflater_ends(cnn__source *source, cnn_status *status)
{
    (void)source;
    return *status == CNN_OK;
}
#endif

cnn_status cnn__member_begin(cnn__source *source, cnn__safetensors *st, const cnn__member *member)
{
    *source = (cnn__source){ .st = st, .member = member, .packed = member->packed };
    source->start = member->at + (member->deflated ? 0 : member->header);
    cnn_status status = member->deflated ? inflater_begin(st) : CNN_OK;
    return status == CNN_OK ? cnn__file_seek(&st->file, member->at) : status;
}

cnn_status cnn__source_begin(cnn__source *source, cnn__safetensors *st, const cnn__entry *entry)
{
    char header[10 + 2 + CNN__NPY_LONGEST_HEADER];
    if (!st->members) {
        *source = (cnn__source){ .st = st, .start = CNN__PREFIX + st->header_size + entry->begin };
        return cnn__file_seek(&st->file, source->start);
    }
    const cnn__member *member = &st->members[entry - st->entries];
    cnn_status status = cnn__member_begin(source, st, member);
    return status == CNN_OK ? cnn__source_read(source, header, member->header) : status; /* for the check sum */
}

cnn_status cnn__source_read(cnn__source *source, void *to, size_t size)
{
    cnn_status status = source->member && source->member->deflated ? member_inflate(source, to, size)
                                                                   : cnn__file_read(&source->st->file, to, size);
    if (status == CNN_OK && source->st->kind == CNN__NPZ) {
        source->crc = cnn__crc32(source->crc, to, size);
    }
    return status;
}

cnn_status cnn__source_end(cnn__source *source)
{
    const cnn__member *member = source->member;
    cnn_status status = CNN_OK;
    if (source->st->kind != CNN__NPZ) {
        return CNN_OK;
    }
    bool whole = (!member->deflated || inflater_ends(source, &status)) && source->crc == member->crc;
    return status != CNN_OK || whole ? status
                                     : cnn__file_fail(&source->st->file, CNN_ERROR_FORMAT, member->at,
                                                      "the bytes of \"%s\" do not have their check sum or go on",
                                                      CNN__Q(source->st->header + member->name));
}
