/* Normal numbers by Box-Muller, as cnn__random_normal() makes them one by one: a block of Philox is two uniform numbers
 * of 53 bits each. */
#include "kernels/simd/map/tables.h"

#include "base/math.h"
#include "base/random.h"
#include "kernels/simd/vector/philox.h"

/* Two words as a number in [0, 1). They are converted apart, which is exact, because few instruction sets convert 64
 * bits. */
static inline double uniform_of(uint32_t high, uint32_t low)
{
    double upper = (double)(int32_t)(high ^ 0x80000000) + 0x1p31;
    return (upper * 0x1p21 + (double)(int32_t)(low >> 11)) * 0x1p-53;
}

void CNN__SIMD(normals)(const uint64_t key[2], uint64_t first, double *normals)
{
    uint32_t draws[CNN__DRAWS];
    double radius[CNN__GROUP], turns[CNN__GROUP];
    philox_vectors(key, first, draws);
    for (int i = 0; i < CNN__GROUP; i++) {
        radius[i] = uniform_of(draws[4 * i], draws[4 * i + 1]);
        turns[i] = uniform_of(draws[4 * i + 2], draws[4 * i + 3]);
    }
    for (int i = 0; i < CNN__GROUP; i++) {
        radius[i] = sqrt(-2 * cnn__log_f64(1 - radius[i]));
    }
    for (int i = 0; i < CNN__GROUP; i++) {
        normals[i] = radius[i] * cnn__cos_turns_f64(turns[i]);
    }
}
