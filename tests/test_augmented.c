/* Augmented datasets: what a sample depends on, shapes, normalisation, parts, and what is refused. */
#include "support/augment.h"

#include <math.h>

/* The usual chain of small pictures, and a few more draws. */
static cnn_augmentation *usual(void)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_crop(a, 32, 32, .padding = 4);
    cnn_augment_horizontal_flip(a, 0.5);
    cnn_augment_random_rotation(a, -20, 20, .bilinear = true);
    cnn_augment_random_erasing(a, .random = true);
    return a;
}

/* ---- what a sample depends on ---- */

enum { MANY = 37 };

/* Reads one epoch; sample i, which its label names, goes to images[i]. */
static void read_epoch(cnn_loader *l, float (*images)[IMAGE])
{
    cnn_batch batch;
    int count = 0;
    while (cnn_loader_next(l, &batch)) {
        const float *x = host_elements(batch.images);
        const int64_t *y = host_elements(batch.labels);
        for (int64_t i = 0; i < batch.size; i++, count++) {
            memcpy(images[y[i] / 3], x + i * IMAGE, sizeof *images);
        }
    }
    ck_assert_msg(cnn_loader_status(l) == CNN_OK, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(count, MANY);
}

START_TEST(a_sample_follows_from_seed_epoch_and_number)
{
    static float first[3][MANY][IMAGE], now[MANY][IMAGE];
    cnn_dataset *d = augmented(memory_dataset(MANY, CNN_U8, CNN_I64), usual());
    const struct {
        int64_t batch;
        cnn_loader_options options;
    } loaders[] = { { 8, { .seed = 5 } },
                    { 1, { .seed = 5, .shuffle = true } },
                    { MANY, { .seed = 5, .no_background = true } },
                    { 5, { .seed = 5, .shuffle = true, .no_background = true } } };
    for (int k = 0; k < 4; k++) {
        cnn_loader_options o = loaders[k].options;
        o.struct_size = sizeof o;
        cnn_loader *l = cnn_loader_create(cnn_dataset_share(d), loaders[k].batch, &o);
        ck_assert_msg(l, "%s", cnn_last_error(ctx));
        for (int epoch = 0; epoch < 3; epoch++) {
            read_epoch(l, k ? now : first[epoch]);
            ck_assert(!k || memcmp(now, first[epoch], sizeof now) == 0);
        }
        ck_assert_int_eq(cnn_loader_set_epoch(l, 1), CNN_OK); /* resumed */
        read_epoch(l, now);
        ck_assert(memcmp(now, first[1], sizeof now) == 0);
        cnn_loader_free(l);
    }
    ck_assert(memcmp(first[0], first[1], sizeof now) != 0 && memcmp(first[1], first[2], sizeof now) != 0);
    cnn_loader *other = cnn_loader_new(cnn_dataset_share(d), 8, .seed = 6);
    read_epoch(other, now);
    ck_assert(memcmp(now, first[0], sizeof now) != 0);
    cnn_loader_free(other);
    cnn_dataset_free(d);
}
END_TEST

/* Every transform that draws, on pictures of three colours, by one to four threads and by none of its own. */
static cnn_augmentation *everything(void)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_resized_crop(a, 12, 14);
    cnn_augment_random_crop(a, 12, 12, .padding = 2, .padding_mode = CNN_PAD_REFLECT);
    cnn_augment_random_shift(a, 2, CNN_PAD_REPLICATE);
    cnn_augment_horizontal_flip(a, 0.5);
    cnn_augment_vertical_flip(a, 0.5);
    cnn_augment_color_jitter(a, .brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.2);
    cnn_augment_random_grayscale(a, 0.2);
    cnn_augment_random_rotation(a, -20, 20, .bilinear = true);
    cnn_augment_random_affine(a, -10, 10, .translate_x = 0.1, .translate_y = 0.1, .scale_min = 0.8, .scale_max = 1.2,
                              .shear_x_min = -5, .shear_x_max = 5, .bilinear = true);
    cnn_augment_random_erasing(a, .p = 0.7, .random = true);
    return a;
}

