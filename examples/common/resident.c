#include "resident.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 1000 };

/* What is copied, in the host's memory. */
typedef struct copy {
    int64_t shape[CNN_MAX_DIMS];
    int ndim;
    float *images;
    int64_t *labels;
} copy;

static bool copy_batch(copy *c, const cnn_batch *batch, int64_t size, int64_t done)
{
    const int64_t each = cnn_tensor_numel(batch->images) / batch->size;
    if (done == 0) {
        c->ndim = cnn_tensor_ndim(batch->images);
        memcpy(c->shape, cnn_tensor_shape(batch->images), (size_t)c->ndim * sizeof *c->shape);
        c->shape[0] = size;
        c->images = malloc((size_t)(size * each) * sizeof *c->images);
        c->labels = malloc((size_t)size * sizeof *c->labels);
    }
    return c->images && c->labels &&
           cnn_tensor_read(batch->images, c->images + done * each, (size_t)(batch->size * each) * sizeof *c->images) == CNN_OK &&
           cnn_tensor_read(batch->labels, c->labels + done, (size_t)batch->size * sizeof *c->labels) == CNN_OK;
}

static bool copy_all(copy *c, cnn_context *ctx, cnn_dataset *dataset)
{
    const int64_t size = cnn_dataset_size(dataset);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(dataset), size < AT_ONCE ? size : AT_ONCE);
    cnn_batch batch;
    int64_t done = 0;
    bool good = true;
    while (good && cnn_loader_next(loader, &batch)) {
        good = copy_batch(c, &batch, size, done);
        done += batch.size;
    }
    if (!good && !(c->images && c->labels)) {
        cnn_context_set_error(ctx, CNN_ERROR_NO_MEMORY, "no memory for a copy of the images");
    }
    good = good && cnn_loader_status(loader) == CNN_OK && done == size;
    cnn_loader_free(loader);
    return good;
}

static cnn_dataset *numbers_new(cnn_context *ctx, int64_t *numbers, int64_t size)
{
    for (int64_t i = 0; i < size; i++) {
        numbers[i] = i;
    }
    cnn_tensor *all = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(size), numbers);
    cnn_dataset *made = all ? cnn_dataset_from_tensors(all, NULL) : NULL;
    cnn_tensor_free(all);
    return made;
}

cnn_dataset *resident_new(resident *r, cnn_context *ctx, cnn_dataset *dataset)
{
    copy c = { .ndim = 0 };
    const int64_t size = cnn_dataset_size(dataset);
    cnn_dataset *numbers = NULL;
    *r = (resident){ NULL, NULL };
    if (copy_all(&c, ctx, dataset)) {
        r->images = cnn_tensor_from_data(ctx, CNN_F32, c.ndim, c.shape, c.images);
        r->labels = r->images ? cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(size), c.labels) : NULL;
        numbers = r->labels ? numbers_new(ctx, c.labels, size) : NULL;
    }
    if (!numbers) {
        resident_free(r);
    }
    free(c.images);
    free(c.labels);
    cnn_dataset_free(dataset);
    return numbers;
}

void resident_free(resident *r)
{
    cnn_tensor_free(r->images);
    cnn_tensor_free(r->labels);
    *r = (resident){ NULL, NULL };
}

void resident_batch(const resident *r, cnn_tape *tape, cnn_batch *batch)
{
    if (r && r->images) {
        cnn_tensor *numbers = cnn_input(tape, batch->images);
        batch->images = cnn_index_select(cnn_input(tape, r->images), 0, numbers);
        batch->labels = cnn_index_select(cnn_input(tape, r->labels), 0, numbers);
    }
}
