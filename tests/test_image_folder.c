/* Folders of pictures: which classes and samples there are, sizes and normalisation against torchvision and PIL, the
 * cache, several threads, and what is refused. CNN_PICTURES_DIR names a folder of real pictures by class. */
#include "support/images.h"

#include <pthread.h>

#define FOLDER(...) \
    cnn_image_folder_open(ctx, test_folder, CNN_OPTIONS(cnn_image_folder_options, .height = 8, __VA_ARGS__))

/* Three classes: "cat" with a folder below, "dog" with capital letters, "emu" with a link to a folder. */
static void make_tree(void)
{
    const char *const folders[] = { "dog", "cat", "emu", "cat/a", "cat/a-b", "cat/a/z", "other" };
    const char *const pictures[] = { "dog/2.PNG", "dog/10.JpG", "cat/b.png", "cat/a/1.jpeg", "cat/a-b/0.png", "cat/a/z/3.jpg",
                                     "cat/B.png", "other/p.png" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        folder_put(folders[i]);
    }
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        const char *name = pictures[i], *dot = strrchr(name, '.');
        picture_put(dot[1] == 'p' || dot[1] == 'P' ? "rgb8.png" : "420.jpg", name);
    }
    file_put(in_folder("dog/readme.txt"), "x", 1);
    file_put(in_folder("dog/png"), "x", 1);
    file_put(in_folder("top.png"), "x", 1);
    ck_assert_int_eq(symlink("../other", in_folder("emu/link")), 0);
}

static void has_samples(const cnn_image_folder *f, int count, const char *const *paths)
{
    ck_assert_int_eq(cnn_image_folder_size(f), count);
    for (int i = 0; i < count; i++) {
        const char *path = cnn_image_folder_path(f, i);
        ck_assert_msg(strncmp(path, test_folder, strlen(test_folder)) == 0 && strcmp(path + strlen(test_folder), paths[i]) == 0,
                      "sample %d is %s, expected %s", i, path, paths[i]);
    }
}

START_TEST(classes_and_samples_are_sorted)
{
    cnn_image_folder *f = NULL;
    const char *const paths[] = { "/cat/B.png", "/cat/b.png", "/cat/a/1.jpeg", "/cat/a-b/0.png", "/cat/a/z/3.jpg",
                                  "/dog/10.JpG", "/dog/2.PNG", "/emu/link/p.png", "/other/p.png" };
    const char *const names[] = { "cat", "dog", "emu", "other" };
    const int64_t sizes[] = { 5, 2, 1, 1 };
    make_tree();
    cnn_dataset *d = FOLDER(.folder = &f);
    ck_assert_msg(d && f, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_dataset_size(d), 9);
    has_samples(f, 9, paths);
    ck_assert_int_eq(cnn_image_folder_class_count(f), 4);
    for (int c = 0, i = 0; c < 4; c++) {
        ck_assert_str_eq(cnn_image_folder_class_name(f, c), names[c]);
        ck_assert_int_eq(cnn_image_folder_class_size(f, c), sizes[c]);
        for (int64_t k = 0; k < sizes[c]; k++, i++) {
            cnn_tensor *x, *y;
            ck_assert_int_eq(cnn_image_folder_label(f, i), c);
            ck_assert_int_eq(cnn_dataset_get(d, i, &x, &y), CNN_OK);
            ck_assert_int_eq(cnn_tensor_item_i64(y), c);
            ck_assert(cnn_tensor_dtype(x) == CNN_F32 && cnn_tensor_numel(x) == 3 * 8 * 8);
            cnn_tensor_free(x);
            cnn_tensor_free(y);
        }
    }
    ck_assert_int_eq(cnn_image_folder_skipped(f), 0);
    cnn_dataset_free(d);
    ck_assert_str_eq(cnn_image_folder_class_name(f, 1), "dog"); /* the handle does not need the dataset */
    cnn_image_folder_free(f);
    cnn_image_folder_free(NULL);
}
END_TEST

