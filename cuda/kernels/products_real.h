/* Products of a real dtype: X is the type, FN(name) its name, FUSED(a, b, c) a · b + c, rounded once. A tile is 64 × 64
 * results; of its 256 threads each has 4 × 4. Terms are summed 16 at a time in X and, every 256 terms, in double. No
 * include guard: one inclusion, one dtype. */

/* ---- matrices ---- */

/* One product of many: where an operand begins. */
DEVICE int64_t FN(matrix_at)(const nested_arguments *a, int64_t number, int operand)
{
    return nest_at(&a->nest, number, operand);
}

/* sizes: m, n, k, lda, ldb, ldc, parts, terms of a part; values: flags. The nest is the batch, with operands C, A, B;
 * in: a, b, (bias); a workspace has the parts, [parts, batch, m, n], in double. */
DEVICE X FN(gemm_a)(const nested_arguments *a, const X *left, int64_t m, int64_t k)
{
    const bool inside = m < a->size[0];
    return inside ? left[(int)a->value[0] & TRANSPOSED_A ? k * a->size[3] + m : m * a->size[3] + k] : 0;
}

DEVICE X FN(gemm_b)(const nested_arguments *a, const X *right, int64_t k, int64_t n)
{
    const bool inside = n < a->size[1];
    return inside ? right[(int)a->value[0] & TRANSPOSED_B ? n * a->size[4] + k : k * a->size[4] + n] : 0;
}

DEVICE_APART void FN(gemm_store)(const nested_arguments *a, int64_t number, int64_t m, int64_t n, double sum)
{
    const int64_t at = m * a->size[5] + n;
    X *c = (X *)a->out[0] + FN(matrix_at)(a, number, 0);
    double value = a->in[2] ? (double)((const X *)a->in[2])[n] : 0;
    value += (int)a->value[0] & ACCUMULATES ? (double)c[at] : 0;
    c[at] = (X)(value + sum);
}

#define TILE_NAME gemm
#define TILE_LOADS UNROLL
#define TILE_ARGUMENTS nested_arguments
#define TILE_M a->size[0]
#define TILE_N a->size[1]
#define TILE_K a->size[2]
#define TILE_PARTS a->size[6]
#define TILE_PART a->size[7]
#define TILE_A_ALONG_K !((int)a->value[0] & TRANSPOSED_A)
#define TILE_B_ALONG_K ((int)a->value[0] & TRANSPOSED_B)
#define TILE_SETUP \
    const X *left = (const X *)a->in[0] + FN(matrix_at)(a, number, 1); \
    const X *right = (const X *)a->in[1] + FN(matrix_at)(a, number, 2);
#define TILE_A(m, k) FN(gemm_a)(a, left, m, k)
#define TILE_B(k, n) FN(gemm_b)(a, right, k, n)
#define TILE_STORE(m, n, sum) FN(gemm_store)(a, number, m, n, sum)
#define TILE_AGAIN(m, n, begin, end, sum) (sum)
#include "tile.h"

/* ---- convolutions: x, weight, bias of a group of channels ---- */

/* x at position n of the results of a group's channel and tap k; 0 in the padding, where `inside` is false. */
DEVICE X FN(conv_x)(const plain_arguments *a, const X *x, int64_t group, int64_t k, int64_t n, bool *inside)
{
    const int64_t *s = a->size;
    int64_t tap[4], place[4];
    split(k, s[KERNEL_D], s[KERNEL_H], s[KERNEL_W], tap);
    split(n, s[OUT_D], s[OUT_H], s[OUT_W], place);
    const int64_t d = reads(place[1], s[STRIDE_D], tap[1], s[DILATION_D], s[PAD_D], s[IN_D]),
                  h = reads(place[2], s[STRIDE_H], tap[2], s[DILATION_H], s[PAD_H], s[IN_H]),
                  w = reads(place[3], s[STRIDE_W], tap[3], s[DILATION_W], s[PAD_W], s[IN_W]);
    *inside = d >= 0 && h >= 0 && w >= 0;
    const int64_t channel = group * (s[IN_CHANNELS] / s[GROUPS]) + tap[0];
    return *inside ? x[(((place[0] * s[IN_CHANNELS] + channel) * s[IN_D] + d) * s[IN_H] + h) * s[IN_W] + w] : 0;
}

