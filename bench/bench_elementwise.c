/* Runs operations of elementwise.def on command, so that bench/elementwise.py can interleave them with PyTorch's.
 *
 * Protocol: prints "ready …"; then for each line "NAME LAYOUT ROWS COLUMNS PASS COUNT" on standard input runs the
 * operation COUNT times and prints the times of its forward or backward in seconds on one line; says its peak resident
 * size in kB on a last line when its input ends. */
#include "nets.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum operand { OF_X, OF_Y, OF_P, OF_Z, OF_B, OF_I, OF_J, OF_K, OF_T, OF_W, OF_V, OF_C, OF_G, OPERANDS };

typedef struct bench {
    cnn_context *ctx;
    cnn_tape *tape;
    cnn_tensor *tensors[OPERANDS];
    int64_t rows, columns;
    char layout;
} bench;

static cnn_tensor *input(const bench *b, enum operand which)
{
    cnn_tensor *x = cnn_input(b->tape, b->tensors[which]);
    return b->layout == 't' && (which == OF_X || which == OF_P) ? cnn_transpose(x, 0, 1) : x;
}

#define X input(b, OF_X)
#define Y input(b, OF_Y)
#define P input(b, OF_P)
#define Z input(b, OF_Z)
#define B input(b, OF_B)
#define I input(b, OF_I)
#define J input(b, OF_J)
#define K input(b, OF_K)
#define T input(b, OF_T)
#define W input(b, OF_W)
#define V input(b, OF_V)
#define C input(b, OF_C)
#define G input(b, OF_G)
#define ROWS b->rows
#define COLUMNS b->columns
#define CONTEXT b->ctx
#define ELEMENTWISE(name, layouts, passes, call, torch) \
    static cnn_tensor *run_##name(const bench *b) \
    { \
        return call; \
    }
#include "elementwise.def"
#define CNN_OP_BENCH ELEMENTWISE
#include "ops/ops.def"
#undef ELEMENTWISE
#undef X
#undef Y
#undef P
#undef Z
#undef B
#undef I
#undef J
#undef K
#undef T
#undef W
#undef V
#undef C
#undef G

static const struct operation {
    const char *name;
    cnn_tensor *(*run)(const bench *b);
} operations[] = {
#define ELEMENTWISE(name, layouts, passes, call, torch) { #name, run_##name },
#include "elementwise.def"
#define CNN_OP_BENCH ELEMENTWISE
#include "ops/ops.def"
#undef ELEMENTWISE
};

/* Numbers that look random and are the same in each run. */
static uint64_t next_number(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
}

static cnn_tensor *drawn(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape, int64_t below)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, dtype, ndim, shape);
    if (!t) {
        bench_die("operands");
    }
    for (int64_t i = 0; i < cnn_tensor_numel(t); i++) {
        if (dtype == CNN_BOOL) {
            ((unsigned char *)cnn_tensor_data(t))[i] = next_number() & 1;
        } else if (dtype == CNN_I64) {
            ((int64_t *)cnn_tensor_data(t))[i] = (int64_t)(next_number() % (uint64_t)below);
        } else {
            ((float *)cnn_tensor_data(t))[i] = 0.1f + 0.8f * (float)(next_number() & 0xffffff) / 0x1000000;
        }
    }
    return t;
}

static void make_operands(bench *b)
{
    const int64_t rows = b->rows, columns = b->columns;
    const int64_t images = rows >= 2500 ? 25 : rows >= 250 ? 5 : 1, channels = rows * columns / 1000 / images;
    cnn_context *ctx = b->ctx;
    for (int i = 0; i < OPERANDS; i++) {
        cnn_tensor_free(b->tensors[i]);
    }
    const int64_t x[2][2] = { { rows, columns }, { columns, rows } }, *of_x = x[b->layout == 't'];
    const int64_t of_y[2] = { b->layout == 'r' ? 1 : rows, b->layout == 'k' ? 1 : columns };
    b->tensors[OF_X] = cnn_tensor_randn(ctx, CNN_F32, 2, of_x);
    b->tensors[OF_Y] = cnn_tensor_randn(ctx, CNN_F32, 2, of_y);
    b->tensors[OF_P] = drawn(ctx, CNN_F32, 2, of_x, 0);
    b->tensors[OF_Z] = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(images, channels < 4 ? 4 : channels, channels < 4 ? 10 : 25,
                                                                channels < 4 ? 25 : 40));
    b->tensors[OF_B] = drawn(ctx, CNN_BOOL, CNN_SHAPE(rows, columns), 2);
    b->tensors[OF_I] = drawn(ctx, CNN_I64, CNN_SHAPE(rows, columns), columns);
    b->tensors[OF_J] = drawn(ctx, CNN_I64, CNN_SHAPE(rows), rows);
    b->tensors[OF_K] = drawn(ctx, CNN_I64, CNN_SHAPE(columns), columns);
    b->tensors[OF_T] = drawn(ctx, CNN_I64, CNN_SHAPE(rows), columns);
    b->tensors[OF_W] = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(columns));
    b->tensors[OF_V] = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(columns));
    b->tensors[OF_G] = drawn(ctx, CNN_I64, CNN_SHAPE(rows / 25, columns), 25);
    b->tensors[OF_C] = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(channels < 4 ? 4 : channels, 1, 1));
    for (int i = 0; i < OPERANDS; i++) {
        if (!b->tensors[i]) {
            bench_die("operands");
        }
        if (cnn_tensor_dtype(b->tensors[i]) == CNN_F32 && cnn_tensor_set_requires_grad(b->tensors[i], true) != CNN_OK) {
            bench_die("operands");
        }
    }
}