START_TEST(a_handle_may_go_first_and_its_numbers_are_checked)
{
    cnn_image_folder *f;
    make_tree();
    cnn_dataset *d = FOLDER(.folder = &f, .channels = 1);
    ck_assert_ptr_null(cnn_image_folder_class_name(f, 4));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "image_folder_class_name: class 4 of 4");
    ck_assert_ptr_null(cnn_image_folder_path(f, -1));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "image_folder_path: sample -1 of 9");
    ck_assert_int_eq(cnn_image_folder_label(f, 9), -1);
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "image_folder_label: sample 9 of 9");
    ck_assert_int_eq(cnn_image_folder_class_size(NULL, 0), 0);
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "image_folder_class_size: folder is NULL");
    ck_assert(cnn_image_folder_size(NULL) == 0 && cnn_image_folder_class_count(NULL) == 0 && cnn_image_folder_skipped(NULL) == 0);
    cnn_image_folder_free(f);
    cnn_tensor *x;
    ck_assert_int_eq(cnn_dataset_get(d, 3, &x, NULL), CNN_OK);
    ck_assert_int_eq(cnn_tensor_numel(x), 64);
    cnn_tensor_free(x);
    cnn_dataset_free(d);
}
END_TEST

/* ---- sizes and normalisation ---- */

/* Writes the picture of a case and opens it by itself. */
static cnn_dataset *open_case(const char *name, const cnn_image_folder_options *options)
{
    char key[64];
    snprintf(key, sizeof key, "resize/%s", name);
    cnn_tensor *source = expected_pixels(key, "source");
    ck_assert_ptr_nonnull(source);
    if (access(in_folder("case"), F_OK) != 0) {
        folder_put("case");
    }
    ck_assert_int_eq(cnn_image_write_png(source, in_folder("case/picture.png"), 1), CNN_OK);
    cnn_tensor_free(source);
    cnn_dataset *d = cnn_image_folder_open(ctx, test_folder, options);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    return d;
}

static const struct {
    const char *name;
    int channels;
    int64_t height, width, shorter_side;
    cnn_image_fit fit;
} cases[] = { { "wide", 3, 16, 16, 0, CNN_IMAGE_CROP },         { "tall", 3, 12, 15, 0, CNN_IMAGE_CROP },
              { "larger", 3, 32, 0, 0, CNN_IMAGE_CROP },        { "same", 3, 16, 0, 0, CNN_IMAGE_CROP },
              { "crop_alone", 3, 16, 16, 20, CNN_IMAGE_CROP },  { "much_smaller", 1, 7, 7, 0, CNN_IMAGE_CROP },
              { "stretched", 3, 11, 40, 0, CNN_IMAGE_STRETCH }, { "shorter_side", 3, 16, 12, 21, CNN_IMAGE_CROP },
              { "shorter_side_tall", 1, 15, 14, 20, CNN_IMAGE_CROP }, { "one_pixel", 3, 4, 4, 0, CNN_IMAGE_CROP } };

/* torchvision computes its weights in f32, which is good to 1e-5 of the range. PIL rounds after the columns and after
 * the rows, to half a level each. */
START_TEST(sizes_are_those_of_torchvision)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char key[64];
        snprintf(key, sizeof key, "resize/%s", cases[i].name);
        cnn_dataset *d = open_case(cases[i].name,
                                   CNN_OPTIONS(cnn_image_folder_options, .height = cases[i].height, .width = cases[i].width,
                                               .shorter_side = cases[i].shorter_side, .fit = cases[i].fit,
                                               .channels = cases[i].channels));
        cnn_tensor *x, *torchvision = expected_pixels(key, "torchvision"), *pil = expected_pixels(key, "pil");
        ck_assert_int_eq(cnn_dataset_get(d, 0, &x, NULL), CNN_OK);
        ck_assert(cnn_tensor_ndim(x) == 3 &&
                  memcmp(cnn_tensor_shape(x), cnn_tensor_shape(torchvision), 3 * sizeof(int64_t)) == 0);
        const float *ours = host_elements(x), *theirs = host_elements(torchvision);
        const unsigned char *levels = host_elements(pil);
        for (int64_t k = 0; k < cnn_tensor_numel(x); k++) {
            double off = fabs((double)ours[k] - (double)theirs[k]), off_pil = fabs((double)ours[k] * 255 - levels[k]);
            ck_assert_msg(off <= 1e-5 && off_pil <= 1.01, "%s: element %lld is %.9g, torchvision's %.9g, PIL's %.9g", cases[i].name,
                          (long long)k, (double)ours[k], (double)theirs[k], levels[k] / 255.0);
        }
        cnn_tensor *all[] = { x, torchvision, pil };
        for (int k = 0; k < 3; k++) {
            cnn_tensor_free(all[k]);
        }
        cnn_dataset_free(d);
    }
}
END_TEST

