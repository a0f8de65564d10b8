/* Options structs across versions: a caller that was compiled with older headers passes a shorter struct; one
 * compiled with newer headers passes a longer one, or one with options in place of our reserved bytes. Unknown bytes
 * must be zero, because otherwise the caller asks for something that this library cannot do. docs/abi.md has the
 * rule by which the structs grow. */
#include "base/context.h"
#include "base/math.h"

#include <string.h>

enum { LARGEST = 4096 }; /* far larger than any of our structs: a larger size is garbage */

/* The first field has been there from the beginning, and alignment makes every size a multiple of size_t's. */
bool cnn__struct_size_is_sane(size_t size)
{
    return size >= 2 * sizeof size && size % sizeof size == 0 && size <= LARGEST;
}

/* Bytes at the end of a struct, `reserved` included, that may be padding, which C leaves unset. Where pointers have 64
 * bits `reserved` fills every struct up; on 32-bit targets up to seven bytes follow it. */
static size_t could_be_padding(size_t size, size_t our_size)
{
    return sizeof(void *) < sizeof(double) && size == our_size ? sizeof(double) - 1 : 0;
}

cnn_status cnn__options_read(const cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                             const void *given)
{
    memset(ours, 0, our_size);
    memcpy(ours, &our_size, sizeof our_size);
    if (!given) {
        return CNN_OK;
    }
    size_t size;
    memcpy(&size, given, sizeof size);
    if (!cnn__struct_size_is_sane(size)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: struct_size is %zu, expected sizeof the struct, which is %zu", call, size, our_size);
    }
    size_t shared = size < known ? size : known;
    memcpy((char *)ours + sizeof size, (const char *)given + sizeof size, shared - sizeof size);
    for (size_t i = known; i < size - could_be_padding(size, our_size); i++) {
        if (((const unsigned char *)given)[i]) {
            return cnn__fail(ctx, CNN_ERROR_UNSUPPORTED,
                             "%s: byte %zu of the options is set, but this library knows only %zu bytes of them", call,
                             i, known);
        }
    }
    return CNN_OK;
}

/* The bits are compared, because a thread that treats subnormal numbers as 0 would find the former CNN_ZERO equal to
 * 0. */
bool cnn__option_given(double given)
{
    return cnn__bits_of_f64(given) << 1 != 0;
}

double cnn__option(double given, double otherwise)
{
    const uint64_t former = 1; /* 2^-1074, the CNN_ZERO of version 0.1 */
    uint64_t bits = cnn__bits_of_f64(given);
    if (!cnn__option_given(given)) {
        return otherwise;
    }
    return bits == former || bits == cnn__bits_of_f64(CNN_ZERO) ? 0 : given;
}

int64_t cnn__option_int(int64_t given, int64_t otherwise)
{
    return given ? given : otherwise;
}
