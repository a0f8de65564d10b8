/* Opens files by their first bytes and keeps the table of what they hold. */
#include "tensors.h"

#include "common/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* It does not see that a row of the table holds the copy of its name. */
#if defined(CNN__LINT) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum { HEAD = 512 };

static const format *format_of_file(const char *path)
{
    unsigned char head[HEAD] = { 0 };
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        say("cnn: %s: not a regular file", path);
        return NULL;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        say("cnn: cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    errno = 0;
    size_t size = fread(head, 1, sizeof head, file);
    int error = errno;
    bool failed = ferror(file);
    fclose(file);
    if (failed) {
        say("cnn: cannot read %s: %s", path, strerror(error));
        return NULL;
    }
    for (int i = 0; i < format_count; i++) {
        if (formats[i].is(head, size)) {
            return &formats[i];
        }
    }
    size_t length = strlen(path), end = strlen(".onnx");
    if (length > end && strcmp(path + length - end, ".onnx") == 0) {
        return format_of_path(path);
    }
    say("cnn: %s is no file of tensors that is known here, expected safetensors, .npz, .npy, .pt, .pth or .onnx", path);
    return NULL;
}

bool tensors_open(tensors *t, cnn_context *ctx, const char *path)
{
    *t = (tensors){ .ctx = ctx, .path = path, .format = format_of_file(path) };
    if (!t->format) {
        return false;
    }
    t->kind = t->format->name;
    if (!t->format->open(t)) {
        tensors_close(t);
        return false;
    }
    return true;
}

void tensors_close(tensors *t)
{
    if (t->format) {
        t->format->close(t);
    }
    for (int i = 0; i < t->count; i++) {
        free(t->info[i].name);
    }
    free(t->info);
    t->info = NULL;
    t->count = 0;
}

cnn_tensor *tensors_read(tensors *t, int i)
{
    return t->format->read(t, i);
}

int tensors_find(const tensors *t, const char *name)
{
    int low = 0, high = t->count;
    while (low < high) {
        int middle = low + (high - low) / 2, order = strcmp(name, t->info[middle].name);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}

bool tensors_add(tensors *t, const char *name, const char *dtype, int ndim, const int64_t *shape, int64_t bytes)
{
    if ((t->count & (t->count - 1)) == 0) { /* it doubles */
        size_t rows = t->count ? 2 * (size_t)t->count : 1;
        tensor_info *more = realloc(t->info, rows * sizeof *more);
        if (!more) {
            say("cnn: %s: no memory for %zu tensors", t->path, rows);
            return false;
        }
        t->info = more;
    }
    char *copy = strdup(name);
    if (!copy) {
        say("cnn: %s: no memory for the name of a tensor", t->path);
        return false;
    }
    tensor_info *row = &t->info[t->count];
    *row = (tensor_info){ .name = copy, .ndim = ndim, .elements = 1, .bytes = bytes, .added = t->count };
    snprintf(row->dtype, sizeof row->dtype, "%s", dtype);
    for (int d = 0; d < ndim; d++) {
        row->shape[d] = shape[d];
        row->elements *= shape[d];
    }
    t->count++;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const tensor_info *)a)->name, ((const tensor_info *)b)->name);
}

bool tensors_sort(tensors *t)
{
    if (t->count > 0) {
        qsort(t->info, (size_t)t->count, sizeof *t->info, by_name);
    }
    for (int i = 1; i < t->count; i++) {
        if (by_name(&t->info[i - 1], &t->info[i]) == 0) {
            say("cnn: %s: two tensors are named \"%s\"", t->path, t->info[i].name);
            return false;
        }
    }
    return true;
}