/* A picture of the right size is scaled and normalised to the bits of ToTensor and Normalize. */
START_TEST(normalised_as_torchvision_does)
{
    const double mean[3] = { 0.485, 0.456, 0.406 }, std[3] = { 0.229, 0.224, 0.225 };
    cnn_dataset *d = open_case("same", CNN_OPTIONS(cnn_image_folder_options, .height = 16, .mean = mean, .std = std));
    cnn_tensor *x, *source = expected_pixels("resize/same", "source");
    ck_assert_int_eq(cnn_dataset_get(d, 0, &x, NULL), CNN_OK);
    const float *ours = host_elements(x);
    const unsigned char *levels = host_elements(source);
    for (int k = 0; k < 3 * 256; k++) {
        float expected = ((float)levels[k] / 255.0f - (float)mean[k / 256]) / (float)std[k / 256];
        ck_assert_msg(ours[k] == expected, "element %d is %.9g, expected %.9g", k, (double)ours[k], (double)expected);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(source);
    cnn_dataset_free(d);
}
END_TEST

/* A picture is never far from a smaller one that is decoded at a fraction of its size. */
START_TEST(scaled_decoding_is_close)
{
    cnn_tensor *large = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(3, 480, 640)), *x[2];
    unsigned char *bytes = malloc(3 * 480 * 640);
    for (int i = 0; i < 3 * 480 * 640; i++) {
        bytes[i] = (unsigned char)(128 + 80 * sin(i % 640 / 60.0) * cos(i / 640 % 480 / 45.0 + i / (640 * 480)));
    }
    set_elements(large, bytes);
    free(bytes);
    folder_put("one");
    ck_assert_int_eq(cnn_image_write_jpeg(large, in_folder("one/large.jpg"), 95), CNN_OK);
    cnn_tensor_free(large);
    for (int scaled = 0; scaled < 2; scaled++) {
        cnn_dataset *d = cnn_image_folder_open(ctx, test_folder, CNN_OPTIONS(cnn_image_folder_options, .height = 32, .dct_scaling = scaled));
        ck_assert_int_eq(cnn_dataset_get(d, 0, &x[scaled], NULL), CNN_OK);
        cnn_dataset_free(d);
    }
    const float *exact = host_elements(x[0]), *close = host_elements(x[1]);
    double most = 0;
    for (int i = 0; i < 3 * 32 * 32; i++) {
        most = fmax(most, fabs((double)exact[i] - (double)close[i]));
    }
    ck_assert_msg(most > 0 && most < 0.02, "scaled decoding is off by %g", most);
    cnn_tensor_free(x[0]);
    cnn_tensor_free(x[1]);
}
END_TEST

/* A picture that is stored lying, 160 high and 1280 wide, and stands when it is turned: at a width of 64 it is 512 high, so
 * that no fraction of its size is enough. */
START_TEST(scaled_decoding_knows_the_orientation)
{
    static const unsigned char exif[] = "\xff\xe1\0\x22" "Exif\0\0" "MM\0*\0\0\0\x08\0\x01" "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" "\0\0\0";
    unsigned char *bytes = malloc(160 * 1280);
    size_t size, marker = sizeof exif;
    for (int i = 0; i < 160 * 1280; i++) {
        bytes[i] = (unsigned char)((i % 1280 / 10 + i / 1280 / 10) % 2 * 255);
    }
    cnn_tensor *lying = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(1, 160, 1280), bytes), *x[2];
    free(bytes);
    folder_put("one");
    ck_assert_int_eq(cnn_image_write_jpeg(lying, in_folder("plain.jpg"), 95), CNN_OK);
    cnn_tensor_free(lying);
    bytes = file_get(in_folder("plain.jpg"), &size);
    unsigned char *marked = malloc(size + marker);
    memcpy(marked, bytes, 2);
    memcpy(marked + 2, exif, marker);
    memcpy(marked + 2 + marker, bytes + 2, size - 2);
    file_put(in_folder("one/marked.jpg"), marked, size + marker);
    free(bytes);
    free(marked);
    int64_t shape[3];
    ck_assert_int_eq(cnn_image_size(ctx, in_folder("one/marked.jpg"), CNN_OPTIONS(cnn_image_options, .apply_exif_orientation = true), shape),
                     CNN_OK);
    ck_assert(shape[1] == 1280 && shape[2] == 160);
    for (int scaled = 0; scaled < 2; scaled++) {
        cnn_dataset *d = cnn_image_folder_open(ctx, test_folder,
                                               CNN_OPTIONS(cnn_image_folder_options, .height = 8, .width = 64, .channels = 1,
                                                           .apply_exif_orientation = true, .dct_scaling = scaled));
        ck_assert_int_eq(cnn_dataset_get(d, 0, &x[scaled], NULL), CNN_OK);
        cnn_dataset_free(d);
    }
    ck_assert(same_elements(x[0], x[1]));
    cnn_tensor_free(x[0]);
    cnn_tensor_free(x[1]);
}
END_TEST

