/* Padding and interpolation against plain loops over drawn shapes and options; the same bits from one and from three threads.
 * PyTorch's values are in tests/fixtures/ops. */
#include "support/gradient_run.h"
#include "support/suite.h"

/* ---- padding ---- */

typedef struct padding {
    int count;
    int64_t pads[6];
    cnn_pad_options options;
} padding;

static cnn_tensor *pad(cnn_tensor *x, const void *options)
{
    const padding *p = options;
    return cnn_pad(x, p->count, p->pads, &p->options);
}

/* The element that stands at position `at` of an axis of this size; -1: the constant. */
static int64_t source(cnn_pad_mode mode, int64_t at, int64_t size)
{
    switch (mode) {
    case CNN_PAD_REFLECT: return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
    case CNN_PAD_REPLICATE: return at < 0 ? 0 : at >= size ? size - 1 : at;
    case CNN_PAD_CIRCULAR: return (at + size) % size;
    default: return at < 0 || at >= size ? -1 : at;
    }
}

/* shape is [planes, D, H, W]. */
static void check_pad(const padding *p, const int64_t *shape)
{
    const int64_t count = product_of(4, shape);
    double tolerance, *x = drawn_values(count);
    cnn_dtype dtype = drawn_dtype(&tolerance);
    gradient_run r;
    ck_assert_msg(run_both(dtype, 4, shape, x, pad, p, &r), "%s", r.message);
    int64_t out[4] = { shape[0], shape[1], shape[2], shape[3] }, before[4] = { 0 };
    for (int i = 0; i < p->count / 2; i++) {
        out[3 - i] += p->pads[2 * i] + p->pads[2 * i + 1];
        before[3 - i] = p->pads[2 * i];
    }
    ck_assert_mem_eq(r.shape, out, sizeof out);
    expected_sums e = { x, calloc((size_t)r.numel + 1, 8), calloc((size_t)count + 1, 8) };
    for (int64_t o = 0; o < r.numel; o++) {
        int64_t left = o, at[4], i = 0;
        for (int d = 3; d >= 0; left /= out[d--]) {
            at[d] = source(p->options.mode, left % out[d] - before[d], shape[d]);
        }
        for (int d = 0; d < 4; d++) {
            i = i < 0 || at[d] < 0 ? -1 : i * shape[d] + at[d];
        }
        if (i < 0) {
            e.y[o] = p->options.value;
        } else {
            expect_term(&e, o, i, 1);
        }
    }
    values_agree("padded", r.y, e.y, r.numel, 0);
    values_agree("gradient of padding", r.dx, e.dx, count, 4 * tolerance);
    gradient_run_free(&r);
    free(x), free(e.y), free(e.dx);
}

START_TEST(edges_are_padded)
{
    draw_state = (uint64_t)_i;
    for (int i = 0; i < 60; i++) {
        const int64_t shape[4] = { draw(0, 2), draw(1, 4), draw(1, 5), i % 9 ? draw(1, 6) : draw(40, 90) };
        padding p = { .count = 2 * (int)draw(0, 3), .options = { .struct_size = sizeof p.options } };
        p.options.mode = (cnn_pad_mode)draw(0, 3);
        p.options.value = p.options.mode == CNN_PAD_CONSTANT ? (double)draw(-3, 3) : 0;
        for (int k = 0; k < p.count; k++) {
            int64_t size = shape[3 - k / 2], cut = size > 2 ? -1 : 0;
            p.pads[k] = p.options.mode == CNN_PAD_REFLECT    ? draw(cut, size - 1)
                        : p.options.mode == CNN_PAD_CIRCULAR ? draw(0, size)
                                                             : draw(cut, 7);
        }
        check_pad(&p, shape);
    }
}
END_TEST

/* ---- interpolation ---- */

static cnn_tensor *interpolate(cnn_tensor *x, const void *options)
{
    return cnn_interpolate(x, options);
}

typedef struct taps {
    int count;
    int64_t at[16];
    double weight[16];
} taps;

static double cubic(double x)
{
    const double a = -0.75, d = fabs(x);
    return d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : d < 2 ? a * (d * d * d - 5 * d * d + 8 * d - 4) : 0;
}

