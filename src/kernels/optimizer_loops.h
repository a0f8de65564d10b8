/* The steps of the optimizers: what optimizers_impl.h makes for each table of kernels. */
#ifndef CNN_KERNELS_OPTIMIZER_LOOPS_H
#define CNN_KERNELS_OPTIMIZER_LOOPS_H

#include "base/pool.h"
#include <cnn/backend.h>

/* A step and its operands: out[0] is the parameter, then come the moments. */
typedef struct cnn__optimizer_step {
    const void *numbers; /* what the formula is told */
    int64_t n;
    const void *grad;
    void *out[4];
    unsigned has; /* bit k: there is an out[k] */
} cnn__optimizer_step;

/* The loops of a table. They compute with `width` elements of `size` bytes at once, 64 bytes at most. */
typedef struct cnn__optimizer_loops {
    int width, size;
    cnn__task_fn adam, amsgrad, moments, adamax, sgd, lion, lars, muon, combine, rmsprop, adagrad, adadelta;
} cnn__optimizer_loops;

enum { CNN__OPTIMIZER_CHUNK = 1 << 14 }; /* elements a task of a loop */

/* Runs one of the loops over all elements of the launch. */
void cnn__optimizer_run(const cnn_launch *l, const void *numbers, const cnn__optimizer_loops *loops, cnn__task_fn loop,
                        double cost, cnn__pool *pool);

/* Finds the numbers of the launch's optimizer and runs its loop. AVX2's and AVX-512's tables share the first one, which
 * joins products and sums in the numbers too, and SSE2's shares the reference's. */
void cnn__optimizer_launch_avx2(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool);
void cnn__optimizer_launch_f32(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool);

#define REAL float
#define NUMBERS(name) cnn__##name##_numbers_f32
#include "kernels/optimizers_numbers_impl.h"
#undef REAL
#undef NUMBERS

#define REAL double
#define NUMBERS(name) cnn__##name##_numbers_f64
#include "kernels/optimizers_numbers_impl.h"
#undef REAL
#undef NUMBERS

#endif
