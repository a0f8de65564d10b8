/* Philox4x32-10: ten rounds of two 32 × 32 → 64-bit multiplications (Salmon et al. 2011, table 2 and section 4.3). */
#include "base/random.h"

#include "base/math.h"

/* Computes `count` blocks from `block` on. `count` is a constant where this is inlined, so compilers vectorise the
 * inner loops. */
static inline __attribute__((always_inline)) void philox(const uint64_t key[2], uint64_t block, uint32_t count,
                                                         uint32_t *draws)
{
    uint32_t k0 = (uint32_t)key[0], k1 = (uint32_t)(key[0] >> 32);
    uint32_t w0[CNN__GROUP], w1[CNN__GROUP], w2[CNN__GROUP], w3[CNN__GROUP];
    for (uint32_t b = 0; b < count; b++) {
        w0[b] = (uint32_t)(block + b);
        w1[b] = (uint32_t)((block + b) >> 32);
        w2[b] = (uint32_t)key[1];
        w3[b] = (uint32_t)(key[1] >> 32);
    }
    for (int round = 0; round < CNN__PHILOX_ROUNDS; round++) {
        for (uint32_t b = 0; b < count; b++) {
            uint64_t p0 = (uint64_t)CNN__PHILOX_M0 * w0[b], p1 = (uint64_t)CNN__PHILOX_M1 * w2[b];
            w0[b] = (uint32_t)(p1 >> 32) ^ w1[b] ^ k0;
            w1[b] = (uint32_t)p1;
            w2[b] = (uint32_t)(p0 >> 32) ^ w3[b] ^ k1;
            w3[b] = (uint32_t)p0;
        }
        k0 += CNN__PHILOX_W0;
        k1 += CNN__PHILOX_W1;
    }
    for (uint32_t b = 0; b < count; b++) {
        draws[4 * b] = w0[b];
        draws[4 * b + 1] = w1[b];
        draws[4 * b + 2] = w2[b];
        draws[4 * b + 3] = w3[b];
    }
}

void cnn__philox(const uint64_t key[2], uint64_t block, uint32_t out[4])
{
    philox(key, block, 1, out);
}

void cnn__philox_group(const uint64_t key[2], uint64_t block, uint32_t draws[CNN__DRAWS])
{
    philox(key, block, CNN__GROUP, draws);
}

uint32_t cnn__random_u32(const uint64_t key[2], uint64_t i)
{
    uint32_t words[4];
    cnn__philox(key, i / 4, words);
    return words[i % 4];
}

float cnn__random_f32(const uint64_t key[2], uint64_t i)
{
    return cnn__uniform_f32(cnn__random_u32(key, i));
}

double cnn__random_f64(const uint64_t key[2], uint64_t i)
{
    uint32_t words[4];
    cnn__philox(key, i / 2, words);
    const uint32_t *pair = words + i % 2 * 2;
    uint64_t bits = ((uint64_t)pair[0] << 32 | pair[1]) >> 11;
    return (double)bits * 0x1p-53;
}

double cnn__random_normal(const uint64_t key[2], uint64_t i)
{
    double cosine, sine, radius = cnn__normal_radius_f64(1 - cnn__random_f64(key, i - i % 2));
    cnn__turn_f64(cnn__random_f64(key, i - i % 2 + 1), &cosine, &sine);
    return radius * (i % 2 ? sine : cosine);
}

/* An unbiased number below `bound`: draws above the largest multiple of the bound are rejected. */
static uint64_t below(const uint64_t key[2], uint64_t *place, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    for (;;) {
        uint32_t words[4];
        cnn__philox(key, (*place)++, words);
        uint64_t draw = (uint64_t)words[0] << 32 | words[1];
        if (draw < limit) {
            return draw % bound;
        }
    }
}

void cnn__random_permutation(const uint64_t key[2], int64_t n, int64_t *order)
{
    uint64_t place = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t j = (int64_t)below(key, &place, (uint64_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

uint32_t cnn__dropout_threshold(double p)
{
    double scaled = floor(p * 0x1p32);
    return scaled >= 0x1p32 ? UINT32_MAX : (uint32_t)scaled;
}
