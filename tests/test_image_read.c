/* Reading and writing of pictures: every type of PNG and JPEG against the pixels that tools/make_image_fixtures.py wrote,
 * orientations, options, and what is refused with which message. */
#include "support/images.h"

/* PNG is exact. Decoders of JPEG that keep to the standard differ by rounding. */
enum { JPEG_TOLERANCE = 2 };

static bool is_jpeg(const char *name)
{
    return strcmp(name + strlen(name) - 4, ".jpg") == 0;
}

static void compare(const char *name, const char *part, cnn_image_mode mode, const char *with)
{
    cnn_tensor *expected = expected_pixels(name, part);
    ck_assert_ptr_nonnull(expected);
    cnn_tensor *read = cnn_image_read(ctx, picture_path(name), CNN_OPTIONS(cnn_image_options, .mode = mode));
    ck_assert_msg(read, "%s: %s", name, cnn_last_error(ctx));
    int difference = u8_difference(read, expected, name), most = is_jpeg(name) ? JPEG_TOLERANCE : 0;
    ck_assert_msg(difference <= most, "%s as %s: off by %d, expected at most %d", name, with, difference, most);
    int64_t size[3];
    ck_assert_int_eq(cnn_image_size(ctx, picture_path(name), CNN_OPTIONS(cnn_image_options, .mode = mode), size), CNN_OK);
    ck_assert_mem_eq(size, cnn_tensor_shape(expected), sizeof size);
    cnn_tensor_free(read);
    cnn_tensor_free(expected);
}

START_TEST(every_type_has_its_pixels)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s", picture_path(""));
    DIR *dir = opendir(folder);
    int count = 0;
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || (strcmp(dot, ".png") != 0 && strcmp(dot, ".jpg") != 0) || strncmp(e->d_name, "exif", 4) == 0) {
            continue;
        }
        compare(e->d_name, "unchanged", CNN_IMAGE_UNCHANGED, "unchanged");
        compare(e->d_name, "gray", CNN_IMAGE_GRAY, "gray");
        compare(e->d_name, "rgba", CNN_IMAGE_RGB_ALPHA, "RGB and alpha");
        count++;
    }
    closedir(dir);
    ck_assert_int_eq(count, 46);
}
END_TEST

/* The modes between follow from those that the fixtures have. */
START_TEST(modes_are_parts_of_rgba)
{
    const char *const names[] = { "gray8.png", "gray_alpha8.png", "rgb8.png", "rgb_alpha8.png", "palette8_trns.png" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cnn_tensor *rgba = expected_pixels(names[i], "rgba"), *gray = expected_pixels(names[i], "gray");
        const int64_t plane = cnn_tensor_numel(gray);
        cnn_tensor *rgb = cnn_image_read(ctx, picture_path(names[i]), CNN_OPTIONS(cnn_image_options, .mode = CNN_IMAGE_RGB));
        cnn_tensor *gray_alpha =
            cnn_image_read(ctx, picture_path(names[i]), CNN_OPTIONS(cnn_image_options, .mode = CNN_IMAGE_GRAY_ALPHA));
        ck_assert(rgb && gray_alpha && cnn_tensor_numel(rgb) == 3 * plane && cnn_tensor_numel(gray_alpha) == 2 * plane);
        const unsigned char *all = host_elements(rgba), *two = host_elements(gray_alpha);
        ck_assert_mem_eq(host_elements(rgb), all, (size_t)(3 * plane));
        ck_assert_mem_eq(two, host_elements(gray), (size_t)plane);
        ck_assert_mem_eq(two + plane, all + 3 * plane, (size_t)plane);
        cnn_tensor *made[] = { rgba, gray, rgb, gray_alpha };
        for (int k = 0; k < 4; k++) {
            cnn_tensor_free(made[k]);
        }
    }
}
END_TEST

START_TEST(orientations_are_applied_where_asked_for)
{
    for (int orientation = 1; orientation <= 8; orientation++) {
        for (int jpeg = 0; jpeg < 2; jpeg++) {
            char name[32];
            int64_t size[3];
            snprintf(name, sizeof name, "exif%d.%s", orientation, jpeg ? "jpg" : "png");
            const cnn_image_options turned = { .struct_size = sizeof turned, .apply_exif_orientation = true };
            cnn_tensor *expected = expected_pixels(name, "turned"), *read = cnn_image_read(ctx, picture_path(name), &turned);
            ck_assert_msg(read, "%s", cnn_last_error(ctx));
            ck_assert_int_le(u8_difference(read, expected, name), jpeg ? JPEG_TOLERANCE : 0);
            ck_assert_int_eq(cnn_image_size(ctx, picture_path(name), &turned, size), CNN_OK);
            ck_assert_mem_eq(size, cnn_tensor_shape(expected), sizeof size);
            cnn_tensor_free(read);
            read = cnn_image_read(ctx, picture_path(name), NULL); /* as it is stored */
            ck_assert(cnn_tensor_size(read, 1) == (jpeg ? 10 : 5) && cnn_tensor_size(read, 2) == (jpeg ? 17 : 7));
            cnn_tensor_free(read);
            cnn_tensor_free(expected);
        }
    }
}
END_TEST

