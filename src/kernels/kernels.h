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
#include "kernels/normalise.h"

#include <cnn/backend.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What kernels are told, which back ends are told too (<cnn/backend.h>). */
typedef cnn_gemm cnn__gemm;
typedef cnn_conv cnn__conv;
typedef cnn_maxpool cnn__maxpool;

/* The first position o ≥ 0 at which offset + o · stride is not below 0. */
static inline int64_t cnn__first_inside(int64_t offset, int64_t stride)
{
    return offset < 0 ? (-offset - 1) / stride + 1 : 0;
}

/* Whether the gradient of the data can be added to what is in dx. */
static inline bool cnn__conv_adds(const cnn__conv *g)
{
    return g->kernel_h == 1 && g->kernel_w == 1 && g->stride_h == 1 && g->stride_w == 1 && g->in_h == g->out_h &&
           g->in_w == g->out_w && g->pad_top == 0 && g->pad_left == 0 && g->groups == 1 && g->in_channels > 1;
}

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

/* The name that the environment variable CNN_KERNELS asks for; NULL: none. */
const char *cnn__kernels_wanted(void);

/* All tables this CPU can run, reference first; returns how many. For tests and benchmarks. */
int cnn__kernels_list(const cnn__kernels **tables, int capacity);

#endif
