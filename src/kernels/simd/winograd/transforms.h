/* Winograd's minimal filtering with tiles of 6 × 6 inputs: F(m × m, r × r) for kernels of r = 7 − m taps a side (Lavin
 * & Gray, "Fast algorithms for convolutional neural networks", 2016), at the points 0, ±WINOGRAD_NEAR, ±WINOGRAD_FAR
 * and infinity.
 *
 * Inputs and kernels are transformed, which leaves 36 products over the channels, one for each place of a tile, instead
 * of (m·r)² multiplications per tile of outputs: 144 for r = 3 and 100 for r = 5. All functions handle a vector of
 * LANES channels at a time. The rounding error is relative to the largest element of a tile. With these points it is,
 * in the root mean square and for elements of one magnitude, one and a half times that of the direct sum for r = 5 and
 * two to three times for r = 3; with ±1 and ±2 it would be twice as large, and the largest errors four times
 * (docs/notes/performance-kernels.md).
 *
 * An element that is not finite, or so large that a transform overflows, also makes those outputs of its tile NaN or
 * infinite that do not depend on it. Such outputs are recomputed as the sums of their own terms (conv/recompute.h). */
#ifndef CNN_KERNELS_SIMD_WINOGRAD_TRANSFORMS_H
#define CNN_KERNELS_SIMD_WINOGRAD_TRANSFORMS_H

#include "kernels/simd/vector/lanes.h"
#include "kernels/simd/vector/machine.h"

enum {
    WINOGRAD_TILES = CNN__VECTOR_BYTES == 64   ? 14
                     : CNN__VECTOR_BYTES == 32 ? 6
                                               : 4, /* tiles per group: at most LANES, in registers twice */
    WINOGRAD_BLOCK = 2 * LANES,                     /* output channels of a product */
    WINOGRAD_SIDE = 6,
    WINOGRAD_PLACES = WINOGRAD_SIDE * WINOGRAD_SIDE,
    /* Floats between places, beyond what they need: one cache line, so that places do not compete for the same lines
     * of a cache. */
    WINOGRAD_APART = LINE_FLOATS,
    WINOGRAD_GROUP_FLOATS = WINOGRAD_PLACES * WINOGRAD_TILES * WINOGRAD_BLOCK /* floats of a group's products */
};

/* Short binary fractions, so that the transforms' constants are exact. */
#define WINOGRAD_NEAR 0.75f
#define WINOGRAD_FAR 1.5f
#define WINOGRAD_NEAR2 (WINOGRAD_NEAR * WINOGRAD_NEAR)
#define WINOGRAD_FAR2 (WINOGRAD_FAR * WINOGRAD_FAR)

/* A tile of inputs; place p goes to to[p · place_step]. */
void CNN__SIMD(winograd_input)(const float *from, int64_t row_step, int64_t column_step, float *to, int64_t place_step);

/* A kernel of taps × taps, 2 to 5 a side. */
void CNN__SIMD(winograd_kernel)(int taps, const float *from, int64_t row_step, int64_t column_step, float *to,
                                int64_t place_step);

/* The outputs of a tile, 2 to 5 a side, from products that are place_step floats apart: each is max(output + bias,
 * min). Returns the sum of the outputs before bias and maximum; where it is finite, all of them are. */
lanes CNN__SIMD(winograd_output)(int side, const float *products, int64_t place_step, lanes bias, lanes min, float *to,
                                 int64_t row_step, int64_t column_step);

/* The products of one place: out[tile][WINOGRAD_BLOCK] = Σ in[tile]·kernels over `depth` channels, or += if `more`.
 * in is [depth / LANES][WINOGRAD_TILES][LANES] and kernels [depth][WINOGRAD_BLOCK]. Rows of `out` beyond the number
 * of tiles may be written. */
void CNN__SIMD(winograd_product)(int64_t tiles, int64_t depth, bool more, const float *in, const float *kernels,
                                 float *out);

/* The products of one place of a gradient of weights: out[LANES][WINOGRAD_BLOCK] = Σ over tiles of in[tile][LANES] ·
 * kernels[tile][WINOGRAD_BLOCK]. */
void CNN__SIMD(winograd_outer)(int64_t tiles, const float *in, const float *kernels, float *out);

#define winograd_outer CNN__SIMD(winograd_outer)
#define winograd_input CNN__SIMD(winograd_input)
#define winograd_kernel CNN__SIMD(winograd_kernel)
#define winograd_output CNN__SIMD(winograd_output)
#define winograd_product CNN__SIMD(winograd_product)

/* Turns a line of products into a line of m outputs: a polynomial's coefficients from its values at the points. m is
 * a constant. */
CNN__INLINE void winograd_outputs(int m, const lanes v[WINOGRAD_SIDE], lanes *y)
{
    const float near[] = { 1, WINOGRAD_NEAR, WINOGRAD_NEAR2, WINOGRAD_NEAR2 * WINOGRAD_NEAR,
                           WINOGRAD_NEAR2 * WINOGRAD_NEAR2 },
                far[] = { 1, WINOGRAD_FAR, WINOGRAD_FAR2, WINOGRAD_FAR2 * WINOGRAD_FAR, WINOGRAD_FAR2 * WINOGRAD_FAR2 };
    lanes near_sum = v[1] + v[2], near_rest = v[1] - v[2], far_sum = v[3] + v[4], far_rest = v[3] - v[4];
#pragma GCC unroll 5
    for (int k = 0; k < m; k++) {
        y[k] = k == 0  ? v[0] + near_sum + far_sum
               : k % 2 ? near[k] * near_rest + far[k] * far_rest
                       : near[k] * near_sum + far[k] * far_sum;
    }
    y[m - 1] += v[5];
}

#endif
