/* Pictures of their own sizes: folders whose samples are whole pictures, chains of transforms that make one size of
 * them, loaders that collate them as they are, and any number of threads with the same bits. */
#include "support/images.h"

#include <cnn/cnn.h>

#include <math.h>

#define OWN(...) cnn_image_folder_open(ctx, test_folder, CNN_OPTIONS(cnn_image_folder_options, .own_sizes = true, __VA_ARGS__))

enum { COPIES = 6, KINDS = 4, PICTURES = COPIES * KINDS };

/* Two classes of pictures of four sizes. */
static void make_tree(void)
{
    static const char *const kinds[KINDS] = { "420.jpg", "rgb8.png", "exif6.jpg", "gray16.png" };
    folder_put("a");
    folder_put("b");
    for (int i = 0; i < PICTURES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s/%02d%s", i % 2 ? "b" : "a", i, strchr(kinds[i % KINDS], '.'));
        picture_put(kinds[i % KINDS], name);
    }
}

/* ---- as they are ---- */

/* What the samples are without a chain: the bytes of cnn_image_read() divided by 255. */
START_TEST(samples_are_whole_pictures)
{
    cnn_image_folder *f;
    make_tree();
    cnn_dataset *d = OWN(.folder = &f);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    bool sizes_differ = false;
    int64_t first = 0;
    for (int64_t i = 0; i < PICTURES; i++) {
        cnn_tensor *x, *y, *whole = cnn_image_read(ctx, cnn_image_folder_path(f, i), CNN_OPTIONS(cnn_image_options, .mode = CNN_IMAGE_RGB));
        ck_assert_msg(whole && cnn_dataset_get(d, i, &x, &y) == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert(cnn_tensor_ndim(x) == 3 && cnn_tensor_dtype(x) == CNN_F32);
        ck_assert_mem_eq(cnn_tensor_shape(x), cnn_tensor_shape(whole), 3 * sizeof(int64_t));
        const float *given = host_elements(x);
        const unsigned char *bytes = host_elements(whole);
        for (int64_t k = 0; k < cnn_tensor_numel(x); k++) {
            ck_assert(given[k] == (float)bytes[k] / 255.0f);
        }
        ck_assert(cnn_tensor_ndim(y) == 0 && cnn_tensor_item_i64(y) == i / (PICTURES / 2));
        first = i == 0 ? cnn_tensor_numel(x) : first;
        sizes_differ = sizes_differ || cnn_tensor_numel(x) != first;
        cnn_tensor_free(whole);
        cnn_tensor_free(x);
        cnn_tensor_free(y);
    }
    ck_assert(sizes_differ);
    cnn_dataset_free(d);
    cnn_image_folder_free(f);
}
END_TEST

START_TEST(normalised_turned_and_gray)
{
    const double mean = 0.25, std = 0.5;
    cnn_tensor *plain, *other;
    folder_put("a");
    picture_put("exif6.jpg", "a/x.jpg");
    cnn_dataset *d = OWN(.channels = 1), *n = OWN(.channels = 1, .mean = &mean, .std = &std, .apply_exif_orientation = true);
    ck_assert_msg(d && n && cnn_dataset_get(d, 0, &plain, NULL) == CNN_OK && cnn_dataset_get(n, 0, &other, NULL) == CNN_OK, "%s",
                  cnn_last_error(ctx));
    int64_t h = cnn_tensor_size(plain, 1), w = cnn_tensor_size(plain, 2);
    ck_assert(h != w && cnn_tensor_size(other, 1) == w && cnn_tensor_size(other, 2) == h && cnn_tensor_size(plain, 0) == 1);
    const float *a = host_elements(plain), *b = host_elements(other);
    for (int64_t y = 0; y < h; y++) { /* orientation 6: turned by 90 degrees, clockwise */
        for (int64_t x = 0; x < w; x++) {
            ck_assert_float_eq_tol(b[x * h + (h - 1 - y)], (a[y * w + x] - 0.25f) / 0.5f, 1e-6f);
        }
    }
    cnn_tensor_free(plain);
    cnn_tensor_free(other);
    cnn_dataset_free(d);
    cnn_dataset_free(n);
}
END_TEST

/* A batch whose images are a list of numbers of pixels, and whose labels are those of the samples. */
static cnn_status count_pixels(cnn_tensor *const *images, cnn_tensor *const *labels, int64_t count, cnn_batch *batch, void *user)
{
    float numbers[PICTURES];
    int64_t classes[PICTURES];
    (void)user;
    for (int64_t i = 0; i < count; i++) {
        const float *x = host_elements(images[i]);
        double sum = 0;
        for (int64_t k = 0; k < cnn_tensor_numel(images[i]); k++) {
            sum += (double)x[k];
        }
        numbers[i] = (float)(sum + (double)cnn_tensor_numel(images[i]));
        classes[i] = cnn_tensor_item_i64(labels[i]);
    }
    batch->images = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(count), numbers);
    batch->labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(count), classes);
    return batch->images && batch->labels ? CNN_OK : CNN_ERROR_NO_MEMORY;
}

