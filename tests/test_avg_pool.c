/* Average pooling against its definition, on many windows, and the same bits from one and from three threads; a window far larger
 * than the image. PyTorch's values are in tests/fixtures/ops. */
#include "support/elements.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct window {
    int64_t n, in[2], kernel[2], stride[2], pad[2], divisor; /* strides as the options give them */
    bool ceil_mode, exclude;
} window;

static uint64_t stream;

static int64_t draw(int64_t low, int64_t high)
{
    stream = stream * 6364136223846793005u + 1442695040888963407u;
    return low + (int64_t)((stream >> 33) % (uint64_t)(high - low + 1));
}

/* The pooled images and the gradient of their sum weighted by `seed`, as doubles; false: refused. */
typedef struct outcome {
    int64_t out[2];
    double *y, *dx;
} outcome;

static double seed_of(int64_t i)
{
    return (double)(i * 37 % 101 - 50) / 64;
}

static bool pool(int threads, cnn_dtype dtype, const window *w, const double *values, outcome *r)
{
    cnn_context *ctx = cnn_context_new(.threads = threads);
    cnn_tape *tape = cnn_tape_new(ctx);
    const cnn_avg_pool2d_options o = { .struct_size = sizeof o, .kernel_h = w->kernel[0], .kernel_w = w->kernel[1],
        .stride_h = w->stride[0], .stride_w = w->stride[1], .padding_h = w->pad[0], .padding_w = w->pad[1],
        .ceil_mode = w->ceil_mode, .exclude_padding = w->exclude, .divisor_override = w->divisor };
    cnn_tensor *x = tensor_of_f64(ctx, dtype, CNN_SHAPE(w->n, 2, w->in[0], w->in[1]), values);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_avg_pool2d(cnn_input(tape, x), &o);
    bool good = cnn_tensor_status(y) == CNN_OK;
    if (good) {
        int64_t count = cnn_tensor_numel(y);
        double *weights = malloc((size_t)(count + 1) * sizeof *weights);
        for (int64_t i = 0; i < count; i++) {
            weights[i] = seed_of(i);
        }
        memcpy(r->out, cnn_tensor_shape(y) + 2, sizeof r->out);
        cnn_tensor *seed = tensor_of_f64(ctx, dtype, 4, cnn_tensor_shape(y), weights), *kept = cnn_tensor_detach(y);
        ck_assert_int_eq(cnn_backward_with(y, seed, false), CNN_OK);
        r->y = elements_as_f64(kept);
        r->dx = elements_as_f64(cnn_tensor_grad(x));
        cnn_tensor_free(seed);
        cnn_tensor_free(kept);
        free(weights);
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return good;
}

static void agree(const char *what, const double *given, const double *expected, int64_t n, double tolerance)
{
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(given[i] - expected[i]) <= tolerance)) {
            ck_abort_msg("%s: element %lld is %.17g, expected %.17g", what, (long long)i, given[i], expected[i]);
        }
    }
}

/* The pixels of a window in one direction, [from, to), and how many there are with the padding. */
static int64_t extent(const window *w, int d, int64_t place, int64_t *from, int64_t *to)
{
    int64_t stride = w->stride[d] ? w->stride[d] : w->kernel[d], begin = place * stride - w->pad[d];
    int64_t end = begin + w->kernel[d] < w->in[d] + w->pad[d] ? begin + w->kernel[d] : w->in[d] + w->pad[d];
    *from = begin < 0 ? 0 : begin;
    *to = end < w->in[d] ? end : w->in[d];
    return end - begin;
}

static void check(const window *w, cnn_dtype dtype)
{
    const int64_t pixels = w->in[0] * w->in[1], count = 2 * w->n * pixels;
    double *values = calloc((size_t)count + 1, sizeof *values), *dx = calloc((size_t)count + 1, sizeof *dx);
    for (int64_t i = 0; i < count; i++) {
        values[i] = (double)draw(-1000, 1000) / 512;
    }
    outcome one, three;
    if (!pool(1, dtype, w, values, &one)) {
        free(values), free(dx);
        return;
    }
    ck_assert(pool(3, dtype, w, values, &three));
    const int64_t places = one.out[0] * one.out[1], results = 2 * w->n * places;
    double *y = calloc((size_t)results + 1, sizeof *y);
    for (int64_t at = 0; at < results; at++) {
        int64_t h[2], v[2], plane = at / places, rows = extent(w, 0, at % places / one.out[1], &h[0], &h[1]),
                          columns = extent(w, 1, at % one.out[1], &v[0], &v[1]);
        double divisor = w->divisor ? (double)w->divisor
                         : w->exclude ? (double)((h[1] - h[0]) * (v[1] - v[0])) : (double)rows * (double)columns;
        for (int64_t i = h[0]; i < h[1]; i++) {
            for (int64_t j = v[0]; j < v[1]; j++) {
                y[at] += values[plane * pixels + i * w->in[1] + j] / divisor;
                dx[plane * pixels + i * w->in[1] + j] += seed_of(at) / divisor;
            }
        }
    }
    double tolerance = dtype == CNN_F64 ? 1e-12 : 1e-5;
    agree("y", one.y, y, results, tolerance);
    agree("dx", one.dx, dx, count, tolerance);
    ck_assert_mem_eq(one.y, three.y, (size_t)results * sizeof *y);
    ck_assert_mem_eq(one.dx, three.dx, (size_t)count * sizeof *dx);
    free(one.y), free(one.dx), free(three.y), free(three.dx);
    free(values), free(dx), free(y);
}

START_TEST(windows_are_averaged)
{
    stream = (uint64_t)_i;
    for (int i = 0; i < 60; i++) {
        window w = { .n = draw(0, 3), .in = { draw(1, 12), i % 5 ? draw(1, 15) : draw(100, 300) },
                     .kernel = { draw(1, 6), draw(1, 7) }, .stride = { draw(0, 5), draw(0, 5) }, .ceil_mode = draw(0, 1),
                     .exclude = draw(0, 1), .divisor = i % 7 ? 0 : draw(-3, 5) };
        w.pad[0] = draw(0, w.kernel[0] / 2), w.pad[1] = draw(0, w.kernel[1] / 2);
        check(&w, i % 2 ? CNN_F32 : CNN_F64);
    }
}
END_TEST

START_TEST(threads_change_nothing)
{
    const window large = { .n = 4, .in = { 70, 200 }, .kernel = { 5, 5 }, .stride = { 2, 2 }, .pad = { 2, 2 } };
    check(&large, CNN_F32);
    check(&large, CNN_F64);
}
END_TEST

/* The work follows the image and not the window. */
START_TEST(windows_may_be_larger_than_images)
{
    const int64_t far = INT64_C(1) << 40;
    const window wide = { .n = 1, .in = { 3, 5 }, .kernel = { far, far }, .stride = { 1, 2 * far }, .pad = { far / 2, far / 2 },
                          .ceil_mode = true };
    window inside = wide;
    inside.exclude = true;
    check(&wide, CNN_F64);
    check(&inside, CNN_F32);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("average pooling");
    TCase *tests = suite_case(suite, "windows", NULL, NULL);
    tcase_add_loop_test(tests, windows_are_averaged, 1, 21);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_test(tests, windows_may_be_larger_than_images);
    return suite_run(suite);
}
