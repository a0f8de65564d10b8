/* Kernels of matrix products and convolutions: one register tile, whose operands come from matrices, or from images as
 * an implicit matrix. docs/cuda-kernels.md says how sums are made. */
#ifndef WITHOUT_F32
#define WITHOUT_F64 /* they have a module of their own */
#endif
#include "arguments.h"
#include "numbers.h"

/* clang-format off */
/* The sizes of a convolution, in plain_arguments::size. */
enum {
    BATCH, IN_CHANNELS, IN_D, IN_H, IN_W, OUT_CHANNELS, OUT_D, OUT_H, OUT_W, KERNEL_D, KERNEL_H, KERNEL_W, STRIDE_D,
    STRIDE_H, STRIDE_W, DILATION_D, DILATION_H, DILATION_W, PAD_D, PAD_H, PAD_W, GROUPS,
    /* The sizes of every product: C[m,n] = A[m,k] · B[k,n], of which a block sums `part` terms; there are `parts` */
    M, N, K, PARTS, PART, FLAGS
};
/* clang-format on */
enum { ACCUMULATES = 1, RELU = 2, TRANSPOSED_A = 4, TRANSPOSED_B = 8 };

/* Returns where a tap of a result reads; negative: in the padding. */
DEVICE int64_t reads(int64_t out, int64_t stride, int64_t tap, int64_t dilation, int64_t pad, int64_t in)
{
    const int64_t at = out * stride + tap * dilation - pad;
    return at < in ? at : -1;
}

/* Returns which result reads `at` through a tap; negative: none does. */
DEVICE int64_t reader(int64_t at, int64_t stride, int64_t tap, int64_t dilation, int64_t pad, int64_t out)
{
    const int64_t from = at + pad - tap * dilation;
    if (from < 0) {
        return -1;
    }
    const int64_t place = quotient(from, stride);
    return place * stride == from && place < out ? place : -1;
}

/* Splits a number into four indices, the last of which runs fastest. */
DEVICE void split(int64_t i, int64_t s1, int64_t s2, int64_t s3, int64_t *index)
{
    const int64_t r3 = quotient(i, s3), r2 = quotient(r3, s2), r1 = quotient(r2, s1);
    index[0] = r1;
    index[1] = r2 - r1 * s1;
    index[2] = r3 - r2 * s2;
    index[3] = i - r3 * s3;
}

#ifndef WITHOUT_F32
#define X float
#define FN(name) JOINED(name, _f32)
#define FUSED(a, b, c) JOINED_PRODUCT(fmaf, a, b, c)
#include "products_real.h"
#endif

#ifndef WITHOUT_F64
#define X double
#define FN(name) JOINED(name, _f64)
#define FUSED(a, b, c) JOINED_PRODUCT(fma, a, b, c)
#include "products_real.h"
#endif

#define POOLED(X, name) \
    /* Convolution, ReLU and 2 × 2 pooling behind the convolution. sizes: planes, rows, columns; out: y, index. */ \
    KERNEL(JOINED(relu_pool_, name), plain_arguments) \
    { \
        const int64_t height = a->size[1] / 2, width = a->size[2] / 2; \
        EACH (i, a->size[0] * height * width) { \
            const int64_t row = quotient(i, width), column = i - row * width, plane = quotient(row, height); \
            const X *corner = \
                (const X *)a->in[0] + (plane * a->size[1] + 2 * (row - plane * height)) * a->size[2] + 2 * column; \
            X best = corner[0]; \
            int winner = 0; \
            for (int k = 1; k < 4; k++) { \
                const X v = corner[k / 2 * a->size[2] + k % 2]; \
                if (v > best || v != v) { \
                    best = v; \
                    winner = k; \
                } \
            } \
            ((X *)a->out[0])[i] = best < 0 ? 0 : best; \
            if (a->out[1]) { \
                ((uint8_t *)a->out[1])[i] = (uint8_t)(best <= 0 ? 255 : winner); \
            } \
        } \
    } \
    /* The gradient in front of the pooling; in: dy, index. */ \
    KERNEL(JOINED(relu_unpool_, name), plain_arguments) \
    { \
        const int64_t height = a->size[1] / 2, width = a->size[2] / 2; \
        EACH (i, a->size[0] * a->size[1] * a->size[2]) { \
            const int64_t line = quotient(i, a->size[2]), column = i - line * a->size[2], \
                          plane = quotient(line, a->size[1]), row = line - plane * a->size[1]; \
            X value = 0; \
            if (row / 2 < height && column / 2 < width) { \
                const int64_t at = (plane * height + row / 2) * width + column / 2; \
                value = ((const uint8_t *)a->in[1])[at] == row % 2 * 2 + column % 2 ? ((const X *)a->in[0])[at] : 0; \
            } \
            ((X *)a->out[0])[i] = value; \
        } \
    }
#ifndef WITHOUT_F32
POOLED(float, f32)
#endif
#ifndef WITHOUT_F64
POOLED(double, f64)
#endif
