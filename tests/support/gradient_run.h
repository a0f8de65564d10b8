/* Runs an operation of one tensor, forward and backward, in a context of its own, and gives everything as doubles: for
 * tests that compare an operation with plain loops, over drawn shapes and options. */
#ifndef CNN_TESTS_SUPPORT_GRADIENT_RUN_H
#define CNN_TESTS_SUPPORT_GRADIENT_RUN_H

#include "support/elements.h"

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t draw_state;

static inline int64_t draw(int64_t low, int64_t high)
{
    draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
    return low + (int64_t)((draw_state >> 33) % (uint64_t)(high - low + 1));
}

/* The gradient of element i of the result. bfloat16 holds it. */
static inline double seed_of(int64_t i)
{
    return (double)(i * 37 % 101 - 50) / 64;
}

typedef cnn_tensor *(*run_fn)(cnn_tensor *x, const void *options);

typedef struct gradient_run {
    char message[256]; /* says what failed; "": nothing, and only then there is the rest */
    int ndim;
    int64_t shape[CNN_MAX_DIMS], numel;
    double *y, *dx;
} gradient_run;

static inline gradient_run run_gradient(int threads, cnn_dtype dtype, int ndim, const int64_t *shape, const double *values,
                                        run_fn call, const void *options)
{
    gradient_run r = { .ndim = 0 };
    cnn_context *ctx = cnn_context_new(.threads = threads);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = tensor_of_f64(ctx, dtype, ndim, shape, values);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = call(cnn_input(tape, x), options);
    if (cnn_tensor_status(y) != CNN_OK) {
        snprintf(r.message, sizeof r.message, "%s", cnn_tape_error(tape));
    } else {
        r.ndim = cnn_tensor_ndim(y);
        r.numel = cnn_tensor_numel(y);
        memcpy(r.shape, cnn_tensor_shape(y), (size_t)r.ndim * sizeof *r.shape);
        double *weights = malloc((size_t)(r.numel + 1) * sizeof *weights);
        for (int64_t i = 0; i < r.numel; i++) {
            weights[i] = seed_of(i);
        }
        cnn_tensor *seed = tensor_of_f64(ctx, dtype, r.ndim, r.shape, weights), *kept = cnn_tensor_detach(y);
        ck_assert_msg(cnn_backward_with(y, seed, false) == CNN_OK, "%s", cnn_tape_error(tape));
        r.y = elements_as_f64(kept);
        r.dx = elements_as_f64(cnn_tensor_grad(x));
        cnn_tensor_free(seed);
        cnn_tensor_free(kept);
        free(weights);
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return r;
}

static inline void gradient_run_free(gradient_run *r)
{
    free(r->y);
    free(r->dx);
}

static inline int64_t product_of(int ndim, const int64_t *shape)
{
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) {
        n *= shape[d];
    }
    return n;
}

/* Numbers that bfloat16 holds. */
static inline double *drawn_values(int64_t n)
{
    double *values = malloc((size_t)(n + 1) * sizeof *values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = (double)draw(-100, 100) / 64;
    }
    return values;
}

static inline void values_agree(const char *what, const double *given, const double *expected, int64_t n, double tolerance)
{
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(given[i] - expected[i]) <= tolerance * (1 + fabs(expected[i])))) {
            ck_abort_msg("%s: element %lld is %.17g, expected %.17g", what, (long long)i, given[i], expected[i]);
        }
    }
}

/* What is expected of an operation that is linear in x: adds, for result number o, weight · x[i] to y[o]. */
typedef struct expected_sums {
    const double *x;
    double *y, *dx;
} expected_sums;

static inline void expect_term(const expected_sums *e, int64_t o, int64_t i, double weight)
{
    e->y[o] += weight * e->x[i];
    e->dx[i] += weight * seed_of(o);
}

/* Runs the call with one and with three threads, in this dtype; the bits agree. False: it was refused. */
static inline bool run_both(cnn_dtype dtype, int ndim, const int64_t *shape, const double *values, run_fn call,
                            const void *options, gradient_run *r)
{
    *r = run_gradient(1, dtype, ndim, shape, values, call, options);
    gradient_run three = run_gradient(3, dtype, ndim, shape, values, call, options);
    ck_assert_str_eq(r->message, three.message);
    if (!*r->message) {
        ck_assert_mem_eq(r->y, three.y, (size_t)r->numel * sizeof *r->y);
        ck_assert_mem_eq(r->dx, three.dx, (size_t)product_of(ndim, shape) * sizeof *r->dx);
    }
    gradient_run_free(&three);
    return !*r->message;
}

/* Draws a dtype and its tolerance. */
static inline cnn_dtype drawn_dtype(double *tolerance)
{
    const cnn_dtype dtypes[3] = { CNN_F64, CNN_F32, CNN_BF16 };
    const double tolerances[3] = { 1e-12, 2e-6, 1.0 / 128 };
    int64_t i = draw(0, 2);
    *tolerance = tolerances[i];
    return dtypes[i];
}

#endif
