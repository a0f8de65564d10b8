/* Folded weights that are kept: see folded.h. A forward that finds them stale takes them out of the layer, writes them
 * anew, unless somebody still reads them, and puts them back. So threads that share a module compute at worst each for
 * themselves. */
#include "nn/folded.h"

#include <string.h>

static size_t folded_bytes(const cnn_tensor *t)
{
    return (size_t)t->numel * cnn_dtype_size(t->dtype);
}

static void folded_release(cnn_tensor *made[CNN__FOLDED])
{
    for (int i = 0; i < CNN__FOLDED; i++) {
        if (made[i]) {
            atomic_fetch_sub_explicit(&made[i]->ctx->kept_bytes, folded_bytes(made[i]), memory_order_relaxed);
            cnn__tensor_release(made[i]);
            made[i] = NULL;
        }
    }
}

void cnn__folded_free(cnn__folded *f)
{
    folded_release(f->made);
}

/* Whether the tensors may be written for this weight: nobody else reads them. */
static bool folded_reusable(cnn_tensor *const made[CNN__FOLDED], const cnn_tensor *weight)
{
    bool idle = made[0] != NULL && cnn__same_shape(made[0], weight) && made[0]->dtype == weight->dtype;
    for (int i = 0; idle && i < CNN__FOLDED; i++) {
        idle = atomic_load(&made[i]->references) == 1 && atomic_load(&made[i]->storage->references) == 1;
    }
    return idle;
}

/* New tensors; false: no memory, and none are left. */
static bool folded_make(cnn_tensor *const inputs[CNN__FOLDS], cnn_tensor *made[CNN__FOLDED])
{
    const cnn_tensor *weight = inputs[CNN__FOLD_WEIGHT];
    const int64_t channels[4] = { weight->shape[0], 1, 1, 1 };
    for (int i = 0; i < CNN__FOLDED; i++) {
        made[i] = cnn__tensor_new(weight->ctx, "conv2d", weight->dtype, i == 1 ? 1 : 4, i ? channels : weight->shape);
        if (!made[i]) {
            folded_release(made);
            return false;
        }
        atomic_fetch_add_explicit(&weight->ctx->kept_bytes, folded_bytes(made[i]), memory_order_relaxed);
    }
    return true;
}

/* Under the lock. */
static bool folded_is_current(const cnn__folded *f, const cnn__folded *wanted)
{
    bool same = f->made[0] && f->eps == wanted->eps;
    for (int i = 0; same && i < CNN__FOLDS; i++) {
        same = cnn__elements_same(f->of[i], wanted->of[i]);
    }
    return same;
}

static bool keepable(cnn_tensor *const inputs[CNN__FOLDS])
{
    bool good = !cnn__dtype_is_stored(inputs[CNN__FOLD_WEIGHT]->dtype);
    for (int i = 0; good && i < CNN__FOLDS; i++) {
        good = !inputs[i] || (cnn__kept_fits(inputs[i]) && cnn__contiguous(inputs[i]));
    }
    return good;
}

/* What `f` keeps, with references for the caller where it is current; else it leaves `f`. Under the lock. */
static bool folded_take_current(cnn__folded *f, const cnn__folded *wanted, cnn_tensor *made[CNN__FOLDED])
{
    bool current = folded_is_current(f, wanted);
    memcpy(made, f->made, sizeof f->made);
    for (int i = 0; i < CNN__FOLDED; i++) {
        if (current) {
            cnn__tensor_retain(made[i]);
        }
        f->made[i] = current ? f->made[i] : NULL;
    }
    return current;
}

/* Puts new ones into `f`, with references for the caller; another thread may have been faster. */
static void folded_put(cnn__folded *f, const cnn__folded *made)
{
    cnn_context *ctx = made->made[0]->ctx;
    cnn__folded old;
    for (int i = 0; i < CNN__FOLDED; i++) {
        cnn__tensor_retain(made->made[i]);
    }
    cnn__context_lock(ctx);
    old = *f;
    *f = *made;
    cnn__context_unlock(ctx);
    folded_release(old.made);
}

static bool folded_write(cnn_tensor *const inputs[CNN__FOLDS], double eps, cnn_tensor *made[CNN__FOLDED])
{
    if (!folded_reusable(made, inputs[CNN__FOLD_WEIGHT])) {
        folded_release(made);
    }
    if (!made[0] && !folded_make(inputs, made)) {
        return false;
    }
    cnn__folding l;
    cnn__folding_make(&l, inputs, eps, made);
    for (int i = 0; i < CNN__FOLDED; i++) {
        cnn__tensor_written(made[i]);
    }
    return cnn__launch(made[0]->ctx, "conv2d", &l.fold) == CNN_OK &&
           cnn__launch(made[0]->ctx, "conv2d", &l.multiply) == CNN_OK;
}

bool cnn__folded_take(cnn__folded *f, cnn_tensor *const inputs[CNN__FOLDS], double eps, cnn_tensor *folded[2])
{
    cnn_context *ctx = inputs[CNN__FOLD_WEIGHT]->ctx;
    cnn__folded wanted = { .eps = eps };
    if (!keepable(inputs)) {
        return false;
    }
    for (int i = 0; i < CNN__FOLDS; i++) {
        wanted.of[i] = inputs[i] ? cnn__elements_state_of(inputs[i]) : (cnn__elements_state){ 0 };
    }
    cnn__context_lock(ctx);
    bool current = folded_take_current(f, &wanted, wanted.made);
    cnn__context_unlock(ctx);
    if (!current) {
        if (!folded_write(inputs, eps, wanted.made)) {
            folded_release(wanted.made);
            return false;
        }
        folded_put(f, &wanted);
    }
    cnn__tensor_release(wanted.made[2]);
    folded[0] = wanted.made[0];
    folded[1] = wanted.made[1];
    return true;
}
