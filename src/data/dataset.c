/* Datasets as objects: creation from tensors or callbacks, sharing, freeing, and the size. */
#include "data/dataset.h"

#include "base/references.h"
#include "platform/process.h"

#include <inttypes.h>
#include <string.h>

cnn_dataset *cnn__dataset_new(cnn_context *ctx, const char *call)
{
    cnn_dataset *dataset = cnn__calloc(ctx, 1, sizeof *dataset);
    if (!dataset) {
        cnn__fail_memory(ctx, call, sizeof *dataset);
        return NULL;
    }
    cnn__references_init(&dataset->references);
    atomic_init(&dataset->loaders, 0);
    CNN__ATOMIC(&dataset->loaders);
    dataset->ctx = cnn__context_retain(ctx);
    return dataset;
}

static cnn__sample_shape sample_of(const cnn_tensor *all, cnn_dtype dtype)
{
    cnn__sample_shape sample = { .dtype = dtype, .ndim = all->ndim - 1, .numel = 1 };
    for (int i = 0; i < sample.ndim; i++) {
        sample.shape[i] = all->shape[i + 1];
        sample.numel *= sample.shape[i];
    }
    sample.bytes = (size_t)sample.numel * cnn_dtype_size(dtype);
    return sample;
}

/* Floating-point numbers are given out as they are, integers as i64, and bytes as `bytes`. */
static cnn_dtype given_out(const cnn_tensor *all, cnn_dtype bytes)
{
    return cnn__dtype_is_real(all->dtype) ? all->dtype : all->dtype == CNN_U8 ? bytes : CNN_I64;
}

void cnn__dataset_set_images(cnn_dataset *dataset, cnn_tensor *images)
{
    dataset->images = cnn__tensor_retain(images);
    dataset->image = sample_of(images, given_out(images, CNN_F32));
    dataset->size = images->shape[0];
}

void cnn__dataset_set_labels(cnn_dataset *dataset, cnn_tensor *labels)
{
    dataset->labels = cnn__tensor_retain(labels);
    dataset->label = sample_of(labels, given_out(labels, CNN_I64));
    dataset->has_labels = true;
}

/* ---- tensors in memory ---- */

/* Checks that a tensor outlives its step, has at least one dimension, and that a batch of the elements that it gives
 * can be addressed. */
static cnn_status dataset_check_tensor(const cnn_tensor *t, const char *what)
{
    const unsigned dtypes = 1u << CNN_I64 | 1u << CNN_I32 | 1u << CNN_U8 | 1u << CNN_F32 | 1u << CNN_F64;
    const char *call = "dataset_from_tensors";
    cnn_status status = cnn__tensor_check(t, call);
    if (status != CNN_OK) {
        return status;
    }
    if (t->kind != CNN__TENSOR_PLAIN) {
        return cnn__fail(t->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: %s is a result of an operation, expected a tensor of the caller's (cnn_tensor_detach)",
                         call, what);
    }
    if (!(dtypes & 1u << t->dtype)) {
        return cnn__fail(t->ctx, CNN_ERROR_DTYPE, "%s: %s is %s, expected int64, int32, uint8, float32 or float64",
                         call, what, cnn_dtype_name(t->dtype));
    }
    if (t->ndim == 0) {
        return cnn__fail(t->ctx, CNN_ERROR_SHAPE, "%s: %s has no dimension, expected [N, ...]", call, what);
    }
    if (!cnn__contiguous(t)) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: %s is not contiguous, expected a tensor that is", call, what);
    }
    int64_t numel;
    return cnn__shape_check(t->ctx, call, CNN_F64, t->ndim, t->shape, &numel);
}

