/* Windows as columns and their sums against plain loops over drawn shapes and options, the same bits from one and from three
 * threads; shuffles that undo each other; what is refused. PyTorch's values are in tests/fixtures/ops. */
#include "support/gradient_run.h"
#include "support/suite.h"

/* ---- unfold and fold ---- */

typedef struct folding {
    cnn_unfold_options o;
    int64_t n, channels, image[2], out[2];
} folding;

static cnn_tensor *unfold(cnn_tensor *x, const void *options)
{
    return cnn_unfold(x, &((const folding *)options)->o);
}

static cnn_tensor *fold(cnn_tensor *x, const void *options)
{
    const folding *f = options;
    return cnn_fold(x, f->image[0], f->image[1], &f->o);
}

/* The pixel that element c of a plane's columns sees; -1: padding. */
static int64_t pixel(const folding *f, int64_t c)
{
    const cnn_unfold_options *o = &f->o;
    int64_t w = c % f->out[1], h = c / f->out[1] % f->out[0], tap = c / f->out[1] / f->out[0];
    int64_t row = h * o->stride_h - o->padding_h + tap / o->kernel_w * o->dilation_h;
    int64_t column = w * o->stride_w - o->padding_w + tap % o->kernel_w * o->dilation_w;
    bool there = row >= 0 && row < f->image[0] && column >= 0 && column < f->image[1];
    return there ? row * f->image[1] + column : -1;
}

static void check_fold(const folding *f, bool folds)
{
    const int64_t planes = f->n * f->channels, pixels = f->image[0] * f->image[1], columns = f->out[0] * f->out[1];
    const int64_t elements = f->o.kernel_h * f->o.kernel_w, image[4] = { f->n, f->channels, f->image[0], f->image[1] };
    const int64_t columned[3] = { f->n, f->channels * elements, columns };
    const int64_t count = planes * (folds ? elements * columns : pixels);
    double tolerance, *x = drawn_values(count);
    cnn_dtype dtype = drawn_dtype(&tolerance);
    gradient_run r;
    ck_assert_msg(run_both(dtype, folds ? 3 : 4, folds ? columned : image, x, folds ? fold : unfold, f, &r), "%s", r.message);
    ck_assert_mem_eq(r.shape, folds ? image : columned, folds ? sizeof image : sizeof columned);
    expected_sums e = { x, calloc((size_t)r.numel + 1, 8), calloc((size_t)count + 1, 8) };
    for (int64_t c = 0; c < planes * elements * columns; c++) {
        int64_t plane = c / (elements * columns), p = pixel(f, c % (elements * columns));
        if (p >= 0) {
            expect_term(&e, folds ? plane * pixels + p : c, folds ? c : plane * pixels + p, 1);
        }
    }
    values_agree("y", r.y, e.y, r.numel, 4 * tolerance);
    values_agree("dx", r.dx, e.dx, count, 4 * tolerance);
    gradient_run_free(&r);
    free(x), free(e.y), free(e.dx);
}

