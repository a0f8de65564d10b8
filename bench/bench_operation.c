/* What an operation costs over its kernel: the time of small operations that a tape records, less that of the same kernels called
 * alone, with their loop nests made beforehand. Prints lines of
 *     NAME SHAPE FORWARD KERNEL BACKWARD KERNELS
 * in nanoseconds per operation, medians over rounds in which the three take turns: an operation of a step that records, with
 * its share of what ends the step; its kernel; what backward takes for it; the kernels that backward runs for it. The last two are
 * "-" where the operations do not form a chain. */
#include "nets.h"

#include "kernels/array/array.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPERATIONS = 100, STEPS = 16, ROUNDS = 101, ELEMENTS = 16 };

typedef struct bench {
    const struct operation *op;
    const cnn__kernels *kernels;
    cnn_tape *tape;
    cnn_tensor *x, *constant;
    int64_t n;
    cnn_nest nest, none;
    float values[OPERATIONS + 1][ELEMENTS], other[ELEMENTS];
} bench;

typedef struct operation {
    const char *name;
    bool chain; /* each one's operand is the result of the one before; else all have the same */
    cnn_tensor *(*apply)(cnn_tensor *x, cnn_tensor *constant);
    void (*forward)(bench *b, float *y, const float *x);
    void (*backward)(bench *b, float *y, const float *x); /* NULL: backward runs no kernel */
} operation;

/* ---- operations and their kernels ---- */

static const double no_parameters[2];

static void add_kernel(bench *b, float *y, const float *x)
{
    b->kernels->array->binary(CNN_BINARY_ADD, &b->nest, CNN_F32, y, x, b->other, NULL);
}

static void mul_kernel(bench *b, float *y, const float *x)
{
    b->kernels->array->binary(CNN_BINARY_MUL, &b->nest, CNN_F32, y, x, b->other, NULL);
}

static void neg_kernel(bench *b, float *y, const float *x)
{
    b->kernels->array->unary(CNN_UNARY_NEG, &b->nest, CNN_F32, no_parameters, y, x, NULL);
}

static void exp_kernel(bench *b, float *y, const float *x)
{
    b->kernels->array->unary(CNN_UNARY_EXP, &b->nest, CNN_F32, no_parameters, y, x, NULL);
}

static void relu_kernel(bench *b, float *y, const float *x)
{
    b->kernels->f32->relu(b->n, x, y, NULL);
}

static void relu_backward_kernel(bench *b, float *y, const float *x)
{
    b->kernels->f32->relu_backward(b->n, b->other, x, y, NULL);
}

static void sum_kernel(bench *b, float *y, const float *x)
{
    b->kernels->array->reduce(CNN_REDUCE_OF_SUM, &b->none, &b->nest, CNN_F32, y, x, NULL);
}

static cnn_tensor *neg(cnn_tensor *x, cnn_tensor *constant)
{
    (void)constant;
    return cnn_neg(x);
}

static cnn_tensor *exponential(cnn_tensor *x, cnn_tensor *constant)
{
    (void)constant;
    return cnn_exp(x);
}

static cnn_tensor *relu(cnn_tensor *x, cnn_tensor *constant)
{
    (void)constant;
    return cnn_relu(x);
}

static cnn_tensor *sum(cnn_tensor *x, cnn_tensor *constant)
{
    (void)constant;
    return cnn_sum(x, 0, NULL, false);
}

static const operation operations[] = {
    { "add", true, cnn_add, add_kernel, NULL },
    { "mul", true, cnn_mul, mul_kernel, mul_kernel },
    { "relu", true, relu, relu_kernel, relu_backward_kernel },
    { "neg", true, neg, neg_kernel, neg_kernel },
    { "exp", true, exponential, exp_kernel, mul_kernel },
    { "sum", false, sum, sum_kernel, NULL },
};

/* ---- what is timed ---- */

static void step(bench *b, bool backward)
{
    cnn_tape_begin(b->tape, CNN_TRAIN);
    cnn_tensor *x = cnn_input(b->tape, b->x), *constant = cnn_input(b->tape, b->constant), *y = x;
    for (int i = 0; i < OPERATIONS; i++) {
        y = b->op->apply(b->op->chain ? y : x, constant);
    }
    if (backward) {
        cnn_tensor_zero_grad(b->x);
        cnn_backward_with(y, NULL, false);
    }
    if (cnn_tape_status(b->tape) != CNN_OK) {
        bench_die(b->op->name);
    }
}

static void run_kernels(bench *b, void (*kernel)(bench *b, float *y, const float *x))
{
    for (int i = 0; i < OPERATIONS; i++) {
        kernel(b, b->values[i + 1], b->values[b->op->chain ? i : 0]);
    }
}

enum { FORWARD, KERNEL, BOTH, KERNELS, TIMES };

static void take_turn(bench *b, double times[TIMES])
{
    for (int what = 0; what < TIMES; what++) {
        double start = bench_now();
        for (int i = 0; i < STEPS; i++) {
            if (what == FORWARD || (what == BOTH && b->op->chain)) {
                step(b, what == BOTH);
            } else if (what == KERNEL || (what == KERNELS && b->op->backward)) {
                run_kernels(b, what == KERNEL ? b->op->forward : b->op->backward);
            }
        }
        times[what] = (bench_now() - start) * 1e9 / (OPERATIONS * STEPS);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double rounds[ROUNDS][TIMES], int what)
{
    double sorted[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        sorted[i] = rounds[i][what];
    }
    qsort(sorted, ROUNDS, sizeof *sorted, compare);
    return sorted[ROUNDS / 2];
}

static void report(bench *b, const char *shape)
{
    static double rounds[ROUNDS][TIMES];
    for (int i = 0; i < ROUNDS; i++) {
        take_turn(b, rounds[i]);
    }
    double forward = median(rounds, FORWARD);
    printf("%s %s %.1f %.1f ", b->op->name, shape, forward, median(rounds, KERNEL));
    if (b->op->chain) {
        printf("%.1f %.1f\n", median(rounds, BOTH) - forward, b->op->backward ? median(rounds, KERNELS) : 0.0);
    } else {
        printf("- -\n");
    }
    fflush(stdout);
}

static void run_shape(bench *b, cnn_context *ctx, int ndim, const int64_t *shape, const char *text)
{
    b->x = cnn_tensor_zeros(ctx, CNN_F32, ndim, shape);
    b->constant = cnn_tensor_ones(ctx, CNN_F32, ndim, shape);
    if (!b->x || !b->constant || cnn_tensor_set_requires_grad(b->x, true) != CNN_OK) {
        bench_die("tensors");
    }
    b->n = cnn_tensor_numel(b->x);
    b->nest = (cnn_nest){ .ndim = b->n > 1, .shape = { b->n }, .stride = { { 1 }, { 1 }, { 1 } } };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        b->op = &operations[i];
        report(b, text);
    }
    cnn_tensor_free(b->x);
    cnn_tensor_free(b->constant);
}

int main(void)
{
    static bench b;
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1);
    b.kernels = cnn__kernels_select(cnn__kernels_wanted());
    b.tape = ctx ? cnn_tape_new(ctx) : NULL;
    if (!b.tape || !b.kernels) {
        bench_die("setup");
    }
    run_shape(&b, ctx, CNN_SHAPE(1), "1");
    run_shape(&b, ctx, CNN_SHAPE(16), "16");
    run_shape(&b, ctx, CNN_SHAPE(2, 2, 2, 2), "2x2x2x2");
    cnn_tape_free(b.tape);
    cnn_context_free(ctx);
    return 0;
}