static cnn_dataset *colored_bytes(int64_t n)
{
    enum { SIDE = 16 };
    cnn_tensor *x = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(n, 3, SIDE, SIDE)), *y = cnn_tensor_arange(ctx, CNN_I64, 0, (double)n, 1);
    unsigned char *bytes = malloc((size_t)n * 3 * SIDE * SIDE);
    uint32_t state = 7;
    ck_assert(x && y && bytes);
    for (int64_t i = 0; i < n * 3 * SIDE * SIDE; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(state >> 24);
    }
    set_elements(x, bytes);
    free(bytes);
    cnn_dataset *d = cnn_dataset_from_tensors(x, y);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return d;
}

START_TEST(any_number_of_threads_gives_the_same_bits)
{
    static const int threads[] = { 1, 2, 4 };
    cnn_dataset *d = augmented(colored_bytes(45), everything());
    for (int i = 0; i < 3; i++) {
        assert_same_batches(cnn_loader_new(cnn_dataset_share(d), 7, .shuffle = true, .no_background = true),
                            cnn_loader_new(cnn_dataset_share(d), 7, .shuffle = true, .threads = threads[i]), 3 * 7);
    }
    cnn_loader *first = cnn_loader_new(cnn_dataset_share(d), 45, .threads = 4), *other = cnn_loader_new(d, 45, .threads = 4, .seed = 9);
    cnn_batch one, two;
    ck_assert(cnn_loader_next(first, &one) && cnn_loader_next(other, &two));
    const float *a = host_elements(one.images), *b = host_elements(two.images);
    ck_assert(memcmp(a, b, 45 * 3 * 12 * 12 * sizeof *a) != 0); /* it does draw */
    cnn_loader_free(first);
    cnn_loader_free(other);
}
END_TEST

START_TEST(get_gives_epoch_0_of_the_contexts_seed)
{
    static float images[MANY][IMAGE], sample[IMAGE];
    cnn_dataset *d = augmented(memory_dataset(MANY, CNN_U8, CNN_I64), usual());
    cnn_loader *l = cnn_loader_new(cnn_dataset_share(d), 8, .shuffle = true);
    read_epoch(l, images);
    for (int i = 0; i < MANY; i++) {
        sample_of(d, i, IMAGE, sample);
        ck_assert(memcmp(sample, images[i], sizeof sample) == 0);
    }
    cnn_loader_free(l);
    cnn_dataset_free(d);
}
END_TEST

START_TEST(a_part_keeps_the_numbers_of_the_whole)
{
    static float whole[IMAGE], part[IMAGE];
    const int64_t indices[] = { 30, 4, 4, 17 }, again[] = { 3, 1 };
    cnn_dataset *d = augmented(memory_dataset(MANY, CNN_U8, CNN_I64), usual());
    cnn_dataset *s = cnn_dataset_subset(cnn_dataset_share(d), indices, 4);
    cnn_dataset *t = cnn_dataset_subset(cnn_dataset_share(s), again, 2), *u = cnn_dataset_slice(cnn_dataset_share(d), 17, 20);
    for (int i = 0; i < 4; i++) {
        sample_of(d, indices[i], IMAGE, whole);
        sample_of(s, i, IMAGE, part);
        ck_assert(memcmp(whole, part, sizeof part) == 0);
    }
    sample_of(t, 0, IMAGE, whole);
    sample_of(u, 0, IMAGE, part);
    ck_assert(memcmp(whole, part, sizeof part) == 0);
    cnn_dataset_free(d);
    cnn_dataset_free(s);
    cnn_dataset_free(t);
    cnn_dataset_free(u);
}
END_TEST