static cnn_status dataset_check_tensors(const cnn_tensor *images, const cnn_tensor *labels)
{
    cnn_status status = dataset_check_tensor(images, "images");
    if (status != CNN_OK || !labels) {
        return status;
    }
    status = dataset_check_tensor(labels, "labels");
    if (status == CNN_OK && images->ctx != labels->ctx) {
        return cnn__fail(images->ctx, CNN_ERROR_STATE,
                         "dataset_from_tensors: labels is of another context than images");
    }
    if (status == CNN_OK && images->shape[0] != labels->shape[0]) {
        return cnn__fail(images->ctx, CNN_ERROR_SHAPE,
                         "dataset_from_tensors: %" PRId64 " images and %" PRId64 " labels, expected as many of both",
                         images->shape[0], labels->shape[0]);
    }
    return status;
}

/* Samples are read by the host: of tensors on a device it keeps a copy. */
static bool take_tensors(cnn_dataset *dataset, const cnn_tensor *images, const cnn_tensor *labels)
{
    cnn_tensor *x = cnn__tensor_on_host(images, "dataset_from_tensors");
    cnn_tensor *y = x && labels ? cnn__tensor_on_host(labels, "dataset_from_tensors") : NULL;
    bool taken = x && (y || !labels);
    if (taken) {
        cnn__dataset_set_images(dataset, x);
    }
    if (taken && y) {
        cnn__dataset_set_labels(dataset, y);
    }
    cnn__tensor_release(x);
    cnn__tensor_release(y);
    return taken;
}

cnn_dataset *cnn_dataset_from_tensors(cnn_tensor *images, cnn_tensor *labels)
{
    const char *call = "dataset_from_tensors";
    if (dataset_check_tensors(images, labels) != CNN_OK) {
        return NULL;
    }
    cnn_dataset *dataset = cnn__dataset_new(images->ctx, call);
    if (!dataset) {
        return NULL;
    }
    if (!take_tensors(dataset, images, labels)) {
        cnn_dataset_free(dataset);
        return NULL;
    }
    if (images->dtype == CNN_U8 && cnn__dataset_normalize(dataset, call, 0, NULL, NULL) != CNN_OK) {
        cnn_dataset_free(dataset);
        return NULL;
    }
    return dataset;
}

/* ---- callbacks ---- */

static cnn_status sample_from(const cnn_context *ctx, const char *what, int ndim, const int64_t *shape, cnn_dtype dtype,
                              cnn__sample_shape *sample)
{
    const char *call = "dataset_from_callbacks";
    if (ndim < 0 || ndim >= CNN_MAX_DIMS) {
        return cnn__fail(ctx, CNN_ERROR_SHAPE, "%s: %s of %d dimensions, expected 0 to %d: a batch has one more", call,
                         what, ndim, CNN_MAX_DIMS - 1);
    }
    cnn_status status = cnn__shape_check(ctx, call, dtype, ndim, shape, &sample->numel);
    if (status != CNN_OK) {
        return status;
    }
    sample->dtype = dtype;
    sample->ndim = ndim;
    if (ndim > 0) {
        memcpy(sample->shape, shape, (size_t)ndim * sizeof *shape);
    }
    sample->bytes = (size_t)sample->numel * cnn_dtype_size(dtype);
    return CNN_OK;
}

static cnn_status check_callbacks(const cnn_context *ctx, const cnn_dataset_callbacks *c)
{
    const char *call = "dataset_from_callbacks";
    if (!c->get == !c->make) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                         c->get ? "both get and make are given, expected one of them" : "get is NULL, and so is make");
    }
    if (c->size < 0) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: size is %" PRId64 ", expected 0 or more", call, c->size);
    }
    if (c->make) {
        return CNN_OK; /* shapes and dtypes are those of the tensors */
    }
    if (!cnn__dtype_is_full(c->image_dtype) && c->image_dtype != CNN_I64) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: image_dtype is %s, expected int64, float32 or float64", call,
                         cnn_dtype_name(c->image_dtype));
    }
    if (!cnn__dtype_is_full(c->label_dtype) && c->label_dtype != CNN_I64) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: label_dtype is %s, expected int64, float32 or float64", call,
                         cnn_dtype_name(c->label_dtype));
    }
    return CNN_OK;
}

