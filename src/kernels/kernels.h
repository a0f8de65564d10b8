/* The kernel table: arithmetic on raw pointers, one table per device and instruction set.
 *
 * A kernel takes pointers and sizes that its caller has checked, returns nothing, never allocates and cannot fail.
 * Where it needs scratch memory, `<kernel>_workspace` says how many bytes beforehand; the pointer handed over is
 * aligned to 64 bytes. Every slot has a plain version in the "reference" table, which is its specification and the
 * oracle of the tests; faster tables override slots and agree with it to rounding, and with themselves to the bit for
 * any number of threads. */
#ifndef CNN_KERNELS_KERNELS_H
#define CNN_KERNELS_KERNELS_H

#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* C[m,n] = op(A)[m,k] · op(B)[k,n] (+ C) (+ bias[n] to each row). Row-major; ld* are row strides in elements of the
 * matrices as stored, so op(A) = Aᵀ reads A as [k,m]. */
typedef struct cnn__gemm {
    bool trans_a, trans_b;
    bool accumulate;
    bool reversed; /* read B backwards: its end may still be cached */
    int64_t m, n, k;
    int64_t lda, ldb, ldc;
} cnn__gemm;

/* A 2-D convolution (cross-correlation) over contiguous NCHW data; weight is [out_channels, in_channels/groups,
 * kernel_h, kernel_w]. Padding at the bottom and right follows from out_h and out_w. */
typedef struct cnn__conv {
    int64_t batch;
    int64_t in_channels, in_h, in_w;
    int64_t out_channels, out_h, out_w;
    int64_t kernel_h, kernel_w;
    int64_t stride_h, stride_w;
    int64_t dilation_h, dilation_w;
    int64_t pad_top, pad_left;
    int64_t groups;
    bool strict; /* every sum is made term by term: no algorithm whose error bound is larger than a plain sum's */
    /* The epilogue, which is applied before results leave the caches; usually none. */
    bool relu;             /* forward: y = max(y, 0) */
    bool add;              /* gradient of the data: add it to dx; only where cnn__conv_adds */
    const void *relu_mask; /* gradient of the data: it is 0 where this, shaped like x, is ≤ 0; may be NULL */
} cnn__conv;

/* Whether the gradient of the data can be added to what is in dx. */
static inline bool cnn__conv_adds(const cnn__conv *g)
{
    return g->kernel_h == 1 && g->kernel_w == 1 && g->stride_h == 1 && g->stride_w == 1 && g->in_h == g->out_h &&
           g->in_w == g->out_w && g->pad_top == 0 && g->pad_left == 0 && g->groups == 1 && g->in_channels > 1;
}

/* Max pooling over `planes` (= batch · channels) contiguous planes of in_h × in_w. Padding counts as -infinity; a NaN
 * in the window wins. */
typedef struct cnn__maxpool {
    int64_t planes;
    int64_t in_h, in_w, out_h, out_w;
    int64_t kernel_h, kernel_w;
    int64_t stride_h, stride_w;
    int64_t dilation_h, dilation_w;
    int64_t pad_top, pad_left;
} cnn__maxpool;

/* One Adam/AdamW step over n elements, PyTorch's formula (docs of torch.optim.Adam):
 *   g = maximize ? -grad : grad;  decoupled ? p *= 1 - lr·wd : g += wd·p
 *   m += (g - m)·(1 - beta1), from beta1 = 0.5 down as g - (g - m)·beta1, which keeps a g far smaller than m, as
 * torch.lerp does;
 *   v = beta2·v + (1 - beta2)·g²
 *   denom = sqrt(amsgrad ? vmax = max(vmax, v) : v) / sqrt(bias2) + eps;  p -= lr / bias1 · m / denom */
typedef struct cnn__adam {
    double lr, beta1, beta2, eps, weight_decay;
    double bias1, bias2; /* 1 - beta^t */
    bool decoupled, maximize;
} cnn__adam;

/* One SGD step, PyTorch's formula: g += wd·p; first ? buf = g : buf = momentum·buf + (1 - dampening)·g;
 * g = nesterov ? g + momentum·buf : buf; p -= lr·g. buf is NULL when momentum is 0. */
typedef struct cnn__sgd {
    double lr, momentum, dampening, weight_decay;
    bool nesterov, maximize, first;
} cnn__sgd;

/* The kernels of one floating-point dtype, by name: kernels.def says what each does. */
typedef struct cnn__real_kernels {
#define CNN__KERNEL(source, result, name, parameters) result(*name) parameters;
#include "kernels/kernels.def"
#undef CNN__KERNEL
} cnn__real_kernels;

struct cnn__array_kernels; /* elementwise, copies and reductions of every dtype: kernels/array/array.h */

typedef struct cnn__kernels {
    const char *name; /* "reference", "generic", "avx2", "avx512", "neon" */
    const cnn__real_kernels *f32, *f64;
    const struct cnn__array_kernels *array;
} cnn__kernels;

/* The fastest table this CPU runs, or the one named; NULL if there is none of that name or the CPU lacks it. */
const cnn__kernels *cnn__kernels_select(const char *name);

/* All tables this CPU can run, reference first; returns how many. For tests and benchmarks. */
int cnn__kernels_list(const cnn__kernels **tables, int capacity);

#endif