/* The validation split of the same samples is as it was. */
START_TEST(one_split_is_augmented_and_the_other_is_not)
{
    float v[12];
    const double three_one[] = { 3, 1 };
    cnn_dataset *pieces[2];
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_horizontal_flip(a, 1);
    ck_assert_int_eq(cnn_dataset_random_split(counted_dataset(4, 1, 3, 4), three_one, 2, 1, pieces), CNN_OK);
    cnn_dataset *train = augmented(pieces[0], a);
    sample_of(train, 0, 12, v);
    ck_assert_float_eq(v[0], v[3] + 3);
    sample_of(pieces[1], 0, 12, v);
    ck_assert_float_eq(v[0], v[3] - 3);
    ck_assert_int_eq((int)cnn_dataset_size(train), 3);
    cnn_dataset_free(train);
    cnn_dataset_free(pieces[1]);
}
END_TEST

/* ---- shapes and normalisation ---- */

START_TEST(batches_have_the_shape_of_the_chain)
{
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_resize(a, 20, 30);
    cnn_augment_random_crop(a, 16, 24);
    cnn_augment_random_resized_crop(a, 5, 7);
    cnn_dataset *d = augmented(memory_dataset(10, CNN_U8, CNN_I64), a);
    cnn_loader *l = cnn_loader_new(d, 4);
    cnn_batch batch;
    int64_t seen = 0;
    while (cnn_loader_next(l, &batch)) {
        const int64_t *shape = cnn_tensor_shape(batch.images);
        ck_assert(shape[0] == batch.size && shape[1] == 2 && shape[2] == 5 && shape[3] == 7);
        ck_assert_int_eq(cnn_tensor_dtype(batch.images), CNN_F32);
        seen += batch.size;
    }
    ck_assert_int_eq((int)seen, 10);
    cnn_loader_free(l);
}
END_TEST

/* Padding of zeros is black before normalisation, as in torchvision. */
START_TEST(the_datasets_normalisation_comes_last)
{
    const double mean[] = { 0.5, 0.25 }, std[] = { 0.5, 2 };
    float v[2 * 34 * 34];
    cnn_dataset *d = memory_dataset(3, CNN_U8, CNN_I64);
    ck_assert_int_eq(cnn_dataset_normalize(d, 2, mean, std), CNN_OK);
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_center_crop(a, 34, 34);
    cnn_dataset *e = augmented(cnn_dataset_share(d), a);
    sample_of(e, 1, 2 * 34 * 34, v);
    ck_assert_float_eq(v[0], (0.0f - 0.5f) / 0.5f);
    ck_assert_float_eq(v[34 * 34], (0.0f - 0.25f) / 2.0f);
    ck_assert_float_eq(v[35], ((float)(IMAGE % 200) / 255.0f - 0.5f) / 0.5f);
    ck_assert_float_eq(v[34 * 34 + 35], ((float)((IMAGE + 1024) % 200) / 255.0f - 0.25f) / 2.0f);
    assert_error(cnn_dataset_normalize(e, 1, mean, std), CNN_ERROR_STATE,
                 "dataset_normalize: an augmented dataset, expected one before cnn_dataset_augment()");
    cnn_dataset *part = cnn_dataset_slice(e, 0, 1);
    assert_error(cnn_dataset_normalize(part, 1, mean, std), CNN_ERROR_STATE, "an augmented dataset");
    cnn_dataset_free(part);
    cnn_dataset_free(d);
}
END_TEST

/* What follows it sees normalised images; the dataset's own is left out. */
START_TEST(the_chains_normalisation_replaces_the_datasets)
{
    const double quarter = 0.25, half = 0.5, nine = 9;
    float v[9];
    cnn_dataset *d = plain_dataset(1, 1, 3, 3, 1);
    ck_assert_int_eq(cnn_dataset_normalize(d, 1, &nine, &nine), CNN_OK);
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_normalize(a, 1, &quarter, &half);
    cnn_augment_random_erasing(a, .p = 1, .scale_min = 0.4, .scale_max = 0.5, .value = 100);
    cnn_dataset *e = augmented(d, a);
    sample_of(e, 0, 9, v);
    bool erased = false;
    for (int i = 0; i < 9; i++) {
        ck_assert(v[i] == 1.5f || v[i] == 100);
        erased |= v[i] == 100;
    }
    ck_assert(erased);
    cnn_dataset_free(e);
}
END_TEST