START_TEST(bytes_in_memory_are_a_file)
{
    const char *const names[] = { "rgb8_interlaced.png", "420.jpg", "progressive.jpg" };
    for (int i = 0; i < 3; i++) {
        size_t size;
        unsigned char *bytes = file_get(picture_path(names[i]), &size);
        cnn_tensor *a = cnn_image_decode(ctx, bytes, size, NULL), *b = cnn_image_read(ctx, picture_path(names[i]), NULL);
        ck_assert(a && b && same_elements(a, b));
        cnn_tensor_free(a);
        cnn_tensor_free(b);
        /* What follows the picture is not looked at. */
        unsigned char *longer = calloc(1, size + 100);
        memcpy(longer, bytes, size);
        a = cnn_image_decode(ctx, longer, size + 100, NULL);
        ck_assert_msg(a, "%s", cnn_last_error(ctx));
        cnn_tensor_free(a);
        free(longer);
        free(bytes);
    }
}
END_TEST

/* ---- what is refused ---- */

START_TEST(the_limit_of_pixels_is_kept)
{
    const cnn_image_options exact = { .struct_size = sizeof exact, .max_pixels = 9 * 13 };
    const cnn_image_options less = { .struct_size = sizeof less, .max_pixels = 9 * 13 - 1 };
    cnn_tensor *t = cnn_image_read(ctx, picture_path("rgb8.png"), &exact);
    ck_assert_ptr_nonnull(t);
    cnn_tensor_free(t);
    ck_assert_ptr_null(cnn_image_read(ctx, picture_path("rgb8.png"), &less));
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED,
                 "rgb8.png: the picture has 13 x 9 pixels, more than max_pixels, which is 116");
    ck_assert_ptr_null(cnn_image_read(ctx, picture_path("420.jpg"), &less));
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, "420.jpg: the picture has 37 x 23 pixels");
    int64_t size[3];
    ck_assert_int_eq(cnn_image_size(ctx, picture_path("420.jpg"), &less, size), CNN_OK);
    ck_assert(size[0] == 3 && size[1] == 23 && size[2] == 37);
}
END_TEST

/* A header that claims as many pixels as the format has room for is refused before memory is asked for; with the limit
 * lifted, memory is what is missing. */
START_TEST(bombs_are_refused)
{
    size_t size;
    unsigned char *bytes = file_get(picture_path("gray8.png"), &size);
    const unsigned char largest[8] = { 0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff }, crc[4] = { 0x31, 0xa2, 0x54, 0xba };
    memcpy(bytes + 16, largest, 8);
    memcpy(bytes + 29, crc, 4);
    ck_assert_ptr_null(cnn_image_decode(ctx, bytes, size, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, "2147483647 x 2147483647 pixels");
    ck_assert_ptr_null(cnn_image_decode(ctx, bytes, size, CNN_OPTIONS(cnn_image_options, .max_pixels = INT64_MAX)));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY, "image_decode: the bytes: no memory for");
    free(bytes);
}
END_TEST

START_TEST(what_is_no_picture_is_named)
{
    const struct {
        const char *file, *text;
        cnn_status status;
    } cases[] = { { "missing.png", "missing.png: cannot be opened: No such file", CNN_ERROR_NOT_FOUND },
                  { "empty.png", "empty.png: is empty", CNN_ERROR_FORMAT },
                  { "text.png", "text.png: is neither a PNG nor a JPEG file", CNN_ERROR_FORMAT },
                  { "folder.png", "folder.png: is no regular file", CNN_ERROR_IO },
                  { "pipe.png", "pipe.png: is no regular file", CNN_ERROR_IO },
                  { "text.png/x.png", "cannot be opened: Not a directory", CNN_ERROR_NOT_FOUND } };
    file_put(in_folder("empty.png"), "", 0);
    file_put(in_folder("text.png"), "no picture", 10);
    folder_put("folder.png");
    ck_assert_int_eq(mkfifo(in_folder("pipe.png"), 0600), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t size[3];
        ck_assert_ptr_null(cnn_image_read(ctx, in_folder(cases[i].file), NULL));
        assert_error(cnn_context_status(ctx), cases[i].status, cases[i].text);
        assert_error(cnn_image_size(ctx, in_folder(cases[i].file), NULL, size), cases[i].status, cases[i].text);
    }
    ck_assert_ptr_null(cnn_image_decode(ctx, "GIF89a", 6, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "image_decode: the bytes: is neither a PNG nor a JPEG file");
}
END_TEST

START_TEST(long_paths_keep_their_ends)
{
    char path[2000];
    snprintf(path, sizeof path, "%s/", test_folder);
    while (strlen(path) < 1900) {
        strcat(path, "ää/");
    }
    strcat(path, "the\nend.png");
    ck_assert_ptr_null(cnn_image_read(ctx, path, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "/the\\nend.png: cannot be opened: No such file");
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "image_read: ..."));
    ck_assert_ptr_null(strstr(cnn_last_error(ctx), "\\x"));
}
END_TEST

