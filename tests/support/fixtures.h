/* Reads tests/fixtures from any working directory: CNN_TEST_FIXTURES names the folder; the default is the one beside
 * the source. */
#ifndef CNN_TESTS_SUPPORT_FIXTURES_H
#define CNN_TESTS_SUPPORT_FIXTURES_H

#include "support/shims.h"

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline const char *fixture_path(const char *file)
{
    static char path[512];
    const char *folder = getenv("CNN_TEST_FIXTURES"), *source = __FILE__, *end = strstr(source, "support/fixtures.h");
    if (folder) {
        snprintf(path, sizeof path, "%s/%s", folder, file);
    } else {
        snprintf(path, sizeof path, "%.*sfixtures/%s", (int)(end - source), source, file);
    }
    return path;
}

/* The file that was read last, in a context of its own; both until the process ends. */
static struct fixture_file {
    cnn_context *ctx;
    cnn_file *file;
    char path[512];
} fixture_file;

static inline void fixture_close(void)
{
    cnn_file_free(fixture_file.file);
    cnn_context_free(fixture_file.ctx);
}

static inline cnn_file *fixture_open(const char *path)
{
    struct fixture_file *f = &fixture_file;
    if (!f->ctx) {
        f->ctx = cnn_context_new(.threads = 1, .device = "cpu");
        atexit(fixture_close);
    }
    if (!f->file || strcmp(f->path, path) != 0) {
        cnn_file_free(f->file);
        f->file = cnn_file_open(f->ctx, path);
        ck_assert_msg(f->file != NULL, "%s", cnn_last_error(f->ctx));
        snprintf(f->path, sizeof f->path, "%s", path);
    }
    return f->file;
}

/* A tensor `name/part` of a file, of the caller's; NULL if the file has none of that name. The file stays open: reading the
 * names of a thousand tensors is most of what a case would take. */
static inline cnn_tensor *fixture(cnn_context *ctx, const char *file, const char *name, const char *part)
{
    char key[160];
    snprintf(key, sizeof key, "%s/%s", name, part);
    cnn_file *open = fixture_open(fixture_path(file));
    int i = cnn_file_find(open, key);
    cnn_tensor *read = i < 0 ? NULL : cnn_file_read(open, i), *t = read ? cnn_tensor_to(read, ctx) : NULL;
    ck_assert_msg(t || i < 0, "%s: %s", cnn_last_error(fixture_file.ctx), cnn_last_error(ctx));
    cnn_tensor_free(read);
    return t;
}

/* The text of one case of a file of lines "@ name", each followed by its text; to be freed. */
static inline char *fixture_text(const char *file, const char *name)
{
    char key[96];
    int length = snprintf(key, sizeof key, "@ %s\n", name);
    FILE *f = fopen(fixture_path(file), "rb");
    ck_assert_ptr_nonnull(f);
    char *all = calloc(1, 1 << 16);
    ck_assert_ptr_nonnull(all);
    ck_assert_uint_lt(fread(all, 1, (1 << 16) - 1, f), (1 << 16) - 1);
    fclose(f);
    char *at = strncmp(all, key, (size_t)length) == 0 ? all : strstr(all, key);
    ck_assert_msg(at != NULL, "%s has no case %s", file, name);
    at += length;
    char *end = strstr(at, "\n@ ");
    char *text = strndup(at, end ? (size_t)(end - at) : strlen(at) - 1);
    free(all);
    return text;
}

/* The elements as doubles, to be freed. */
static inline double *as_doubles(const cnn_tensor *t)
{
    int64_t n = cnn_tensor_numel(t);
    cnn_tensor *wide = cnn_tensor_empty(cnn_tensor_context(t), CNN_F64, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    ck_assert_ptr_nonnull(wide);
    ck_assert_int_eq(cnn_tensor_copy_from(wide, t), CNN_OK);
    double *values = malloc(((size_t)n + 1) * sizeof *values);
    ck_assert_ptr_nonnull(values);
    ck_assert_int_eq(cnn_tensor_read(wide, values, (size_t)n * sizeof *values), CNN_OK);
    cnn_tensor_free(wide);
    return values;
}

/* The same shape, and elements within tolerance · (largest expected, at least 1); NaN and infinities in the same places. */
static inline void tensors_agree(const char *name, const char *part, const cnn_tensor *given, const cnn_tensor *expected,
                                 double tolerance)
{
    ck_assert_msg(given != NULL, "%s: no %s", name, part);
    ck_assert_msg(cnn_tensor_ndim(given) == cnn_tensor_ndim(expected), "%s: %s has rank %d, expected %d", name, part,
                  cnn_tensor_ndim(given), cnn_tensor_ndim(expected));
    for (int d = 0; d < cnn_tensor_ndim(given); d++) {
        ck_assert_msg(cnn_tensor_size(given, d) == cnn_tensor_size(expected, d), "%s: %s has another size %d", name, part, d);
    }
    double *a = as_doubles(given), *b = as_doubles(expected), scale = 1;
    int64_t n = cnn_tensor_numel(given);
    for (int64_t i = 0; i < n; i++) {
        scale = isfinite(b[i]) && fabs(b[i]) > scale ? fabs(b[i]) : scale;
    }
    for (int64_t i = 0; i < n; i++) {
        bool same = isfinite(b[i]) ? fabs(a[i] - b[i]) <= tolerance * scale : isnan(b[i]) ? isnan(a[i]) : a[i] == b[i];
        if (!same) { /* an assertion is a system call */
            ck_abort_msg("%s: element %lld of %s is %.17g, expected %.17g", name, (long long)i, part, a[i], b[i]);
        }
    }
    free(a);
    free(b);
}

#endif
