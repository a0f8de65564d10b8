/* The transforms of Winograd's tiles, and their products: what all convolutions that go this way share. */
#include "kernels/simd/winograd/transforms.h"

enum {
    MOST_TAPS = 5,
    ROWS = CNN__VECTOR_BYTES == 64 ? 8 : 4, /* of input channels by two vectors, in registers */
    TOGETHER = CNN__VECTOR_BYTES == 32      /* LANES channels: counting takes as long as a product there */
};

/* ---- the kernels ---- */

/* The polynomial of a line of a kernel at the six points, divided by the points' products of differences. */
CNN__INLINE void transform_taps(int taps, const lanes *g, lanes u[SIDE])
{
    const float near = 1 / (2 * NEAR2 * (NEAR2 - FAR2)), far = 1 / (2 * FAR2 * (FAR2 - NEAR2));
    lanes even = g[0], odd = g[1], even2 = g[0], odd2 = g[1];
    if (taps > 2) {
        even += NEAR2 * g[2];
        even2 += FAR2 * g[2];
    }
    if (taps > 3) {
        odd += NEAR2 * g[3];
        odd2 += FAR2 * g[3];
    }
    if (taps > 4) {
        even += NEAR2 * NEAR2 * g[4];
        even2 += FAR2 * FAR2 * g[4];
    }
    u[0] = g[0] * (1 / (NEAR2 * FAR2));
    u[1] = even * near + odd * (NEAR * near);
    u[2] = even * near - odd * (NEAR * near);
    u[3] = even2 * far + odd2 * (FAR * far);
    u[4] = even2 * far - odd2 * (FAR * far);
    u[5] = g[taps - 1];
}

CNN__INLINE void transform_kernel(int taps, const float *from, int64_t row_step, int64_t column_step, float *to,
                                  int64_t place_step)
{
    lanes half[SIDE][MOST_TAPS];
#pragma GCC unroll 1
    for (int j = 0; j < taps; j++) {
        lanes column[MOST_TAPS], u[SIDE];
#pragma GCC unroll 5
        for (int i = 0; i < taps; i++) {
            column[i] = load(from + i * row_step + j * column_step);
        }
        transform_taps(taps, column, u);
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++) {
            half[i][j] = u[i];
        }
    }
#pragma GCC unroll 1
    for (int i = 0; i < SIDE; i++) {
        lanes u[SIDE];
        transform_taps(taps, half[i], u);
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++) {
            store(to + (i * SIDE + j) * place_step, u[j]);
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

CNN__INLINE void transform_inputs(const lanes x[SIDE], lanes y[SIDE])
{
    lanes a = x[4] - FAR2 * x[2], b = NEAR * (x[3] - FAR2 * x[1]);
    lanes c = x[4] - NEAR2 * x[2], d = FAR * (x[3] - NEAR2 * x[1]);
    y[0] = NEAR2 * FAR2 * x[0] - (NEAR2 + FAR2) * x[2] + x[4];
    y[1] = a + b;
    y[2] = a - b;
    y[3] = c + d;
    y[4] = c - d;
    y[5] = NEAR2 * FAR2 * x[1] - (NEAR2 + FAR2) * x[3] + x[5];
}

void winograd_input(const float *from, int64_t row_step, int64_t column_step, float *to, int64_t place_step)
{
    lanes half[SIDE][SIDE];
#pragma GCC unroll 1
    for (int i = 0; i < SIDE; i++) {
        lanes row[SIDE];
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++) {
            row[j] = load(from + i * row_step + j * column_step);
        }
        transform_inputs(row, half[i]);
    }
#pragma GCC unroll 1
    for (int j = 0; j < SIDE; j++) {
        lanes column[SIDE], y[SIDE];
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++) {
            column[i] = half[i][j];
        }
        transform_inputs(column, y);
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++) {
            store(to + (i * SIDE + j) * place_step, y[i]);
        }
    }
}

/* ---- the outputs ---- */

CNN__INLINE lanes transform_output(int side, const float *products, int64_t place_step, lanes bias, lanes least,
                                   float *to, int64_t row_step, int64_t column_step)
{
    lanes half[MOST_TAPS][SIDE], total = { 0 };
#pragma GCC unroll 1
    for (int j = 0; j < SIDE; j++) {
        lanes column[SIDE], y[MOST_TAPS];
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++) {
            column[i] = load(products + (i * SIDE + j) * place_step);
        }
        winograd_outputs(side, column, y);
#pragma GCC unroll 5
        for (int i = 0; i < side; i++) {
            half[i][j] = y[i];
        }
    }