START_TEST(arguments_are_checked)
{
    int64_t size[3];
    const char *path = in_folder("x.png");
    picture_put("rgb8.png", "x.png");
    ck_assert_ptr_null(cnn_image_read(NULL, path, NULL));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "image_read: ctx is NULL");
    ck_assert_ptr_null(cnn_image_read(ctx, NULL, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "image_read: path is NULL");
    ck_assert_ptr_null(cnn_image_decode(ctx, NULL, 3, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "image_decode: bytes is NULL");
    assert_error(cnn_image_size(ctx, path, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "image_size: shape is NULL");
    assert_error(cnn_image_size(ctx, NULL, NULL, size), CNN_ERROR_INVALID_ARGUMENT, "image_size: path is NULL");
    const cnn_image_options wrong[] = { { .struct_size = sizeof *wrong, .mode = (cnn_image_mode)5 },
                                        { .struct_size = sizeof *wrong, .mode = (cnn_image_mode)-1 },
                                        { .struct_size = sizeof *wrong, .max_pixels = -1 },
                                        { .struct_size = 3 },
                                        { .struct_size = sizeof *wrong, .reserved = { 0, 0, 1 } } };
    const char *const texts[] = { "mode is 5, expected a cnn_image_mode", "mode is -1", "max_pixels is -1, expected 0 or more",
                                  "struct_size is 3, expected sizeof the struct", "byte 23 of the options is set" };
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_null(cnn_image_read(ctx, path, &wrong[i]));
        assert_error(cnn_context_status(ctx), i < 4 ? CNN_ERROR_INVALID_ARGUMENT : CNN_ERROR_UNSUPPORTED, texts[i]);
    }
    /* A shorter struct of an older program, a longer one of a newer program that sets nothing new. */
    struct {
        cnn_image_options ours;
        uint64_t more;
    } longer = { { .struct_size = sizeof longer }, 0 };
    cnn_image_options shorter = { .struct_size = 16, .mode = (cnn_image_mode)77 };
    for (int i = 0; i < 2; i++) {
        cnn_tensor *t = cnn_image_read(ctx, path, i ? &longer.ours : &shorter);
        ck_assert_msg(t, "%s", cnn_last_error(ctx));
        cnn_tensor_free(t);
    }
}
END_TEST

/* ---- writing ---- */

static cnn_tensor *pattern(int64_t channels, int64_t height, int64_t width)
{
    size_t n = (size_t)(channels * height * width);
    unsigned char *bytes = malloc(n);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (unsigned char)(128 + 90 * sin((double)i / 9.0) + (double)(i % 5));
    }
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(channels, height, width), bytes);
    ck_assert_ptr_nonnull(t);
    free(bytes);
    return t;
}

START_TEST(png_comes_back)
{
    for (int64_t channels = 1; channels <= 4; channels++) {
        for (int level = 0; level <= 9; level += 3) {
            cnn_tensor *t = pattern(channels, 21, 34);
            ck_assert_int_eq(cnn_image_write_png(t, in_folder("out.png"), level), CNN_OK);
            cnn_tensor *back = cnn_image_read(ctx, in_folder("out.png"), NULL);
            ck_assert_int_eq(u8_difference(back, t, "out.png"), 0);
            cnn_tensor_free(back);
            cnn_tensor_free(t);
        }
    }
    ck_assert_int_eq(folder_count(false), 1); /* no temporary file stays */
}
END_TEST

START_TEST(jpeg_comes_back_nearly)
{
    int64_t sizes[2] = { 0, 0 };
    for (int64_t channels = 1; channels <= 3; channels += 2) {
        for (int quality = 30; quality <= 100; quality += 70) {
            cnn_tensor *t = cnn_tensor_full(ctx, CNN_U8, 90, CNN_SHAPE(channels, 40, 50));
            size_t size;
            ck_assert_int_eq(cnn_image_write_jpeg(t, in_folder("out.jpg"), quality), CNN_OK);
            cnn_tensor *back = cnn_image_read(ctx, in_folder("out.jpg"), NULL);
            ck_assert_int_le(u8_difference(back, t, "out.jpg"), 3);
            cnn_tensor_free(back);
            cnn_tensor_free(t);
            t = pattern(channels, 300, 200); /* more than a buffer of bytes */
            ck_assert_int_eq(cnn_image_write_jpeg(t, in_folder("out.jpg"), quality), CNN_OK);
            free(file_get(in_folder("out.jpg"), &size));
            sizes[quality > 50] = (int64_t)size;
            back = cnn_image_read(ctx, in_folder("out.jpg"), NULL);
            ck_assert_ptr_nonnull(back);
            cnn_tensor_free(back);
            cnn_tensor_free(t);
        }
        ck_assert_int_gt(sizes[1], 2 * sizes[0]);
    }
}
END_TEST

