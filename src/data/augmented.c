/* Datasets that apply a chain of transforms to the samples of another dataset.
 *
 * An augmented dataset holds a reference to its source. If that is normalised, the source is a view of it without
 * normalisation, which becomes the last transform; where all transforms only move pixels, they move normalised ones,
 * which costs nothing for bytes and gives the same bits. A sample is read into one of two images of a scratch, moves
 * between them, and is copied out at the end. */
#include "data/augment.h"

#include "base/references.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

/* Lies before its numbers. */
typedef struct scratch {
    struct scratch *next;
    char room[64 - sizeof(void *)]; /* the numbers are as aligned as the memory */
} scratch;

struct cnn__augmented {
    cnn_augmentation *chain;   /* a reference */
    cnn__transform *normalize; /* the dataset's normalisation, after the chain; NULL: none */
    bool moves;                /* the transforms only move pixels */
    uint64_t depth;            /* how many augmented datasets are below this one, mod 16: each has numbers of its own */
    cnn__extent from;
    int64_t largest; /* numbers of the largest image */
    int64_t work;
    scratch *idle; /* protected by the context's lock */
};

/* ---- scratch ---- */

static scratch *scratch_new(const cnn_dataset *dataset, const char *call)
{
    const cnn__augmented *a = dataset->augmented;
    size_t bytes = sizeof(scratch) + (size_t)(2 * a->largest + a->work) * sizeof(float);
    scratch *s = cnn__alloc(dataset->ctx, bytes);
    if (!s) {
        cnn__fail_memory(dataset->ctx, call, bytes);
    }
    return s;
}

static void scratch_put(const cnn_dataset *dataset, scratch *s)
{
    cnn__context_lock(dataset->ctx);
    s->next = dataset->augmented->idle;
    dataset->augmented->idle = s;
    cnn__context_unlock(dataset->ctx);
}

/* An idle scratch; a thread that finds none, because others use them, makes one more. */
static scratch *scratch_take(const cnn_dataset *dataset, const char *call)
{
    cnn__context_lock(dataset->ctx);
    scratch *s = dataset->augmented->idle;
    if (s) {
        dataset->augmented->idle = s->next;
    }
    cnn__context_unlock(dataset->ctx);
    return s ? s : scratch_new(dataset, call);
}

cnn_status cnn__dataset_reserve(cnn_dataset *dataset, const char *call, int threads)
{
    for (cnn_dataset *d = dataset; d; d = d->source) {
        int idle = 0;
        if (!d->augmented) {
            continue;
        }
        cnn__context_lock(d->ctx);
        for (const scratch *s = d->augmented->idle; s; s = s->next) {
            idle++;
        }
        cnn__context_unlock(d->ctx);
        for (; idle < threads; idle++) {
            scratch *s = scratch_new(d, call);
            if (!s) {
                return CNN_ERROR_NO_MEMORY;
            }
            scratch_put(d, s);
        }
    }
    return CNN_OK;
}

/* ---- writing a sample ---- */

/* The numbers of a sample are blocks of the stream of the epoch's shuffle which no shuffle reaches: the highest bit is
 * set, followed by four bits of the depth and by the sample's number, above room for 2^24 blocks. */
static cnn_random_source random_of(cnn__sample_seed seed, uint64_t depth, int64_t sample)
{
    return (cnn_random_source){ .key = { seed.seed, UINT64_C(1) << 63 | (uint64_t)seed.epoch },
                                .block = UINT64_C(1) << 63 | depth << 59 | (uint64_t)sample << 24 };
}

static cnn_status augmented_apply(const cnn__augmented *a, cnn__frame *f)
{
    cnn_status status = CNN_OK;
    for (const cnn__transform *t = a->chain->first; t && status == CNN_OK; t = t->next) {
        status = t->kind->apply(t, f);
    }
    return status == CNN_OK && a->normalize ? a->normalize->kind->apply(a->normalize, f) : status;
}

cnn_status cnn__augmented_write(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t index,
                                void *image, void *label)
{
    const cnn__augmented *a = dataset->augmented;
    scratch *s = scratch_take(dataset, call);
    if (!s) {
        return CNN_ERROR_NO_MEMORY;
    }
    cnn_random_source random = random_of(seed, a->depth, index);
    cnn__frame f = { .x = (float *)(void *)(s + 1),
                     .e = a->from,
                     .random = &random,
                     .ctx = dataset->ctx,
                     .call = call,
                     .sample = index };
    if (a->moves && dataset->source->channels > 0) {
        f.mean = dataset->source->mean;
        f.std = dataset->source->std;
        f.channels = dataset->source->channels;
    }
    f.spare = f.x + a->largest;
    f.work = f.spare + a->largest;
    cnn_status status = cnn__dataset_write(dataset->source, call, seed, index, f.x, label);
    if (status == CNN_OK) {
        status = augmented_apply(a, &f);
    }
    if (status == CNN_OK) {
        memcpy(image, f.x, dataset->image.bytes);
    }
    scratch_put(dataset, s);
    return status;
}

/* ---- making one ---- */

void cnn__augmented_free(cnn_context *ctx, cnn__augmented *augmented)
{
    if (!augmented) {
        return;
    }
    while (augmented->idle) {
        scratch *s = augmented->idle;
        augmented->idle = s->next;
        cnn__free(ctx, s);
    }
    cnn__free(ctx, augmented->normalize);
    cnn_augmentation_free(augmented->chain);
    cnn__free(ctx, augmented);
}

