/* Datasets that apply a chain of transforms to the samples of another dataset.
 *
 * An augmented dataset holds a reference to its source. If that is normalised, the source is a view of it without
 * normalisation, which becomes the last transform; where all transforms only move pixels, they move normalised ones,
 * which costs nothing for bytes and gives the same bits. A sample is read into one of two images of a scratch, moves
 * between them, and is copied out at the end. Images of shapes of their own have a scratch of their own each, and come
 * out of the chain with one shape. */
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

/* How many numbers a sample needs. */
typedef struct cnn__room {
    int64_t largest; /* image on its way */
    int64_t work;
} cnn__room;

struct cnn__augmented {
    cnn_augmentation *chain;   /* a reference */
    cnn__transform *normalize; /* the dataset's normalisation, after the chain; NULL: none */
    bool moves;                /* the transforms only move pixels */
    uint64_t depth;            /* how many augmented datasets are below this one, mod 16: each has numbers of its own */
    cnn__extent from; /* where images have shapes of their own, those of the first, and only `c` is that of all */
    cnn__room room;
    scratch *idle; /* protected by the context's lock */
};

/* ---- scratch ---- */

static scratch *scratch_new(const cnn_dataset *dataset, const char *call, const cnn__room *room)
{
    size_t bytes = sizeof(scratch) + (size_t)(2 * room->largest + room->work) * sizeof(float);
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
    return s ? s : scratch_new(dataset, call, &dataset->augmented->room);
}

cnn_status cnn__dataset_reserve(cnn_dataset *dataset, const char *call, int threads)
{
    for (cnn_dataset *d = dataset; d; d = d->source) {
        int idle = 0;
        if (!d->augmented || cnn__dataset_makes(d->source)) {
            continue;
        }
        cnn__context_lock(d->ctx);
        for (const scratch *s = d->augmented->idle; s; s = s->next) {
            idle++;
        }
        cnn__context_unlock(d->ctx);
        for (; idle < threads; idle++) {
            scratch *s = scratch_new(d, call, &d->augmented->room);
            if (!s) {
                return CNN_ERROR_NO_MEMORY;
            }
            scratch_put(d, s);
        }
    }
    return CNN_OK;
}

/* ---- the shapes ---- */

/* Walks the chain with the shapes that it makes, from that of an image, which is known to be of a size that memory can
 * have, to that of the result; finds how much room a sample needs. */
