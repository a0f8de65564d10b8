/* The transforms of Winograd's tiles and the products between them, for all convolutions that use them. */
#include "kernels/simd/winograd/transforms.h"

enum {
    WINOGRAD_MAX_TAPS = 5,
    WINOGRAD_ROWS = CNN__VECTOR_BYTES == 64 ? 8 : 4, /* rows of input channels by two vectors, in registers */
    TOGETHER = CNN__VECTOR_BYTES == 32               /* LANES channels: counting takes as long as a product there */
};

/* ---- the kernels ---- */

/* The polynomial of a line of a kernel at the six points, divided by the points' products of differences. */
CNN__INLINE void transform_taps(int taps, const lanes *g, lanes u[WINOGRAD_SIDE])
{
    const float near = 1 / (2 * WINOGRAD_NEAR2 * (WINOGRAD_NEAR2 - WINOGRAD_FAR2)),
                far = 1 / (2 * WINOGRAD_FAR2 * (WINOGRAD_FAR2 - WINOGRAD_NEAR2));
    lanes even = g[0], odd = g[1], even2 = g[0], odd2 = g[1];
    if (taps > 2) {
        even += WINOGRAD_NEAR2 * g[2];
        even2 += WINOGRAD_FAR2 * g[2];
    }
    if (taps > 3) {
        odd += WINOGRAD_NEAR2 * g[3];
        odd2 += WINOGRAD_FAR2 * g[3];
    }
    if (taps > 4) {
        even += WINOGRAD_NEAR2 * WINOGRAD_NEAR2 * g[4];
        even2 += WINOGRAD_FAR2 * WINOGRAD_FAR2 * g[4];
    }
    u[0] = g[0] * (1 / (WINOGRAD_NEAR2 * WINOGRAD_FAR2));
    u[1] = even * near + odd * (WINOGRAD_NEAR * near);
    u[2] = even * near - odd * (WINOGRAD_NEAR * near);
    u[3] = even2 * far + odd2 * (WINOGRAD_FAR * far);
    u[4] = even2 * far - odd2 * (WINOGRAD_FAR * far);
    u[5] = g[taps - 1];
}

CNN__INLINE void transform_kernel(int taps, const float *from, int64_t row_step, int64_t column_step, float *to,
                                  int64_t place_step)
{
    lanes half[WINOGRAD_SIDE][WINOGRAD_MAX_TAPS];
#pragma GCC unroll 1
    for (int j = 0; j < taps; j++) {
        lanes column[WINOGRAD_MAX_TAPS], u[WINOGRAD_SIDE];
#pragma GCC unroll 5
        for (int i = 0; i < taps; i++) {
            column[i] = load(from + i * row_step + j * column_step);
        }
        transform_taps(taps, column, u);
#pragma GCC unroll 6
        for (int i = 0; i < WINOGRAD_SIDE; i++) {
            half[i][j] = u[i];
        }
    }
#pragma GCC unroll 1
    for (int i = 0; i < WINOGRAD_SIDE; i++) {
        lanes u[WINOGRAD_SIDE];
        transform_taps(taps, half[i], u);
#pragma GCC unroll 6
        for (int j = 0; j < WINOGRAD_SIDE; j++) {
            store(to + (i * WINOGRAD_SIDE + j) * place_step, u[j]);
        }
    }
}

void winograd_kernel(int taps, const float *from, int64_t row_step, int64_t column_step, float *to, int64_t place_step)
{
    switch (taps) {
    case 2: transform_kernel(2, from, row_step, column_step, to, place_step); break;
    case 3: transform_kernel(3, from, row_step, column_step, to, place_step); break;
    case 4: transform_kernel(4, from, row_step, column_step, to, place_step); break;
    default: transform_kernel(5, from, row_step, column_step, to, place_step); break;
    }
}

/* ---- the inputs ---- */