/* A callback may ask for another sample of its own dataset, so the lock is recursive. */
static cnn_status make_lock(cnn_dataset *dataset)
{
    dataset->has_lock = cnn__recursive_mutex_init(&dataset->lock) == 0;
    return dataset->has_lock
               ? CNN_OK
               : cnn__fail(dataset->ctx, CNN_ERROR_NO_MEMORY, "dataset_from_callbacks: could not create a mutex");
}

static cnn_dataset *from_callbacks(cnn_context *ctx, const cnn_dataset_callbacks *c)
{
    cnn__sample_shape image = { .ndim = 0 }, label = { .ndim = 0 };
    if (check_callbacks(ctx, c) != CNN_OK ||
        (!c->make && (sample_from(ctx, "images", c->image_ndim, c->image_shape, c->image_dtype, &image) != CNN_OK ||
                      sample_from(ctx, "labels", c->label_ndim, c->label_shape, c->label_dtype, &label) != CNN_OK))) {
        return NULL;
    }
    cnn_dataset *dataset = cnn__dataset_new(ctx, "dataset_from_callbacks");
    if (!dataset) {
        return NULL;
    }
    if (make_lock(dataset) != CNN_OK) {
        cnn_dataset_free(dataset);
        return NULL;
    }
    dataset->size = c->size;
    dataset->image = image;
    dataset->label = label;
    dataset->has_labels = true;
    dataset->get = c->get;
    dataset->make = c->make;
    dataset->concurrent = c->concurrent;
    dataset->free_user = c->free_user;
    dataset->user = c->user;
    dataset->process = cnn__process();
    return dataset;
}

cnn_dataset *cnn_dataset_from_callbacks(cnn_context *ctx, const cnn_dataset_callbacks *callbacks)
{
    const char *call = "dataset_from_callbacks";
    cnn_dataset_callbacks ours = { .size = 0 };
    cnn_dataset *dataset = NULL;
    if (!callbacks) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: callbacks is NULL", call);
        return NULL;
    }
    bool read = CNN__OPTIONS_READ(ctx, call, &ours, callbacks) == CNN_OK;
    if (read && !ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
    } else if (read) {
        dataset = from_callbacks(ctx, &ours);
    }
    /* If the struct's size is garbage, nothing is read from it, and so nothing in it can be freed. */
    if (!dataset && ours.free_user) {
        ours.free_user(ours.user);
    }
    return dataset;
}

/* ---- life ---- */

cnn_dataset *cnn_dataset_share(cnn_dataset *dataset)
{
    if (!dataset) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "dataset_share: dataset is NULL");
        return NULL;
    }
    cnn__references_add(&dataset->references);
    return dataset;
}

void cnn_dataset_free(cnn_dataset *dataset)
{
    if (!dataset || !cnn__references_drop(&dataset->references)) {
        return;
    }
    cnn_context *ctx = dataset->ctx;
    if (dataset->free_user) {
        dataset->free_user(dataset->user);
    }
    if (dataset->has_lock) {
        cnn__recursive_mutex_destroy(&dataset->lock);
    }
    cnn__tensor_release(dataset->images);
    cnn__tensor_release(dataset->labels);
    cnn__tensor_release(dataset->class_names);
    cnn__augmented_free(ctx, dataset->augmented);
    cnn_dataset_free(dataset->source);
    cnn__free(ctx, dataset->indices);
    cnn__free(ctx, dataset->mean);
    cnn__free(ctx, dataset->table);
    cnn__free(ctx, dataset);
    cnn__context_release(ctx);
}

int64_t cnn_dataset_size(const cnn_dataset *dataset)
{
    if (!dataset) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "dataset_size: dataset is NULL");
        return 0;
    }
    return dataset->size;
}