static int64_t inside(int64_t i, int64_t size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

/* Positions are computed in the dtype. */
static double position(double scale, double o, double shift, bool f64)
{
    return f64 ? scale * o - shift : (double)((float)scale * (float)o - (float)shift);
}

static taps taps_of(const cnn_interpolate_options *o, int64_t i, int64_t in, int64_t out, double factor, bool f64)
{
    taps t = { .count = 0 };
    double scale = o->align_corners ? out > 1 ? (double)(in - 1) / (double)(out - 1) : 0 : factor ? 1 / factor : (double)in / (double)out;
    double at = o->align_corners ? position(scale, (double)i, 0, f64) : position(scale, (double)i + 0.5, 0.5, f64);
    if (o->mode == CNN_INTERPOLATE_NEAREST || o->mode == CNN_INTERPOLATE_NEAREST_EXACT) {
        double place = o->mode == CNN_INTERPOLATE_NEAREST ? (double)i : (double)i + 0.5;
        return (taps){ 1, { inside((int64_t)floor(position(scale, place, 0, f64)), in) }, { 1 } };
    }
    if (o->mode == CNN_INTERPOLATE_AREA) {
        int64_t end = (int64_t)ceil((double)(i + 1) * (double)in / (double)out);
        for (int64_t k = (int64_t)floor((double)i * (double)in / (double)out); k < end; k++) {
            t.at[t.count++] = k;
        }
        for (int k = 0; k < t.count; k++) {
            t.weight[k] = 1.0 / t.count;
        }
        return t;
    }
    bool four = o->mode == CNN_INTERPOLATE_BICUBIC;
    at = four ? at : at < 0 ? 0 : at;
    for (int k = four ? -1 : 0; k < (four ? 3 : 2); k++) {
        double whole = floor(at) + k, distance = fabs(at - whole);
        t.at[t.count] = inside((int64_t)whole, in);
        t.weight[t.count++] = four ? cubic(at - whole) : 1 - distance;
    }
    return t;
}

/* The result's element o from rows and columns with their weights. */
static void expect_image(const expected_sums *e, int64_t o, int64_t plane, int64_t width, const taps *h, const taps *w)
{
    for (int i = 0; i < h->count; i++) {
        for (int k = 0; k < w->count; k++) {
            expect_term(e, o, plane + h->at[i] * width + w->at[k], h->weight[i] * w->weight[k]);
        }
    }
}

static void check_interpolate(const cnn_interpolate_options *options, const int64_t *shape)
{
    const int64_t count = product_of(4, shape);
    double tolerance, *x = drawn_values(count), factor[2] = { options->scale_factor_h, options->scale_factor_w };
    cnn_dtype dtype = drawn_dtype(&tolerance);
    gradient_run r;
    ck_assert_msg(run_both(dtype, 4, shape, x, interpolate, options, &r), "%s", r.message);
    const int64_t out[2] = { factor[0] ? (int64_t)((double)shape[2] * factor[0]) : options->size_h,
                             factor[1] ? (int64_t)((double)shape[3] * factor[1]) : options->size_w };
    ck_assert_int_eq(r.shape[2], out[0]);
    ck_assert_int_eq(r.shape[3], out[1]);
    expected_sums e = { x, calloc((size_t)r.numel + 1, 8), calloc((size_t)count + 1, 8) };
    for (int64_t o = 0; o < r.numel; o++) {
        taps h = taps_of(options, o / out[1] % out[0], shape[2], out[0], factor[0], dtype == CNN_F64);
        taps w = taps_of(options, o % out[1], shape[3], out[1], factor[1], dtype == CNN_F64);
        expect_image(&e, o, o / (out[0] * out[1]) * shape[2] * shape[3], shape[3], &h, &w);
    }
    values_agree("interpolated", r.y, e.y, r.numel, 4 * tolerance);
    values_agree("gradient of interpolation", r.dx, e.dx, count, 16 * tolerance);
    gradient_run_free(&r);
    free(x), free(e.y), free(e.dx);
}

START_TEST(images_are_interpolated)
{
    static const cnn_interpolate_mode modes[] = { CNN_INTERPOLATE_NEAREST, CNN_INTERPOLATE_NEAREST_EXACT, CNN_INTERPOLATE_BILINEAR,
                                                  CNN_INTERPOLATE_BICUBIC, CNN_INTERPOLATE_AREA };
    draw_state = (uint64_t)_i;
    for (int i = 0; i < 50; i++) {
        const int64_t shape[4] = { draw(0, 2), 2, draw(1, 9), draw(1, 9) };
        cnn_interpolate_options o = { .struct_size = sizeof o, .mode = modes[draw(0, 4)] };
        o.align_corners = (o.mode == CNN_INTERPOLATE_BILINEAR || o.mode == CNN_INTERPOLATE_BICUBIC) && draw(0, 1);
        if (o.mode != CNN_INTERPOLATE_AREA && draw(0, 1)) {
            o.scale_factor_h = (double)draw(8, 24) / 8, o.scale_factor_w = (double)draw(9, 40) / 8;
        } else {
            o.size_h = draw(1, 14), o.size_w = draw(1, 14);
        }
        check_interpolate(&o, shape);
    }
}
END_TEST

START_TEST(threads_change_nothing)
{
    draw_state = 1;
    const int64_t shape[4] = { 6, 2, 50, 70 };
    const cnn_interpolate_options bicubic = { .struct_size = sizeof bicubic, .size_h = 90, .size_w = 110, .mode = CNN_INTERPOLATE_BICUBIC };
    const padding mirror = { 4, { 9, 60, 3, 2 }, { .struct_size = sizeof mirror.options, .mode = CNN_PAD_REFLECT } };
    check_interpolate(&bicubic, shape);
    check_pad(&mirror, shape);
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

#define PADDING(n, how, ...) &(padding){ n, { __VA_ARGS__ }, { .struct_size = sizeof(cnn_pad_options), .mode = (how) } }

START_TEST(bad_padding)
{
    refused(CNN_SHAPE(2, 3), pad, PADDING(3, CNN_PAD_CONSTANT, 1, 1, 1),
            "pad: 3 numbers for a tensor of rank 2, expected 2 per dimension");
    refused(CNN_SHAPE(3), pad, PADDING(4, CNN_PAD_CONSTANT, 1, 1, 1, 1),
            "pad: 4 numbers for a tensor of rank 1, expected 2 per dimension");
    refused(CNN_SHAPE(2, 3), pad, PADDING(2, (cnn_pad_mode)4, 1, 1), "pad: mode is 4, expected 0 to 3");
    refused(CNN_SHAPE(2, 3), pad, PADDING(2, CNN_PAD_CONSTANT, -2, -2),
            "pad: padding of -2 and -2 for dimension 1 of size 3, expected a size of at least 0 and at most 2^62 more");
    refused(CNN_SHAPE(2, 3), pad, PADDING(2, CNN_PAD_CONSTANT, INT64_MIN, INT64_MAX),
            "pad: padding of -9223372036854775808 and 9223372036854775807 for dimension 1 of size 3, expected a size of at least 0 and "
            "at most 2^62 more");
    refused(CNN_SHAPE(2, 3), pad, PADDING(2, CNN_PAD_REFLECT, 3, 0),
            "pad: padding of 3 and 0 for dimension 1 of size 3, expected less than the size with CNN_PAD_REFLECT");
    refused(CNN_SHAPE(2, 3), pad, PADDING(2, CNN_PAD_CIRCULAR, -1, 4),
            "pad: padding of -1 and 4 for dimension 1 of size 3, expected 0 to the size with CNN_PAD_CIRCULAR");
    refused(CNN_SHAPE(2, 3), pad, PADDING(2, CNN_PAD_REPLICATE, -1, -2),
            "pad: padding of -1 and -2 for dimension 1 of size 3, expected elements before and after it");
    refused(CNN_SHAPE(2, 0), pad, PADDING(2, CNN_PAD_REPLICATE, 1, 1),
            "pad: padding of 1 and 1 for dimension 1 of size 0, expected elements before and after it");
}
END_TEST

#define TO(...) CNN_OPTIONS(cnn_interpolate_options, __VA_ARGS__)

START_TEST(bad_interpolation)
{
    const int64_t shape[4] = { 1, 1, 3, 3 };
    refused(4, shape, interpolate, NULL, "interpolate: size and scale_factor are missing, expected one of them");
    refused(4, shape, interpolate, TO(.size = 2, .scale_factor_w = 2), "interpolate: size and scale_factor are both given, expected one of them");
    refused(4, shape, interpolate, TO(.size_h = -2), "interpolate: size_h is -2, expected at least 1");
    refused(4, shape, interpolate, TO(.size_h = 2), "interpolate: no size or scale_factor for dimension 3");
    refused(4, shape, interpolate, TO(.size = 2, .size_d = 3), "interpolate: size_d is given for an input of rank 4");
    refused(4, shape, interpolate, TO(.scale_factor = NAN), "interpolate: scale_factor is nan, expected a finite number above 0");
    refused(4, shape, interpolate, TO(.scale_factor_w = CNN_ZERO), "interpolate: scale_factor_w is 0, expected a finite number above 0");
    refused(4, shape, interpolate, TO(.scale_factor = 0.3), "interpolate: size 3 would become 0, expected at least 1 of both");
    refused(4, shape, interpolate, TO(.scale_factor = 1e300), "interpolate: size 3 times 3e+300 overflows");
    refused(4, shape, interpolate, TO(.size = 2, .mode = (cnn_interpolate_mode)7), "interpolate: mode is 7, expected 0 to 6");
    refused(4, shape, interpolate, TO(.size = 2, .align_corners = true), "interpolate: align_corners is set, but mode is nearest");
    refused(4, shape, interpolate, TO(.size = 2, .mode = CNN_INTERPOLATE_LINEAR),
            "interpolate: input is [1,1,3,3], expected rank 3 for mode linear");
    refused(2, shape, interpolate, TO(.size = 2), "interpolate: input is [1,1], expected rank 3, 4 or 5 for mode nearest");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resize");
    TCase *tests = suite_case(suite, "resize", NULL, NULL);
    tcase_add_loop_test(tests, edges_are_padded, 1, 7);
    tcase_add_loop_test(tests, images_are_interpolated, 1, 9);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_test(tests, bad_padding);
    tcase_add_test(tests, bad_interpolation);
    return suite_run(suite);
}