CNN__INLINE void transform_inputs(const lanes x[WINOGRAD_SIDE], lanes y[WINOGRAD_SIDE])
{
    lanes a = x[4] - WINOGRAD_FAR2 * x[2], b = WINOGRAD_NEAR * (x[3] - WINOGRAD_FAR2 * x[1]);
    lanes c = x[4] - WINOGRAD_NEAR2 * x[2], d = WINOGRAD_FAR * (x[3] - WINOGRAD_NEAR2 * x[1]);
    y[0] = WINOGRAD_NEAR2 * WINOGRAD_FAR2 * x[0] - (WINOGRAD_NEAR2 + WINOGRAD_FAR2) * x[2] + x[4];
    y[1] = a + b;
    y[2] = a - b;
    y[3] = c + d;
    y[4] = c - d;
    y[5] = WINOGRAD_NEAR2 * WINOGRAD_FAR2 * x[1] - (WINOGRAD_NEAR2 + WINOGRAD_FAR2) * x[3] + x[5];
}

void winograd_input(const float *from, int64_t row_step, int64_t column_step, float *to, int64_t place_step)
{
    lanes half[WINOGRAD_SIDE][WINOGRAD_SIDE];
#pragma GCC unroll 1
    for (int i = 0; i < WINOGRAD_SIDE; i++) {
        lanes row[WINOGRAD_SIDE];
#pragma GCC unroll 6
        for (int j = 0; j < WINOGRAD_SIDE; j++) {
            row[j] = load(from + i * row_step + j * column_step);
        }
        transform_inputs(row, half[i]);
    }
#pragma GCC unroll 1
    for (int j = 0; j < WINOGRAD_SIDE; j++) {
        lanes column[WINOGRAD_SIDE], y[WINOGRAD_SIDE];
#pragma GCC unroll 6
        for (int i = 0; i < WINOGRAD_SIDE; i++) {
            column[i] = half[i][j];
        }
        transform_inputs(column, y);
#pragma GCC unroll 6
        for (int i = 0; i < WINOGRAD_SIDE; i++) {
            store(to + (i * WINOGRAD_SIDE + j) * place_step, y[i]);
        }
    }
}

/* ---- the outputs ---- */

CNN__INLINE lanes transform_output(int side, const float *products, int64_t place_step, lanes bias, lanes min,
                                   float *to, int64_t row_step, int64_t column_step)
{
    lanes half[WINOGRAD_MAX_TAPS][WINOGRAD_SIDE], total = { 0 };
#pragma GCC unroll 1
    for (int j = 0; j < WINOGRAD_SIDE; j++) {
        lanes column[WINOGRAD_SIDE], y[WINOGRAD_MAX_TAPS];
#pragma GCC unroll 6
        for (int i = 0; i < WINOGRAD_SIDE; i++) {
            column[i] = load(products + (i * WINOGRAD_SIDE + j) * place_step);
        }
        winograd_outputs(side, column, y);
#pragma GCC unroll 5
        for (int i = 0; i < side; i++) {
            half[i][j] = y[i];
        }
    }
#pragma GCC unroll 1
    for (int i = 0; i < side; i++) {
        lanes y[WINOGRAD_MAX_TAPS];
        winograd_outputs(side, half[i], y);
#pragma GCC unroll 5
        for (int j = 0; j < side; j++) {
            lanes v = y[j] + bias;
            total += v;
            store(to + i * row_step + j * column_step, blend(v < min, min, v));
        }
    }
    return total;
}

lanes winograd_output(int side, const float *products, int64_t place_step, lanes bias, lanes min, float *to,
                      int64_t row_step, int64_t column_step)
{
    switch (side) {
    case 2: return transform_output(2, products, place_step, bias, min, to, row_step, column_step);
    case 3: return transform_output(3, products, place_step, bias, min, to, row_step, column_step);
    case 4: return transform_output(4, products, place_step, bias, min, to, row_step, column_step);
    default: return transform_output(5, products, place_step, bias, min, to, row_step, column_step);
    }
}

/* ---- the products ---- */

