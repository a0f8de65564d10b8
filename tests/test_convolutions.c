/* Convolutions of one to three dimensions and transposed ones against their definition, on random shapes and options and on shapes
 * that each of the kernels' algorithms takes: results, all gradients, and the same bits from one and from three threads. PyTorch's
 * values are in tests/fixtures/ops. */
#include "support/elements.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Axes that a kind lacks come first and have size and kernel 1. */
typedef struct problem {
    int axes;
    bool transposed, bias, batched;
    int64_t n, in_channels, out_channels, groups;
    int64_t in[3], kernel[3], stride[3], dilation[3], padding[3], output_padding[3];
} problem;

enum { X, WEIGHT, BIAS, OPERANDS };

typedef struct outcome {
    int64_t out[3];
    double *y, *grad[OPERANDS];
} outcome;

static uint64_t stream;

static int64_t draw(int64_t low, int64_t high)
{
    stream = stream * 6364136223846793005u + 1442695040888963407u;
    return low + (int64_t)((stream >> 33) % (uint64_t)(high - low + 1));
}

/* Numbers that bfloat16 has too, and here and there one that is not finite if `odd`. */
static double *draw_all(int64_t count, bool odd)
{
    const double strange[3] = { (double)NAN, (double)INFINITY, -(double)INFINITY };
    double *values = malloc((size_t)(count + 1) * sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        values[i] = (double)draw(-32, 32) / 16;
    }
    for (int64_t i = odd ? draw(0, 2) : 0; i > 0 && count > 0; i--) {
        values[draw(0, count - 1)] = strange[draw(0, 2)];
    }
    return values;
}

static int64_t volume(const int64_t size[3])
{
    return size[0] * size[1] * size[2];
}

static int64_t weight_count(const problem *p)
{
    return p->in_channels * p->out_channels / p->groups * volume(p->kernel);
}

/* ---- the definition ---- */

/* False: there is no result. */
static bool result_size(const problem *p, int64_t out[3])
{
    bool good = true;
    for (int i = 0; i < 3; i++) {
        int64_t reach = p->dilation[i] * (p->kernel[i] - 1) + 1;
        if (p->transposed) {
            out[i] = (p->in[i] - 1) * p->stride[i] + reach + p->output_padding[i] - 2 * p->padding[i];
            good = good && out[i] >= 1 && (p->output_padding[i] < p->stride[i] || p->output_padding[i] < p->dilation[i]);
        } else {
            int64_t left = p->in[i] + 2 * p->padding[i] - reach;
            out[i] = left / p->stride[i] + 1;
            good = good && left >= 0;
        }
    }
    return good;
}

/* Where tap number `tap` takes position `at` of the smaller side to on the larger one, as an index into it; −1: padding. */
static int64_t place(const problem *p, const int64_t large[3], const int64_t small[3], int64_t at, int64_t tap)
{
    int64_t position[3], index = 0;
    for (int i = 2; i >= 0; i--) {
        position[i] = at % small[i] * p->stride[i] - p->padding[i] + tap % p->kernel[i] * p->dilation[i];
        at /= small[i];
        tap /= p->kernel[i];
    }
    for (int i = 0; i < 3; i++) {
        if (position[i] < 0 || position[i] >= large[i]) {
            return -1;
        }
        index = index * large[i] + position[i];
    }
    return index;
}

