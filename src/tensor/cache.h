/* A tape's cache of storages ("blocks") and the workspace of its kernels. It is used by one thread at a time.
 *
 * The rules that bound what it holds are at the top of cache.c. */
#ifndef CNN_TENSOR_CACHE_H
#define CNN_TENSOR_CACHE_H

#include "tensor/tensor.h"

typedef struct cnn__cache cnn__cache;

cnn__cache *cnn__cache_new(cnn_context *ctx);
/* Frees the cache and its idle blocks. All blocks must have been returned. */
void cnn__cache_free(cnn__cache *cache);
/* Begins a step. `shared` says that no graph is recorded, so that a block may serve several sizes in turn. All
 * blocks must have been returned. */
void cnn__cache_begin(cnn__cache *cache, bool shared);
/* Returns a block of at least `bytes`, which cnn__storage_release() returns to the cache; NULL if there is no memory
 * even after the idle blocks were freed. */
cnn__storage *cnn__cache_get(cnn__cache *cache, size_t bytes);
/* Takes a block back; called by cnn__storage_release(). */
void cnn__cache_put(cnn__storage *block);
/* Returns a workspace of at least `bytes` and invalidates the one that the previous call returned; NULL if there is
 * no memory. */
void *cnn__cache_workspace(cnn__cache *cache, size_t bytes);
/* Notes that no kernel uses the workspace any more, so that it may be freed to keep within the bound. */
void cnn__cache_workspace_done(cnn__cache *cache);
/* Frees every block that is idle. Returns false if there was none. */
bool cnn__cache_trim(cnn__cache *cache);
/* The bytes of all blocks and of the workspace. */
size_t cnn__cache_bytes(const cnn__cache *cache);

/* ---- for the cache's own files ---- */

/* Where slots may grow, a plan says with what size each slot of a step began, what it grew to, and the largest size on
 * the way that is at most half of that. An equal step makes equal slots in the same order, so each of them gets a block
 * for its last size, or for its sizes up to half of that, at once. */
typedef struct cnn__plan_slot {
    size_t first, half, last;
} cnn__plan_slot;

typedef struct cnn__plan {
    cnn__plan_slot *slots;
    int count, capacity;
    uint64_t used;      /* the last step that followed it */
    uint64_t allocated; /* the last step that got a new block while following it */
    int followed;       /* number of steps that followed it */
    bool careful;       /* bind slots to their last size only once they are more than half as large */
} cnn__plan;

enum { CNN__PLANS = 4 };

typedef struct cnn__plans {
    cnn_context *ctx;
    cnn__plan plan[CNN__PLANS];
    int now;  /* index of the plan that this step follows or makes */
    int made; /* number of slots of this step */
    uint64_t steps;
} cnn__plans;

void cnn__plans_begin(cnn__plans *plans);
/* Adds the step's next slot, whose first size is given. Returns the number of the slot, or −1 if there is no memory. */
int cnn__plans_slot(cnn__plans *plans, size_t first);
/* The size of the block that a slot of `bytes` should get in this step, between `bytes` and `limit`. */
size_t cnn__plans_block(const cnn__plans *plans, int slot, size_t bytes, size_t limit);
/* Notes that a slot of this step got a new block: if steps have followed the plan before, the plan becomes careful. */
void cnn__plans_allocated(cnn__plans *plans);
/* Notes that a slot of this step has grown. */
void cnn__plans_grow(cnn__plans *plans, int slot, size_t bytes);
void cnn__plans_free(cnn__plans *plans);

#endif