/* All batches of two epochs, one after the other. */
static int64_t read_all(cnn_loader *l, float *to)
{
    int64_t count = 0;
    ck_assert_msg(l, "%s", cnn_last_error(ctx));
    for (int epoch = 0; epoch < 2; epoch++) {
        cnn_batch b;
        while (cnn_loader_next(l, &b)) {
            const float *x = host_elements(b.images);
            const int64_t *y = host_elements(b.labels);
            memcpy(to + count, x, (size_t)cnn_tensor_numel(b.images) * sizeof *x);
            count += cnn_tensor_numel(b.images);
            for (int64_t i = 0; i < b.size; i++) {
                to[count++] = (float)y[i];
            }
        }
        ck_assert_msg(cnn_loader_status(l) == CNN_OK, "%s", cnn_last_error(ctx));
    }
    cnn_loader_free(l);
    return count;
}

enum { SIDE = 10, MOST = 2 * PICTURES * (3 * SIDE * SIDE + 1) };

static void assert_same(const float *a, int64_t a_count, const float *b, int64_t b_count, const char *what, int threads)
{
    ck_assert_msg(a_count == b_count && memcmp(a, b, (size_t)a_count * sizeof *a) == 0, "%s: %d threads give something else", what, threads);
}

START_TEST(a_collate_callback_is_given_pictures_of_all_sizes)
{
    static float alone[MOST], now[MOST];
    make_tree();
    cnn_dataset *d = OWN(.cache_bytes = 4000);
    ck_assert_ptr_null(cnn_loader_new(cnn_dataset_share(d), 5));
    ck_assert_msg(strstr(cnn_last_error(ctx), "collate"), "%s", cnn_last_error(ctx));
    int64_t count = read_all(cnn_loader_new(cnn_dataset_share(d), 5, .collate = count_pixels, .shuffle = true, .no_background = true), alone);
    ck_assert_int_eq(count, 4 * PICTURES);
    for (int threads = 1; threads <= 4; threads *= 2) {
        int64_t n = read_all(cnn_loader_new(cnn_dataset_share(d), 5, .collate = count_pixels, .shuffle = true, .threads = threads), now);
        assert_same(alone, count, now, n, "collated", threads);
    }
    cnn_dataset_free(d);
}
END_TEST

/* ---- a folder through loaders with threads ---- */

START_TEST(any_number_of_threads_reads_the_same)
{
    static float alone[MOST], now[MOST];
    make_tree();
    for (int64_t cache = 0; cache <= 4000; cache += 4000) {
        cnn_dataset *d = cnn_image_folder_open(ctx, test_folder, CNN_OPTIONS(cnn_image_folder_options, .height = SIDE, .cache_bytes = cache));
        int64_t count = read_all(cnn_loader_new(cnn_dataset_share(d), 5, .shuffle = true, .no_background = true), alone);
        ck_assert_int_eq(count, MOST);
        for (int threads = 1; threads <= 4; threads *= 2) {
            int64_t n = read_all(cnn_loader_new(cnn_dataset_share(d), 5, .shuffle = true, .threads = threads), now);
            assert_same(alone, count, now, n, "a folder", threads);
        }
        cnn_dataset_free(d);
    }
}
END_TEST