START_TEST(orientation_comes_before_the_size)
{
    folder_put("one");
    picture_put("exif6.png", "one/1.png");
    const cnn_image_folder_options options = { .struct_size = sizeof options, .height = 7, .width = 5, .apply_exif_orientation = true };
    cnn_dataset *d = cnn_image_folder_open(ctx, test_folder, &options);
    cnn_tensor *x, *turned = expected_pixels("exif6.png", "turned");
    ck_assert_int_eq(cnn_dataset_get(d, 0, &x, NULL), CNN_OK);
    const float *ours = host_elements(x);
    const unsigned char *levels = host_elements(turned);
    ck_assert_int_eq(cnn_tensor_numel(x), cnn_tensor_numel(turned));
    for (int i = 0; i < 3 * 7 * 5; i++) {
        ck_assert(ours[i] == (float)levels[i] / 255.0f);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(turned);
    cnn_dataset_free(d);
}
END_TEST

/* ---- pictures that cannot be read ---- */

START_TEST(unreadable_pictures_are_named_when_they_are_read)
{
    cnn_tensor *x;
    cnn_batch batch;
    make_tree();
    file_put(in_folder("dog/2.PNG"), "\x89PNG\r\n\x1a\n", 8);
    cnn_dataset *d = FOLDER(.channels = 3);
    assert_error(cnn_dataset_get(d, 6, &x, NULL), CNN_ERROR_CALLBACK, "/dog/2.PNG: the file is truncated: it ends after 8 bytes");
    ck_assert_int_eq(cnn_dataset_get(d, 5, &x, NULL), CNN_OK);
    cnn_tensor_free(x);
    ck_assert_int_eq(unlink(in_folder("dog/10.JpG")), 0);
    assert_error(cnn_dataset_get(d, 5, &x, NULL), CNN_ERROR_CALLBACK, "/dog/10.JpG: cannot be opened");
    cnn_loader *l = cnn_loader_new(d, 4);
    ck_assert(cnn_loader_next(l, &batch));
    ck_assert(!cnn_loader_next(l, &batch));
    assert_error(cnn_loader_status(l), CNN_ERROR_CALLBACK, "/dog/10.JpG: cannot be opened: No such file");
    cnn_loader_free(l);
}
END_TEST

START_TEST(unreadable_pictures_are_skipped_on_request)
{
    cnn_image_folder *f;
    const char *const paths[] = { "/cat/b.png", "/cat/a/1.jpeg", "/cat/a-b/0.png", "/cat/a/z/3.jpg", "/dog/10.JpG", "/emu/link/p.png",
                                  "/other/p.png" };
    make_tree();
    file_put(in_folder("dog/2.PNG"), "GIF", 3);
    ck_assert_int_eq(unlink(in_folder("cat/B.png")), 0);
    ck_assert_int_eq(symlink("nowhere", in_folder("cat/B.png")), 0);
    cnn_dataset *d = FOLDER(.folder = &f, .skip_unreadable = true, .cache_bytes = 1 << 20);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    has_samples(f, 7, paths);
    ck_assert(cnn_image_folder_skipped(f) == 2 && cnn_image_folder_class_size(f, 1) == 1 && cnn_image_folder_label(f, 4) == 1);
    cnn_image_folder_free(f);
    cnn_dataset_free(d);
    file_put(in_folder("dog/10.JpG"), "GIF", 3);
    ck_assert_ptr_null(FOLDER(.folder = &f, .skip_unreadable = true));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "class dog has no picture that can be read");
    ck_assert_ptr_null(f);
}
END_TEST