/* Every product of an x and a weight goes to one result, and with that result's seed to both gradients. */
static void define(const problem *p, double *const in[OPERANDS], const double *seed, outcome *r)
{
    const int64_t *large = p->transposed ? r->out : p->in, *small = p->transposed ? p->in : r->out;
    const int64_t taps = volume(p->kernel), per_in = p->in_channels / p->groups, per_out = p->out_channels / p->groups;
    const int64_t in_size = volume(p->in), out_size = volume(r->out);
    r->y = calloc((size_t)(p->n * p->out_channels * out_size) + 1, sizeof(double));
    r->grad[X] = calloc((size_t)(p->n * p->in_channels * in_size) + 1, sizeof(double));
    r->grad[WEIGHT] = calloc((size_t)weight_count(p) + 1, sizeof(double));
    r->grad[BIAS] = calloc((size_t)p->out_channels, sizeof(double));
    for (int64_t k = 0; k < volume(small) * taps; k++) {
        int64_t at = k / taps, tap = k % taps, there = place(p, large, small, at, tap);
        int64_t from = p->transposed ? at : there, to = p->transposed ? there : at;
        for (int64_t pair = 0; there >= 0 && pair < p->in_channels * per_out; pair++) {
            int64_t c = pair / per_out, group = c / per_in, o = group * per_out + pair % per_out;
            int64_t w = (p->transposed ? c * per_out + o % per_out : o * per_in + c % per_in) * taps + tap;
            for (int64_t n = 0; n < p->n; n++) {
                int64_t x = (n * p->in_channels + c) * in_size + from, y = (n * p->out_channels + o) * out_size + to;
                r->y[y] += in[X][x] * in[WEIGHT][w];
                r->grad[X][x] += seed[y] * in[WEIGHT][w];
                r->grad[WEIGHT][w] += seed[y] * in[X][x];
            }
        }
    }
    for (int64_t i = 0; i < p->n * p->out_channels * out_size; i++) {
        int64_t o = i / out_size % p->out_channels;
        r->y[i] += p->bias ? in[BIAS][o] : 0;
        r->grad[BIAS][o] += seed[i];
    }
}

/* ---- the library ---- */

#define PAIR(name, of) .name##_h = (of)[1], .name##_w = (of)[2]
#define TRIPLE(name, of) .name##_d = (of)[0], PAIR(name, of)

static cnn_tensor *convolve(const problem *p, cnn_tensor *const in[OPERANDS])
{
    cnn_tensor *x = in[X], *w = in[WEIGHT], *b = in[BIAS];
    switch (p->axes + (p->transposed ? 3 : 0)) {
    case 1:
        return cnn_conv1d(x, w, b, CNN_OPTIONS(cnn_conv1d_options, .stride = p->stride[2], .padding = p->padding[2],
                                               .dilation = p->dilation[2], .groups = p->groups));
    case 2:
        return cnn_conv2d(x, w, b, CNN_OPTIONS(cnn_conv2d_options, PAIR(stride, p->stride), PAIR(padding, p->padding),
                                               PAIR(dilation, p->dilation), .groups = p->groups));
    case 3:
        return cnn_conv3d(x, w, b, CNN_OPTIONS(cnn_conv3d_options, TRIPLE(stride, p->stride), TRIPLE(padding, p->padding),
                                               TRIPLE(dilation, p->dilation), .groups = p->groups));
    case 4:
        return cnn_conv_transpose1d(x, w, b, CNN_OPTIONS(cnn_conv_transpose1d_options, .stride = p->stride[2],
                                                         .padding = p->padding[2], .dilation = p->dilation[2],
                                                         .output_padding = p->output_padding[2], .groups = p->groups));
    case 5:
        return cnn_conv_transpose2d(x, w, b, CNN_OPTIONS(cnn_conv_transpose2d_options, PAIR(stride, p->stride),
                                                         PAIR(padding, p->padding), PAIR(dilation, p->dilation),
                                                         PAIR(output_padding, p->output_padding), .groups = p->groups));
    default:
        return cnn_conv_transpose3d(x, w, b, CNN_OPTIONS(cnn_conv_transpose3d_options, TRIPLE(stride, p->stride),
                                                         TRIPLE(padding, p->padding), TRIPLE(dilation, p->dilation),
                                                         TRIPLE(output_padding, p->output_padding), .groups = p->groups));
    }
}

static cnn_tensor *make(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape, const double *values)
{
    cnn_tensor *t = tensor_of_f64(ctx, dtype, ndim, shape, values);
    cnn_tensor_set_requires_grad(t, true);
    return t;
}

/* [first, second, …the axes of size]. */
static cnn_tensor *make_sized(cnn_context *ctx, cnn_dtype dtype, const problem *p, bool batched, int64_t first, int64_t second,
                              const int64_t size[3], const double *values)
{
    int64_t shape[5] = { first, second };
    memcpy(shape + 2, size + 3 - p->axes, (size_t)p->axes * sizeof *shape);
    return make(ctx, dtype, p->axes + (batched ? 2 : 1), batched ? shape : shape + 1, values);
}

