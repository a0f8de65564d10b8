/* Pooling in one dimension, to a given size, and with indices, against plain loops over drawn shapes and options; the same bits
 * from one and from three threads. PyTorch's values are in tests/fixtures/ops. */
#include "support/gradient_run.h"
#include "support/suite.h"

/* ---- to a given size ---- */

typedef struct target {
    int64_t size[2];
    bool line, largest;
} target;

static cnn_tensor *adapt(cnn_tensor *x, const void *options)
{
    const target *t = options;
    return t->largest ? cnn_adaptive_maxpool2d(x, t->size[0], t->size[1], NULL)
           : t->line  ? cnn_adaptive_avg_pool1d(x, t->size[1])
                      : cnn_adaptive_avg_pool2d(x, t->size[0], t->size[1]);
}

/* Pixels [from, to) of a direction. */
static void bounds(int64_t o, int64_t in, int64_t out, int64_t b[2])
{
    b[0] = (int64_t)floor((double)o * (double)in / (double)out);
    b[1] = (int64_t)ceil((double)(o + 1) * (double)in / (double)out);
}

static void expect_window(const expected_sums *e, bool largest, int64_t o, int64_t plane, int64_t width, const int64_t h[2],
                          const int64_t w[2])
{
    int64_t best = -1;
    for (int64_t i = h[0]; i < h[1]; i++) {
        for (int64_t j = w[0]; j < w[1]; j++) {
            int64_t at = plane + i * width + j;
            best = best < 0 || e->x[at] > e->x[best] ? at : best;
            if (!largest) {
                expect_term(e, o, at, 1 / (double)((h[1] - h[0]) * (w[1] - w[0])));
            }
        }
    }
    if (largest) {
        expect_term(e, o, best, 1);
    }
}

static void check_adaptive(const target *t, int64_t n, int64_t in_h, int64_t in_w)
{
    const int64_t shape[4] = { n, 2, in_h, in_w }, line[3] = { n, 2, in_w }, count = n * 2 * in_h * in_w;
    const int64_t out[2] = { t->size[0] == -1 ? in_h : t->size[0], t->size[1] == -1 ? in_w : t->size[1] };
    double tolerance, *x = drawn_values(count);
    cnn_dtype dtype = drawn_dtype(&tolerance);
    gradient_run r;
    ck_assert_msg(run_both(dtype, t->line ? 3 : 4, t->line ? line : shape, x, adapt, t, &r), "%s", r.message);
    ck_assert_int_eq(r.numel, n * 2 * out[0] * out[1]);
    expected_sums e = { x, calloc((size_t)r.numel + 1, 8), calloc((size_t)count + 1, 8) };
    for (int64_t o = 0; o < r.numel; o++) {
        int64_t h[2], w[2], plane = o / (out[0] * out[1]) * in_h * in_w;
        bounds(o / out[1] % out[0], in_h, out[0], h);
        bounds(o % out[1], in_w, out[1], w);
        expect_window(&e, t->largest, o, plane, in_w, h, w);
    }
    values_agree("y", r.y, e.y, r.numel, tolerance);
    values_agree("dx", r.dx, e.dx, count, 4 * tolerance);
    gradient_run_free(&r);
    free(x), free(e.y), free(e.dx);
}

START_TEST(sizes_are_adapted)
{
    draw_state = (uint64_t)_i;
    for (int i = 0; i < 40; i++) {
        target t = { .line = i % 3 == 0, .largest = i % 3 == 1 };
        int64_t h = t.line ? 1 : draw(1, 9), w = i % 8 ? draw(1, 12) : draw(60, 150);
        t.size[0] = t.line ? 1 : draw(0, 12), t.size[1] = i % 8 == 1 ? draw(60, 150) : draw(0, 12);
        t.size[0] = t.size[0] ? t.size[0] : -1, t.size[1] = t.size[1] ? t.size[1] : -1;
        check_adaptive(&t, draw(0, 3), h, w);
    }
}
END_TEST

START_TEST(threads_change_nothing)
{
    draw_state = 1;
    const target mean = { .size = { 5, 9 } }, largest = { .size = { 5, 9 }, .largest = true }, global = { .size = { 1, 1 } };
    check_adaptive(&mean, 16, 40, 130);
    check_adaptive(&largest, 16, 40, 130);
    check_adaptive(&global, 64, 33, 31);
}
END_TEST

/* ---- one dimension: as images of height 1 ---- */

static cnn_tensor *line_max(cnn_tensor *x, const void *options)
{
    return cnn_maxpool1d(x, options);
}

