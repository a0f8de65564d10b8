/* MNIST and datasets in the same format: two IDX files of bytes in one folder. */
#include "base/file.h"
#include "data/dataset.h"
#include "data/idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const splits[] = { [CNN_MNIST_TRAIN] = "train", [CNN_MNIST_TEST] = "t10k" };

/* The names under which the files are distributed and under which some archives unpack them, plain and gzipped. */
static const char *const patterns[] = { "%s/%s-%s-idx%d-ubyte", "%s/%s-%s.idx%d-ubyte", "%s/%s-%s-idx%d-ubyte.gz",
                                        "%s/%s-%s.idx%d-ubyte.gz" };

typedef struct mnist_part {
    const char *name;
    int rank;
} mnist_part;

static const mnist_part parts[] = { [CNN_MNIST_IMAGES] = { "images", 3 }, [CNN_MNIST_LABELS] = { "labels", 1 } };

enum { PATH_ROOM = 64 }; /* bytes for the name of a file after its folder */

/* Looks for a part under each of its names and writes the one that exists to `path`, which has PATH_ROOM bytes more
 * than the folder's path. */
static cnn_status find_part(cnn_context *ctx, const char *call, const char *directory, cnn_mnist_split split,
                            cnn_mnist_part which, char *path)
{
    const char *name = splits[split];
    const mnist_part *part = &parts[which];
    char folder[CNN__QUOTE];
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        snprintf(path, strlen(directory) + PATH_ROOM, patterns[i], directory, name, part->name, part->rank);
        cnn_status found = cnn__file_look(ctx, call, path);
        if (found != CNN_ERROR_NOT_FOUND) {
            return found;
        }
    }
    return cnn__fail(
        ctx, CNN_ERROR_NOT_FOUND,
        "%s: no %s-%s-idx%d-ubyte, %s-%s.idx%d-ubyte, %s-%s-idx%d-ubyte.gz or %s-%s.idx%d-ubyte.gz in \"%s\"", call,
        name, part->name, part->rank, name, part->name, part->rank, name, part->name, part->rank, name, part->name,
        part->rank, cnn__quote(folder, directory, true));
}

static char *path_new(cnn_context *ctx, const char *call, const char *directory)
{
    size_t size = strlen(directory) + PATH_ROOM;
    char *path = cnn__alloc(ctx, size);
    if (!path) {
        cnn__fail_memory(ctx, call, size);
    }
    return path;
}

/* Reads the part under the first of its names that exists. */
static cnn_tensor *read_part(cnn_context *ctx, const char *directory, cnn_mnist_split split, cnn_mnist_part part)
{
    const char *call = "mnist_open";
    char *path = path_new(ctx, call, directory);
    bool found = path && find_part(ctx, call, directory, split, part, path) == CNN_OK;
    cnn_tensor *t = found ? cnn__idx_read(ctx, call, path) : NULL;
    int rank = parts[part].rank;
    if (t && (t->dtype != CNN_U8 || t->ndim != rank)) {
        char shape[CNN__SHAPE_TEXT], text[CNN__QUOTE];
        cnn__fail(ctx, CNN_ERROR_MISMATCH, "%s: %s: %s of shape %s, expected uint8 of %d dimensions", call,
                  cnn__quote(text, path, true), cnn_dtype_name(t->dtype), cnn__shape_text(shape, t->ndim, t->shape),
                  rank);
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

static cnn_dataset *mnist_make(cnn_context *ctx, const char *directory, cnn_tensor *images, cnn_tensor *labels)
{
    const double mean = 0.1307, std = 0.3081;
    const char *call = "mnist_open";
    char folder[CNN__QUOTE];
    if (images->shape[0] != labels->shape[0]) {
        cnn__fail(ctx, CNN_ERROR_MISMATCH,
                  "%s: %" PRId64 " images and %" PRId64 " labels in \"%s\", expected as many of both", call,
                  images->shape[0], labels->shape[0], cnn__quote(folder, directory, true));
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

static cnn_status mnist_check(cnn_context *ctx, const char *call, const char *directory, cnn_mnist_split split)
{
    if (!ctx || !directory) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "directory" : "ctx");
    }
    if ((int)split < CNN_MNIST_TRAIN || (int)split > CNN_MNIST_TEST) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: split is %d, expected CNN_MNIST_TRAIN or CNN_MNIST_TEST",
                         call, (int)split);
    }
    return CNN_OK;
}

cnn_dataset *cnn_mnist_open(cnn_context *ctx, const char *directory, cnn_mnist_split split)
{
    if (mnist_check(ctx, "mnist_open", directory, split) != CNN_OK) {
        return NULL;
    }
    cnn_dataset *dataset = NULL;
    cnn_tensor *images = read_part(ctx, directory, split, CNN_MNIST_IMAGES);
    cnn_tensor *labels = images ? read_part(ctx, directory, split, CNN_MNIST_LABELS) : NULL;
    if (labels) {
        dataset = mnist_make(ctx, directory, images, labels);
    }
    cnn__tensor_release(images);
    cnn__tensor_release(labels);
    return dataset;
}

cnn_status cnn_mnist_find(cnn_context *ctx, const char *directory, cnn_mnist_split split, cnn_mnist_part part)
{
    const char *call = "mnist_find";
    cnn_status status = mnist_check(ctx, call, directory, split);
    if (status == CNN_OK && ((int)part < CNN_MNIST_IMAGES || (int)part > CNN_MNIST_LABELS)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                           "%s: part is %d, expected CNN_MNIST_IMAGES or CNN_MNIST_LABELS", call, (int)part);
    }
    if (status != CNN_OK) {
        return status;
    }
    char *path = path_new(ctx, call, directory);
    status = path ? find_part(ctx, call, directory, split, part, path) : cnn__failure_status();
    cnn__free(ctx, path);
    return status;
}