/* false: refused. */
static bool compute(int threads, cnn_dtype dtype, const problem *p, double *const values[OPERANDS], const double *seeds, outcome *r)
{
    cnn_context *ctx = cnn_context_new(.threads = threads);
    cnn_tape *tape = cnn_tape_new(ctx);
    int64_t outer = p->transposed ? p->in_channels : p->out_channels, inner = p->transposed ? p->out_channels : p->in_channels;
    cnn_tensor *plain[OPERANDS] = {
        make_sized(ctx, dtype, p, p->batched, p->n, p->in_channels, p->in, values[X]),
        make_sized(ctx, dtype, p, true, outer, inner / p->groups, p->kernel, values[WEIGHT]),
        p->bias ? make(ctx, dtype, 1, &p->out_channels, values[BIAS]) : NULL,
    };
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *in[OPERANDS] = { cnn_input(tape, plain[X]), cnn_input(tape, plain[WEIGHT]), p->bias ? cnn_input(tape, plain[BIAS]) : NULL };
    cnn_tensor *y = convolve(p, in);
    bool good = cnn_tensor_status(y) == CNN_OK;
    if (good) {
        const int64_t *shape = cnn_tensor_shape(y);
        int ndim = cnn_tensor_ndim(y);
        ck_assert_int_eq(ndim, p->axes + (p->batched ? 2 : 1));
        ck_assert_int_eq(shape[ndim - p->axes - 1], p->out_channels);
        r->out[0] = r->out[1] = r->out[2] = 1;
        memcpy(r->out + 3 - p->axes, shape + ndim - p->axes, (size_t)p->axes * sizeof *shape);
        cnn_tensor *seed = make(ctx, dtype, ndim, shape, seeds), *kept = cnn_tensor_detach(y);
        ck_assert_msg(cnn_backward_with(y, seed, false) == CNN_OK, "%s", cnn_last_error(ctx));
        r->y = elements_as_f64(kept);
        for (int i = 0; i < OPERANDS; i++) {
            r->grad[i] = plain[i] ? elements_as_f64(cnn_tensor_grad(plain[i])) : NULL;
        }
        cnn_tensor_free(seed);
        cnn_tensor_free(kept);
    }
    for (int i = 0; i < OPERANDS; i++) {
        cnn_tensor_free(plain[i]);
    }
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return good;
}

/* ---- both ---- */

/* A sum of `terms` products of numbers up to 2. */
static void agree(const char *what, const problem *p, cnn_dtype dtype, const double *given, const double *expected, int64_t n,
                  int64_t terms)
{
    double tolerance = (dtype == CNN_F64 ? 1e-15 : 1e-6) * 4 * (double)(terms + 8), ulp = dtype == CNN_BF16 ? 0x1p-8 : 0;
    for (int64_t i = 0; i < n; i++) {
        bool same = isfinite(expected[i]) ? fabs(given[i] - expected[i]) <= tolerance + ulp * fabs(expected[i])
                    : isnan(expected[i])  ? isnan(given[i])
                                          : given[i] == expected[i];
        if (!same) {
            ck_abort_msg("%s of %s%dd, %lld samples, %lld to %lld channels in %lld groups, input %lldx%lldx%lld, kernel %lldx%lldx%lld, "
                         "stride %lldx%lldx%lld: element %lld is %.17g, expected %.17g", what, p->transposed ? "conv_transpose" : "conv",
                         p->axes, (long long)p->n, (long long)p->in_channels, (long long)p->out_channels, (long long)p->groups,
                         (long long)p->in[0], (long long)p->in[1], (long long)p->in[2], (long long)p->kernel[0], (long long)p->kernel[1],
                         (long long)p->kernel[2], (long long)p->stride[0], (long long)p->stride[1], (long long)p->stride[2],
                         (long long)i, given[i], expected[i]);
        }
    }
}

static void forget(outcome *r)
{
    free(r->y);
    for (int i = 0; i < OPERANDS; i++) {
        free(r->grad[i]);
    }
}

