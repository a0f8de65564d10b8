/* What the tests of libcnn-image share: the pictures of tests/fixtures/images and their pixels, a context whose memory
 * is counted, and a folder of pictures. */
#ifndef CNN_TESTS_SUPPORT_IMAGES_H
#define CNN_TESTS_SUPPORT_IMAGES_H

#include "support/elements.h"
#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

#include <cnn/image.h>

#include <sys/stat.h>

static cnn_context *ctx;

static inline void setup(void)
{
    folder_make();
    ctx = metered_context(1);
}

static inline void remove_all(const char *folder)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[1024];
        struct stat info;
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            snprintf(path, sizeof path, "%.700s/%s", folder, e->d_name);
            if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
                remove_all(path);
            } else {
                ck_assert_int_eq(unlink(path), 0);
            }
        }
    }
    closedir(dir);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Every test gives back all memory. */
static inline void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    remove_all(test_folder);
}

/* The path of a picture; the buffer is fixture_path()'s. */
static inline const char *picture_path(const char *name)
{
    char file[128];
    snprintf(file, sizeof file, "images/%s", name);
    return fixture_path(file);
}

/* `part` of what is expected of a picture or a case, NULL if there is none. */
static inline cnn_tensor *expected_pixels(const char *name, const char *part)
{
    return fixture(ctx, "images/expected.safetensors", name, part);
}

/* Copies a picture to `to` in the test's folder. */
static inline void picture_put(const char *name, const char *to)
{
    size_t size;
    unsigned char *bytes = file_get(picture_path(name), &size);
    file_put(in_folder(to), bytes, size);
    free(bytes);
}

static inline void folder_put(const char *name)
{
    ck_assert_int_eq(mkdir(in_folder(name), 0777), 0);
}

/* The largest difference of two u8 tensors of one shape. */
static inline int u8_difference(const cnn_tensor *a, const cnn_tensor *b, const char *what)
{
    ck_assert_msg(cnn_tensor_dtype(a) == CNN_U8 && cnn_tensor_ndim(a) == 3 && cnn_tensor_ndim(b) == 3 &&
                      memcmp(cnn_tensor_shape(a), cnn_tensor_shape(b), 3 * sizeof(int64_t)) == 0,
                  "%s: not a picture of the expected shape", what);
    const unsigned char *x = host_elements(a), *y = host_elements(b);
    int most = 0;
    for (int64_t i = 0; i < cnn_tensor_numel(a); i++) {
        int difference = abs(x[i] - y[i]);
        most = difference > most ? difference : most;
    }
    return most;
}

#endif
