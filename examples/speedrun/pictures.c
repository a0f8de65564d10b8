/* Pictures of any origin are copied into one tensor of bytes, which a loader reads fastest. */
#include "pictures.h"

#include "cifar10/drawn.h"
#include "common/say.h"
#include "record.h"

#ifdef WITH_IMAGES
#include <cnn/image.h>
#endif

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, PATH_SIZE = 4096, DRAWN_TRAIN = 5000, DRAWN_TEST = 1000, READ_BATCH = 500 };

static const double means[3] = { 0.4914, 0.4822, 0.4465 }, deviations[3] = { 0.2470, 0.2435, 0.2616 };

/* ---- where they come from; their elements are within [0, 1] ---- */

static cnn_dataset *open_binary(cnn_context *ctx, const char *folder, cnn_cifar_split split)
{
    cnn_dataset *dataset = cnn_cifar10_open(ctx, folder, split);
    if (dataset) {
        cnn_dataset_normalize(dataset, 1, (const double[]){ 0 }, (const double[]){ 1 });
    }
    return dataset;
}

static cnn_dataset *open_folder(cnn_context *ctx, const char *folder, cnn_cifar_split split)
{
#ifdef WITH_IMAGES
    const cnn_image_folder_options how = { .struct_size = sizeof how, .height = SIDE };
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/%s", folder, split == CNN_CIFAR_TRAIN ? "train" : "test") < PATH_SIZE) {
        return cnn_image_folder_open(ctx, path, &how);
    }
#endif
    (void)ctx, (void)folder, (void)split;
    return NULL;
}

static cnn_dataset *open_part(cnn_context *ctx, const options *o, cnn_cifar_split split)
{
    bool trains = split == CNN_CIFAR_TRAIN;
    cnn_dataset *dataset;
    if (o->synthetic) {
        dataset = drawn_new(ctx, trains ? DRAWN_TRAIN : DRAWN_TEST, trains ? 1 : 2);
    } else {
        dataset = open_binary(ctx, o->data, split);
        if (!dataset && cnn_context_status(NULL) == CNN_ERROR_NOT_FOUND) {
            dataset = open_folder(ctx, o->data, split);
        }
    }
    return dataset ? first_of(dataset, o->limit) : NULL;
}

/* ---- into memory ---- */

static void write_picture(unsigned char *bytes, const float *picture)
{
    for (int i = 0; i < PIXELS; i++) {
        bytes[i] = (unsigned char)lrintf(255 * picture[i]);
    }
}

static void mirror(unsigned char *mirrored, const unsigned char *bytes)
{
    for (int i = 0; i < PIXELS; i++) {
        mirrored[i] = bytes[i - i % SIDE + SIDE - 1 - i % SIDE];
    }
}

/* Copies all pictures and labels of the loader; returns false on failure. */
static bool copy_all(cnn_loader *loader, unsigned char *bytes, int64_t *labels)
{
    cnn_batch batch;
    while (cnn_loader_next(loader, &batch)) {
        const float *images = cnn_tensor_data(batch.images);
        const int64_t *classes = cnn_tensor_data(batch.labels);
        for (int64_t i = 0; i < batch.size; i++, bytes += PIXELS) {
            write_picture(bytes, images + i * PIXELS);
            *labels++ = classes[i];
        }
    }
    return cnn_loader_status(loader) == CNN_OK;
}

static void add_mirrored(unsigned char *bytes, int64_t *labels, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        mirror(bytes + (count + i) * PIXELS, bytes + i * PIXELS);
        labels[count + i] = labels[i];
    }
}

/* Takes the dataset and returns one of bytes; NULL on failure. */
static cnn_dataset *in_memory(cnn_context *ctx, cnn_dataset *dataset, bool twice)
{
    int64_t count = cnn_dataset_size(dataset), all = twice ? 2 * count : count;
    cnn_loader *loader = cnn_loader_new(dataset, READ_BATCH, .threads = cnn_context_threads(ctx));
    cnn_tensor *images = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(all, 3, SIDE, SIDE));
    cnn_tensor *labels = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(all));
    cnn_dataset *result = NULL;
    if (loader && images && labels && copy_all(loader, cnn_tensor_data(images), cnn_tensor_data(labels))) {
        if (twice) {
            add_mirrored(cnn_tensor_data(images), cnn_tensor_data(labels), count);
        }
        result = cnn_dataset_from_tensors(images, labels);
    }
    cnn_loader_free(loader);
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    if (result && cnn_dataset_normalize(result, 3, means, deviations) != CNN_OK) {
        cnn_dataset_free(result);
        return NULL;
    }
    return result;
}

static cnn_dataset *read_part(cnn_context *ctx, const options *o, cnn_cifar_split split)
{
    cnn_dataset *dataset = open_part(ctx, o, split);
    return dataset ? in_memory(ctx, dataset, split == CNN_CIFAR_TRAIN) : NULL;
}

bool pictures_open(cnn_context *ctx, const options *o, pictures *p)
{
    *p = (pictures){ .train = read_part(ctx, o, CNN_CIFAR_TRAIN) };
    p->test = p->train ? read_part(ctx, o, CNN_CIFAR_TEST) : NULL;
    p->count = p->test ? cnn_dataset_size(p->train) / 2 : 0;
    return p->test || say_error();
}

void pictures_close(pictures *p)
{
    cnn_dataset_free(p->train);
    cnn_dataset_free(p->test);
    *p = (pictures){ .train = NULL };
}

/* ---- alternating flip ---- */

/* A number from 64 bits that looks random: the finaliser of SplitMix64. */
static uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static cnn_status alternating_order(uint64_t seed, int64_t epoch, int64_t *order, void *user)
{
    const int64_t count = *(const int64_t *)user;
    uint64_t key = scramble(seed), state = scramble(key ^ (uint64_t)epoch);
    for (int64_t i = 0; i < count; i++) {
        bool mirrored = (scramble(key + (uint64_t)i) ^ (uint64_t)epoch) & 1;
        state = scramble(state);
        int64_t j = (int64_t)(state % (uint64_t)(i + 1)); /* Fisher and Yates, from the inside out */
        order[i] = order[j];
        order[j] = mirrored ? i + count : i;
    }
    return CNN_OK;
}

cnn_sampler *pictures_sampler(cnn_context *ctx, const pictures *p)
{
    int64_t *count = malloc(sizeof *count);
    if (!count) {
        return NULL;
    }
    *count = p->count;
    return cnn_sampler_from_callbacks(ctx, &(cnn_sampler_callbacks){ .struct_size = sizeof(cnn_sampler_callbacks),
                                                                     .count = p->count,
                                                                     .order = alternating_order,
                                                                     .free_user = free,
                                                                     .user = count });
}
