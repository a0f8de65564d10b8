/* Transforms with given parameters against torchvision's, and the draws of the random ones. */
#include "support/augment.h"

#include "data/augment.h"

#include <math.h>

/* ---- frames: one image on its way through a transform ---- */

enum { ROOM = 1 << 14 };

typedef struct bench {
    cnn__frame f;
    cnn_random_source random;
    float numbers[3][ROOM];
} bench;

static void bench_fill(bench *b, const cnn_tensor *image)
{
    double *values = as_doubles(image);
    *b = (bench){ .f = { .x = b->numbers[0], .spare = b->numbers[1], .work = b->numbers[2], .ctx = ctx, .call = "test" } };
    b->f.e = (cnn__extent){ cnn_tensor_size(image, 0), cnn_tensor_size(image, 1), cnn_tensor_size(image, 2) };
    b->f.random = &b->random;
    for (int64_t i = 0; i < cnn_tensor_numel(image); i++) {
        b->f.x[i] = (float)values[i];
    }
    free(values);
}

static void assert_frame(const bench *b, const char *name, const char *of)
{
    char key[64];
    snprintf(key, sizeof key, "%s_%s", of, name);
    cnn_tensor *expected = fixture(ctx, "augment.safetensors", key, "out");
    ck_assert_msg(expected, "no case %s", key);
    ck_assert_msg(b->f.e.c == cnn_tensor_size(expected, 0) && b->f.e.h == cnn_tensor_size(expected, 1) &&
                      b->f.e.w == cnn_tensor_size(expected, 2), "%s: another shape", key);
    double *values = as_doubles(expected);
    for (int64_t i = 0; i < cnn_tensor_numel(expected); i++) {
        ck_assert_msg(fabs((double)b->f.x[i] - values[i]) <= 2e-6, "%s: element %d is %g, torchvision's %g", key, (int)i,
                      (double)b->f.x[i], values[i]);
    }
    free(values);
    cnn_tensor_free(expected);
}

static const char *const images[] = { "color", "gray" };

/* Runs a transform on both images; `body` works on `b` and `of` is the image's name. */
#define ON_BOTH(name, ...)                                                                \
    for (int image = 0; image < 2; image++) {                                             \
        bench *b = calloc(1, sizeof *b);                                                  \
        cnn_tensor *x = fixture(ctx, "augment.safetensors", images[image], "in");         \
        ck_assert(b && x);                                                                \
        bench_fill(b, x);                                                                 \
        cnn_tensor_free(x);                                                               \
        __VA_ARGS__;                                                                      \
        assert_frame(b, name, images[image]);                                             \
        free(b);                                                                          \
    }

static cnn__transform crop(int mode, float fill)
{
    cnn__transform t = { .kind = NULL };
    t.u.crop.mode = mode;
    t.fill = fill;
    return t;
}

START_TEST(crops_agree_with_torchvision)
{
    const cnn__transform zeros = crop(CNN_PAD_CONSTANT, 0), fill = crop(CNN_PAD_CONSTANT, 0.5f);
    const cnn__transform reflect = crop(CNN_PAD_REFLECT, 0), edge = crop(CNN_PAD_REPLICATE, 0);
    ON_BOTH("crop_zeros", cnn__crop(&b->f, &zeros, 1 - 3, 4 - 3, 8, 9));
    ON_BOTH("crop_fill", cnn__crop(&b->f, &fill, -3, -3, 6, 5));
    ON_BOTH("crop_reflect", cnn__crop(&b->f, &reflect, 5 - 3, 1 - 3, 8, 9));
    ON_BOTH("crop_edge", cnn__crop(&b->f, &edge, 2 - 5, 9 - 5, 8, 9));
    const cnn__transform symmetric = crop(CNN__PAD_SYMMETRIC, 0);
    ON_BOTH("crop_symmetric", cnn__crop(&b->f, &symmetric, 5 - 3, 1 - 3, 8, 9));
}
END_TEST

/* What the channels of an image are filled with, as tools/fixtures/augment.py has it. */
static const double fills[] = { 0.125, 0.5, 0.75 };

