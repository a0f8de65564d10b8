/* A tape's cache of storages ("blocks"), and its kernels' workspace. Used by one thread.
 *
 * The rules that bound what it holds are at the top of cache.c. */
#ifndef CNN_TENSOR_CACHE_H
#define CNN_TENSOR_CACHE_H

#include "tensor/tensor.h"

typedef struct cnn__cache cnn__cache;

cnn__cache *cnn__cache_new(cnn_context *ctx);
/* Frees the cache and its idle blocks; every block is back by then. */
void cnn__cache_free(cnn__cache *cache);
/* Begins a step. `shared` says that no graph is recorded, so that a block may serve one size after another. Every
 * block is back by then. */
void cnn__cache_begin(cnn__cache *cache, bool shared);
/* A block of at least `bytes`, which cnn__storage_release() gives back. NULL: no memory, even without the idle
 * blocks. */
cnn__storage *cnn__cache_get(cnn__cache *cache, size_t bytes);
/* Takes a block back; for cnn__storage_release(). */
void cnn__cache_put(cnn__storage *block);
/* The workspace, of at least `bytes`; each call ends the life of what the one before returned. NULL: no memory. */
void *cnn__cache_workspace(cnn__cache *cache, size_t bytes);
/* Says that no kernel uses the workspace any more, so that it may be freed to keep to the bound. */
void cnn__cache_workspace_done(cnn__cache *cache);
/* Frees every block that is idle. Returns false if there was none. */
bool cnn__cache_trim(cnn__cache *cache);
/* The bytes of all blocks and of the workspace. */
size_t cnn__cache_bytes(const cnn__cache *cache);

/* ---- for the cache's own files ---- */

/* Where slots may grow, a plan says with what size each slot of a step began and what it grew to. An equal step
 * makes equal slots in the same order, so each of them gets a block for its last size at once. */
typedef struct cnn__plan_slot {
    size_t first, last;
} cnn__plan_slot;

typedef struct cnn__plan {
    cnn__plan_slot *slots;
    int count, capacity;
    uint64_t used; /* the step that followed it last */
} cnn__plan;

enum { CNN__PLANS = 4 };

typedef struct cnn__plans {
    cnn_context *ctx;
    cnn__plan plan[CNN__PLANS];
    int now;  /* the one that this step follows or makes */
    int made; /* slots of this step */
    uint64_t steps;
} cnn__plans;

void cnn__plans_begin(cnn__plans *plans);
/* Enters the step's next slot, whose first size is given. `*last` is what it will grow to if the step goes on as a
 * plan says; the first size where no plan does. Returns the slot's number, −1: no memory. */
int cnn__plans_slot(cnn__plans *plans, size_t first, size_t *last);
/* A slot of this step has become larger. */
void cnn__plans_grow(cnn__plans *plans, int slot, size_t bytes);
void cnn__plans_free(cnn__plans *plans);

#endif