/* The index of result channel m of a group at position n. */
DEVICE int64_t FN(conv_y_at)(const plain_arguments *a, int64_t group, int64_t m, int64_t n)
{
    const int64_t *s = a->size, plane = s[OUT_D] * s[OUT_H] * s[OUT_W], batch = quotient(n, plane);
    return (batch * s[OUT_CHANNELS] + group * (s[OUT_CHANNELS] / s[GROUPS]) + m) * plane + n - batch * plane;
}

/* dy that reaches position n of x through a tap of a group's result channel. */
DEVICE X FN(conv_dy)(const plain_arguments *a, const X *dy, int64_t group, int64_t k, int64_t n, bool *inside)
{
    const int64_t *s = a->size;
    int64_t tap[4], place[4];
    split(k, s[KERNEL_D], s[KERNEL_H], s[KERNEL_W], tap);
    split(n, s[IN_D], s[IN_H], s[IN_W], place);
    const int64_t d = reader(place[1], s[STRIDE_D], tap[1], s[DILATION_D], s[PAD_D], s[OUT_D]),
                  h = reader(place[2], s[STRIDE_H], tap[2], s[DILATION_H], s[PAD_H], s[OUT_H]),
                  w = reader(place[3], s[STRIDE_W], tap[3], s[DILATION_W], s[PAD_W], s[OUT_W]);
    *inside = d >= 0 && h >= 0 && w >= 0;
    const int64_t channel = group * (s[OUT_CHANNELS] / s[GROUPS]) + tap[0];
    return *inside ? dy[(((place[0] * s[OUT_CHANNELS] + channel) * s[OUT_D] + d) * s[OUT_H] + h) * s[OUT_W] + w] : 0;
}

/* The weight between result channel o and channel c of a group, at a tap. */
DEVICE int64_t FN(conv_weight_at)(const plain_arguments *a, int64_t group, int64_t o, int64_t c, int64_t tap)
{
    const int64_t *s = a->size, taps = s[KERNEL_D] * s[KERNEL_H] * s[KERNEL_W];
    return ((group * (s[OUT_CHANNELS] / s[GROUPS]) + o) * (s[IN_CHANNELS] / s[GROUPS]) + c) * taps + tap;
}

/* Weight m · k of forward, whose k counts channels and taps; and of the gradient of the data, whose k counts result
 * channels and taps. */
DEVICE X FN(forward_weight)(const plain_arguments *a, const X *weight, int64_t group, int64_t m, int64_t k)
{
    return m < a->size[M] ? weight[FN(conv_weight_at)(a, group, m, 0, k)] : 0;
}

DEVICE X FN(data_weight)(const plain_arguments *a, const X *weight, int64_t group, int64_t m, int64_t k)
{
    const int64_t taps = a->size[KERNEL_D] * a->size[KERNEL_H] * a->size[KERNEL_W], o = quotient(k, taps);
    return m < a->size[M] ? weight[FN(conv_weight_at)(a, group, o, m, k - o * taps)] : 0;
}

/* A sum whose terms in the padding made it a NaN, without them. */
DEVICE_APART double FN(forward_again)(const plain_arguments *a, int64_t group, int64_t m, int64_t n, int64_t begin,
                                      int64_t end)
{
    double sum = 0;
    for (int64_t k = begin; k < end; k++) {
        bool inside;
        const X v = FN(conv_x)(a, (const X *)a->in[0], group, k, n, &inside);
        sum += inside ? (double)v * (double)FN(forward_weight)(a, (const X *)a->in[1], group, m, k) : 0;
    }
    return sum;
}

DEVICE_APART double FN(data_again)(const plain_arguments *a, int64_t group, int64_t m, int64_t n, int64_t begin,
                                   int64_t end)
{
    double sum = 0;
    for (int64_t k = begin; k < end; k++) {
        bool inside;
        const X v = FN(conv_dy)(a, (const X *)a->in[0], group, k, n, &inside);
        sum += inside ? (double)v * (double)FN(data_weight)(a, (const X *)a->in[1], group, m, k) : 0;
    }
    return sum;
}