/* Runs the only transform of a chain. */
static void run(bench *b, cnn_augmentation *a)
{
    cnn__extent e = b->f.e;
    int64_t work = 0;
    ck_assert_msg(a->status == CNN_OK && a->first, "%s", a->message);
    ck_assert(!a->first->kind->infer || a->first->kind->infer(a->first, ctx, &e, &work) == CNN_OK);
    ck_assert_int_lt(work, ROOM);
    ck_assert_int_eq(a->first->kind->apply(a->first, &b->f), CNN_OK);
    ck_assert(b->f.e.c == e.c && b->f.e.h == e.h && b->f.e.w == e.w);
    cnn_augmentation_free(a);
}
#define RUN(name, ...)                                       \
    ON_BOTH(name, cnn_augmentation *a = cnn_augmentation_new(ctx); ck_assert_int_eq(__VA_ARGS__, CNN_OK); run(b, a))

START_TEST(fixed_transforms_agree_with_torchvision)
{
    RUN("center_smaller", cnn_augment_center_crop(a, 4, 5));
    RUN("center_odd", cnn_augment_center_crop(a, 6, 3));
    RUN("center_larger", cnn_augment_center_crop(a, 12, 13));
    RUN("center_mixed", cnn_augment_center_crop(a, 5, 15));
    RUN("hflip", cnn_augment_horizontal_flip(a, 1));
    RUN("vflip", cnn_augment_vertical_flip(a, 1));
    RUN("resize_smaller", cnn_augment_resize(a, 4, 3));
    RUN("resize_larger", cnn_augment_resize(a, 13, 21));
    RUN("resize_mixed", cnn_augment_resize(a, 3, 17));
    RUN("resize_plain", cnn_augment_resize(a, 4, 3, .no_antialias = true));
    RUN("resize_nearest", cnn_augment_resize(a, 4, 13, .nearest = true));
    RUN("resize_shorter", cnn_augment_resize(a, 5, 0));
    RUN("resize_shorter_larger", cnn_augment_resize(a, 11, 0));
    RUN("resize_most", cnn_augment_resize(a, 5, 0, .max_size = 6));
}
END_TEST

/* A crop of all that there is with the padding: one place to draw. */
START_TEST(padding_agrees_with_torchvision)
{
    RUN("crop_symmetric_all", cnn_augment_random_crop(a, b->f.e.h + 14, b->f.e.w + 14, .padding = 7, .symmetric = true));
    RUN("crop_sides", cnn_augment_random_crop(a, b->f.e.h + 6, b->f.e.w + 4, .padding_left = 1, .padding_top = 2, .padding_right = 3,
                                              .padding_bottom = 4, .fill = 0.5));
    RUN("crop_sides", cnn_augment_random_crop(a, b->f.e.h + 6, b->f.e.w + 4, .padding = 1, .padding_top = 1, .padding_right = 2,
                                              .padding_bottom = 3, .fill = 0.5));
    RUN("crop_fills", cnn_augment_random_crop(a, b->f.e.h + 4, b->f.e.w + 4, .padding = 2, .fills = fills, .fill_count = (int)b->f.e.c));
}
END_TEST

static cnn__transform resized(int64_t h, int64_t w, bool antialias)
{
    cnn__transform t = { .kind = NULL };
    t.u.resize.h = h;
    t.u.resize.w = w;
    t.u.resize.antialias = antialias;
    return t;
}

START_TEST(resized_parts_agree_with_torchvision)
{
    const cnn__transform smaller = resized(4, 3, true), larger = resized(8, 8, true), plain = resized(2, 3, false);
    ON_BOTH("part_smaller", cnn__resized_crop(&b->f, &smaller, 1, 2, 6, 5));
    ON_BOTH("part_larger", cnn__resized_crop(&b->f, &larger, 2, 1, 3, 4));
    ON_BOTH("part_plain", cnn__resized_crop(&b->f, &plain, 1, 0, 6, 8));
}
END_TEST

START_TEST(affine_maps_agree_with_torchvision)
{
    double m[6];
    const cnn__transform fill = { .fill = 0.25f };
    RUN("rotate_nearest", cnn_augment_random_rotation(a, 33, 33));
    RUN("rotate_bilinear", cnn_augment_random_rotation(a, -75.5, -75.5, .bilinear = true, .fill = 0.5));
    RUN("rotate_center", cnn_augment_random_rotation(a, 33, 33, .bilinear = true, .center_x = 2, .center_y = 3,
                                                     .fills = fills, .fill_count = (int)b->f.e.c));
    RUN("affine_center", cnn_augment_random_affine(a, 20, 20, .scale_min = 1.3, .scale_max = 1.3, .shear_x_min = 10, .shear_x_max = 10,
                                                   .bilinear = true, .center_x = 6, .center_y = CNN_ZERO, .fills = fills,
                                                   .fill_count = (int)b->f.e.c));
    cnn__affine_matrix(20, (const double[]){ 1, -2 }, 1.3, (const double[]){ 10, 0 }, m);
    ON_BOTH("affine_nearest", cnn__affine(&b->f, m, false, &fill));
    cnn__affine_matrix(-130, (const double[]){ -2, 1 }, 0.7, (const double[]){ -12, 25 }, m);
    ON_BOTH("affine_bilinear", cnn__affine(&b->f, m, true, &fill));
}
END_TEST