START_TEST(folders_without_classes_or_pictures_are_refused)
{
    ck_assert_ptr_null(cnn_image_folder_open(ctx, in_folder("no"), CNN_OPTIONS(cnn_image_folder_options, .height = 8)));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "/no: cannot be opened: No such file");
    ck_assert_ptr_null(FOLDER(.channels = 3));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "has no folders, expected one for each class");
    folder_put("a");
    folder_put("b");
    picture_put("rgb8.png", "a/x.png");
    ck_assert_ptr_null(FOLDER(.channels = 3));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "class b has no picture (.png, .jpg, .jpeg)");
    cnn_dataset *d = FOLDER(.allow_empty = true);
    ck_assert(d && cnn_dataset_size(d) == 1);
    cnn_dataset_free(d);
    ck_assert_int_eq(symlink("..", in_folder("b/up")), 0);
    ck_assert_ptr_null(FOLDER(.channels = 3));
    assert_error(cnn_context_status(ctx), CNN_ERROR_IO, "/b/up: is a link to a folder that it is in");
}
END_TEST

START_TEST(options_are_checked)
{
    const double zero = 0, one[3] = { 1, 1, 1 }, odd[3] = { 1, NAN, 1 };
    const struct {
        cnn_image_folder_options options;
        const char *text;
    } wrong[] = { { { .height = 0 }, "height is 0, expected 1 to 65535" },
                  { { .height = 65536 }, "height is 65536" },
                  { { .height = 8, .width = -1 }, "width is -1" },
                  { { .height = 8, .channels = 2 }, "channels is 2, expected 1 or 3" },
                  { { .height = 8, .fit = (cnn_image_fit)2 }, "fit is 2" },
                  { { .height = 8, .shorter_side = 7 }, "shorter_side is 7, expected 8 to 65535" },
                  { { .height = 8, .shorter_side = 9, .fit = CNN_IMAGE_STRETCH }, "shorter_side is 9, expected 0 with" },
                  { { .height = 8, .max_pixels = -5 }, "max_pixels is -5" },
                  { { .height = 8, .cache_bytes = -5 }, "cache_bytes is -5" },
                  { { .height = 8, .mean = one }, "std is NULL, expected both mean and std or none" },
                  { { .height = 8, .std = one }, "mean is NULL" },
                  { { .height = 8, .mean = one, .std = odd }, "mean or std of channel 1 is out of range" },
                  { { .height = 8, .channels = 1, .mean = one, .std = &zero }, "mean or std of channel 0" } };
    make_tree();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cnn_image_folder_options options = wrong[i].options;
        options.struct_size = sizeof options;
        ck_assert_ptr_null(cnn_image_folder_open(ctx, test_folder, &options));
        assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, wrong[i].text);
    }
    ck_assert_ptr_null(cnn_image_folder_open(ctx, test_folder, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "height is 0");
    ck_assert_ptr_null(cnn_image_folder_open(ctx, NULL, &wrong[0].options));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "image_folder_open: directory is NULL");
    ck_assert_ptr_null(cnn_image_folder_open(NULL, test_folder, &wrong[0].options));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "image_folder_open: ctx is NULL");
}
END_TEST

/* ---- the cache and threads ---- */

START_TEST(cached_pictures_are_not_read_again)
{
    cnn_tensor *x;
    make_tree();
    /* Room for rgb8.png (351 bytes) six times and 420.jpg (2553 bytes) not once. */
    cnn_dataset *d = FOLDER(.cache_bytes = 2500);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 9; i++) {
            bool jpeg = i == 2 || i == 4 || i == 5;
            cnn_status status = cnn_dataset_get(d, i, &x, NULL);
            ck_assert_msg((status == CNN_OK) == (round == 0 || !jpeg), "round %d, sample %d: %s", round, i, cnn_last_error(ctx));
            if (status == CNN_OK) {
                cnn_tensor_free(x);
            }
        }
        remove_all(test_folder); /* what is read after this comes from the cache */
        ck_assert_int_eq(mkdir(test_folder, 0700), 0);
    }
    cnn_dataset_free(d);
}
END_TEST

/* The dataset's callback, which a dataset may call one at a time. */
cnn_status cnn__folder_get(int64_t i, void *image, void *label, void *user);

typedef struct reader {
    pthread_t thread;
    cnn_image_folder *folder;
    double sum;
    int failed;
} reader;