START_TEST(a_chain_may_be_empty_and_be_used_twice)
{
    static float a_sample[IMAGE], b_sample[IMAGE];
    cnn_augmentation *none = cnn_augmentation_new(ctx);
    cnn_dataset *d = memory_dataset(3, CNN_U8, CNN_I64);
    cnn_dataset *once = cnn_dataset_augment(cnn_dataset_share(d), none);
    cnn_dataset *twice = cnn_dataset_augment(cnn_dataset_share(once), none); /* an augmented one is augmented again */
    ck_assert(once && twice);
    sample_of(d, 2, IMAGE, a_sample);
    sample_of(twice, 2, IMAGE, b_sample);
    ck_assert(memcmp(a_sample, b_sample, sizeof a_sample) == 0);
    assert_error(cnn_augment_horizontal_flip(none, 0.5), CNN_ERROR_STATE,
                 "augment_horizontal_flip: a dataset uses the augmentation, expected one that no dataset was given yet");
    cnn_augmentation_free(none);
    sample_of(once, 2, IMAGE, b_sample);
    ck_assert(memcmp(a_sample, b_sample, sizeof a_sample) == 0);
    cnn_dataset_free(once);
    cnn_dataset_free(twice);
    cnn_dataset_free(d);
}
END_TEST

/* Two chains, one on the other, draw independently. */
START_TEST(chains_on_chains_draw_numbers_of_their_own)
{
    cnn_augmentation *flip = cnn_augmentation_new(ctx);
    cnn_augment_horizontal_flip(flip, 0.5);
    cnn_dataset *d = cnn_dataset_augment(cnn_dataset_augment(counted_dataset(1000, 1, 1, 2), flip), flip);
    int flipped = 0;
    for (int i = 0; i < 1000; i++) {
        float v[2];
        sample_of(d, i, 2, v);
        flipped += v[0] > v[1];
    }
    ck_assert_int_gt(flipped, 430);
    ck_assert_int_lt(flipped, 570);
    cnn_augmentation_free(flip);
    cnn_dataset_free(d);
}
END_TEST

static cnn_status give_float(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    for (int k = 0; k < 6; k++) {
        ((float *)image)[k] = (float)(10 * index + k);
    }
    *(int64_t *)label = index;
    return index == 3 ? CNN_ERROR_IO : CNN_OK;
}

START_TEST(callbacks_are_augmented)
{
    const int64_t shape[] = { 1, 2, 3 };
    const cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = 4, .image_ndim = 3, .image_shape = shape,
                                      .label_dtype = CNN_I64, .get = give_float };
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_horizontal_flip(a, 1);
    cnn_dataset *d = augmented(cnn_dataset_from_callbacks(ctx, &c), a);
    float v[6];
    sample_of(d, 2, 6, v);
    ck_assert(v[0] == 22 && v[1] == 21 && v[2] == 20 && v[3] == 25);
    cnn_tensor *image;
    assert_error(cnn_dataset_get(d, 3, &image, NULL), CNN_ERROR_CALLBACK, "get returned CNN_ERROR_IO for sample 3");
    cnn_dataset_free(d);
}
END_TEST

/* Once a loader is made, and has given a few batches, nothing is allocated. */
START_TEST(loaders_allocate_nothing_for_it)
{
    cnn_dataset *d = augmented(memory_dataset(64, CNN_U8, CNN_I64), usual());
    cnn_loader *l = cnn_loader_new(d, 8, .shuffle = true);
    cnn_batch batch;
    ck_assert(cnn_loader_next(l, &batch));
    size_t before = atomic_load(&meter.calls);
    for (int epoch = 0; epoch < 3; epoch++) {
        while (cnn_loader_next(l, &batch)) {
        }
    }
    ck_assert_uint_eq(atomic_load(&meter.calls), before);
    cnn_loader_free(l);
}
END_TEST