/* ---- chains that make one size ---- */

static cnn_dataset *chained(cnn_dataset *d, cnn_augmentation *a)
{
    cnn_dataset *made = cnn_dataset_augment(d, a);
    ck_assert_msg(made, "%s", cnn_last_error(ctx));
    cnn_augmentation_free(a);
    return made;
}

START_TEST(random_parts_of_the_originals_have_the_same_bits)
{
    static float alone[MOST], now[MOST];
    const double mean[3] = { 0.5, 0.4, 0.3 }, std[3] = { 0.2, 0.3, 0.4 };
    make_tree();
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_resized_crop(a, SIDE, SIDE, .scale_min = 0.3);
    cnn_augment_horizontal_flip(a, 0.5);
    cnn_augment_color_jitter(a, .brightness = 0.3, .contrast = 0.3, .saturation = 0.3, .hue = 0.1);
    cnn_augment_normalize(a, 3, mean, std);
    cnn_augment_random_erasing(a, .p = 0.5);
    cnn_dataset *d = chained(OWN(.cache_bytes = 4000), a);
    ck_assert_int_eq(cnn_dataset_size(d), PICTURES);
    int64_t count = read_all(cnn_loader_new(cnn_dataset_share(d), 5, .shuffle = true, .no_background = true), alone);
    ck_assert_int_eq(count, MOST);
    ck_assert(memcmp(alone, alone + count / 2, (size_t)count / 2 * sizeof *alone) != 0); /* other draws in another epoch */
    for (int threads = 1; threads <= 4; threads *= 2) {
        int64_t n = read_all(cnn_loader_new(cnn_dataset_share(d), 5, .shuffle = true, .threads = threads), now);
        assert_same(alone, count, now, n, "random parts", threads);
    }
    /* Parts of the dataset have the draws of the whole. */
    const int64_t last[1] = { PICTURES - 1 };
    cnn_tensor *whole, *part, *label;
    cnn_dataset *s = cnn_dataset_subset(cnn_dataset_share(d), last, 1);
    ck_assert(cnn_dataset_get(d, PICTURES - 1, &whole, NULL) == CNN_OK && cnn_dataset_get(s, 0, &part, &label) == CNN_OK);
    ck_assert_mem_eq(host_elements(whole), host_elements(part), 3 * SIDE * SIDE * sizeof(float));
    ck_assert_int_eq(cnn_tensor_item_i64(label), 1);
    cnn_tensor_free(whole);
    cnn_tensor_free(part);
    cnn_tensor_free(label);
    cnn_dataset_free(s);
    cnn_dataset_free(d);
}
END_TEST

/* Resize(shorter side) and CenterCrop of the original are what the folder makes of it by itself, whose arithmetic is
 * compared with torchvision's (test_image_folder.c). */
START_TEST(shorter_sides_and_middles_are_the_folders_own)
{
    make_tree();
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_resize(a, 13, 0);
    cnn_augment_center_crop(a, SIDE, SIDE);
    cnn_dataset *d = chained(OWN(.channels = 3), a);
    cnn_dataset *f = cnn_image_folder_open(ctx, test_folder, CNN_OPTIONS(cnn_image_folder_options, .height = SIDE, .shorter_side = 13));
    for (int64_t i = 0; i < PICTURES; i++) {
        cnn_tensor *x, *y;
        ck_assert_msg(cnn_dataset_get(d, i, &x, NULL) == CNN_OK && cnn_dataset_get(f, i, &y, NULL) == CNN_OK, "%s", cnn_last_error(ctx));
        const float *p = host_elements(x), *q = host_elements(y);
        for (int64_t k = 0; k < 3 * SIDE * SIDE; k++) {
            ck_assert_float_eq_tol(p[k], q[k], 1e-5f);
        }
        cnn_tensor_free(x);
        cnn_tensor_free(y);
    }
    cnn_dataset_free(d);
    cnn_dataset_free(f);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(sizes_beside_own_sizes_are_refused)
{
    make_tree();
    static const char *const names[] = { "height", "width", "shorter_side", "fit", "dct_scaling" };
    const cnn_image_folder_options wrong[] = {
        { .height = 8 }, { .width = 8 }, { .shorter_side = 9 }, { .fit = CNN_IMAGE_STRETCH }, { .dct_scaling = true }
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[96];
        cnn_image_folder_options o = wrong[i];
        o.struct_size = sizeof o;
        o.own_sizes = true;
        snprintf(text, sizeof text, "image_folder_open: %s is given, expected 0 with own_sizes", names[i]);
        ck_assert_ptr_null(cnn_image_folder_open(ctx, test_folder, &o));
        assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, text);
    }
}
END_TEST