/* Walks the chain with the shapes that it makes, and finds how much memory a sample needs. */
static cnn_status infer_chain(cnn_dataset *dataset, cnn__augmented *a, const cnn_dataset *source)
{
    cnn__extent e = a->from;
    cnn_status status = CNN_OK;
    int64_t numel = source->image.numel;
    a->largest = numel;
    a->moves = true;
    for (const cnn__transform *t = a->chain->first; t && status == CNN_OK; t = t->next) {
        int64_t work = 0;
        a->moves = a->moves && t->kind->moves;
        status = t->kind->infer ? t->kind->infer(t, dataset->ctx, &e, &work) : CNN_OK;
        if (status == CNN_OK) {
            status = cnn__shape_check(dataset->ctx, t->call, CNN_F64, 4, (const int64_t[]){ 4, e.c, e.h, e.w }, &numel);
        }
        numel /= 4;
        a->largest = numel > a->largest ? numel : a->largest;
        a->work = work > a->work ? work : a->work;
    }
    a->largest = (a->largest + 15) / 16 * 16;
    dataset->image = source->image;
    dataset->image.shape[1] = e.h;
    dataset->image.shape[2] = e.w;
    dataset->image.numel = numel;
    dataset->image.bytes = (size_t)numel * sizeof(float);
    return status;
}

/* A view of the dataset, which later changes of its normalisation do not reach, and what becomes of the normalisation
 * that it has now. */
static cnn_status set_source(cnn_dataset *dataset, cnn__augmented *a, cnn_dataset *given)
{
    const char *call = "dataset_augment";
    dataset->source = cnn__dataset_slice(given, call, 0, given->size);
    if (!dataset->source) {
        return CNN_ERROR_NO_MEMORY;
    }
    if (!given->images || given->channels == 0 || a->moves) {
        return CNN_OK;
    }
    if (!a->chain->normalizes) {
        a->normalize = cnn__normalize_new(dataset->ctx, given->channels, given->mean, given->std);
        if (!a->normalize) {
            return cnn__fail_memory(dataset->ctx, call, sizeof *a->normalize);
        }
    }
    return cnn__dataset_normalize(dataset->source, call, 0, NULL, NULL);
}

static cnn_status augmented_fill(cnn_dataset *dataset, cnn_dataset *given, cnn_augmentation *chain)
{
    const char *call = "dataset_augment";
    cnn__augmented *a = cnn__calloc(dataset->ctx, 1, sizeof *a);
    if (!a) {
        return cnn__fail_memory(dataset->ctx, call, sizeof *a);
    }
    cnn__references_add(&chain->references);
    a->chain = chain;
    a->from = (cnn__extent){ given->image.shape[0], given->image.shape[1], given->image.shape[2] };
    for (const cnn_dataset *d = given; d; d = d->source) {
        a->depth = (a->depth + (d->augmented != NULL)) % 16;
    }
    dataset->augmented = a;
    dataset->size = given->size;
    dataset->label = given->label;
    dataset->has_labels = given->has_labels;
    dataset->class_names = given->class_names ? cnn__tensor_retain(given->class_names) : NULL;
    cnn_status status = infer_chain(dataset, a, given);
    if (status == CNN_OK) {
        status = set_source(dataset, a, given);
    }
    return status == CNN_OK ? cnn__dataset_reserve(dataset, call, 1) : status;
}

static cnn_status augmented_check(const cnn_dataset *dataset, const cnn_augmentation *a)
{
    const char *call = "dataset_augment";
    char text[CNN__SHAPE_TEXT];
    if (a->status != CNN_OK) {
        return cnn__fail(a->ctx, a->status, "%s", a->message);
    }
    if (a->ctx != dataset->ctx) {
        return cnn__fail(dataset->ctx, CNN_ERROR_STATE, "%s: the augmentation is of another context", call);
    }
    if (cnn__dataset_makes(dataset)) {
        return cnn__fail(dataset->ctx, CNN_ERROR_STATE, "%s: samples are tensors of any shapes, expected images of one",
                         call);
    }
    if (dataset->image.dtype != CNN_F32) {
        return cnn__fail(dataset->ctx, CNN_ERROR_DTYPE, "%s: images are %s, expected float32 or bytes", call,
                         cnn_dtype_name(dataset->image.dtype));
    }
    if (dataset->image.ndim != 3 || dataset->image.numel == 0) {
        return cnn__fail(dataset->ctx, CNN_ERROR_SHAPE, "%s: images are %s, expected [channels, height, width]", call,
                         cnn__shape_text(text, dataset->image.ndim, dataset->image.shape));
    }
    return CNN_OK;
}

cnn_dataset *cnn_dataset_augment(cnn_dataset *dataset, cnn_augmentation *augmentation)
{
    const char *call = "dataset_augment";
    if (!dataset || !augmentation) {
        if (cnn__failure_status() == CNN_OK) {
            cnn__fail(dataset ? dataset->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                      dataset ? "augmentation" : "dataset");
        }
        cnn_dataset_free(dataset);
        return NULL;
    }
    cnn_dataset *made = augmented_check(dataset, augmentation) == CNN_OK ? cnn__dataset_new(dataset->ctx, call) : NULL;
    if (made && augmented_fill(made, dataset, augmentation) == CNN_OK) {
        atomic_store(&augmentation->used, true);
    } else {
        cnn_dataset_free(made);
        made = NULL;
    }
    cnn_dataset_free(dataset);
    return made;
}