static cnn_tensor *image_max(cnn_tensor *x, const void *options)
{
    const cnn_maxpool1d_options *o = options;
    return cnn_maxpool2d(x, CNN_OPTIONS(cnn_maxpool2d_options, .kernel_h = 1, .kernel_w = o->kernel, .stride_h = 1,
                                        .stride_w = o->stride ? o->stride : o->kernel, .padding_w = o->padding,
                                        .dilation_w = o->dilation, .ceil_mode = o->ceil_mode));
}

static cnn_tensor *line_mean(cnn_tensor *x, const void *options)
{
    return cnn_avg_pool1d(x, options);
}

static cnn_tensor *image_mean(cnn_tensor *x, const void *options)
{
    const cnn_avg_pool1d_options *o = options;
    return cnn_avg_pool2d(x, CNN_OPTIONS(cnn_avg_pool2d_options, .kernel_h = 1, .kernel_w = o->kernel, .stride_h = 1,
                                         .stride_w = o->stride ? o->stride : o->kernel, .padding_w = o->padding,
                                         .ceil_mode = o->ceil_mode, .exclude_padding = o->exclude_padding));
}

static void check_line(run_fn line, run_fn image, const void *options)
{
    const int64_t n = draw(0, 3), width = draw(1, 40);
    const int64_t shape[3] = { n, 2, width }, images[4] = { n, 2, 1, width };
    double tolerance, *x = drawn_values(n * 2 * width);
    cnn_dtype dtype = drawn_dtype(&tolerance);
    gradient_run a, b;
    bool good = run_both(dtype, 3, shape, x, line, options, &a);
    ck_assert_int_eq(run_both(dtype, 4, images, x, image, options, &b), good);
    if (good) {
        ck_assert_int_eq(a.shape[2], b.shape[3]);
        ck_assert_mem_eq(a.y, b.y, (size_t)a.numel * sizeof *a.y);
        ck_assert_mem_eq(a.dx, b.dx, (size_t)(n * 2 * width) * sizeof *a.dx);
    }
    gradient_run_free(&a), gradient_run_free(&b);
    free(x);
}

START_TEST(lines_are_images_of_height_1)
{
    draw_state = (uint64_t)_i;
    for (int i = 0; i < 30; i++) {
        cnn_maxpool1d_options max = { .struct_size = sizeof max, .kernel = draw(1, 6), .stride = draw(0, 5), .dilation = draw(0, 3),
                                      .ceil_mode = draw(0, 1) };
        cnn_avg_pool1d_options mean = { .struct_size = sizeof mean, .kernel = draw(1, 6), .stride = draw(0, 5),
                                        .ceil_mode = draw(0, 1), .exclude_padding = draw(0, 1) };
        max.padding = draw(0, max.kernel / 2), mean.padding = draw(0, mean.kernel / 2);
        check_line(line_max, image_max, &max);
        check_line(line_mean, image_mean, &mean);
    }
}
END_TEST

/* ---- indices ---- */

static void check_indices(cnn_tensor *x, cnn_tensor *y, cnn_tensor *indices)
{
    ck_assert_int_eq(cnn_tensor_dtype(indices), CNN_I64);
    int64_t n = cnn_tensor_numel(y), plane = cnn_tensor_size(x, -1) * cnn_tensor_size(x, -2);
    int64_t places = cnn_tensor_size(y, -1) * cnn_tensor_size(y, -2);
    double *values = elements_as_f64(x), *maxima = elements_as_f64(y);
    int64_t *at = malloc((size_t)(n + 1) * sizeof *at);
    ck_assert_int_eq(cnn_tensor_numel(indices), n);
    ck_assert_int_eq(cnn_tensor_read(indices, at, (size_t)n * sizeof *at), CNN_OK);
    for (int64_t i = 0; i < n; i++) {
        ck_assert(at[i] >= 0 && at[i] < plane);
        ck_assert_double_eq(maxima[i], values[i / places * plane + at[i]]);
    }
    free(values), free(maxima), free(at);
}

START_TEST(indices_name_the_maxima)
{
    draw_state = 7;
    cnn_context *ctx = cnn_context_new(.seed = 3);
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < 20; i++) {
        cnn_tensor *plain = cnn_tensor_randn(ctx, i % 2 ? CNN_F32 : CNN_F64, CNN_SHAPE(draw(0, 2), 3, draw(3, 9), draw(3, 9)));
        cnn_tensor *indices;
        cnn_tape_begin(tape, i % 3 ? CNN_TRAIN : CNN_EVAL);
        cnn_tensor *x = cnn_input(tape, plain), *y = cnn_maxpool2d_with_indices(
            x, CNN_OPTIONS(cnn_maxpool2d_options, .kernel = draw(1, 3), .stride = draw(1, 3)), &indices);
        ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
        check_indices(x, y, indices);
        y = cnn_adaptive_maxpool2d(x, draw(1, 5), draw(1, 5), &indices);
        ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
        check_indices(x, y, indices);
        cnn_tensor_free(plain);
    }
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

