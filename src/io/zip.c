/* The directory of a zip archive, with or without zip64. Members must be stored or deflated and not encrypted; local
 * headers, members and the directory must tile the file. */
#include "io/numpy.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

enum { LOCAL = 30, RECORD = 46, END = 22, LOCATOR = 20, END64 = 56, TAIL = END64 + LOCATOR + END };
/* Flags: how hard was deflated; a data descriptor; UTF-8. Others, such as encryption, are refused. */
enum { FLAG_DESCRIBED = 8, FLAGS = 0x080e, STORED = 0, DEFLATED = 8, LARGEST_RATIO = 1032 };
#define ALL_ONES UINT32_MAX

static const char broken_record[] = "a broken record of the zip archive's directory";
static const char holes[] = "the members of the zip archive overlap or leave a hole";

/* Where the directory is. */
typedef struct directory {
    uint64_t at, size, count;
    const unsigned char *bytes;
} directory;

static bool begins(const unsigned char *bytes, uint32_t a, uint32_t b)
{
    return cnn__u32_at(bytes) == ('P' | 'K' << 8 | a << 16 | b << 24);
}

static cnn_status bad(const cnn__safetensors *st, uint64_t at, const char *fault)
{
    return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, at, "%s", fault);
}

/* The end of the file: zip64's record and locator, if there are any, and the end record, without a comment. */
static cnn_status find_directory(cnn__safetensors *st, directory *d)
{
    unsigned char tail[TAIL] = { 0 };
    uint64_t size = st->file.size, room = size < TAIL ? size : TAIL, stop = size - END;
    cnn_status status = cnn__file_seek(&st->file, size - room);
    if (status == CNN_OK) {
        status = cnn__file_read(&st->file, tail + TAIL - room, (size_t)room);
    }
    if (status != CNN_OK) {
        return status;
    }
    const unsigned char *end = tail + TAIL - END, *locator = end - LOCATOR, *end64 = tail;
    *d = (directory){ cnn__u32_at(end + 16), cnn__u32_at(end + 12), cnn__u16_at(end + 10), NULL };
    bool good = size >= END && begins(end, 5, 6) && cnn__u32_at(end + 4) == 0 && cnn__u16_at(end + 8) == d->count &&
                cnn__u16_at(end + 20) == 0;
    if (begins(locator, 6, 7)) {
        stop = size - TAIL;
        *d = (directory){ cnn__u64_at(end64 + 48), cnn__u64_at(end64 + 40), cnn__u64_at(end64 + 32), NULL };
        good = good && begins(end64, 6, 6) && cnn__u64_at(end64 + 4) == END64 - 12 &&
               cnn__u64_at(locator + 8) == stop && cnn__u32_at(locator + 4) == 0 && cnn__u32_at(locator + 16) == 1 &&
               cnn__u64_at(end64 + 16) == 0 && cnn__u64_at(end64 + 24) == d->count;
    }
    good = good && d->at <= stop && d->size == stop - d->at && d->count <= d->size / RECORD;
    return good ? CNN_OK : bad(st, size - (size < END ? 0 : END), "broken end records of a zip archive");
}

/* The fields of zip64's extra field, each there if the record has all ones in its place. */
static bool read_extra(const unsigned char *extra, uint64_t size, uint64_t *const fields[3])
{
    while (size >= 4) {
        uint64_t length = cnn__u16_at(extra + 2), at = 0;
        if (length > size - 4) {
            return false;
        }
        for (int i = 0; cnn__u16_at(extra) == 1 && i < 3; i++) {
            if (*fields[i] == ALL_ONES) {
                if (length - at < 8) {
                    return false;
                }
                *fields[i] = cnn__u64_at(extra + 4 + at);
                at += 8;
            }
        }
        extra += 4 + length;
        size -= 4 + length;
    }
    return size == 0;
}

/* One record: everything that a member is, but where its bytes begin. Returns its size; 0, reported, on failure. */
static uint64_t read_record(cnn__safetensors *st, const directory *d, uint64_t at, cnn__member *m)
{
    const unsigned char *r = d->bytes + at;
    uint64_t left = d->size - at, byte = d->at + at;
    if (left < RECORD || !begins(r, 1, 2)) {
        bad(st, byte, broken_record);
        return 0;
    }
    uint64_t name = cnn__u16_at(r + 28), extra = cnn__u16_at(r + 30),
             size = RECORD + name + extra + cnn__u16_at(r + 32);
    uint64_t flags = cnn__u16_at(r + 8), method = cnn__u16_at(r + 10);
    *m = (cnn__member){ .record = byte,
                        .local = cnn__u32_at(r + 42),
                        .packed = cnn__u32_at(r + 20),
                        .size = cnn__u32_at(r + 24),
                        .crc = (uint32_t)cnn__u32_at(r + 16),
                        .deflated = method == DEFLATED,
                        .described = (flags & FLAG_DESCRIBED) != 0 };
    if (size > left || cnn__u16_at(r + 34) != 0 ||
        !read_extra(r + RECORD + name, extra, (uint64_t *const[]){ &m->size, &m->packed, &m->local })) {
        bad(st, byte, broken_record);
    } else if (flags & ~(uint64_t)FLAGS || (method != STORED && method != DEFLATED)) {
        cnn__file_fail(&st->file, CNN_ERROR_UNSUPPORTED, byte,
                       "a member with flags 0x%" PRIx64 " and method %" PRIu64 ", expected stored or deflated ones",
                       flags, method);
    } else if (m->local > d->at || m->packed > d->at - m->local ||
               (m->deflated ? m->size / LARGEST_RATIO > m->packed : m->size != m->packed)) {
        bad(st, byte, "a member that the file has no room for");
    } else {
        return size;
    }
    return 0;
}