/* ---- what is refused ---- */

static void assert_refused(cnn_dataset *d, cnn_augmentation *a, cnn_status status, const char *text)
{
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_dataset_augment(d, a));
    ck_assert_int_eq(cnn_context_status(NULL), status);
    ck_assert_msg(strstr(cnn_last_error(NULL), text), "\"%s\" does not say \"%s\"", cnn_last_error(NULL), text);
    cnn_augmentation_free(a);
}
#define REFUSED(d, status, text, ...) \
    do { \
        cnn_augmentation *a = cnn_augmentation_new(ctx); \
        __VA_ARGS__; \
        assert_refused((d), a, (status), (text)); \
    } while (0)

START_TEST(datasets_that_do_not_fit_are_refused)
{
    cnn_context *other = cnn_context_new(.threads = 1, .device = "cpu");
    cnn_tensor *flat = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 5, 5));
    REFUSED(memory_dataset(2, CNN_F64, CNN_I64), CNN_ERROR_DTYPE, "dataset_augment: images are float64, expected float32 or bytes", (void)0);
    REFUSED(cnn_dataset_from_tensors(flat, NULL), CNN_ERROR_SHAPE,
            "dataset_augment: images are [5,5], expected [channels, height, width]", (void)0);
    cnn_augmentation *foreign = cnn_augmentation_new(other);
    assert_refused(plain_dataset(1, 1, 4, 4, 0), foreign, CNN_ERROR_STATE, "dataset_augment: the augmentation is of another context");
    assert_refused(NULL, cnn_augmentation_new(ctx), CNN_ERROR_INVALID_ARGUMENT, "dataset_augment: dataset is NULL");
    assert_refused(plain_dataset(1, 1, 4, 4, 0), NULL, CNN_ERROR_INVALID_ARGUMENT, "dataset_augment: augmentation is NULL");
    ck_assert_ptr_null(cnn_augmentation_new(NULL));
    cnn_tensor_free(flat);
    cnn_context_free(other);
}
END_TEST

START_TEST(shapes_that_do_not_fit_are_refused)
{
    const double two[] = { 0.5, 0.5 };
    REFUSED(plain_dataset(1, 1, 4, 4, 0), CNN_ERROR_SHAPE,
            "augment_random_crop: a crop of 7 x 4 from images of 4 x 4 with a padding of 1, expected a smaller crop or pad_if_needed",
            cnn_augment_random_crop(a, 7, 4, .padding = 1));
    REFUSED(plain_dataset(1, 1, 4, 4, 0), CNN_ERROR_SHAPE,
            "augment_random_shift: a padding of 4 x 4 reflects images of 4 x 4, expected less than the image with CNN_PAD_REFLECT",
            cnn_augment_random_shift(a, 4, CNN_PAD_REFLECT));
    REFUSED(plain_dataset(1, 2, 4, 4, 0), CNN_ERROR_SHAPE, "augment_color_jitter: images have 2 channels, expected 1 or 3",
            cnn_augment_color_jitter(a, .hue = 0.1));
    REFUSED(plain_dataset(1, 2, 4, 4, 0), CNN_ERROR_SHAPE, "augment_random_grayscale: images have 2 channels", cnn_augment_random_grayscale(a, 1));
    REFUSED(plain_dataset(1, 1, 1, (1 << 20) + 1, 0), CNN_ERROR_SHAPE,
            "augment_resize: images of 1 x 1048577, expected sides of up to 1048576", cnn_augment_resize(a, 1, 2));
    REFUSED(plain_dataset(1, 3, 4, 4, 0), CNN_ERROR_SHAPE, "augment_normalize: channels is 2, expected 1 or the images' 3",
            cnn_augment_normalize(a, 2, two, two));
    REFUSED(plain_dataset(1, 1, 4, 6, 0), CNN_ERROR_SHAPE,
            "augment_random_crop: a padding of 5 x 5 reflects images of 4 x 6, expected less than the image with CNN_PAD_REFLECT",
            cnn_augment_random_crop(a, 4, 6, .padding = 5, .symmetric = true));
    REFUSED(plain_dataset(1, 3, 4, 4, 0), CNN_ERROR_SHAPE, "augment_random_erasing: 2 numbers to fill in, expected one for each of 3 channels",
            cnn_augment_random_erasing(a, .values = two, .value_count = 2));
    REFUSED(plain_dataset(1, 1, 1, 3000, 0), CNN_ERROR_SHAPE,
            "augment_resize: images of 1000 x 3000000, expected sides of up to 1048576", cnn_augment_resize(a, 1000, 0));
}
END_TEST