START_TEST(colors_agree_with_torchvision)
{
    static const struct {
        const char *name;
        int number;
        double factor;
    } cases[] = { { "brightness", 0, 1.6 },  { "contrast", 1, 0.35 },      { "contrast_more", 1, 2.5 },
                  { "saturation", 2, 1.9 },  { "saturation_less", 2, 0.2 }, { "hue", 3, 0.3 },
                  { "hue_back", 3, -0.45 } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ON_BOTH(cases[k].name, cnn__adjust_color(&b->f, cases[k].number, cases[k].factor));
    }
    RUN("brightness", cnn_augment_color_jitter(a, .brightness_min = 1.6, .brightness_max = 1.6));
    RUN("contrast", cnn_augment_color_jitter(a, .contrast_min = 0.35, .contrast_max = 0.35, .contrast = 5));
    RUN("saturation", cnn_augment_color_jitter(a, .saturation_min = 1.9, .saturation_max = 1.9));
    RUN("hue_back", cnn_augment_color_jitter(a, .hue_min = -0.45, .hue_max = -0.45));
}
END_TEST

START_TEST(grayscale_and_normalize_agree_with_torchvision)
{
    const double mean[] = { 0.5, 0.25, 0.4 }, std[] = { 0.25, 2, 0.3 };
    static const char *const names[] = { "grayscale", "normalize" };
    for (int k = 0; k < 2; k++) {
        bench *b = calloc(1, sizeof *b);
        cnn_tensor *x = fixture(ctx, "augment.safetensors", "color", "in");
        cnn_augmentation *a = cnn_augmentation_new(ctx);
        bench_fill(b, x);
        ck_assert_int_eq(k ? cnn_augment_normalize(a, 3, mean, std) : cnn_augment_random_grayscale(a, 1), CNN_OK);
        run(b, a);
        assert_frame(b, names[k], "color");
        cnn_tensor_free(x);
        free(b);
    }
}
END_TEST

/* ---- draws ---- */

enum { SAMPLES = 4000 };

START_TEST(flips_come_with_their_probability)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_horizontal_flip(a, 0.3);
    cnn_augment_vertical_flip(a, 0.6);
    cnn_dataset *d = augmented(counted_dataset(SAMPLES, 1, 2, 2), a);
    int seen[2][2] = { { 0 } };
    for (int i = 0; i < SAMPLES; i++) {
        float v[4];
        sample_of(d, i, 4, v);
        seen[v[0] > v[1]][v[0] > v[2]]++;
    }
    const double expected[2][2] = { { 0.7 * 0.4, 0.7 * 0.6 }, { 0.3 * 0.4, 0.3 * 0.6 } };
    for (int h = 0; h < 2; h++) {
        for (int v = 0; v < 2; v++) {
            ck_assert_double_eq_tol((double)seen[h][v] / SAMPLES, expected[h][v], 0.03);
        }
    }
    cnn_dataset_free(d);
}
END_TEST

/* Every place is about equally likely, those of a shift of 1 as those of a crop with a padding of 1. */
START_TEST(crops_reach_every_place)
{
    for (int k = 0; k < 2; k++) {
        cnn_augmentation *a = cnn_augmentation_new(ctx);
        if (k) {
            cnn_augment_random_shift(a, 1, CNN_PAD_CONSTANT);
        } else {
            cnn_augment_random_crop(a, 4, 4, .padding = 1);
        }
        cnn_dataset *d = augmented(counted_dataset(SAMPLES, 1, 4, 4), a);
        int seen[3][3] = { { 0 } };
        for (int i = 0; i < SAMPLES; i++) {
            float v[16];
            sample_of(d, i, 16, v);
            int number = (int)v[5] - 16 * i - 1; /* which pixel came to row 1, column 1 */
            ck_assert(number >= 0 && number / 4 <= 2 && number % 4 <= 2);
            seen[number / 4][number % 4]++;
            ck_assert(number / 4 != 0 || (v[0] == 0 && v[3] == 0));
            ck_assert(number / 4 != 2 || (v[12] == 0 && v[15] == 0));
        }
        for (int p = 0; p < 9; p++) {
            ck_assert_double_eq_tol((double)seen[p / 3][p % 3] / SAMPLES, 1.0 / 9, 0.02);
        }
        cnn_dataset_free(d);
    }
}
END_TEST

