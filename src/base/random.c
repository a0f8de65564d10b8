/* Philox4x32-10: ten rounds of two 32 × 32 → 64-bit multiplications (Salmon et al. 2011, table 2 and section 4.3). */
#include "base/random.h"

#include "base/math.h"

enum { ROUNDS = 10 };

void cnn__philox(const uint64_t key[2], uint64_t block, uint32_t out[4])
{
    const uint64_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
    const uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
    uint32_t k0 = (uint32_t)key[0], k1 = (uint32_t)(key[0] >> 32);
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)key[1], c3 = (uint32_t)(key[1] >> 32);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = multiplier0 * c0, p1 = multiplier1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += weyl0;
        k1 += weyl1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void cnn__philox_group(const uint64_t key[2], uint64_t block, uint32_t draws[CNN__DRAWS])
{
    cnn__philox_vectors(key, block, draws);
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
    double radius = sqrt(-2 * cnn__log_f64(1 - cnn__random_f64(key, 2 * i)));
    return radius * cnn__cos_turns(cnn__random_f64(key, 2 * i + 1));
}

/* A number below `bound`, unbiased: draws past the largest multiple of the bound are thrown away. */
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
