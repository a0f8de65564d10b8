/* Every allocation of libcnn-image, of libpng and of libjpeg fails once, and so does every one of the context's: the
 * call fails with a message or does without, and all memory is given back. malloc() is taken the place of here, which a
 * sanitizer does for itself: there the context's allocations alone fail. */
#include "support/images.h"
#include "support/malloc_faults.h"

/* ---- what is tried ---- */

static cnn_tensor *image; /* [3, 16, 16] */
static char path[700], out[700];

static bool read_it(void)
{
    const cnn_image_options turned = { .struct_size = sizeof turned, .apply_exif_orientation = true, .mode = CNN_IMAGE_RGB_ALPHA };
    cnn_tensor *t = cnn_image_read(ctx, path, &turned);
    cnn_tensor_free(t);
    return t != NULL;
}

static bool measure_it(void)
{
    int64_t size[3];
    return cnn_image_size(ctx, path, NULL, size) == CNN_OK;
}

static bool write_png(void)
{
    return cnn_image_write_png(image, out, 6) == CNN_OK;
}

static bool write_jpeg(void)
{
    return cnn_image_write_jpeg(image, out, 90) == CNN_OK;
}

static bool open_folder(bool skip)
{
    cnn_image_folder *f = NULL;
    cnn_tensor *x = NULL;
    const cnn_image_folder_options options = { .struct_size = sizeof options, .height = 8, .folder = &f, .cache_bytes = 1 << 20,
                                               .skip_unreadable = skip };
    cnn_dataset *d = cnn_image_folder_open(ctx, test_folder, &options);
    bool good = d && cnn_dataset_get(d, 1, &x, NULL) == CNN_OK;
    cnn_tensor_free(x);
    cnn_dataset_free(d);
    cnn_image_folder_free(f);
    return good;
}

static bool open_all(void)
{
    return open_folder(false);
}

static bool open_readable(void)
{
    return open_folder(true);
}

/* ---- failing ---- */

static void judge(bool good, const char *what, long at)
{
    cnn_status status = cnn_context_status(ctx);
    if (!good && status != CNN_ERROR_NO_MEMORY && !(status == CNN_ERROR_CALLBACK && strstr(cnn_last_error(ctx), "emory"))) {
        heap.armed = false;
        ck_abort_msg("%s, allocation %ld: %s", what, at, cnn_last_error(ctx));
    }
}

static void fail_heap(const char *what, bool (*call)(void))
{
#ifndef SANITIZED
    bool good = false;
    long at = 0;
    for (;; at++) {
        cnn_context_clear_error(NULL);
        heap.calls = heap.live = 0;
        heap.fail_at = at;
        heap.armed = true;
        good = call();
        heap.armed = false;
        judge(good, what, at);
        ck_assert_msg(heap.live == 0, "%s, allocation %ld: %ld blocks are lost", what, at, heap.live);
        if (heap.calls <= at) {
            break;
        }
    }
    ck_assert_msg(good && at > 0, "%s: %s", what, cnn_last_error(ctx));
#else
    (void)what;
    (void)call;
#endif
}

static void fail_context(const char *what, bool (*call)(void), long least)
{
    size_t before = atomic_load(&meter.now);
    bool good = false;
    long at = 0;
    for (;; at++) {
        cnn_context_clear_error(NULL);
        meter_reset();
        atomic_store(&meter.fail_at, at);
        good = call();
        judge(good, what, at);
        ck_assert_msg(atomic_load(&meter.now) == before, "%s, allocation %ld of the context: memory is lost", what, at);
        if (atomic_load(&meter.calls) <= at) {
            break;
        }
    }
    meter_reset();
    ck_assert_msg(good && at >= least, "%s: %s", what, cnn_last_error(ctx));
}

static void fail_all(const char *what, bool (*call)(void), long least)
{
    fail_context(what, call, least);
    fail_heap(what, call);
}

START_TEST(reading_survives)
{
    const char *const names[] = { "palette8_trns.png", "rgb16_interlaced.png", "exif6.png", "420.jpg", "progressive.jpg", "cmyk.jpg",
                                  "exif7.jpg" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s", picture_path(names[i]));
        fail_all(names[i], read_it, 1);
        fail_all(names[i], measure_it, 0);
    }
}
END_TEST

START_TEST(writing_survives)
{
    image = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(3, 16, 16));
    snprintf(out, sizeof out, "%s", in_folder("out"));
    fail_all("write_png", write_png, 0);
    fail_all("write_jpeg", write_jpeg, 0);
    ck_assert_int_eq(folder_count(false), 1);
    cnn_tensor_free(image);
}
END_TEST

START_TEST(folders_survive)
{
    folder_put("a");
    folder_put("b");
    folder_put("b/c");
    picture_put("rgb8.png", "a/1.png");
    picture_put("420.jpg", "b/2.jpg");
    picture_put("gray1.png", "b/c/3.png");
    ck_assert_int_eq(symlink("../a", in_folder("b/link")), 0);
    fail_all("folder", open_all, 2);
    file_put(in_folder("b/c/bad.png"), "GIF", 3);
    fail_all("readable", open_readable, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image_memory");
    TCase *memory = suite_case(suite, "memory", setup, teardown);
    tcase_add_test(memory, reading_survives);
    tcase_add_test(memory, writing_survives);
    tcase_add_test(memory, folders_survive);
    return suite_run(suite);
}
