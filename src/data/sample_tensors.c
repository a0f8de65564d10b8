/* Samples as tensors of their own: cnn_dataset_get(), and what a collate callback is given. */
#include "data/callback.h"
#include "data/dataset.h"

cnn_status cnn__callback_fail(const cnn_context *ctx, const char *call, const char *who, cnn_status status,
                              unsigned long failures_before, const char *what, int64_t i)
{
    char cause[CNN__MESSAGE_SIZE] = "";
    bool told = cnn__failure_number() != failures_before;
    if (told) {
        cnn__message(cause, sizeof cause, " (%s)", cnn__failure_message());
    }
    bool no_memory = told && status == CNN_ERROR_NO_MEMORY && cnn__failure_status() == status;
    return cnn__fail(ctx, no_memory ? status : CNN_ERROR_CALLBACK, "%s: %s returned %s for %s %" PRId64 "%s", call, who,
                     cnn_status_name(status), what, i, cause);
}

bool cnn__callback_tensor_take(cnn_tensor *t, const cnn_context *ctx)
{
    if (!t || t->kind != CNN__TENSOR_PLAIN || t->owned) {
        return false;
    }
    t->owned = t->ctx == ctx;
    if (!t->owned) {
        cnn__tensor_release(t);
        return false;
    }
    return true;
}

/* Tensors that the dataset's `make` makes. */
static cnn_status sample_by_make(cnn_dataset *dataset, const char *call, int64_t i, cnn_tensor **image,
                                 cnn_tensor **label)
{
    cnn_tensor *x = NULL, *y = NULL;
    cnn_status status = cnn__dataset_call(dataset, call, i, &x, &y);
    if (status != CNN_OK) {
        return status; /* then nothing was made */
    }
    bool has_image = cnn__callback_tensor_take(x, dataset->ctx);
    bool has_label = cnn__callback_tensor_take(y, dataset->ctx);
    if (!has_image || (y && !has_label)) {
        cnn__tensor_release(has_image ? x : NULL);
        cnn__tensor_release(has_label ? y : NULL);
        return cnn__fail(dataset->ctx, CNN_ERROR_CALLBACK,
                         "%s: the dataset's make gave %s for sample %" PRId64
                         ", expected a tensor of its own in the dataset's context",
                         call,
                         !x          ? "no image"
                         : has_image ? "an unfit label"
                                     : "an unfit image",
                         i);
    }
    *image = x;
    *label = y;
    return CNN_OK;
}

/* Tensors that are filled as a batch would be. */
static cnn_status sample_by_write(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t i,
                                  cnn_tensor **image, cnn_tensor **label)
{
    const cnn__sample_shape *is = &dataset->image, *ls = &dataset->label;
    cnn_tensor *x = cnn__tensor_new_on_host(dataset->ctx, call, is->dtype, is->ndim, is->shape);
    cnn_tensor *y =
        x && dataset->has_labels ? cnn__tensor_new_on_host(dataset->ctx, call, ls->dtype, ls->ndim, ls->shape) : NULL;
    cnn_status status = CNN_OK;
    if (!x || (dataset->has_labels && !y)) {
        status = cnn__failure_status();
    } else {
        status = cnn__dataset_write(dataset, call, seed, i, cnn__data(x), y ? cnn__data(y) : NULL);
    }
    if (status == CNN_OK) {
        x = cnn__tensor_off_host(x, call);
        y = cnn__tensor_off_host(y, call);
        status = x && (y || !dataset->has_labels) ? CNN_OK : cnn__failure_status();
    }
    if (status != CNN_OK) {
        cnn__tensor_release(x);
        cnn__tensor_release(y);
        return status;
    }
    x->owned = true;
    if (y) {
        y->owned = true;
    }
    *image = x;
    *label = y;
    return CNN_OK;
}

cnn_status cnn__dataset_make(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t i,
                             cnn_tensor **image, cnn_tensor **label)
{
    return cnn__dataset_makes(dataset) ? sample_by_make(dataset, call, cnn__dataset_index(dataset, i), image, label)
                                       : sample_by_write(dataset, call, seed, i, image, label);
}

cnn_status cnn_dataset_get(const cnn_dataset *dataset, int64_t i, cnn_tensor **image, cnn_tensor **label)
{
    const char *call = "dataset_get";
    if (!dataset || !image) {
        return cnn__fail(dataset ? dataset->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                         dataset ? "image" : "dataset");
    }
    if (i < 0 || i >= dataset->size) {
        return cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: sample %" PRId64 " of %" PRId64 ", expected 0 to %" PRId64, call, i, dataset->size,
                         dataset->size - 1);
    }
    cnn_tensor *x, *y;
    cnn_random_state state;
    cnn_context_random_state(dataset->ctx, &state);
    /* Making a sample changes only the lock. */
    cnn_status status =
        cnn__dataset_make((cnn_dataset *)(uintptr_t)dataset, call, (cnn__sample_seed){ state.seed, 0 }, i, &x, &y);
    if (status != CNN_OK) {
        return status;
    }
    x->owned = false; /* the caller's */
    *image = x;
    if (y) {
        y->owned = false;
    }
    if (label) {
        *label = y;
    } else {
        cnn__tensor_release(y);
    }
    return CNN_OK;
}