/* A channel, `at` floats into a group of LANES of them. */
CNN__INLINE void winograd_add_channel(int tiles, const float *in, const float *kernels, int at,
                                      lanes acc[WINOGRAD_TILES][2])
{
    lanes k0 = load(kernels + at * WINOGRAD_BLOCK), k1 = load(kernels + at * WINOGRAD_BLOCK + LANES);
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        lanes x = splat(in[i * LANES + at]);
        ADD_PRODUCT(acc[i][0], x, k0);
        ADD_PRODUCT(acc[i][1], x, k1);
    }
}

/* `tiles` is a constant where this is inlined, so the accumulators are registers. */
CNN__INLINE void winograd_multiply(int tiles, int64_t depth, bool more, const float *in, const float *kernels,
                                   float *out)
{
    lanes acc[WINOGRAD_TILES][2];
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        acc[i][0] = more ? load(out + i * WINOGRAD_BLOCK) : (lanes){ 0 };
        acc[i][1] = more ? load(out + i * WINOGRAD_BLOCK + LANES) : (lanes){ 0 };
    }
    for (; depth >= LANES && TOGETHER;
         depth -= LANES, in += WINOGRAD_TILES * LANES, kernels += LANES * WINOGRAD_BLOCK) {
#pragma GCC unroll 8
        for (int at = 0; at < LANES; at++) {
            winograd_add_channel(tiles, in, kernels, at, acc);
        }
    }
    for (; depth > 0; depth -= LANES, in += WINOGRAD_TILES * LANES) {
        const float *p = in, *end = in + (depth < LANES ? depth : LANES);
        for (; p < end; p++, kernels += WINOGRAD_BLOCK) {
            winograd_add_channel(tiles, p, kernels, 0, acc);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        store(out + i * WINOGRAD_BLOCK, acc[i][0]);
        store(out + i * WINOGRAD_BLOCK + LANES, acc[i][1]);
    }
}

/* Few tiles are only met in small planes: they share code with the next number up, whose surplus nobody reads. */
void winograd_product(int64_t tiles, int64_t depth, bool more, const float *in, const float *kernels, float *out)
{
    switch (tiles) {
#if CNN__VECTOR_BYTES == 64
    case 14: winograd_multiply(14, depth, more, in, kernels, out); break;
    case 13: winograd_multiply(13, depth, more, in, kernels, out); break;
    case 12: winograd_multiply(12, depth, more, in, kernels, out); break;
    case 11: winograd_multiply(11, depth, more, in, kernels, out); break;
    case 10:
    case 9: winograd_multiply(10, depth, more, in, kernels, out); break;
    case 8:
    case 7: winograd_multiply(8, depth, more, in, kernels, out); break;
#endif
#if CNN__VECTOR_BYTES > 16
    case 6: winograd_multiply(6, depth, more, in, kernels, out); break;
    case 5: winograd_multiply(5, depth, more, in, kernels, out); break;
#endif
    default: winograd_multiply(4, depth, more, in, kernels, out); break;
    }
}

void winograd_outer(int64_t tiles, const float *in, const float *kernels, float *out)
{
    for (int row = 0; row < LANES; row += WINOGRAD_ROWS, out += WINOGRAD_ROWS * WINOGRAD_BLOCK) {
        lanes acc[WINOGRAD_ROWS][2];
#pragma GCC unroll 8
        for (int i = 0; i < WINOGRAD_ROWS; i++) {
            acc[i][0] = acc[i][1] = (lanes){ 0 };
        }
        const float *p = in + row;
        for (const float *k = kernels, *end = kernels + tiles * WINOGRAD_BLOCK; k < end;
             k += WINOGRAD_BLOCK, p += LANES) {
            lanes k0 = load(k), k1 = load(k + LANES);
#pragma GCC unroll 8
            for (int i = 0; i < WINOGRAD_ROWS; i++) {
                lanes x = splat(p[i]);
                ADD_PRODUCT(acc[i][0], x, k0);
                ADD_PRODUCT(acc[i][1], x, k1);
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < WINOGRAD_ROWS; i++) {
            store(out + i * WINOGRAD_BLOCK, acc[i][0]);
            store(out + i * WINOGRAD_BLOCK + LANES, acc[i][1]);
        }
    }
}
