/* cnn_idx_read of gzipped files. If the first byte is 0x1f, the input is a gzip file that may be broken in any way.
 * Otherwise the second byte says where to split the rest, which is compressed into two valid members, so that the
 * contents are fuzzed too. */
#include "fuzz.h"

#include "data/bytes.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEAD = 10, BLOCK = 5, TAIL = 8, LONGEST = 0xffff };

static size_t put_le32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
    return 4;
}

/* One member of one stored block (RFC 1951, 3.2.4; RFC 1952). */
static size_t put_member(uint8_t *to, const uint8_t *data, size_t size)
{
    const uint8_t head[HEAD + BLOCK] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1,
                                         (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)~size, (uint8_t)(~size >> 8) };
    memcpy(to, head, sizeof head);
    if (size > 0) {
        memcpy(to + sizeof head, data, size);
    }
    uint8_t *tail = to + sizeof head + size;
    tail += put_le32(tail, (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)size));
    tail += put_le32(tail, (uint32_t)size);
    return (size_t)(tail - to);
}

/* What the header inside promises is what the tensor may take; without a whole header nothing may. It can promise no more
 * than the file can hold. */
static void load(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    cnn_tensor *t = cnn_idx_read(fuzz_context(), path);
    cnn_status status = t ? CNN_OK : cnn_context_status(fuzz_context());
    fuzz_require(t ? true : status == CNN_ERROR_FORMAT, "a file is read or malformed");
    if (t) {
        fuzz_read_elements(t);
    }
    cnn_tensor_free(t);
    fuzz_check(status, size * CNN__GZIP_RATIO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[LONGEST + 2 * (HEAD + BLOCK + TAIL)];
    if (size < 2 || size > LONGEST || data[0] == 0x1f) {
        load(data, size);
        return 0;
    }
    size_t inside = size - 2, cut = data[1] < inside ? data[1] : inside, used = 0;
    if (cut > 0) {
        used = put_member(file, data + 2, cut);
    }
    used += put_member(file + used, data + 2 + cut, inside - cut);
    uint8_t *exact = malloc(used); /* so that a sanitizer sees a step past its end */
    fuzz_require(exact != NULL, "memory for the input");
    memcpy(exact, file, used);
    load(exact, used);
    free(exact);
    return 0;
}