START_TEST(views_are_written_as_they_are_seen)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *t = pattern(3, 12, 20);
    cnn_tensor *seen = cnn_transpose(cnn_input(tape, t), 1, 2), *plain = cnn_tensor_detach(cnn_contiguous(seen));
    ck_assert_int_eq(cnn_image_write_png(seen, in_folder("out.png"), 6), CNN_OK);
    cnn_tensor *back = cnn_image_read(ctx, in_folder("out.png"), NULL);
    ck_assert_int_eq(u8_difference(back, plain, "out.png"), 0);
    cnn_tensor_free(back);
    cnn_tensor_free(plain);
    cnn_tensor_free(t);
    cnn_tape_free(tape);
}
END_TEST

START_TEST(what_cannot_be_written_is_refused)
{
    cnn_tensor *good = pattern(3, 4, 5), *floats = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3, 4, 5)),
               *flat = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(4, 5)), *five = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(5, 4, 5)),
               *two = pattern(2, 4, 5), *none = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(3, 0, 5)),
               *wide = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(1, 1, 65501));
    const char *path = in_folder("out.png");
    assert_error(cnn_image_write_png(NULL, path, 6), CNN_ERROR_INVALID_ARGUMENT, "image_write_png: image is NULL");
    assert_error(cnn_image_write_png(good, NULL, 6), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    assert_error(cnn_image_write_png(floats, path, 6), CNN_ERROR_DTYPE, "image is float32, expected uint8");
    assert_error(cnn_image_write_png(flat, path, 6), CNN_ERROR_SHAPE, "image has 2 dimensions");
    assert_error(cnn_image_write_png(five, path, 6), CNN_ERROR_SHAPE, "image is [5,4,5], expected 1 to 4 channels");
    assert_error(cnn_image_write_png(none, path, 6), CNN_ERROR_SHAPE, "image is [3,0,5]");
    assert_error(cnn_image_write_jpeg(two, path, 75), CNN_ERROR_SHAPE, "image is [2,4,5], expected 1 or 3 channels");
    assert_error(cnn_image_write_jpeg(wide, path, 75), CNN_ERROR_SHAPE, "sides of 1 to 65500");
    assert_error(cnn_image_write_png(good, path, 10), CNN_ERROR_INVALID_ARGUMENT, "compression_level is 10, expected 0 to 9");
    assert_error(cnn_image_write_jpeg(good, path, 0), CNN_ERROR_INVALID_ARGUMENT, "quality is 0, expected 1 to 100");
    assert_error(cnn_image_write_jpeg(good, in_folder("no/out.jpg"), 75), CNN_ERROR_NOT_FOUND, "out.jpg: a file beside it");
    folder_put("taken.png");
    assert_error(cnn_image_write_png(good, in_folder("taken.png"), 6), CNN_ERROR_IO, "taken.png: cannot be replaced");
    ck_assert_int_eq(folder_count(false), 1); /* nothing was left */
    cnn_tensor *all[] = { good, floats, flat, five, two, none, wide };
    for (int i = 0; i < 7; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image_read");
    TCase *reading = suite_case(suite, "reading", setup, teardown);
    tcase_add_test(reading, every_type_has_its_pixels);
    tcase_add_test(reading, modes_are_parts_of_rgba);
    tcase_add_test(reading, orientations_are_applied_where_asked_for);
    tcase_add_test(reading, bytes_in_memory_are_a_file);
    TCase *refusing = suite_case(suite, "refusing", setup, teardown);
    tcase_add_test(refusing, the_limit_of_pixels_is_kept);
    tcase_add_test(refusing, bombs_are_refused);
    tcase_add_test(refusing, what_is_no_picture_is_named);
    tcase_add_test(refusing, long_paths_keep_their_ends);
    tcase_add_test(refusing, arguments_are_checked);
    TCase *writing = suite_case(suite, "writing", setup, teardown);
    tcase_add_test(writing, png_comes_back);
    tcase_add_test(writing, jpeg_comes_back_nearly);
    tcase_add_test(writing, views_are_written_as_they_are_seen);
    tcase_add_test(writing, what_cannot_be_written_is_refused);
    return suite_run(suite);
}