START_TEST(smaller_images_are_padded_if_needed)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_crop(a, 5, 3, .pad_if_needed = true, .fill = -1);
    cnn_dataset *d = augmented(counted_dataset(200, 1, 3, 3), a);
    int seen[6] = { 0 };
    for (int i = 0; i < 200; i++) {
        float v[15];
        int begin = 0;
        sample_of(d, i, 15, v);
        while (v[3 * begin] == -1) {
            begin++;
        }
        ck_assert_float_eq(v[3 * begin + 2] - v[3 * begin], 2);
        seen[begin]++;
    }
    ck_assert(seen[0] > 0 && seen[1] > 0 && seen[2] > 0); /* two rows on each side */
    cnn_dataset_free(d);
}
END_TEST

START_TEST(erasing_stays_within_its_ranges)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_erasing(a, .p = 0.75, .scale_min = 0.1, .scale_max = 0.3, .ratio_min = 0.5, .ratio_max = 2, .value = 7);
    cnn_dataset *d = augmented(plain_dataset(SAMPLES, 2, 20, 20, 1), a);
    int erased = 0;
    bool good = true; /* an assertion per pixel would take most of the time */
    double area = 0, least = 1, most = 0;
    for (int i = 0; i < SAMPLES; i++) {
        float v[800];
        int count = 0, top = 20, bottom = -1, left = 20, right = -1;
        sample_of(d, i, 800, v);
        good = good && memcmp(v, v + 400, sizeof v / 2) == 0;
        for (int p = 0; p < 400; p++) {
            good = good && (v[p] == 1 || v[p] == 7);
            if (v[p] == 7) {
                count++;
                top = p / 20 < top ? p / 20 : top;
                bottom = p / 20;
                left = p % 20 < left ? p % 20 : left;
                right = p % 20 > right ? p % 20 : right;
            }
        }
        if (count) {
            double h = bottom - top + 1, w = right - left + 1;
            good = good && h * w == count && h / w > 0.4 && h / w < 2.5;
            least = fmin(least, count / 400.0);
            most = fmax(most, count / 400.0);
            area += count / 400.0;
            erased++;
        }
    }
    ck_assert(good);
    ck_assert_double_eq_tol((double)erased / SAMPLES, 0.75, 0.03);
    ck_assert_double_eq_tol(area / erased, 0.2, 0.01);
    ck_assert(least > 0.085 && least < 0.12 && most < 0.32 && most > 0.28);
    cnn_dataset_free(d);
}
END_TEST

START_TEST(erasing_fills_each_channel_with_its_own_number)
{
    const double values[3] = { -1, 2, 5 };
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_erasing(a, .p = 1, .values = values, .value_count = 3);
    cnn_dataset *d = augmented(plain_dataset(20, 3, 9, 8, 0.5), a);
    for (int i = 0; i < 20; i++) {
        float v[3 * 9 * 8];
        int erased[3] = { 0 };
        sample_of(d, i, 3 * 9 * 8, v);
        for (int c = 0; c < 3; c++) {
            for (int k = 0; k < 9 * 8; k++) {
                float x = v[c * 9 * 8 + k];
                ck_assert(x == 0.5f || x == (float)values[c]);
                erased[c] += x != 0.5f;
            }
        }
        ck_assert(erased[0] > 0 && erased[1] == erased[0] && erased[2] == erased[0]);
    }
    cnn_dataset_free(d);
}
END_TEST