/* A failed call that adds need not be looked at: the chain remembers the first. */
START_TEST(the_chain_keeps_its_first_failure)
{
    REFUSED(plain_dataset(1, 1, 4, 4, 0), CNN_ERROR_INVALID_ARGUMENT, "augment_horizontal_flip: p is 2, expected 0 to 1",
            cnn_augment_vertical_flip(a, 0.5);
            cnn_augment_horizontal_flip(a, 2);
            cnn_augment_random_rotation(a, 5, -5));
}
END_TEST

START_TEST(parameters_out_of_range_are_refused)
{
    const double half = 0.5, zero = 0;
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    const cnn_status bad = CNN_ERROR_INVALID_ARGUMENT;
    assert_error(cnn_augment_random_crop(a, 0, 4), bad, "augment_random_crop: the size is 0 x 4, expected sides from 1 to 1048576");
    assert_error(cnn_augment_random_crop(a, 4, 4, .padding = -1), bad, "augment_random_crop: padding is -1, expected 0 to 1048576");
    assert_error(cnn_augment_random_crop(a, 4, 4, .padding_mode = CNN_PAD_CIRCULAR), bad, "padding_mode is 3, expected CNN_PAD_CONSTANT");
    assert_error(cnn_augment_random_shift(a, -2, CNN_PAD_CONSTANT), bad, "augment_random_shift: padding is -2");
    assert_error(cnn_augment_center_crop(a, 1, -1), bad, "augment_center_crop: the size is 1 x -1");
    assert_error(cnn_augment_resize(a, 1 << 21, 1), bad, "augment_resize: the size is 2097152 x 1");
    assert_error(cnn_augment_random_resized_crop(a, 4, 4, .scale_min = 0.5, .scale_max = 0.25), bad,
                 "augment_random_resized_crop: scale_min is 0.5 and scale_max is 0.25, expected a range within 1e-06 to 1");
    assert_error(cnn_augment_random_resized_crop(a, 4, 4, .ratio_min = CNN_ZERO), bad, "ratio_min is 0 and ratio_max is 1.33333");
    assert_error(cnn_augment_random_rotation(a, 0, NAN), bad, "augment_random_rotation: min_degrees is 0 and max_degrees is nan, expected a range within -1e+06 to 1e+06");
    assert_error(cnn_augment_random_affine(a, 0, 0, .translate_y = 1.5), bad, "augment_random_affine: translate_y is 1.5, expected 0 to 1");
    assert_error(cnn_augment_random_affine(a, 0, 0, .shear_x_max = 90), bad, "shear_x_min is 0 and shear_x_max is 90, expected a range within -89.999 to 89.999");
    assert_error(cnn_augment_random_affine(a, 0, 0, .scale_min = 2), bad, "scale_min is 2 and scale_max is 1");
    assert_error(cnn_augment_color_jitter(a, .brightness = -1), bad, "augment_color_jitter: brightness is -1, expected 0 to");
    assert_error(cnn_augment_color_jitter(a, .hue = 0.6), bad, "augment_color_jitter: hue is 0.6, expected 0 to 0.5");
    assert_error(cnn_augment_random_grayscale(a, -0.5), bad, "augment_random_grayscale: p is -0.5, expected 0 to 1");
    assert_error(cnn_augment_random_erasing(a, .scale_max = 2), bad, "augment_random_erasing: scale_min is 0.02 and scale_max is 2");
    assert_error(cnn_augment_normalize(a, 0, &half, &half), bad, "augment_normalize: channels is below 1");
    assert_error(cnn_augment_normalize(a, 1, NULL, &half), bad, "augment_normalize: mean is NULL");
    assert_error(cnn_augment_normalize(a, 1, &half, &zero), bad, "augment_normalize: channel 0 has mean 0.5 and std 0");
    double tiny = 1e-50; /* 0 in float32, with which it divides */
    assert_error(cnn_augment_normalize(a, 1, &half, &tiny), bad, "augment_normalize: channel 0 has mean 0.5 and std 1e-50");
    assert_error(cnn_augment_resize(a, 8, 0, .max_size = 8), bad, "augment_resize: max_size is 8, expected more than the height 8");
    assert_error(cnn_augment_resize(a, 8, 8, .max_size = 9), bad, "augment_resize: max_size is 9, expected more than the height 8, up to 1048576, and a width of 0");
    assert_error(cnn_augment_random_crop(a, 4, 4, .padding_left = -3), bad, "augment_random_crop: padding is -3, expected 0 to 1048576");
    assert_error(cnn_augment_random_crop(a, 4, 4, .fills = &half), bad, "augment_random_crop: fills are 0 at an address, expected one per channel");
    assert_error(cnn_augment_random_rotation(a, 0, 1, .fill_count = 1), bad, "augment_random_rotation: fills are 1 at NULL, expected one per channel");
    const double infinite = INFINITY;
    assert_error(cnn_augment_random_affine(a, 0, 1, .fills = &infinite, .fill_count = 1), bad, "augment_random_affine: fill is inf, expected a finite number");
    assert_error(cnn_augment_random_erasing(a, .value = NAN), bad, "augment_random_erasing: value is nan, expected a finite number");
    assert_error(cnn_augment_random_rotation(a, 0, 1, .center_y = NAN), bad, "augment_random_rotation: center_y is nan");
    assert_error(cnn_augment_color_jitter(a, .hue_min = 0.1), bad, "augment_color_jitter: hue_min is 0.1 and hue_max is 0");
    assert_error(cnn_augment_color_jitter(a, .contrast_min = -1, .contrast_max = 1), bad, "contrast_min is -1 and contrast_max is 1");
    assert_error(cnn_augment_custom(a, NULL, NULL, NULL), bad, "augment_custom: transform is NULL");
    cnn_augmentation_free(a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("augmented");
    TCase *samples = suite_case(suite, "samples", setup, teardown);
    tcase_add_test(samples, a_sample_follows_from_seed_epoch_and_number);
    tcase_add_test(samples, any_number_of_threads_gives_the_same_bits);
    tcase_add_test(samples, get_gives_epoch_0_of_the_contexts_seed);
    tcase_add_test(samples, a_part_keeps_the_numbers_of_the_whole);
    tcase_add_test(samples, one_split_is_augmented_and_the_other_is_not);
    TCase *chains = suite_case(suite, "chains", setup, teardown);
    tcase_add_test(chains, batches_have_the_shape_of_the_chain);
    tcase_add_test(chains, the_datasets_normalisation_comes_last);
    tcase_add_test(chains, the_chains_normalisation_replaces_the_datasets);
    tcase_add_test(chains, a_chain_may_be_empty_and_be_used_twice);
    tcase_add_test(chains, chains_on_chains_draw_numbers_of_their_own);
    tcase_add_test(chains, callbacks_are_augmented);
    tcase_add_test(chains, loaders_allocate_nothing_for_it);
    TCase *errors = suite_case(suite, "errors", setup, teardown);
    tcase_add_test(errors, datasets_that_do_not_fit_are_refused);
    tcase_add_test(errors, shapes_that_do_not_fit_are_refused);
    tcase_add_test(errors, the_chain_keeps_its_first_failure);
    tcase_add_test(errors, parameters_out_of_range_are_refused);
    return suite_run(suite);
}
