/* The collate callback for sequences of different lengths (torch.nn.utils.rnn.pad_sequence). Elements are copied by
 * launches, so that they may lie on a device. */
#include "data/dataset.h"

#include <cnn/loader.h>

#include <inttypes.h>
#include <string.h>

static const char *const pad_call = "pad_collate";

/* Whether sample i fits to the first one: the same dtype and the same sizes after the first. */
static cnn_status check_sequence(const cnn_tensor *const *samples, int64_t i, const char *what)
{
    const cnn_tensor *first = samples[0], *t = samples[i];
    char text[CNN__SHAPE_TEXT], other[CNN__SHAPE_TEXT];
    if (!t || cnn__tensor_check(t, pad_call) != CNN_OK) {
        return t ? cnn__failure_status()
                 : cnn__fail(first ? first->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s %" PRId64 " is NULL",
                             pad_call, what, i);
    }
    if (t->dtype != first->dtype) {
        return cnn__fail(t->ctx, CNN_ERROR_DTYPE, "%s: %s %" PRId64 " is %s, but that of sample 0 is %s", pad_call,
                         what, i, cnn_dtype_name(t->dtype), cnn_dtype_name(first->dtype));
    }
    if (t->ctx != first->ctx) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: %s %" PRId64 " is of another context than that of sample 0",
                         pad_call, what, i);
    }
    if (t->ndim != first->ndim ||
        (t->ndim > 1 && memcmp(t->shape + 1, first->shape + 1, (size_t)(t->ndim - 1) * sizeof *t->shape) != 0)) {
        return cnn__fail(t->ctx, CNN_ERROR_SHAPE,
                         "%s: %s %" PRId64 " has shape %s and that of sample 0 has %s, expected them to differ in the "
                         "first size alone",
                         pad_call, what, i, cnn__shape_text(text, t->ndim, t->shape),
                         cnn__shape_text(other, first->ndim, first->shape));
    }
    return CNN_OK;
}

/* A handle on the stack over the part of `all` that sample b goes to. */
static cnn_tensor batch_place(const cnn_tensor *all, const cnn_tensor *sample, int64_t b, int batch_dim)
{
    cnn_tensor place = { .ndim = sample->ndim };
    cnn__tensor_shape_set(&place, all->dtype, sample->ndim, sample->shape);
    for (int d = 0; d < sample->ndim; d++) {
        place.stride[d] = all->stride[d == 0 ? 1 - batch_dim : d + 1];
    }
    place.ctx = all->ctx;
    place.storage = all->storage;
    place.offset = b * all->stride[batch_dim];
    return place;
}

static cnn_status copy_all(cnn_tensor *all, const cnn_tensor *const *samples, int64_t count, int batch_dim)
{
    cnn_status status = CNN_OK;
    for (int64_t b = 0; b < count && status == CNN_OK; b++) {
        cnn_tensor place = batch_place(all, samples[b], b, batch_dim);
        status = cnn__tensor_copy(&place, samples[b], pad_call);
    }
    return status;
}

/* Makes the batch of samples of rank 1 or more, padded; or of rank 0, one number each. NULL: reported. */
static cnn_tensor *pad(const cnn_tensor *const *samples, int64_t count, double value, int batch_dim)
{
    const cnn_tensor *first = samples[0];
    if (first->ndim >= CNN_MAX_DIMS) {
        cnn__fail(first->ctx, CNN_ERROR_SHAPE,
                  "%s: samples of %d dimensions, expected at most %d: a batch has one more", pad_call, first->ndim,
                  CNN_MAX_DIMS - 1);
        return NULL;
    }
    int64_t shape[CNN_MAX_DIMS] = { count }, longest = 0;
    for (int64_t i = 0; i < count && first->ndim > 0; i++) {
        longest = samples[i]->shape[0] > longest ? samples[i]->shape[0] : longest;
    }
    if (first->ndim > 0) {
        shape[batch_dim] = count;
        shape[1 - batch_dim] = longest;
        memcpy(shape + 2, first->shape + 1, (size_t)(first->ndim - 1) * sizeof *shape);
    } else {
        batch_dim = 0;
    }
    cnn_tensor *all = cnn__tensor_new(first->ctx, pad_call, first->dtype, first->ndim + 1, shape);
    if (all && (cnn__fill(all, pad_call, value) != CNN_OK || copy_all(all, samples, count, batch_dim) != CNN_OK)) {
        cnn__tensor_release(all);
        all = NULL;
    }
    return all;
}

/* The lengths of all samples as i64 [count]; NULL: reported. */
static cnn_tensor *lengths_of(const cnn_tensor *const *samples, int64_t count)
{
    cnn_tensor *t = cnn__tensor_new_on_host(samples[0]->ctx, pad_call, CNN_I64, 1, &count);
    for (int64_t i = 0; t && i < count; i++) {
        ((int64_t *)cnn__data(t))[i] = samples[i]->shape[0];
    }
    return cnn__tensor_off_host(t, pad_call);
}

/* Both results, or neither. `lengths` stays NULL for samples of rank 0. */
static cnn_status pad_with_lengths(const cnn_tensor *const *samples, int64_t count, const char *what, double value,
                                   int batch_dim, cnn_tensor **padded, cnn_tensor **lengths)
{
    for (int64_t i = 0; i < count; i++) {
        cnn_status status = check_sequence(samples, i, what);
        if (status != CNN_OK) {
            return status;
        }
    }
    *padded = pad(samples, count, value, batch_dim);
    if (*padded && samples[0]->ndim > 0) {
        *lengths = lengths_of(samples, count);
    }
    if (*padded && (*lengths || samples[0]->ndim == 0)) {
        return CNN_OK;
    }
    cnn__tensor_release(*padded);
    *padded = NULL;
    return cnn__failure_status();
}

cnn_status cnn_pad_collate(cnn_tensor *const *images, cnn_tensor *const *labels, int64_t count, cnn_batch *batch,
                           void *user)
{
    const cnn_tensor *const *x = (const cnn_tensor *const *)images, *const *y = (const cnn_tensor *const *)labels;
    cnn_pad_collate_options o;
    if (!images || !batch || count < 1) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", pad_call,
                         !images ? "images is NULL"
                         : batch ? "count is below 1"
                                 : "batch is NULL");
    }
    cnn_status status = CNN__OPTIONS_READ(NULL, pad_call, &o, user);
    if (status == CNN_OK && images[0] && cnn__tensor_check(images[0], pad_call) == CNN_OK && images[0]->ndim == 0) {
        status = cnn__fail(images[0]->ctx, CNN_ERROR_SHAPE, "%s: images of rank 0, expected [length, ...]", pad_call);
    }
    cnn_tensor *made[4] = { NULL, NULL, NULL, NULL };
    if (status == CNN_OK) {
        status = pad_with_lengths(x, count, "the image of sample", o.value, !o.batch_first, &made[0], &made[1]);
    }
    if (status == CNN_OK && labels) {
        status = pad_with_lengths(y, count, "the label of sample", o.label_value, !o.batch_first, &made[2], &made[3]);
    }
    if (status != CNN_OK) {
        cnn__tensor_release(made[0]);
        cnn__tensor_release(made[1]);
        return status;
    }
    batch->images = made[0];
    batch->lengths = made[1];
    batch->labels = made[2];
    batch->label_lengths = made[3];
    return CNN_OK;
}