START_TEST(chains_without_one_size_are_refused)
{
    make_tree();
    cnn_tensor *x;
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_horizontal_flip(a, 0.5);
    cnn_dataset *d = chained(OWN(.channels = 3), a);
    cnn_status status = CNN_OK;
    for (int64_t i = 0; i < KINDS && status == CNN_OK; i++) {
        status = cnn_dataset_get(d, i, &x, NULL);
        if (status == CNN_OK) {
            cnn_tensor_free(x);
        }
    }
    assert_error(status, CNN_ERROR_SHAPE, "a chain for images of shapes of their own has to end with one size");
    cnn_dataset_free(d);
}
END_TEST

START_TEST(unreadable_pictures_are_named)
{
    make_tree();
    file_put(in_folder("b/bad.png"), "no picture", 10);
    cnn_tensor *x;
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_resize(a, SIDE, SIDE);
    cnn_dataset *d = chained(OWN(.channels = 3), a);
    ck_assert_int_eq(cnn_dataset_size(d), PICTURES + 1);
    ck_assert_int_ne(cnn_dataset_get(d, PICTURES, &x, NULL), CNN_OK);
    ck_assert_msg(strstr(cnn_last_error(ctx), "b/bad.png"), "%s", cnn_last_error(ctx));
    cnn_dataset_free(d);
}
END_TEST

/* Each allocation of a sample fails once: reported, and nothing leaks. */
START_TEST(samples_survive_failing_allocations)
{
    make_tree();
    cnn_augmentation *a = cnn_augmentation_new(ctx);
    cnn_augment_random_resized_crop(a, SIDE, SIDE);
    cnn_dataset *d = chained(OWN(.channels = 3), a);
    int failed = 0;
    for (long i = 0;; i++) {
        cnn_tensor *x = NULL, *y = NULL;
        size_t before = atomic_load(&meter.now);
        meter_reset();
        atomic_store(&meter.fail_at, i);
        cnn_status status = cnn_dataset_get(d, 1, &x, &y);
        meter_reset();
        if (status == CNN_OK) {
            cnn_tensor_free(x);
            cnn_tensor_free(y);
            break;
        }
        assert_error(status, CNN_ERROR_NO_MEMORY, "memory");
        ck_assert_uint_eq(atomic_load(&meter.now), before);
        failed++;
        ck_assert_int_lt(i, 100);
    }
    ck_assert_int_ge(failed, 4); /* two tensors of the picture's, two of the sample's; the room of the chain */
    cnn_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image_sizes");
    TCase *whole = suite_case(suite, "whole pictures", setup, teardown);
    tcase_add_test(whole, samples_are_whole_pictures);
    tcase_add_test(whole, normalised_turned_and_gray);
    tcase_add_test(whole, a_collate_callback_is_given_pictures_of_all_sizes);
    TCase *chains = suite_case(suite, "chains", setup, teardown);
    tcase_add_test(chains, any_number_of_threads_reads_the_same);
    tcase_add_test(chains, random_parts_of_the_originals_have_the_same_bits);
    tcase_add_test(chains, shorter_sides_and_middles_are_the_folders_own);
    TCase *errors = suite_case(suite, "errors", setup, teardown);
    tcase_add_test(errors, sizes_beside_own_sizes_are_refused);
    tcase_add_test(errors, chains_without_one_size_are_refused);
    tcase_add_test(errors, unreadable_pictures_are_named);
    tcase_add_test(errors, samples_survive_failing_allocations);
    return suite_run(suite);
}