/* Factors between two bounds, of which 1 need not be in the middle. */
START_TEST(jitter_draws_between_two_bounds)
{
    float least = 9, most = 0;
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_color_jitter(a, .brightness_min = 0.5, .brightness_max = 0.8);
    cnn_dataset *d = augmented(plain_dataset(500, 1, 1, 1, 1), a);
    for (int i = 0; i < 500; i++) {
        float x;
        sample_of(d, i, 1, &x);
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    ck_assert(least >= 0.5f && least < 0.503f && most <= 0.8f && most > 0.797f);
    cnn_dataset_free(d);
}
END_TEST

START_TEST(erasing_may_fill_with_normal_numbers)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_erasing(a, .p = 1, .random = true, .scale_min = 0.3);
    cnn_dataset *d = augmented(plain_dataset(100, 1, 20, 20, 9), a);
    double sum = 0, square = 0, count = 0;
    for (int i = 0; i < 100; i++) {
        float v[400];
        sample_of(d, i, 400, v);
        for (int p = 0; p < 400; p++) {
            if (v[p] != 9) {
                count++;
                sum += (double)v[p];
                square += (double)v[p] * (double)v[p];
            }
        }
    }
    ck_assert_double_gt(count, 100 * 400 * 0.25);
    ck_assert_double_eq_tol(sum / count, 0, 0.04);
    ck_assert_double_eq_tol(square / count, 1, 0.04);
    cnn_dataset_free(d);
}
END_TEST

/* Images are ramps along both directions: what comes out says which part was cut out. */
START_TEST(resized_crops_stay_within_their_ranges)
{
    enum { SIDE = 64, OUT = 16 };
    cnn_tensor *x = cnn_tensor_empty(ctx, CNN_F32, CNN_SHAPE(1000, 2, SIDE, SIDE));
    float *values = malloc(1000 * 2 * SIDE * SIDE * sizeof *values);
    for (int64_t i = 0; i < 1000 * 2 * SIDE * SIDE; i++) {
        values[i] = (float)(i / (SIDE * SIDE) % 2 ? i % SIDE : i / SIDE % SIDE);
    }
    set_elements(x, values);
    free(values);
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_resized_crop(a, OUT, OUT, .no_antialias = true);
    cnn_dataset *d = augmented(cnn_dataset_from_tensors(x, NULL), a);
    double mean = 0, low = 1, high = 0;
    for (int i = 0; i < 1000; i++) {
        float v[2 * OUT * OUT];
        sample_of(d, i, 2 * OUT * OUT, v);
        double h = (double)(v[9 * OUT] - v[6 * OUT]) * OUT / 3, w = (double)(v[OUT * OUT + 9] - v[OUT * OUT + 6]) * OUT / 3;
        double area = h * w / (SIDE * SIDE), ratio = w / h;
        ck_assert_msg(ratio > 0.7 && ratio < 1.45, "sides %g and %g", h, w);
        ck_assert_msg(area > 0.07 && area <= 1.001, "sides %g and %g", h, w);
        low = fmin(low, area);
        high = fmax(high, area);
        mean += area / 1000;
    }
    ck_assert(low < 0.12 && high > 0.85 && mean > 0.4 && mean < 0.56);
    cnn_dataset_free(d);
    cnn_tensor_free(x);
}
END_TEST

/* A grey image shows brightness alone; factors lie within their range and use it. */
START_TEST(jitter_draws_within_its_ranges)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_color_jitter(a, .brightness = 0.4, .saturation = 0.5, .hue = 0.5);
    cnn_dataset *d = augmented(plain_dataset(SAMPLES, 3, 2, 2, 0.5), a);
    double low = 9, high = 0, mean = 0;
    for (int i = 0; i < SAMPLES; i++) {
        float v[12];
        sample_of(d, i, 12, v);
        double factor = (double)v[0] / 0.5;
        low = fmin(low, factor);
        high = fmax(high, factor);
        mean += factor / SAMPLES;
        ck_assert_float_eq_tol(v[0], v[11], 1e-5);
    }
    ck_assert(low >= 0.599 && low < 0.61 && high <= 1.401 && high > 1.39);
    ck_assert_double_eq_tol(mean, 1, 0.02);
    cnn_dataset_free(d);
}
END_TEST

START_TEST(affine_draws_within_its_ranges)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_affine(a, 0, 0, .translate_x = 0.25);
    cnn_dataset *d = augmented(counted_dataset(SAMPLES, 1, 1, 16), a);
    int seen[9] = { 0 };
    for (int i = 0; i < SAMPLES; i++) {
        float v[16];
        sample_of(d, i, 16, v);
        int shift = 8 - ((int)v[8] - 16 * i - 1);
        ck_assert_int_le(abs(shift), 4);
        seen[shift + 4]++;
    }
    for (int k = 0; k < 9; k++) {
        ck_assert_double_eq_tol((double)seen[k] / SAMPLES, k % 8 ? 1.0 / 8 : 1.0 / 16, 0.02);
    }
    cnn_dataset_free(d);
}
END_TEST