static void *read_all(void *arg)
{
    reader *r = arg;
    float image[3 * 8 * 8];
    int64_t label;
    for (int i = 0; i < 45; i++) {
        bool good = cnn__folder_get(i % 9, image, &label, r->folder) == CNN_OK;
        r->failed += !good || label != cnn_image_folder_label(r->folder, i % 9);
        for (int k = 0; good && k < 3 * 8 * 8; k++) {
            r->sum += (double)image[k] * (double)(k + i);
        }
    }
    return NULL;
}

START_TEST(threads_read_the_same)
{
    enum { THREADS = 4 };
    make_tree();
    for (int64_t cache = 0; cache <= 4000; cache += 2000) {
        reader readers[THREADS];
        cnn_image_folder *f;
        cnn_dataset *d = FOLDER(.cache_bytes = cache, .folder = &f);
        for (int t = 0; t < THREADS; t++) {
            readers[t] = (reader){ .folder = f };
            ck_assert_int_eq(pthread_create(&readers[t].thread, NULL, read_all, &readers[t]), 0);
        }
        for (int t = 0; t < THREADS; t++) {
            pthread_join(readers[t].thread, NULL);
            ck_assert(readers[t].failed == 0 && readers[t].sum == readers[0].sum);
        }
        cnn_image_folder_free(f);
        cnn_dataset_free(d);
    }
}
END_TEST

/* ---- real pictures ---- */

START_TEST(real_pictures_are_read)
{
    const char *directory = getenv("CNN_PICTURES_DIR");
    if (!directory || !*directory) {
        fprintf(stderr, "skipped: real pictures (CNN_PICTURES_DIR names no folder of pictures by class)\n");
        return;
    }
    cnn_image_folder *f;
    cnn_dataset *d = cnn_image_folder_open(ctx, directory, CNN_OPTIONS(cnn_image_folder_options, .height = 32, .folder = &f));
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    int64_t size = cnn_image_folder_size(f), classes = cnn_image_folder_class_count(f), sum = 0;
    for (int64_t c = 0; c < classes; c++) {
        sum += cnn_image_folder_class_size(f, c);
    }
    ck_assert(size > 0 && sum == size && cnn_dataset_size(d) == size);
    for (int64_t i = 0; i < size; i += size / 500 + 1) {
        cnn_tensor *x, *y, *picture = cnn_image_read(ctx, cnn_image_folder_path(f, i), CNN_OPTIONS(cnn_image_options, .mode = CNN_IMAGE_RGB));
        ck_assert_msg(picture && cnn_dataset_get(d, i, &x, &y) == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert_int_eq(cnn_tensor_item_i64(y), cnn_image_folder_label(f, i));
        const float *elements = host_elements(x);
        const unsigned char *levels = host_elements(picture);
        bool same_size = cnn_tensor_numel(picture) == cnn_tensor_numel(x);
        for (int64_t k = 0; k < cnn_tensor_numel(x); k++) {
            ck_assert(elements[k] >= 0 && elements[k] <= 1.000001f && (!same_size || elements[k] == (float)levels[k] / 255.0f));
        }
        cnn_tensor_free(picture);
        cnn_tensor_free(x);
        cnn_tensor_free(y);
    }
    cnn_image_folder_free(f);
    cnn_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image_folder");
    TCase *rules = suite_case(suite, "rules", setup, teardown);
    tcase_add_test(rules, classes_and_samples_are_sorted);
    tcase_add_test(rules, a_handle_may_go_first_and_its_numbers_are_checked);
    tcase_add_test(rules, folders_without_classes_or_pictures_are_refused);
    tcase_add_test(rules, options_are_checked);
    TCase *sizes = suite_case(suite, "sizes", setup, teardown);
    tcase_add_test(sizes, sizes_are_those_of_torchvision);
    tcase_add_test(sizes, normalised_as_torchvision_does);
    tcase_add_test(sizes, scaled_decoding_is_close);
    tcase_add_test(sizes, scaled_decoding_knows_the_orientation);
    tcase_add_test(sizes, orientation_comes_before_the_size);
    TCase *reading = suite_case(suite, "reading", setup, teardown);
    tcase_add_test(reading, unreadable_pictures_are_named_when_they_are_read);
    tcase_add_test(reading, unreadable_pictures_are_skipped_on_request);
    tcase_add_test(reading, cached_pictures_are_not_read_again);
    tcase_add_test(reading, threads_read_the_same);
    tcase_add_test(reading, real_pictures_are_read);
    return suite_run(suite);
}
