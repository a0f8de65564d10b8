/* Loops over rows for array/choice.c and array/binary.c, which do not ask what elements are: choice among those of 4
 * bytes; bits; and sums of i64. Processors with AVX-512 run AVX2's. */
#include "kernels/simd/map/tables.h"
#include "kernels/simd/vector/partial.h"

#if CNN__VECTOR_BYTES < 64

/* x[0][i] ? x[1][i] : x[2][i]; conditions are bytes. */
void CNN__SIMD(where_4)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    const uint8_t *condition = from[0];
    (void)map;
    n &= -(int64_t)CNN__MAP_STEP;
#if CNN__VECTOR_BYTES == 32
    for (int64_t i = 0; i < n; i += LANES) {
        const lanes a = load((const float *)from[1] + i), b = load((const float *)from[2] + i);
        store((float *)to + i, blend(load_bytes(condition + i) == 0, b, a));
    }
#else
    const cnn__bits_4 *a = from[1], *b = from[2];
    cnn__bits_4 *y = to;
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        const cnn__bits_4 mask = (cnn__bits_4) - (cnn__bits_4)(condition[i] != 0);
        y[i] = (a[i] & mask) | (b[i] & ~mask);
    }
#endif
}

/* Rows of bytes begin anywhere. */
typedef uint64_t __attribute__((may_alias, aligned(1))) row_word;

#define WORDS(name, operator) \
    void CNN__SIMD(words_##name)(int64_t n, void *to, const void *const *from, const cnn__map *map) \
    { \
        const row_word *a = from[0], *b = from[1]; \
        row_word *y = to; \
        (void)map; \
        n &= -(int64_t)(CNN__WORDS_STEP); \
        CNN__IVDEP \
        for (int64_t i = 0; i < n; i++) { \
            y[i] = a[i] operator b[i]; \
        } \
    }
WORDS(and, &)
WORDS(or, |)
WORDS(xor, ^)
WORDS(add, +)
#undef WORDS

#endif