/* The local header must say what the directory says. Finds where the bytes begin. */
static cnn_status read_local(cnn__safetensors *st, const unsigned char *r, cnn__member *m)
{
    unsigned char local[LOCAL], name[256];
    uint64_t length = cnn__u16_at(r + 28);
    cnn_status status = cnn__file_seek(&st->file, m->local);
    if (status == CNN_OK) {
        status = cnn__file_read(&st->file, local, LOCAL);
    }
    if (status != CNN_OK) {
        return status;
    }
    bool same = begins(local, 3, 4) && memcmp(local + 6, r + 8, 8) == 0 && memcmp(local + 26, r + 28, 2) == 0 &&
                (m->described || memcmp(local + 14, r + 16, 4) == 0);
    for (uint64_t at = 0; same && at < length;) {
        size_t part = length - at < sizeof name ? (size_t)(length - at) : sizeof name;
        status = cnn__file_read(&st->file, name, part);
        if (status != CNN_OK) {
            return status;
        }
        same = memcmp(name, r + RECORD + at, part) == 0;
        at += part;
    }
    m->at = m->local + LOCAL + length + cnn__u16_at(local + 28);
    return same ? CNN_OK : bad(st, m->local, "the local header is not as the zip archive's directory has it");
}

/* The name without ".npy", which every member must have. */
static cnn_status take_name(cnn__safetensors *st, const unsigned char *r, cnn__member *m, char **texts)
{
    size_t length = (size_t)cnn__u16_at(r + 28);
    if (length < 4 || memcmp(r + RECORD + length - 4, ".npy", 4) != 0 || memchr(r + RECORD, '\0', length)) {
        return cnn__file_fail(&st->file, CNN_ERROR_UNSUPPORTED, m->record,
                              "a member that is no .npy file (cnn convert reads what torch.save() writes)");
    }
    m->name = (uint32_t)(*texts - st->header);
    memcpy(*texts, r + RECORD, length - 4);
    (*texts)[length - 4] = '\0';
    if (!cnn__utf8_valid(*texts)) {
        return bad(st, m->record, "a member's name is not UTF-8");
    }
    *texts += length - 3;
    return CNN_OK;
}

static int by_local(const void *a, const void *b, const void *user)
{
    const cnn__member *x = a, *y = b;
    (void)user;
    return (x->local > y->local) - (x->local < y->local);
}

static int by_member_name(const void *a, const void *b, const void *user)
{
    const cnn__member *x = a, *y = b;
    return strcmp((const char *)user + x->name, (const char *)user + y->name);
}

/* Local headers, bytes and data descriptors follow each other without gaps from the beginning of the file on. */
static cnn_status check_tiles(cnn__safetensors *st, const directory *d)
{
    uint64_t at = 0;
    cnn__sort(st->members, st->count, sizeof *st->members, by_local, NULL);
    for (size_t i = 0; i < st->count; i++) {
        const cnn__member *m = &st->members[i];
        uint64_t next = i + 1 < st->count ? m[1].local : d->at, end = m->at + m->packed;
        uint64_t gap = next - end; /* a descriptor is 12 to 24 bytes long */
        if (m->local != at || next < end || (m->described ? gap < 12 || gap > 24 || gap % 4 : gap)) {
            return bad(st, m->record, holes);
        }
        at = next;
    }
    return st->count || d->at == 0 ? CNN_OK : bad(st, 0, holes);
}

static cnn_status check_member_names(cnn__safetensors *st)
{
    cnn__sort(st->members, st->count, sizeof *st->members, by_member_name, st->header);
    for (size_t i = 1; i < st->count; i++) {
        if (by_member_name(&st->members[i - 1], &st->members[i], st->header) == 0) {
            return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, st->members[i].record, "a second member \"%s\"",
                                  CNN__Q(st->header + st->members[i].name));
        }
    }
    return CNN_OK;
}

static cnn_status read_records(cnn__safetensors *st, const directory *d)
{
    char *texts = st->header + st->header_size;
    uint64_t at = 0;
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < st->count && status == CNN_OK; i++) {
        uint64_t size = read_record(st, d, at, &st->members[i]);
        if (size == 0) {
            return cnn__failure_status();
        }
        status = read_local(st, d->bytes + at, &st->members[i]);
        if (status == CNN_OK) {
            status = take_name(st, d->bytes + at, &st->members[i], &texts);
        }
        at += size;
    }
    if (status == CNN_OK && at != d->size) {
        return bad(st, d->at + at, broken_record);
    }
    status = status == CNN_OK ? check_tiles(st, d) : status;
    return status == CNN_OK ? check_member_names(st) : status;
}

/* The texts are the dtypes, of a fixed length each, and then the names. */
cnn_status cnn__zip_parse(cnn__safetensors *st)
{
    directory d = { 0 };
    cnn_status status = find_directory(st, &d);
    if (status != CNN_OK) {
        return status;
    }
    st->count = (size_t)d.count;
    st->header_size = d.count * CNN__NPY_TYPE;
    size_t members = st->count * sizeof *st->members, texts = (size_t)(st->header_size + d.size);
    unsigned char *bytes = cnn__alloc(st->ctx, (size_t)d.size);
    st->members = cnn__alloc(st->ctx, members);
    st->header = cnn__calloc(st->ctx, texts, 1);
    status = bytes && st->members && st->header ? cnn__file_seek(&st->file, d.at)
                                                : cnn__fail_memory(st->ctx, st->file.call, members + texts);
    if (status == CNN_OK) {
        status = cnn__file_read(&st->file, bytes, (size_t)d.size);
    }
    if (status == CNN_OK) {
        d.bytes = bytes;
        status = read_records(st, &d);
    }
    cnn__free(st->ctx, bytes);
    return status;
}
