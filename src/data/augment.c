/* Chains of transforms as objects, and what the calls that add to them share. */
#include "data/augment.h"

#include "base/references.h"
#include "data/callback.h"

#include <stdio.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- life of a chain ---- */

cnn_augmentation *cnn_augmentation_new(cnn_context *ctx)
{
    const char *call = "augmentation_new";
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
        return NULL;
    }
    cnn_augmentation *a = cnn__calloc(ctx, 1, sizeof *a);
    if (!a) {
        cnn__fail_memory(ctx, call, sizeof *a);
        return NULL;
    }
    cnn__references_init(&a->references);
    atomic_init(&a->used, false);
    a->ctx = cnn__context_retain(ctx);
    return a;
}

void cnn_augmentation_free(cnn_augmentation *augmentation)
{
    cnn_augmentation *a = augmentation;
    if (!a || !cnn__references_drop(&a->references)) {
        return;
    }
    cnn_context *ctx = a->ctx;
    while (a->first) {
        cnn__transform *t = a->first;
        a->first = t->next;
        if (t->kind->release) {
            t->kind->release(t);
        }
        cnn__free(ctx, t);
    }
    cnn__free(ctx, a);
    cnn__context_release(ctx);
}

/* ---- adding ---- */

/* Keeps a failure that is already reported. */
static cnn_status augment_keep(cnn_augmentation *a, cnn_status status)
{
    if (status != CNN_OK && a->status == CNN_OK) {
        a->status = status;
        snprintf(a->message, sizeof a->message, "%s", cnn__failure_message());
    }
    return status;
}

cnn_status cnn__augment_fail(cnn_augmentation *a, cnn_status status, const char *format, ...)
{
    char message[CNN__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(message, sizeof message, format, arguments);
    va_end(arguments);
    return augment_keep(a, cnn__fail(a->ctx, status, "%s", message));
}

bool cnn__augment_begin(cnn_augmentation *a, const char *call)
{
    if (!a) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: augmentation is NULL", call);
        return false;
    }
    if (atomic_load(&a->used)) {
        cnn__fail(a->ctx, CNN_ERROR_STATE,
                  "%s: a dataset uses the augmentation, expected one that no dataset was given yet", call);
        return false;
    }
    return true;
}

bool cnn__augment_options(cnn_augmentation *a, const char *call, void *ours, size_t size, size_t known,
                          const void *given)
{
    return cnn__augment_begin(a, call) &&
           augment_keep(a, cnn__options_read(a->ctx, call, ours, size, known, given)) == CNN_OK;
}

bool cnn__augment_check(cnn_augmentation *a, const char *call, const char *name, double value, double least,
                        double most)
{
    if (value >= least && value <= most) {
        return true;
    }
    cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected %s to %s", call, name, CNN__G(value),
                      CNN__G(least), CNN__G(most));
    return false;
}

bool cnn__augment_check_range(cnn_augmentation *a, const char *call, const char *name, const double range[2],
                              double least, double most)
{
    if (range[0] >= least && range[0] <= range[1] && range[1] <= most) {
        return true;
    }
    cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT,
                      "%s: %s_min is %s and %s_max is %s, expected a range within %s to %s", call, name,
                      CNN__G(range[0]), name, CNN__G(range[1]), CNN__G(least), CNN__G(most));
    return false;
}

cnn_status cnn__augment_add_filled(cnn_augmentation *a, cnn__transform *t, const char *name, double fill, int count,
                                   const double *fills)
{
    if (count < 0 || count > CNN__LARGEST_SIDE || !count != !fills) {
        return cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT, "%s: %ss are %d at %s, expected one per channel",
                                 t->call, name, count, fills ? "an address" : "NULL");
    }
    t->fill = (float)cnn__option(fill, 0);
    t->fill_count = count;
    for (int c = -1; c < count; c++) {
        double value = c < 0 ? fill : fills[c];
        if (!isfinite((float)value)) {
            return cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %s, expected a finite number", t->call,
                                     name, CNN__G(value));
        }
    }
    cnn__transform *added = cnn__augment_add(a, t, (size_t)count * sizeof(float));
    for (int c = 0; added && c < count; c++) {
        ((float *)(void *)(added + 1))[c] = (float)fills[c];
    }
    return added ? CNN_OK : CNN_ERROR_NO_MEMORY;
}

bool cnn__augment_check_size(cnn_augmentation *a, const char *call, int64_t height, int64_t width)
{
    if (height >= 1 && height <= CNN__LARGEST_SIDE && width >= 1 && width <= CNN__LARGEST_SIDE) {
        return true;
    }
    cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT,
                      "%s: the size is %" PRId64 " x %" PRId64 ", expected sides from 1 to %d", call, height, width,
                      CNN__LARGEST_SIDE);
    return false;
}

cnn__transform *cnn__augment_add(cnn_augmentation *a, const cnn__transform *t, size_t extra)
{
    cnn__transform *copy = cnn__alloc(a->ctx, sizeof *copy + extra);
    if (!copy) {
        augment_keep(a, cnn__fail_memory(a->ctx, t->call, sizeof *copy + extra));
        return NULL;
    }
    *copy = *t;
    copy->next = NULL;
    *(a->last ? &a->last->next : &a->first) = copy;
    a->last = copy;
    return copy;
}

/* ---- transforms of the user's ---- */

static cnn_status custom_transform_apply(const cnn__transform *t, cnn__frame *f)
{
    unsigned long failures = cnn__failure_number();
    int cancel = cnn__cancel_defer();
    cnn_status status = t->u.custom.transform(f->x, f->e.c, f->e.h, f->e.w, f->random, t->u.custom.user);
    cnn__cancel_restore(cancel);
    return status == CNN_OK ? CNN_OK
                            : cnn__callback_fail(f->ctx, f->call, "a transform of the augmentation", status, failures,
                                                 "sample", f->sample);
}

static void custom_transform_release(const cnn__transform *t)
{
    if (t->u.custom.free_user) {
        t->u.custom.free_user(t->u.custom.user);
    }
}

cnn_status cnn_augment_custom(cnn_augmentation *augmentation, cnn_transform_fn transform, void (*free_user)(void *user),
                              void *user)
{
    static const cnn__transform_kind kind = { .apply = custom_transform_apply, .release = custom_transform_release };
    cnn__transform t = { .kind = &kind, .call = "augment_custom", .u.custom = { transform, free_user, user } };
    bool good = cnn__augment_begin(augmentation, t.call);
    if (good && !transform) {
        cnn__augment_fail(augmentation, CNN_ERROR_INVALID_ARGUMENT, "%s: transform is NULL", t.call);
        good = false;
    }
    if (good && cnn__augment_add(augmentation, &t, 0)) {
        return CNN_OK;
    }
    cnn_status status = cnn__failure_status();
    custom_transform_release(&t);
    return status;
}