/* ---- what is refused ---- */

static void refused(int ndim, const int64_t *shape, run_fn call, const void *options, const char *message)
{
    double *x = drawn_values(product_of(ndim, shape));
    gradient_run r = run_gradient(1, CNN_F32, ndim, shape, x, call, options);
    ck_assert_str_eq(r.message, message);
    free(x);
}

/* A stride so long that its product with anything overflows leaves one window, half of which is padding. */
START_TEST(longest_strides_leave_one_window)
{
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 1);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 1, 1, 8));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *on = cnn_input(tape, x);
    cnn_tensor *all[] = {
        cnn_maxpool2d(on, CNN_OPTIONS(cnn_maxpool2d_options, .kernel_h = 1, .kernel_w = 4, .stride_h = 1, .stride_w = INT64_MAX,
                                      .padding_w = 2)),
        cnn_avg_pool2d(on, CNN_OPTIONS(cnn_avg_pool2d_options, .kernel_h = 1, .kernel_w = 4, .stride_h = 1,
                                       .stride_w = INT64_MAX, .padding_w = 2, .exclude_padding = true)),
        cnn_sum(cnn_unfold(on, CNN_OPTIONS(cnn_unfold_options, .kernel_h = 1, .kernel_w = 4, .stride_h = 1,
                                           .stride_w = INT64_MAX, .padding_w = 2)),
                CNN_ALL_DIMS, false),
    };
    const double expected[] = { 1, 1, 2 };
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(cnn_tensor_status(all[i]) == CNN_OK, "%d: %s", i, cnn_tape_error(tape));
        ck_assert_int_eq(cnn_tensor_numel(all[i]), 1);
        ck_assert_double_eq(cnn_tensor_item(all[i]), expected[i]);
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

START_TEST(bad_arguments)
{
    const target zero = { .size = { 2, 0 } }, line = { .size = { 1, -2 }, .line = true };
    const target huge = { .size = { INT64_MAX, 2 } }, good = { .size = { 2, 2 } };
    const cnn_maxpool1d_options wide = { .struct_size = sizeof wide, .kernel = 5 }, none = { .struct_size = sizeof none };
    const cnn_maxpool1d_options padded = { .struct_size = sizeof padded, .kernel = 3, .padding = 2 };
    refused(CNN_SHAPE(1, 1, 4, 4), adapt, &zero, "adaptive_avg_pool2d: output_w is 0, expected at least 1, or -1 to keep the size");
    refused(CNN_SHAPE(1, 1, 4), adapt, &line, "adaptive_avg_pool1d: output_size is -2, expected at least 1, or -1 to keep the size");
    refused(CNN_SHAPE(1, 1, 4, 4), adapt, &huge, "adaptive_avg_pool2d: output_h 9223372036854775807 times size 4 overflows");
    refused(CNN_SHAPE(4, 4), adapt, &good, "adaptive_avg_pool2d: input is [4,4], expected [N,C,H,W] or [C,H,W]");
    refused(CNN_SHAPE(1, 1, 0, 4), adapt, &good, "adaptive_avg_pool2d: input [1,1,0,4] has images without pixels");
    refused(CNN_SHAPE(1, 1, 4, 4), line_max, &wide, "maxpool1d: input is [1,1,4,4], expected [N,C,L] or [C,L]");
    refused(CNN_SHAPE(1, 1, 4), line_max, &wide, "maxpool1d: kernel reaches over 5 pixels, the padded input has only 4");
    refused(CNN_SHAPE(1, 1, 4), line_max, &none, "maxpool1d: kernel is 0, expected at least 1");
    refused(CNN_SHAPE(1, 1, 4), line_max, &padded, "maxpool1d: padding is 2, expected at most half of kernel 3");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pools");
    TCase *tests = suite_case(suite, "pools", NULL, NULL);
    tcase_add_loop_test(tests, sizes_are_adapted, 1, 9);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_loop_test(tests, lines_are_images_of_height_1, 1, 5);
    tcase_add_test(tests, indices_name_the_maxima);
    tcase_add_test(tests, longest_strides_leave_one_window);
    tcase_add_test(tests, bad_arguments);
    return suite_run(suite);
}
