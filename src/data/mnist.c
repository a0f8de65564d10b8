/* MNIST and the datasets that share its form: two IDX files of bytes in one folder. */
#include "base/file.h"
#include "data/dataset.h"
#include "data/idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const splits[] = { [CNN_MNIST_TRAIN] = "train", [CNN_MNIST_TEST] = "t10k" };

/* As distributed, and as some archives unpack it; then gzipped. */
static const char *const patterns[] = { "%s/%s-%s-idx%d-ubyte", "%s/%s-%s.idx%d-ubyte", "%s/%s-%s-idx%d-ubyte.gz",
                                        "%s/%s-%s.idx%d-ubyte.gz" };

/* Reads the first of the four files that is there. */
static cnn_tensor *read_part(cnn_context *ctx, const char *directory, const char *split, const char *part, int rank)
{
    const char *call = "mnist_open";
    size_t size = strlen(directory) + 64;
    char *path = cnn__alloc(ctx, size), folder[CNN__QUOTE];
    if (!path) {
        cnn__fail_memory(ctx, call, size);
        return NULL;
    }
    cnn_status found = CNN_ERROR_NOT_FOUND;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns && found == CNN_ERROR_NOT_FOUND; i++) {
        snprintf(path, size, patterns[i], directory, split, part, rank);
        found = cnn__file_look(ctx, call, path);
    }
    cnn_tensor *t = found == CNN_OK ? cnn__idx_read(ctx, call, path) : NULL;
    if (found == CNN_ERROR_NOT_FOUND) {
        cnn__fail(ctx, CNN_ERROR_NOT_FOUND,
                  "%s: no %s-%s-idx%d-ubyte, %s-%s.idx%d-ubyte, %s-%s-idx%d-ubyte.gz or %s-%s.idx%d-ubyte.gz in \"%s\"",
                  call, split, part, rank, split, part, rank, split, part, rank, split, part, rank,
                  cnn__quote(folder, directory, true));
    }
    if (t && (t->dtype != CNN_U8 || t->ndim != rank)) {
        char shape[CNN__SHAPE_TEXT], text[CNN__QUOTE];
        cnn__fail(ctx, CNN_ERROR_MISMATCH, "%s: %s: %s of shape %s, expected uint8 of %d dimensions", call,
                  cnn__quote(text, path, true), cnn_dtype_name(t->dtype), cnn__shape_text(shape, t->ndim, t->shape), rank);
        cnn__tensor_release(t);
        t = NULL;
    }
    cnn__free(ctx, path);
    return t;
}

/* [N, rows, columns] → [N, 1, rows, columns]. */
static void add_channel(cnn_tensor *images)
{
    int64_t shape[4] = { images->shape[0], 1, images->shape[1], images->shape[2] };
    cnn__tensor_shape_set(images, CNN_U8, 4, shape);
}

static cnn_dataset *make(cnn_context *ctx, const char *directory, cnn_tensor *images, cnn_tensor *labels)
{
    const double mean = 0.1307, std = 0.3081;
    const char *call = "mnist_open";
    char folder[CNN__QUOTE];
    if (images->shape[0] != labels->shape[0]) {
        cnn__fail(ctx, CNN_ERROR_MISMATCH, "%s: %" PRId64 " images and %" PRId64 " labels in \"%s\", expected as many of both",
                  call, images->shape[0], labels->shape[0], cnn__quote(folder, directory, true));
        return NULL;
    }
    int64_t numel;
    add_channel(images);
    if (cnn__shape_check(ctx, call, CNN_F32, images->ndim, images->shape, &numel) != CNN_OK) {
        return NULL;
    }
    cnn_dataset *dataset = cnn__dataset_new(ctx, call);
    if (!dataset) {
        return NULL;
    }
    cnn__dataset_set_images(dataset, images);
    cnn__dataset_set_labels(dataset, labels);
    if (cnn__dataset_normalize(dataset, call, 1, &mean, &std) != CNN_OK) {
        cnn_dataset_free(dataset);
        return NULL;
    }
    return dataset;
}

cnn_dataset *cnn_mnist_open(cnn_context *ctx, const char *directory, cnn_mnist_split split)
{
    if (!ctx || !directory) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "mnist_open: %s is NULL", ctx ? "directory" : "ctx");
        return NULL;
    }
    if ((int)split < CNN_MNIST_TRAIN || (int)split > CNN_MNIST_TEST) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "mnist_open: split is %d, expected CNN_MNIST_TRAIN or CNN_MNIST_TEST",
                  (int)split);
        return NULL;
    }
    cnn_dataset *dataset = NULL;
    cnn_tensor *images = read_part(ctx, directory, splits[split], "images", 3);
    cnn_tensor *labels = images ? read_part(ctx, directory, splits[split], "labels", 1) : NULL;
    if (labels) {
        dataset = make(ctx, directory, images, labels);
    }
    cnn__tensor_release(images);
    cnn__tensor_release(labels);
    return dataset;
}