static cnn_tensor *forward(const bench *b, const struct operation *op, cnn_mode mode)
{
    cnn_tape_begin(b->tape, mode);
    cnn_tensor *y = op->run(b);
    if (cnn_tape_status(b->tape) != CNN_OK) {
        bench_die(op->name);
    }
    return y;
}

static double time_forward(const bench *b, const struct operation *op, bool draws)
{
    double start = bench_now();
    if (draws) {
        cnn_tensor_free(op->run(b));
    } else {
        forward(b, op, strcmp(op->name, "dropout") ? CNN_EVAL : CNN_TRAIN);
    }
    return bench_now() - start;
}

static double time_backward(const bench *b, const struct operation *op, const cnn_tensor *gradient)
{
    cnn_tensor *y = forward(b, op, CNN_TRAIN);
    for (int i = 0; i < OPERANDS; i++) {
        cnn_tensor_zero_grad(b->tensors[i]);
    }
    double start = bench_now();
    if (cnn_backward_with(y, gradient, false) != CNN_OK) {
        bench_die(op->name);
    }
    return bench_now() - start;
}

static void run(bench *b, const struct operation *op, char pass, long count)
{
    cnn_tensor *gradient = NULL;
    if (pass == 'b') {
        const cnn_tensor *y = forward(b, op, CNN_TRAIN);
        gradient = cnn_tensor_ones(b->ctx, cnn_tensor_dtype(y), cnn_tensor_ndim(y), cnn_tensor_shape(y));
        if (!gradient) {
            bench_die(op->name);
        }
    }
    for (long i = 0; i < count; i++) {
        printf(i ? " %.8f" : "%.8f", pass == 'b' ? time_backward(b, op, gradient) : time_forward(b, op, pass == 'd'));
    }
    printf("\n");
    fflush(stdout);
    cnn_tensor_free(gradient);
}

static const struct operation *find(const char *name)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            return &operations[i];
        }
    }
    fprintf(stderr, "there is no operation %s in elementwise.def\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    int threads = 0, option;
    bench b = { 0 };
    while ((option = getopt(argc, argv, "t:")) != -1) {
        if (option != 't') {
            fprintf(stderr, "usage: %s [-t threads]\n", argv[0]);
            return 2;
        }
        threads = (int)strtol(optarg, NULL, 10);
    }
    b.ctx = cnn_context_new(.seed = 1, .threads = threads);
    b.tape = b.ctx ? cnn_tape_new(b.ctx) : NULL;
    if (!b.tape) {
        bench_die("setup");
    }
    printf("ready %s; kernels %s\n", cnn_version(), cnn_context_kernels(b.ctx));
    fflush(stdout);
    char name[64], layout, pass;
    long rows, columns, count;
    while (scanf("%63s %c %ld %ld %c %ld", name, &layout, &rows, &columns, &pass, &count) == 6) {
        if (layout != b.layout || rows != b.rows || columns != b.columns) {
            b.layout = layout;
            b.rows = rows;
            b.columns = columns;
            make_operands(&b);
        }
        run(&b, find(name), pass, count);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld\n", usage.ru_maxrss);
    cnn_tape_free(b.tape);
    for (int i = 0; i < OPERANDS; i++) {
        cnn_tensor_free(b.tensors[i]);
    }
    cnn_context_free(b.ctx);
    return 0;
}