/* Returns whether there is a result. */
static bool check(const problem *p, cnn_dtype dtype, bool odd)
{
    outcome expected = { .y = NULL }, one, three;
    bool good = result_size(p, expected.out);
    int64_t results = good ? p->n * p->out_channels * volume(expected.out) : 0;
    double *values[OPERANDS] = { draw_all(p->n * p->in_channels * volume(p->in), odd), draw_all(weight_count(p), odd),
                                 draw_all(p->out_channels, odd && draw(0, 1)) };
    double *seeds = draw_all(results, odd);
    ck_assert_msg(compute(1, dtype, p, values, seeds, &one) == good, "a problem of %d axes is %s", p->axes, good ? "refused" : "taken");
    if (good) {
        ck_assert_mem_eq(one.out, expected.out, sizeof one.out);
        ck_assert(compute(3, dtype, p, values, seeds, &three));
        define(p, values, seeds, &expected);
        const int64_t counts[OPERANDS] = { p->n * p->in_channels * volume(p->in), weight_count(p), p->bias ? p->out_channels : 0 };
        const int64_t pixels = p->n * volume(p->transposed ? p->in : expected.out);
        const int64_t terms[OPERANDS] = { p->out_channels / p->groups * volume(p->kernel), pixels, p->n * volume(expected.out) };
        static const char *const names[OPERANDS] = { "the gradient of x", "the gradient of the weight", "the gradient of the bias" };
        agree("the result", p, dtype, one.y, expected.y, results, p->in_channels / p->groups * volume(p->kernel));
        ck_assert(results == 0 || memcmp(one.y, three.y, (size_t)results * sizeof *one.y) == 0);
        for (int i = 0; i < OPERANDS; i++) {
            agree(names[i], p, dtype, one.grad[i], expected.grad[i], counts[i], terms[i]);
            ck_assert(counts[i] == 0 || memcmp(one.grad[i], three.grad[i], (size_t)counts[i] * sizeof *one.y) == 0);
        }
        forget(&one), forget(&three), forget(&expected);
    }
    for (int i = 0; i < OPERANDS; i++) {
        free(values[i]);
    }
    free(seeds);
    return good;
}

static void fill_axis(problem *p, int i, int64_t largest)
{
    bool used = i >= 3 - p->axes;
    p->in[i] = used ? draw(1, largest) : 1;
    p->kernel[i] = used ? draw(1, 4) : 1;
    p->stride[i] = used ? draw(1, 3) : 1;
    p->dilation[i] = used ? draw(1, 3) : 1;
    p->padding[i] = used ? draw(0, 3) : 0;
    p->output_padding[i] = used && p->transposed ? draw(0, 2) : 0;
}

static void check_any(int seed, bool odd)
{
    static const cnn_dtype dtypes[3] = { CNN_F32, CNN_F64, CNN_BF16 };
    const int64_t largest[4] = { 0, 24, 9, 6 };
    int done = 0;
    stream = (uint64_t)seed;
    for (int i = 0; i < 40; i++) {
        problem p = { .axes = 1 + i % 3, .transposed = draw(0, 1), .bias = draw(0, 1), .batched = draw(0, 3) > 0, .groups = draw(1, 3) };
        p.n = p.batched ? draw(0, 3) : 1;
        p.in_channels = p.groups * draw(1, 3);
        p.out_channels = p.groups * draw(1, 3);
        for (int axis = 0; axis < 3; axis++) {
            fill_axis(&p, axis, largest[p.axes]);
        }
        done += check(&p, dtypes[draw(0, 2)], odd);
    }
    ck_assert_int_gt(done, 15);
}

START_TEST(any_shape_agrees_with_the_definition)
{
    check_any(_i, false);
}
END_TEST

/* A NaN or an infinity reaches the sums that it is a term of, and no others: padding is no term. */
START_TEST(what_is_not_finite_reaches_its_own_sums)
{
    check_any(_i, true);
}
END_TEST

/* Each algorithm of the fast kernels, among them the gradients of the data that a transposed convolution runs with a bias. */
#define SAMPLE(transposes, c, o, g, ...) \
    { .transposed = (transposes), .bias = true, .batched = true, .in_channels = (c), .out_channels = (o), .groups = (g), __VA_ARGS__ }
