/* Weights in the forms that kernels read: see kept.h. A storage has a short list of them, which the context's lock
 * guards; their memory is written and read outside of it, under a count of users. */
#include "tensor/kept.h"

#include <string.h>

enum {
    FORMS = 3,       /* forms per storage: a weight is read by one kernel or two */
    MIN_BYTES = 4096 /* below that, packing costs no more than finding the form */
};

struct cnn__kept {
    struct cnn__kept *next;
    cnn__storage *storage;
    cnn__form form;
    cnn__elements_state state; /* the state of the elements that it was made of */
    int users;
    bool ready;
    void *memory;
};

cnn__elements_state cnn__elements_state_of(const cnn_tensor *t)
{
    return (cnn__elements_state){ t->storage->serial, t->offset, cnn__tensor_version(t),
                                  atomic_load_explicit(&t->storage->handed_out, memory_order_relaxed) };
}

bool cnn__elements_same(cnn__elements_state a, cnn__elements_state b)
{
    return a.serial == b.serial && a.offset == b.offset && a.version == b.version && a.handed_out == b.handed_out;
}

bool cnn__kept_fits(const cnn_tensor *weight)
{
    const cnn__storage *s = weight->storage;
    return !s->cache && !s->borrowed && !s->on_device && !s->ctx->device && cnn__dtype_is_real(weight->dtype);
}

static bool kept_is(const cnn__kept *k, const cnn_tensor *weight, const cnn__form *form)
{
    return k->state.offset == weight->offset && k->form.kernel == form->kernel && k->form.bytes == form->bytes &&
           memcmp(k->form.numbers, form->numbers, sizeof form->numbers) == 0;
}

/* Takes one that is there. Under the lock. */
static cnn__kept *kept_use(cnn__kept *k, cnn__elements_state state, cnn__kept_form *memory)
{
    bool current = k->ready && cnn__elements_same(k->state, state);
    if (!current && k->users) {
        return NULL;
    }
    k->users++;
    *memory = (cnn__kept_form){ k->memory, !current };
    if (!current) {
        k->state = state;
        k->ready = false;
    }
    return k;
}

/* Looks for the form; where it is missing, *left says how many more there may be. Under the lock. */
static cnn__kept *kept_find(const cnn_tensor *weight, const cnn__form *form, int *left)
{
    *left = FORMS;
    for (cnn__kept *k = weight->storage->kept; k; k = k->next, --*left) {
        if (kept_is(k, weight, form)) {
            return k;
        }
    }
    return NULL;
}

static void kept_free_form(cnn__kept *k)
{
    cnn_context *ctx = k->storage->ctx;
    atomic_fetch_sub_explicit(&ctx->kept_bytes, k->form.bytes, memory_order_relaxed);
    cnn__free(ctx, k->memory);
    cnn__free(ctx, k);
}

static cnn__kept *kept_make(const cnn_tensor *weight, const cnn__form *form)
{
    cnn_context *ctx = weight->storage->ctx;
    cnn__kept *k = cnn__alloc(ctx, sizeof *k);
    void *memory = k ? cnn__alloc(ctx, form->bytes) : NULL;
    if (!memory) {
        cnn__free(ctx, k);
        return NULL;
    }
    *k = (cnn__kept){ .storage = weight->storage, .form = *form, .memory = memory };
    k->state.offset = weight->offset;
    atomic_fetch_add_explicit(&ctx->kept_bytes, form->bytes, memory_order_relaxed);
    return k;
}

/* Another thread may have made the same one meanwhile. */
static cnn__kept *kept_add(const cnn_tensor *weight, cnn__kept *made, cnn__elements_state state, cnn__kept_form *memory)
{
    int left;
    cnn__storage *s = weight->storage;
    cnn__context_lock(s->ctx);
    cnn__kept *k = kept_find(weight, &made->form, &left);
    bool adds = !k && left > 0;
    if (adds) {
        made->next = s->kept;
        s->kept = k = made;
    }
    k = k ? kept_use(k, state, memory) : NULL;
    cnn__context_unlock(s->ctx);
    if (!adds) {
        kept_free_form(made);
    }
    return k;
}

cnn__kept *cnn__kept_take(const cnn_tensor *weight, const cnn__form *form, cnn__kept_form *memory)
{
    int left;
    cnn_context *ctx = weight->storage->ctx;
    cnn__elements_state state = cnn__elements_state_of(weight);
    if (form->bytes < MIN_BYTES) {
        return NULL;
    }
    cnn__context_lock(ctx);
    cnn__kept *k = kept_find(weight, form, &left), *taken = k ? kept_use(k, state, memory) : NULL;
    cnn__context_unlock(ctx);
    if (k || !left) {
        return taken;
    }
    cnn__kept *made = kept_make(weight, form);
    return made ? kept_add(weight, made, state, memory) : NULL;
}

void cnn__kept_done(cnn__kept *k, bool written)
{
    cnn_context *ctx = k->storage->ctx;
    cnn__context_lock(ctx);
    k->users--;
    k->ready |= written;
    cnn__context_unlock(ctx);
}

void cnn__kept_free(cnn__storage *storage)
{
    for (cnn__kept *k = storage->kept, *next; k; k = next) {
        next = k->next;
        kept_free_form(k);
    }
}

size_t cnn_context_packed_memory(const cnn_context *ctx)
{
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "context_packed_memory: ctx is NULL");
        return 0;
    }
    return atomic_load_explicit(&ctx->kept_bytes, memory_order_relaxed);
}