#pragma GCC unroll 1
    for (int i = 0; i < side; i++) {
        lanes y[MOST_TAPS];
        winograd_outputs(side, half[i], y);
#pragma GCC unroll 5
        for (int j = 0; j < side; j++) {
            lanes v = y[j] + bias;
            total += v;
            store(to + i * row_step + j * column_step, blend(v < least, least, v));
        }
    }
    return total;
}

lanes winograd_output(int side, const float *products, int64_t place_step, lanes bias, lanes least, float *to,
                      int64_t row_step, int64_t column_step)
{
    switch (side) {
    case 2: return transform_output(2, products, place_step, bias, least, to, row_step, column_step);
    case 3: return transform_output(3, products, place_step, bias, least, to, row_step, column_step);
    case 4: return transform_output(4, products, place_step, bias, least, to, row_step, column_step);
    default: return transform_output(5, products, place_step, bias, least, to, row_step, column_step);
    }
}

/* ---- the products ---- */

/* A channel, `at` floats into a group of LANES of them. */
CNN__INLINE void add_channel(int tiles, const float *in, const float *kernels, int at, lanes acc[TILES][2])
{
    lanes k0 = load(kernels + at * BLOCK), k1 = load(kernels + at * BLOCK + LANES);
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        lanes x = splat(in[i * LANES + at]);
        ADD_PRODUCT(acc[i][0], x, k0);
        ADD_PRODUCT(acc[i][1], x, k1);
    }
}

/* `tiles` is a constant where this is inlined, so the accumulators are registers. */
CNN__INLINE void product(int tiles, int64_t depth, bool more, const float *in, const float *kernels, float *out)
{
    lanes acc[TILES][2];
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        acc[i][0] = more ? load(out + i * BLOCK) : (lanes){ 0 };
        acc[i][1] = more ? load(out + i * BLOCK + LANES) : (lanes){ 0 };
    }
    for (; depth >= LANES && TOGETHER; depth -= LANES, in += TILES * LANES, kernels += LANES * BLOCK) {
#pragma GCC unroll 8
        for (int at = 0; at < LANES; at++) {
            add_channel(tiles, in, kernels, at, acc);
        }
    }
    for (; depth > 0; depth -= LANES, in += TILES * LANES) {
        const float *p = in, *end = in + (depth < LANES ? depth : LANES);
        for (; p < end; p++, kernels += BLOCK) {
            add_channel(tiles, p, kernels, 0, acc);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        store(out + i * BLOCK, acc[i][0]);
        store(out + i * BLOCK + LANES, acc[i][1]);
    }
}

/* Few tiles are only met in small planes: they share code with the next number up, whose surplus nobody reads. */
void winograd_product(int64_t tiles, int64_t depth, bool more, const float *in, const float *kernels, float *out)
{
    switch (tiles) {
#if CNN__VECTOR_BYTES == 64
    case 14: product(14, depth, more, in, kernels, out); break;
    case 13: product(13, depth, more, in, kernels, out); break;
    case 12: product(12, depth, more, in, kernels, out); break;
    case 11: product(11, depth, more, in, kernels, out); break;
    case 10:
    case 9: product(10, depth, more, in, kernels, out); break;
    case 8:
    case 7: product(8, depth, more, in, kernels, out); break;
#endif
#if CNN__VECTOR_BYTES > 16
    case 6: product(6, depth, more, in, kernels, out); break;
    case 5: product(5, depth, more, in, kernels, out); break;
#endif
    default: product(4, depth, more, in, kernels, out); break;
    }
}

void winograd_outer(int64_t tiles, const float *in, const float *kernels, float *out)
{
    for (int row = 0; row < LANES; row += ROWS, out += ROWS * BLOCK) {
        lanes acc[ROWS][2];
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++) {
            acc[i][0] = acc[i][1] = (lanes){ 0 };
        }
        const float *p = in + row;
        for (const float *k = kernels, *end = kernels + tiles * BLOCK; k < end; k += BLOCK, p += LANES) {
            lanes k0 = load(k), k1 = load(k + LANES);
#pragma GCC unroll 8
            for (int i = 0; i < ROWS; i++) {
                lanes x = splat(p[i]);
                ADD_PRODUCT(acc[i][0], x, k0);
                ADD_PRODUCT(acc[i][1], x, k1);
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++) {
            store(out + i * BLOCK, acc[i][0]);
            store(out + i * BLOCK + LANES, acc[i][1]);
        }
    }
}