#define ONE { 1, 1, 1 }
#define LINE(count, length, k, s, d, p) \
    .axes = 1, .n = (count), .in = { 1, 1, length }, .kernel = { 1, 1, k }, .stride = { 1, 1, s }, .dilation = { 1, 1, d }, .padding = { 0, 0, p }
#define PLANE(count, h, w, k, s, p) \
    .axes = 2, .n = (count), .in = { 1, h, w }, .kernel = { 1, k, k }, .stride = { 1, s, s }, .dilation = ONE, .padding = { 0, p, p }
#define CUBE(count, d, h, w, k, s, p) \
    .axes = 3, .n = (count), .in = { d, h, w }, .kernel = { k, k, k }, .stride = { s, s, s }, .dilation = ONE, .padding = { p, p, p }
static const problem chosen[] = {
    SAMPLE(false, 32, 48, 1, LINE(3, 100, 3, 1, 1, 1)), /* many channels */
    SAMPLE(false, 2, 40, 1, LINE(2, 300, 9, 4, 1, 4)),  /* few channels */
    SAMPLE(false, 40, 40, 40, LINE(2, 130, 3, 1, 2, 2)), /* depthwise */
    SAMPLE(false, 24, 24, 1, LINE(2, 65, 1, 1, 1, 0)),
    SAMPLE(true, 32, 24, 1, LINE(2, 70, 4, 2, 1, 1)),
    SAMPLE(true, 40, 40, 40, LINE(2, 70, 4, 2, 1, 1)),
    SAMPLE(true, 24, 32, 1, PLANE(2, 13, 17, 3, 1, 1)),  /* Winograd's */
    SAMPLE(true, 24, 32, 1, PLANE(2, 11, 12, 5, 1, 2)),
    SAMPLE(true, 32, 24, 1, PLANE(2, 13, 9, 4, 2, 1)),   /* four plans */
    SAMPLE(true, 32, 24, 1, PLANE(2, 13, 9, 2, 2, 0)),
    SAMPLE(true, 24, 40, 1, PLANE(2, 13, 9, 1, 1, 0)),   /* 1 × 1 */
    SAMPLE(true, 24, 40, 1, PLANE(2, 13, 9, 1, 2, 0)),   /* results that no tap reaches are the bias */
    SAMPLE(true, 12, 10, 1, PLANE(2, 7, 9, 2, 3, 0)),
    SAMPLE(true, 32, 32, 32, PLANE(2, 13, 9, 3, 1, 1)),  /* depthwise 3 × 3 */
    SAMPLE(true, 32, 32, 32, PLANE(2, 13, 9, 3, 2, 1)),
    SAMPLE(true, 32, 32, 32, PLANE(2, 7, 9, 5, 2, 1)),
    SAMPLE(true, 512, 256, 1, PLANE(1, 4, 4, 4, 2, 1)),  /* GEMM and col2im */
    SAMPLE(true, 2, 2, 1, PLANE(1, 40, 40, 40, 1, 0)),   /* thousands of taps */
    SAMPLE(false, 8, 8, 1, CUBE(1, 20, 64, 64, 3, 1, 1)), /* several passes */
    SAMPLE(true, 8, 8, 1, CUBE(2, 9, 32, 40, 3, 2, 1)),
    SAMPLE(false, 32, 24, 1, CUBE(2, 5, 9, 8, 3, 1, 1)),
    SAMPLE(false, 24, 24, 1, CUBE(2, 5, 9, 8, 1, 2, 0)),
    SAMPLE(false, 24, 24, 1, CUBE(2, 5, 9, 8, 1, 1, 0)), /* no copies */
    SAMPLE(true, 24, 16, 1, CUBE(2, 5, 9, 8, 1, 1, 0)),
    SAMPLE(false, 24, 24, 24, CUBE(2, 5, 9, 8, 3, 1, 1)),
};

