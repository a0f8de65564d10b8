/* Normal numbers by Box-Muller, as cnn__random_normal() makes them one by one: a block of Philox is two uniform numbers
 * of 53 bits each, of which a pair of normal numbers is made. */
#include "kernels/simd/map/tables.h"

#include "base/math.h"
#include "base/random.h"
#include "kernels/simd/vector/philox.h"

enum { PAIRS = CNN__GROUP }; /* pairs at a time */

/* Uniform numbers have the bits of cnn__random_f64(): `high` above 21 bits of `low`, which are the lower halves of two
 * words. They become the last bits of numbers from 2^20 and from 1/2 on, so that neither differences nor sums are
 * rounded. */
static inline double upper_of(uint64_t high)
{
    return cnn__f64_of_bits((high & UINT32_MAX) | 0x4130000000000000);
}

static inline double lower_of(uint64_t low)
{
    return cnn__f64_of_bits(low << 32 >> 43 | 0x3fe0000000000000);
}

/* The numbers of PAIRS pairs from `pair` on. It is a function of its own, as compilers otherwise keep each constant of
 * its loop as a whole vector. */
CNN__APART void draw_pairs(const uint64_t key[2], uint64_t pair, double normals[2 * PAIRS])
{
    uint64_t words[4][PAIRS]; /* the words of each block, a vector of blocks at a time */
    for (int b = 0; b < PAIRS; b += BLOCK_VECTORS * BLOCKS) {
        philox_state s[BLOCK_VECTORS];
        philox_blocks(key, pair + (uint64_t)b, s);
        for (int v = 0; v < BLOCK_VECTORS; v++) {
            const int at = b + v * BLOCKS;
            memcpy(words[0] + at, &s[v].w0, sizeof s[v].w0);
            memcpy(words[1] + at, &s[v].w1, sizeof s[v].w1);
            memcpy(words[2] + at, &s[v].w2, sizeof s[v].w2);
            memcpy(words[3] + at, &s[v].w3, sizeof s[v].w3);
        }
    }
    for (int i = 0; i < PAIRS; i++) {
        double rest = (0x100001.8p0 - upper_of(words[0][i])) - lower_of(words[1][i]); /* 1 minus the first number */
        double turns = (upper_of(words[2][i]) - 0x100000.8p0) + lower_of(words[3][i]);
        double radius = cnn__normal_radius_f64(rest), cosine, sine;
        cnn__turn_f64(turns, &cosine, &sine);
        normals[2 * i] = radius * cosine;
        normals[2 * i + 1] = radius * sine;
    }
}

void CNN__SIMD(normals)(const uint64_t key[2], int64_t first, int64_t n, cnn_dtype dtype, void *x)
{
    double normals[2 * PAIRS];
    float rounded[2 * PAIRS];
    const bool single = dtype == CNN_F32;
    const size_t bytes = single ? sizeof *rounded : sizeof *normals;
    for (int64_t i = 0; i < n; i += 2 * PAIRS) {
        draw_pairs(key, (uint64_t)(first + i) / 2, normals);
        if (single) {
            for (int k = 0; k < 2 * PAIRS; k++) {
                rounded[k] = (float)normals[k];
            }
        }
        const int64_t count = n - i < 2 * PAIRS ? n - i : 2 * PAIRS;
        memcpy((char *)x + (size_t)i * bytes, single ? (const void *)rounded : normals, (size_t)count * bytes);
    }
}