DEVICE_APART double FN(weight_again)(const plain_arguments *a, int64_t group, int64_t m, int64_t n, int64_t begin,
                                     int64_t end)
{
    double sum = 0;
    for (int64_t k = begin; k < end; k++) {
        bool inside;
        const X v = FN(conv_x)(a, (const X *)a->in[0], group, n, k, &inside);
        sum += inside ? (double)v * (double)((const X *)a->in[1])[FN(conv_y_at)(a, group, m, k)] : 0;
    }
    return sum;
}

DEVICE_APART void FN(forward_store)(const plain_arguments *a, int64_t group, int64_t m, int64_t n, double sum)
{
    const X *bias = (const X *)a->in[2];
    const X y = (bias ? bias[group * a->size[M] + m] : 0) + (X)sum;
    ((X *)a->out[0])[FN(conv_y_at)(a, group, m, n)] = a->size[FLAGS] & RELU && y < 0 ? 0 : y;
}

/* in: dy, weight, (mask like x), (bias of the channels of x). */
DEVICE_APART void FN(data_store)(const plain_arguments *a, int64_t group, int64_t m, int64_t n, double sum)
{
    const int64_t *s = a->size, plane = s[IN_D] * s[IN_H] * s[IN_W], batch = quotient(n, plane),
                  channel = group * s[M] + m, at = (batch * s[IN_CHANNELS] + channel) * plane + n - batch * plane;
    X *dx = (X *)a->out[0];
    sum += a->in[3] ? (double)((const X *)a->in[3])[channel] : 0;
    const X value = (X)(s[FLAGS] & ACCUMULATES ? (double)dx[at] + sum : sum);
    dx[at] = a->in[2] && ((const X *)a->in[2])[at] <= 0 ? 0 : value;
}

#define TILE_ARGUMENTS plain_arguments
#define TILE_M a->size[M]
#define TILE_N a->size[N]
#define TILE_K a->size[K]
#define TILE_PARTS a->size[PARTS]
#define TILE_PART a->size[PART]
#define TILE_SETUP \
    const X *first = (const X *)a->in[0], *second = (const X *)a->in[1]; \
    bool inside; \
    (void)inside;
#define TILE_OF_CONVOLUTIONS
#define TILE_LOADS ROLLED

#define TILE_NAME conv_forward
#define TILE_A_ALONG_K true
#define TILE_B_ALONG_K false
#define TILE_A(m, k) FN(forward_weight)(a, second, number, m, k)
#define TILE_B(k, n) ((n) < a->size[N] ? FN(conv_x)(a, first, number, k, n, &inside) : 0)
#define TILE_STORE(m, n, sum) FN(forward_store)(a, number, m, n, sum)
#define TILE_AGAIN(m, n, begin, end, sum) (sum - sum == 0 ? sum : FN(forward_again)(a, number, m, n, begin, end))
#include "tile.h"

#define TILE_NAME conv_data
#define TILE_A_ALONG_K true
#define TILE_B_ALONG_K false
#define TILE_A(m, k) FN(data_weight)(a, second, number, m, k)
#define TILE_B(k, n) ((n) < a->size[N] ? FN(conv_dy)(a, first, number, k, n, &inside) : 0)
#define TILE_STORE(m, n, sum) FN(data_store)(a, number, m, n, sum)
#define TILE_AGAIN(m, n, begin, end, sum) (sum - sum == 0 ? sum : FN(data_again)(a, number, m, n, begin, end))
#include "tile.h"

#define TILE_NAME conv_weight
#define TILE_A_ALONG_K true
#define TILE_B_ALONG_K true
#define TILE_A(m, k) ((m) < a->size[M] ? second[FN(conv_y_at)(a, number, m, k)] : 0)
#define TILE_B(k, n) ((n) < a->size[N] ? FN(conv_x)(a, first, number, n, k, &inside) : 0)
#define TILE_STORE(m, n, sum) (((X *)a->out[0])[FN(conv_weight_at)(a, number, m, 0, n)] = (X)(sum))
#define TILE_AGAIN(m, n, begin, end, sum) (sum - sum == 0 ? sum : FN(weight_again)(a, number, m, n, begin, end))
#include "tile.h"

#undef TILE_ARGUMENTS
#undef TILE_M
#undef TILE_N
#undef TILE_K
#undef TILE_PARTS
#undef TILE_PART
#undef TILE_SETUP
#undef TILE_OF_CONVOLUTIONS
#undef TILE_LOADS
#undef X
#undef FN
#undef FUSED