START_TEST(chosen_shapes_agree_with_the_definition)
{
    stream = (uint64_t)_i;
    ck_assert(check(&chosen[_i], CNN_F32, false));
    ck_assert(check(&chosen[_i], CNN_F32, true));
}
END_TEST

START_TEST(passes_add_up_in_double_too)
{
    const problem p = SAMPLE(false, 6, 5, 1, CUBE(2, 12, 48, 50, 3, 1, 1));
    ck_assert(check(&p, CNN_F64, false));
}
END_TEST

/* ---- what is refused ---- */

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = cnn_context_new(.threads = 1);
    tape = cnn_tape_new(ctx);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static cnn_tensor *ones(int ndim, const int64_t *shape)
{
    cnn_tensor *plain = cnn_tensor_ones(ctx, CNN_F32, ndim, shape), *t = cnn_input(tape, plain);
    cnn_tensor_free(plain);
    return t;
}

#define REFUSED(status, message, call)                               \
    cnn_tape_begin(tape, CNN_EVAL);                                  \
    ck_assert_int_eq(cnn_tensor_status(call), CNN_ERROR_##status);   \
    ck_assert_str_eq(cnn_tape_error(tape), message)

START_TEST(a_message_names_what_was_given_and_expected)
{
    const int64_t far = INT64_C(1) << 62;
    REFUSED(SHAPE, "conv1d: input is [2,3,4,5], expected [N,C,L] or [C,L]",
            cnn_conv1d(ones(CNN_SHAPE(2, 3, 4, 5)), ones(CNN_SHAPE(2, 3, 4)), NULL, NULL));
    REFUSED(SHAPE, "conv1d: weight is [2,3], expected [O,C/groups,k]",
            cnn_conv1d(ones(CNN_SHAPE(2, 3, 4)), ones(CNN_SHAPE(2, 3)), NULL, NULL));
    REFUSED(SHAPE, "conv1d: weight [2,0,3] has no elements",
            cnn_conv1d(ones(CNN_SHAPE(2, 0, 4)), ones(CNN_SHAPE(2, 0, 3)), NULL, NULL));
    REFUSED(SHAPE, "conv1d: input [2,3,0] has samples without elements",
            cnn_conv1d(ones(CNN_SHAPE(2, 3, 0)), ones(CNN_SHAPE(2, 3, 3)), NULL, NULL));
    REFUSED(SHAPE, "conv1d: kernel reaches over 5 elements, the padded input has only 4",
            cnn_conv1d(ones(CNN_SHAPE(2, 3, 4)), ones(CNN_SHAPE(2, 3, 3)), NULL, CNN_OPTIONS(cnn_conv1d_options, .dilation = 2)));
    REFUSED(SHAPE, "conv3d: kernel_h reaches over 3 elements, the padded input has only 2",
            cnn_conv3d(ones(CNN_SHAPE(3, 4, 2, 5)), ones(CNN_SHAPE(2, 3, 3, 3, 3)), NULL, NULL));
    REFUSED(SHAPE, "conv3d: input has 3 channels, weight [2,3,1,1,1] expects 6 in 2 groups",
            cnn_conv3d(ones(CNN_SHAPE(3, 4, 2, 5)), ones(CNN_SHAPE(2, 3, 1, 1, 1)), NULL, CNN_OPTIONS(cnn_conv3d_options, .groups = 2)));
    REFUSED(SHAPE, "conv_transpose2d: input has 3 channels, weight [4,2,1,1] expects 4",
            cnn_conv_transpose2d(ones(CNN_SHAPE(3, 4, 5)), ones(CNN_SHAPE(4, 2, 1, 1)), NULL, NULL));
    REFUSED(SHAPE, "conv_transpose2d: weight [3,2,1,1] has 3 input channels, which 2 groups do not divide",
            cnn_conv_transpose2d(ones(CNN_SHAPE(3, 4, 5)), ones(CNN_SHAPE(3, 2, 1, 1)), NULL,
                                 CNN_OPTIONS(cnn_conv_transpose2d_options, .groups = 2)));
    REFUSED(SHAPE, "conv_transpose2d: bias is [2], weight [4,2,1,1] expects [4]",
            cnn_conv_transpose2d(ones(CNN_SHAPE(4, 4, 5)), ones(CNN_SHAPE(4, 2, 1, 1)), ones(CNN_SHAPE(2)),
                                 CNN_OPTIONS(cnn_conv_transpose2d_options, .groups = 2)));
    REFUSED(SHAPE, "conv_transpose2d: padding_w 2 leaves 0 elements of the result, expected at least 1",
            cnn_conv_transpose2d(ones(CNN_SHAPE(4, 4, 4)), ones(CNN_SHAPE(4, 2, 1, 1)), NULL,
                                 CNN_OPTIONS(cnn_conv_transpose2d_options, .padding_w = 2)));
    REFUSED(INVALID_ARGUMENT, "conv_transpose2d: output_padding_h is 3, expected less than stride 3 or dilation 2",
            cnn_conv_transpose2d(ones(CNN_SHAPE(4, 4, 4)), ones(CNN_SHAPE(4, 2, 1, 1)), NULL,
                                 CNN_OPTIONS(cnn_conv_transpose2d_options, .stride = 3, .dilation = 2, .output_padding_h = 3)));
    REFUSED(INVALID_ARGUMENT, "conv1d: padding is given along with CNN_PADDING_SAME, expected one of them",
            cnn_conv1d(ones(CNN_SHAPE(2, 3, 4)), ones(CNN_SHAPE(2, 3, 3)), NULL,
                       CNN_OPTIONS(cnn_conv1d_options, .padding_right = 2, .padding_mode = CNN_PADDING_SAME)));
    REFUSED(INVALID_ARGUMENT, "conv3d: stride_d is 2, but CNN_PADDING_SAME needs stride 1",
            cnn_conv3d(ones(CNN_SHAPE(3, 4, 2, 5)), ones(CNN_SHAPE(2, 3, 1, 1, 1)), NULL,
                       CNN_OPTIONS(cnn_conv3d_options, .stride_d = 2, .padding_mode = CNN_PADDING_SAME)));
    REFUSED(SHAPE, "conv1d: kernel 3 with dilation 4611686018427387904 overflows",
            cnn_conv1d(ones(CNN_SHAPE(2, 3, 4)), ones(CNN_SHAPE(2, 3, 3)), NULL, CNN_OPTIONS(cnn_conv1d_options, .dilation = far)));
    REFUSED(SHAPE, "conv1d: size 4 with padding 4611686018427387904 and 4611686018427387904 overflows",
            cnn_conv1d(ones(CNN_SHAPE(2, 3, 4)), ones(CNN_SHAPE(2, 3, 3)), NULL, CNN_OPTIONS(cnn_conv1d_options, .padding = far)));
    REFUSED(SHAPE, "conv_transpose3d: size 4 with stride_w 4611686018427387904 overflows",
            cnn_conv_transpose3d(ones(CNN_SHAPE(4, 1, 1, 4)), ones(CNN_SHAPE(4, 2, 1, 1, 1)), NULL,
                                 CNN_OPTIONS(cnn_conv_transpose3d_options, .stride_w = far)));
    REFUSED(SHAPE, "conv_transpose3d: 2 channels under a kernel of depth 1 overflow",
            cnn_conv_transpose3d(ones(CNN_SHAPE(4, 1, 2, 2)), ones(CNN_SHAPE(4, 2, 1, 1, 1)), NULL,
                                 CNN_OPTIONS(cnn_conv_transpose3d_options, .stride_h = far / 2, .stride_w = far / 2)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("convolutions");
    TCase *any = suite_case(suite, "any shape", NULL, NULL), *tests = suite_case(suite, "chosen shapes", NULL, NULL);
    tcase_add_loop_test(any, any_shape_agrees_with_the_definition, 1, 25);
    tcase_add_loop_test(any, what_is_not_finite_reaches_its_own_sums, 1, 25);
    tcase_add_loop_test(tests, chosen_shapes_agree_with_the_definition, 0, (int)(sizeof chosen / sizeof *chosen));
    tcase_add_test(tests, passes_add_up_in_double_too);
    tcase_add_test(suite_case(suite, "refused", setup, teardown), a_message_names_what_was_given_and_expected);
    return suite_run(suite);
}
