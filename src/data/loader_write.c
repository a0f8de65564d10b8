/* The parts of a batch: the epoch's order, the samples, and what a collate callback makes of them. */
#include "data/callback.h"
#include "data/loader.h"

#include "base/random.h"
#include "platform/thread.h"

#include <string.h>

int64_t cnn__loader_batch_size(const cnn_loader *l, int64_t batch)
{
    return l->short_size && batch == l->batch_count - 1 ? l->short_size : l->batch_size;
}

/* ---- the order of an epoch ---- */

static cnn_status order_by_sampler(cnn_loader *l, const cnn__job *j)
{
    cnn_sampler *sampler = l->options.sampler;
    cnn_status status = sampler->order(sampler, "loader_next", j->seed, j->epoch, l->order);
    for (int64_t i = 0; i < l->size && status == CNN_OK; i++) {
        if (l->order[i] < 0 || l->order[i] >= l->dataset->size) {
            status = cnn__fail(l->ctx, CNN_ERROR_CALLBACK,
                               "loader_next: the sampler's order gave sample %" PRId64 " at %" PRId64
                               " of epoch %" PRId64 ", but the dataset has %" PRId64 " samples",
                               l->order[i], i, j->epoch, l->dataset->size);
        }
    }
    return status;
}

static cnn_status make_order(cnn_loader *l, const cnn__job *j)
{
    if (!l->order || (l->order_epoch == j->epoch && l->order_seed == j->seed)) {
        return CNN_OK;
    }
    l->order_epoch = -1;
    cnn_status status = CNN_OK;
    if (l->options.sampler) {
        status = order_by_sampler(l, j);
    } else {
        uint64_t key[2];
        cnn__order_key(j->seed, j->epoch, key);
        cnn__random_permutation(key, l->size, l->order);
    }
    if (status == CNN_OK) {
        l->order_epoch = j->epoch;
        l->order_seed = j->seed;
    }
    return status;
}

/* ---- samples ---- */

cnn_status cnn__loader_begin(cnn_loader *l, const cnn__job *j)
{
    cnn__slot_tensors *s = &l->slots[j->slot];
    if (l->samples) {
        cnn__loader_drop_collated(s);
        return make_order(l, j);
    }
    cnn__tensor_written(s->images[0]);
    if (s->labels[0]) {
        cnn__tensor_written(s->labels[0]);
    }
    return make_order(l, j);
}

cnn_status cnn__loader_write(cnn_loader *l, const cnn__job *j, int64_t *first, int64_t end)
{
    const cnn__slot_tensors *s = &l->slots[j->slot];
    cnn_dataset *dataset = l->dataset;
    size_t image_bytes = dataset->image.bytes, label_bytes = dataset->label.bytes;
    char *image = NULL, *label = NULL;
    if (!l->samples) {
        image = cnn__data(s->host[0] ? s->host[0] : s->images[0]);
        label = cnn__data_or_null(s->host[1] ? s->host[1] : s->labels[0]);
    }
    int64_t start = j->batch * l->batch_size, i = *first;
    const cnn__sample_seed seed = { j->seed, j->epoch };
    cnn_status status = CNN_OK;
    for (; i < end && !atomic_load_explicit(&l->stop, memory_order_relaxed); i++) {
        int64_t sample = l->order ? l->order[start + i] : start + i;
        if (l->samples) {
            status =
                cnn__dataset_make(dataset, "loader_next", seed, sample, &l->samples[i], &l->samples[l->batch_size + i]);
        } else {
            status = cnn__dataset_write(dataset, "loader_next", seed, sample, image + (size_t)i * image_bytes,
                                        label ? label + (size_t)i * label_bytes : NULL);
        }
        if (status != CNN_OK) {
            break;
        }
    }
    *first = i;
    return status;
}

/* ---- collating ---- */

static void loader_drop_samples(cnn_loader *l)
{
    for (int64_t i = 0; i < 2 * l->batch_size; i++) {
        cnn__tensor_release(l->samples[i]);
        l->samples[i] = NULL;
    }
}

void cnn__loader_drop_collated(cnn__slot_tensors *s)
{
    cnn__tensor_release(s->collated.images);
    cnn__tensor_release(s->collated.labels);
    cnn__tensor_release(s->collated.lengths);
    cnn__tensor_release(s->collated.label_lengths);
    s->collated = (cnn_batch){ .images = NULL };
}

/* Takes what the callback made. A tensor that is no tensor of its own is refused; the others are freed then. */
static cnn_status take_collated(cnn_loader *l, const cnn__job *j, const cnn_batch *made)
{
    cnn_batch *batch = &l->slots[j->slot].collated;
    cnn_tensor *const from[] = { made->images, made->labels, made->lengths, made->label_lengths };
    cnn_tensor **const to[] = { &batch->images, &batch->labels, &batch->lengths, &batch->label_lengths };
    static const char *const names[] = { "images", "labels", "lengths", "label_lengths" };
    const char *unfit = made->images ? NULL : "no images";
    for (int i = 0; i < 4; i++) {
        if (cnn__callback_tensor_take(from[i], l->ctx)) {
            *to[i] = from[i];
        } else if (from[i] && !unfit) {
            unfit = names[i];
        }
    }
    if (unfit) {
        cnn__loader_drop_collated(&l->slots[j->slot]);
        return cnn__fail(l->ctx, CNN_ERROR_CALLBACK,
                         "loader_next: collate gave %s for batch %" PRId64
                         ", expected tensors of its own in the loader's context",
                         made->images ? unfit : "no images", j->batch);
    }
    return CNN_OK;
}

static cnn_status collate(cnn_loader *l, const cnn__job *j)
{
    int64_t size = cnn__loader_batch_size(l, j->batch);
    cnn_tensor *const *labels = NULL;
    for (int64_t i = 0; i < size && !labels; i++) {
        labels = l->samples[l->batch_size + i] ? l->samples + l->batch_size : NULL;
    }
    cnn_batch made = { .size = size, .index = j->batch };
    unsigned long failures = cnn__failure_number();
    int cancel = cnn__cancel_defer();
    cnn_status status = l->options.collate(l->samples, labels, size, &made, l->options.collate_user);
    cnn__cancel_restore(cancel);
    if (status != CNN_OK) {
        return cnn__callback_fail(l->ctx, "loader_next", "collate", status, failures, "batch", j->batch);
    }
    return take_collated(l, j, &made);
}

cnn_status cnn__loader_finish(cnn_loader *l, const cnn__job *j, cnn_status status)
{
    if (l->samples) {
        if (status == CNN_OK && !atomic_load(&l->stop)) {
            status = collate(l, j);
        }
        loader_drop_samples(l);
    }
    return status;
}
