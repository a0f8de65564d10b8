/* Normal numbers by Box-Muller, as cnn__random_normal() makes them one by one: a block of Philox is two uniform numbers
 * of 53 bits each. */
#include "kernels/simd/map/tables.h"

#include "base/math.h"
#include "base/random.h"
#include "kernels/simd/vector/philox.h"

/* The lower halves of two words as a number in [0, 1): `high` above 21 bits of `low`. The words become the last bits of
 * numbers from 2^20 and from 1/2 on; neither difference nor sum is rounded. */
static inline double uniform_of(uint64_t high, uint64_t low)
{
    double upper = cnn__f64_of_bits((high & UINT32_MAX) | 0x4130000000000000);
    return (upper - 0x100000.8p0) + cnn__f64_of_bits(low << 32 >> 43 | 0x3fe0000000000000);
}

void CNN__SIMD(normals)(const uint64_t key[2], uint64_t first, double *normals)
{
    uint64_t words[4][CNN__GROUP]; /* the words of each block, a vector of blocks at a time */
    double radius[CNN__GROUP];
    for (int b = 0; b < CNN__GROUP; b += BLOCK_VECTORS * BLOCKS) {
        philox_state s[BLOCK_VECTORS];
        philox_blocks(key, first + (uint64_t)b, s);
        for (int v = 0; v < BLOCK_VECTORS; v++) {
            const int at = b + v * BLOCKS;
            memcpy(words[0] + at, &s[v].w0, sizeof s[v].w0);
            memcpy(words[1] + at, &s[v].w1, sizeof s[v].w1);
            memcpy(words[2] + at, &s[v].w2, sizeof s[v].w2);
            memcpy(words[3] + at, &s[v].w3, sizeof s[v].w3);
        }
    }
    for (int i = 0; i < CNN__GROUP; i++) {
        radius[i] = sqrt(-2 * cnn__log_normal_f64(1 - uniform_of(words[0][i], words[1][i])));
    }
    for (int i = 0; i < CNN__GROUP; i++) {
        normals[i] = radius[i] * cnn__cos_turns_f64(uniform_of(words[2][i], words[3][i]));
    }
}