static int64_t places(int64_t image, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation)
{
    return (image + 2 * padding - dilation * (kernel - 1) - 1 < 0) ? 0 : (image + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

static folding drawn(int64_t n, int64_t h, int64_t w)
{
    for (;;) {
        folding f = { .n = n, .channels = draw(0, 3), .image = { h, w },
                      .o = { .struct_size = sizeof f.o, .kernel_h = draw(1, 4), .kernel_w = draw(1, 5), .stride_h = draw(1, 4),
                             .stride_w = draw(1, 4), .padding_h = draw(0, 5), .padding_w = draw(0, 5), .dilation_h = draw(1, 3),
                             .dilation_w = draw(1, 3) } };
        f.out[0] = places(h, f.o.kernel_h, f.o.stride_h, f.o.padding_h, f.o.dilation_h);
        f.out[1] = places(w, f.o.kernel_w, f.o.stride_w, f.o.padding_w, f.o.dilation_w);
        if (f.out[0] && f.out[1]) {
            return f;
        }
    }
}

START_TEST(windows_are_columns)
{
    draw_state = (uint64_t)_i;
    for (int i = 0; i < 40; i++) {
        folding f = drawn(draw(0, 3), draw(1, 9), i % 8 ? draw(1, 9) : draw(40, 90));
        check_fold(&f, i % 2);
    }
}
END_TEST

START_TEST(threads_change_nothing)
{
    draw_state = 3;
    folding f = drawn(6, 30, 70);
    f.channels = 4;
    check_fold(&f, false);
    check_fold(&f, true);
}
END_TEST

/* ---- shuffles ---- */

static cnn_tensor *pixels_there_and_back(cnn_tensor *x, const void *factor)
{
    return cnn_pixel_shuffle(cnn_pixel_unshuffle(x, *(const int64_t *)factor), *(const int64_t *)factor);
}

static cnn_tensor *channels_there_and_back(cnn_tensor *x, const void *factor)
{
    return cnn_channel_shuffle(cnn_channel_shuffle(x, *(const int64_t *)factor), 12 / *(const int64_t *)factor);
}

static cnn_tensor *sizes_there_and_back(cnn_tensor *x, const void *factor)
{
    return cnn_flatten(cnn_unflatten(x, -3, 2, (const int64_t[]){ *(const int64_t *)factor, -1 }), -4, -3);
}

START_TEST(shuffles_undo_each_other)
{
    static const run_fn calls[] = { pixels_there_and_back, channels_there_and_back, sizes_there_and_back };
    static const int64_t factors[] = { 1, 2, 3, 6 };
    draw_state = 5;
    for (int i = 0; i < 12; i++) {
        const int64_t shape[4] = { draw(0, 2), 12, 6, 12 }, count = product_of(4, shape);
        double tolerance, *x = drawn_values(count);
        gradient_run r;
        ck_assert_msg(run_both(drawn_dtype(&tolerance), 4, shape, x, calls[i % 3], &factors[i / 3], &r), "%s", r.message);
        ck_assert_mem_eq(r.shape, shape, sizeof shape);
        ck_assert_mem_eq(r.y, x, (size_t)count * sizeof *x);
        for (int64_t k = 0; k < count; k++) {
            ck_assert_double_eq(r.dx[k], seed_of(k));
        }
        gradient_run_free(&r);
        free(x);
    }
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

#define FOLDING(h, w, ...) &(folding){ .image = { h, w }, .o = { .struct_size = sizeof(cnn_unfold_options), __VA_ARGS__ } }

START_TEST(bad_folding)
{
    refused(CNN_SHAPE(4, 4), unfold, FOLDING(0, 0, .kernel = 2), "unfold: input is [4,4], expected [N,C,H,W] or [C,H,W]");
    refused(CNN_SHAPE(1, 4, 4), unfold, FOLDING(0, 0, .stride = 2), "unfold: kernel is 0, expected at least 1");
    refused(CNN_SHAPE(1, 4, 4), unfold, FOLDING(0, 0, .kernel = 2, .padding_h = -1), "unfold: padding_h is -1, expected at least 0");
    refused(CNN_SHAPE(1, 4, 4), unfold, FOLDING(0, 0, .kernel = 5), "unfold: kernel_h reaches over 5 pixels, the padded input has only 4");
    refused(CNN_SHAPE(1, 4, 4), unfold, FOLDING(0, 0, .kernel = INT64_C(1) << 40, .padding = INT64_C(1) << 40),
            "unfold: a kernel of 1099511627776 x 1099511627776 overflows over an image of 4 x 4");
    refused(CNN_SHAPE(1, 8, 9), fold, FOLDING(4, 0, .kernel = 2), "fold: output_w is 0, expected at least 1");
    refused(CNN_SHAPE(1, 8, 9), fold, FOLDING(4, 5, .kernel = 2), "fold: input is [1,8,9], expected [N,C*4,12] or [C*4,12]");
    refused(CNN_SHAPE(7, 9), fold, FOLDING(4, 4, .kernel = 2), "fold: input is [7,9], expected [N,C*4,9] or [C*4,9]");
}
END_TEST

static cnn_tensor *shuffle_pixels(cnn_tensor *x, const void *factor)
{
    return cnn_pixel_shuffle(x, *(const int64_t *)factor);
}

static cnn_tensor *unshuffle_pixels(cnn_tensor *x, const void *factor)
{
    return cnn_pixel_unshuffle(x, *(const int64_t *)factor);
}

static cnn_tensor *shuffle_channels(cnn_tensor *x, const void *factor)
{
    return cnn_channel_shuffle(x, *(const int64_t *)factor);
}

static cnn_tensor *split_first(cnn_tensor *x, const void *size)
{
    return cnn_unflatten(x, 0, 2, (const int64_t[]){ *(const int64_t *)size, -1 });
}

START_TEST(bad_factors)
{
    const int64_t zero = 0, two = 2, three = 3, huge = INT64_C(1) << 31;
    refused(CNN_SHAPE(6, 4), shuffle_pixels, &two, "pixel_shuffle: input is [6,4], expected rank 3 or more");
    refused(CNN_SHAPE(6, 4, 4), shuffle_pixels, &two, "pixel_shuffle: the number of channels 6 is no multiple of 4");
    refused(CNN_SHAPE(6, 4, 4), shuffle_pixels, &huge, "pixel_shuffle: upscale_factor is 2147483648, expected 1 to 2147483647");
    refused(CNN_SHAPE(6, 4, 4), unshuffle_pixels, &zero, "pixel_unshuffle: downscale_factor is 0, expected 1 to 2147483647");
    refused(CNN_SHAPE(6, 6, 4), unshuffle_pixels, &three, "pixel_unshuffle: width 4 is no multiple of 3");
    refused(CNN_SHAPE(2, 4, 4), shuffle_channels, &three, "channel_shuffle: the number of channels 4 is no multiple of 3");
    refused(CNN_SHAPE(8, 2), split_first, &three, "unflatten: sizes [3,-1] do not multiply to 8, the size of dimension 0");
    refused(CNN_SHAPE(1, 1, 1, 1, 1, 1, 1, 2), split_first, &two,
            "unflatten: 2 sizes for a dimension of a tensor of rank 8, expected 1 to 1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fold");
    TCase *tests = suite_case(suite, "fold", NULL, NULL);
    tcase_add_loop_test(tests, windows_are_columns, 1, 9);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_test(tests, shuffles_undo_each_other);
    tcase_add_test(tests, bad_folding);
    tcase_add_test(tests, bad_factors);
    return suite_run(suite);
}