static cnn_status infer_chain(const cnn_augmentation *chain, const cnn_context *ctx, cnn__extent *e, cnn__room *room)
{
    cnn_status status = CNN_OK;
    *room = (cnn__room){ .largest = cnn__extent_numel(*e) };
    for (const cnn__transform *t = chain->first; t && status == CNN_OK; t = t->next) {
        int64_t work = 0, bytes = 0;
        if (t->fill_count && t->fill_count != e->c) {
            return cnn__fail(ctx, CNN_ERROR_SHAPE,
                             "%s: %d numbers to fill in, expected one for each of %" PRId64 " channels", t->call,
                             t->fill_count, e->c);
        }
        status = t->kind->infer ? t->kind->infer(t, ctx, e, &work) : CNN_OK;
        if (status == CNN_OK) {
            status = cnn__shape_check(ctx, t->call, CNN_F64, 4, (const int64_t[]){ 4, e->c, e->h, e->w }, &bytes);
        }
        room->largest = bytes / 4 > room->largest ? bytes / 4 : room->largest;
        room->work = work > room->work ? work : room->work;
    }
    room->largest = (room->largest + 15) / 16 * 16;
    return status;
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

/* Lays out a sample of the extent `f->e` in a scratch. */
static void frame_lay(cnn__frame *f, scratch *s, const cnn__room *room)
{
    f->x = (float *)(void *)(s + 1);
    f->spare = f->x + room->largest;
    f->work = f->spare + room->largest;
}

/* Applies the chain to what lies in the frame, and copies the result out. */
static cnn_status frame_finish(const cnn_dataset *dataset, cnn__frame *f, void *image)
{
    cnn_status status = augmented_apply(dataset->augmented, f);
    if (status == CNN_OK) {
        memcpy(image, f->x, dataset->image.bytes);
    }
    return status;
}

/* Whether a tensor is an image of the right channels, as the chain can make one of the dataset's shape; else fails. */
static cnn_status check_made(const cnn_dataset *dataset, cnn__frame *f, const cnn_tensor *x, cnn__room *room)
{
    char text[CNN__SHAPE_TEXT];
    bool fits = x->dtype == CNN_F32 && x->ndim == 3 && x->shape[0] == dataset->augmented->from.c && x->numel > 0;
    if (!fits) {
        return cnn__fail(f->ctx, CNN_ERROR_SHAPE,
                         "%s: sample %" PRId64 " is %s %s, expected float32 [%" PRId64 ", height, width]", f->call,
                         f->sample, cnn_dtype_name(x->dtype), cnn__shape_text(text, x->ndim, x->shape),
                         dataset->augmented->from.c);
    }
    f->e = (cnn__extent){ x->shape[0], x->shape[1], x->shape[2] };
    cnn__extent e = f->e;
    cnn_status status = infer_chain(dataset->augmented->chain, f->ctx, &e, room);
    if (status == CNN_OK && (e.h != dataset->image.shape[1] || e.w != dataset->image.shape[2])) {
        return cnn__fail(f->ctx, CNN_ERROR_SHAPE,
                         "%s: sample %" PRId64 " becomes %" PRId64 " x %" PRId64 ", expected %" PRId64 " x %" PRId64
                         " of all: a chain for images of shapes of their own has to end with one size",
                         f->call, f->sample, e.h, e.w, dataset->image.shape[1], dataset->image.shape[2]);
    }
    return status;
}

/* A sample that is a tensor of a shape of its own. */
static cnn_status write_made(cnn_dataset *dataset, cnn__frame *f, cnn__sample_seed seed, void *image, void *label)
{
    cnn_tensor *x, *y;
    cnn__room room;
    scratch *s = NULL;
    cnn_status status = cnn__dataset_make(dataset->source, f->call, seed, f->sample, &x, &y);
    if (status != CNN_OK) {
        return status;
    }
    status = check_made(dataset, f, x, &room);
    if (status == CNN_OK && label && dataset->has_labels) {
        status =
            y && y->dtype == dataset->label.dtype && (size_t)y->numel * cnn_dtype_size(y->dtype) == dataset->label.bytes
                ? cnn_tensor_read(y, label, dataset->label.bytes)
                : cnn__fail(f->ctx, CNN_ERROR_SHAPE, "%s: the label of sample %" PRId64 " is not like that of sample 0",
                            f->call, f->sample);
    }
    if (status == CNN_OK) {
        s = scratch_new(dataset, f->call, &room);
        status = s ? CNN_OK : CNN_ERROR_NO_MEMORY;
    }
    if (status == CNN_OK) {
        frame_lay(f, s, &room);
        status = cnn_tensor_read(x, f->x, (size_t)x->numel * sizeof(float));
    }
    if (status == CNN_OK) {
        status = frame_finish(dataset, f, image);
    }
    cnn__free(dataset->ctx, s);
    cnn__tensor_release(x);
    cnn__tensor_release(y);
    return status;
}

cnn_status cnn__augmented_write(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t index,
                                void *image, void *label)
{
    const cnn__augmented *a = dataset->augmented;
    cnn_random_source random = random_of(seed, a->depth, index);
    cnn__frame f = { .e = a->from, .random = &random, .ctx = dataset->ctx, .call = call, .sample = index };
    if (cnn__dataset_makes(dataset->source)) {
        return write_made(dataset, &f, seed, image, label);
    }
    scratch *s = scratch_take(dataset, call);
    if (!s) {
        return CNN_ERROR_NO_MEMORY;
    }
    if (a->moves && dataset->source->channels > 0) {
        f.mean = dataset->source->mean;
        f.std = dataset->source->std;
        f.channels = dataset->source->channels;
    }
    frame_lay(&f, s, &a->room);
    cnn_status status = cnn__dataset_write(dataset->source, call, seed, index, f.x, label);
    if (status == CNN_OK) {
        status = frame_finish(dataset, &f, image);
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

/* Fills in `shape` from a tensor. */
static void sample_like(cnn__sample_shape *shape, const cnn_tensor *t)
{
    *shape = (cnn__sample_shape){ .dtype = t->dtype,
                                  .ndim = t->ndim < CNN_MAX_DIMS ? t->ndim : CNN_MAX_DIMS - 1,
                                  .numel = t->numel };
    memcpy(shape->shape, t->shape, (size_t)shape->ndim * sizeof *t->shape);
    shape->bytes = (size_t)t->numel * cnn_dtype_size(t->dtype);
}

/* Where samples have shapes of their own, sample 0 tells the channels and what a label is. */
static cnn_status set_shapes(cnn_dataset *dataset, cnn_dataset *given, const char *call)
{
    cnn_tensor *x, *y;
    dataset->image = given->image;
    dataset->label = given->label;
    dataset->has_labels = given->has_labels;
    if (!cnn__dataset_makes(given)) {
        return CNN_OK;
    }
    if (given->size == 0) {
        return cnn__fail(given->ctx, CNN_ERROR_STATE,
                         "%s: no sample, expected one that tells how many channels there are", call);
    }
    cnn_status status = cnn__dataset_make(given, call, (cnn__sample_seed){ 0 }, 0, &x, &y);
    if (status == CNN_OK) {
        sample_like(&dataset->image, x);
        dataset->has_labels = y != NULL;
        if (y) {
            sample_like(&dataset->label, y);
        }
        cnn__tensor_release(x);
        cnn__tensor_release(y);
    }
    return status;
}

/* Whether a chain takes the dataset's images; if so, they get the shape that it gives them. */
static cnn_status set_image(cnn_dataset *dataset, cnn__augmented *a, const char *call)
{
    char text[CNN__SHAPE_TEXT];
    cnn__sample_shape *image = &dataset->image;
    if (image->dtype != CNN_F32) {
        return cnn__fail(dataset->ctx, CNN_ERROR_DTYPE, "%s: images are %s, expected float32 or bytes", call,
                         cnn_dtype_name(image->dtype));
    }
    if (image->ndim != 3 || image->numel == 0) {
        return cnn__fail(dataset->ctx, CNN_ERROR_SHAPE, "%s: images are %s, expected [channels, height, width]", call,
                         cnn__shape_text(text, image->ndim, image->shape));
    }
    a->from = (cnn__extent){ image->shape[0], image->shape[1], image->shape[2] };
    cnn__extent e = a->from;
    cnn_status status = infer_chain(a->chain, dataset->ctx, &e, &a->room);
    a->moves = true;
    for (const cnn__transform *t = a->chain->first; t; t = t->next) {
        a->moves = a->moves && t->kind->moves;
    }
    image->shape[1] = e.h;
    image->shape[2] = e.w;
    image->numel = cnn__extent_numel(e);
    image->bytes = (size_t)image->numel * sizeof(float);
    return status;
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
    for (const cnn_dataset *d = given; d; d = d->source) {
        a->depth = (a->depth + (d->augmented != NULL)) % 16;
    }
    dataset->augmented = a;
    dataset->size = given->size;
    dataset->class_names = given->class_names ? cnn__tensor_retain(given->class_names) : NULL;
    cnn_status status = set_shapes(dataset, given, call);
    if (status == CNN_OK) {
        status = set_image(dataset, a, call);
    }
    if (status == CNN_OK) {
        status = set_source(dataset, a, given);
    }
    return status == CNN_OK ? cnn__dataset_reserve(dataset, call, 1) : status;
}

static cnn_status augmented_check(const cnn_dataset *dataset, const cnn_augmentation *a)
{
    if (a->status != CNN_OK) {
        return cnn__fail(a->ctx, a->status, "%s", a->message);
    }
    if (a->ctx != dataset->ctx) {
        return cnn__fail(dataset->ctx, CNN_ERROR_STATE, "dataset_augment: the augmentation is of another context");
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