/* ---- the user's ---- */

typedef struct own {
    int calls, freed;
    cnn_status answer;
} own;

static cnn_status add_noise(float *image, int64_t channels, int64_t height, int64_t width, cnn_random_source *random, void *user)
{
    own *o = user;
    ck_assert(channels == 1 && height == 3 && width == 4);
    for (int64_t i = 0; i < channels * height * width; i++) {
        image[i] = (float)cnn_random_integer(random, 5) + (float)cnn_random_uniform(random, 0.25, 0.5);
    }
    o->calls++;
    if (o->answer == CNN_ERROR_SHAPE) {
        cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(-1));
    }
    return o->answer;
}

static void own_free(void *user)
{
    ((own *)user)->freed++;
}

START_TEST(transforms_of_the_users_draw)
{
    own o = { .answer = CNN_OK };
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    ck_assert_int_eq(cnn_augment_custom(a, add_noise, own_free, &o), CNN_OK);
    cnn_dataset *d = augmented(plain_dataset(100, 1, 3, 4, 0), a);
    int seen[5] = { 0 };
    for (int i = 0; i < 100; i++) {
        float v[12];
        sample_of(d, i, 12, v);
        for (int k = 0; k < 12; k++) {
            int whole = (int)v[k];
            ck_assert(whole >= 0 && whole < 5 && v[k] - (float)whole >= 0.25f && v[k] - (float)whole < 0.5f);
            seen[whole]++;
        }
    }
    for (int k = 0; k < 5; k++) {
        ck_assert(seen[k] > 180 && seen[k] < 300);
    }
    ck_assert(o.calls == 100 && o.freed == 0);
    o.answer = CNN_ERROR_IO;
    cnn_tensor *image;
    assert_error(cnn_dataset_get(d, 7, &image, NULL), CNN_ERROR_CALLBACK,
                 "dataset_get: a transform of the augmentation returned CNN_ERROR_IO for sample 7");
    o.answer = CNN_ERROR_SHAPE; /* a call of the library's failed, whose message is told too */
    assert_error(cnn_dataset_get(d, 7, &image, NULL), CNN_ERROR_CALLBACK,
                 "dataset_get: a transform of the augmentation returned CNN_ERROR_SHAPE for sample 7 (tensor_zeros: ");
    cnn_dataset_free(d);
    ck_assert_int_eq(o.freed, 1);
    assert_error(cnn_augment_custom(NULL, add_noise, own_free, &o), CNN_ERROR_INVALID_ARGUMENT, "augmentation is NULL");
    ck_assert_int_eq(o.freed, 2);
    ck_assert_double_nan(cnn_random_uniform(NULL, 1, 2));
    ck_assert_int_eq((int)cnn_random_integer(NULL, 9), 0);
    cnn_random_source source = { .block = 0 };
    ck_assert(cnn_random_integer(&source, 1) == 0 && cnn_random_integer(&source, -3) == 0 && source.block == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("augment");
    TCase *values = suite_case(suite, "torchvision", setup, teardown);
    tcase_add_test(values, crops_agree_with_torchvision);
    tcase_add_test(values, padding_agrees_with_torchvision);
    tcase_add_test(values, fixed_transforms_agree_with_torchvision);
    tcase_add_test(values, resized_parts_agree_with_torchvision);
    tcase_add_test(values, affine_maps_agree_with_torchvision);
    tcase_add_test(values, colors_agree_with_torchvision);
    tcase_add_test(values, grayscale_and_normalize_agree_with_torchvision);
    TCase *draws = suite_case(suite, "draws", setup, teardown);
    tcase_add_test(draws, flips_come_with_their_probability);
    tcase_add_test(draws, crops_reach_every_place);
    tcase_add_test(draws, smaller_images_are_padded_if_needed);
    tcase_add_test(draws, erasing_stays_within_its_ranges);
    tcase_add_test(draws, erasing_may_fill_with_normal_numbers);
    tcase_add_test(draws, erasing_fills_each_channel_with_its_own_number);
    tcase_add_test(draws, jitter_draws_between_two_bounds);
    tcase_add_test(draws, resized_crops_stay_within_their_ranges);
    tcase_add_test(draws, jitter_draws_within_its_ranges);
    tcase_add_test(draws, affine_draws_within_its_ranges);
    tcase_add_test(draws, transforms_of_the_users_draw);
    return suite_run(suite);
}
