/* The cache of a tape's blocks: what it gives out, what it keeps, and the bound on both.
 *
 * Within a step requests are met by slots. A slot stands for a block that a tape with an empty cache would make for
 * this step; it has a size and is bound to a real block of at least that size until the step ends. In a step that
 * records a graph a slot serves one size class, and a new one is made when all of its class are in use. Other steps
 * hold few results at a time, of many sizes: there the smallest free slot that is large enough serves, or the largest
 * free one grows, so that there are only as many slots as results are in use at once. Which slots a step makes thus
 * follows from its requests alone and not from what is cached, and their sizes, with the largest workspace asked for,
 * add up to what the step *needs*.
 *
 * A new slot is bound to the smallest idle block that fits it; one that may grow, to the most that it grew to in steps
 * that began alike (cache_plan.c). Bound blocks stay so while the step lasts, and then the best fit is the best choice:
 * if the idle blocks can serve all the slots of a step, they do. Hence a step that follows an equal one allocates
 * nothing, and neither do steps that take turns while their blocks are kept.
 *
 * The bound: let M be the most that any step has needed. All blocks and the workspace together are at most 1.5 M.
 *   - Blocks may be larger than their slots by M / 2 in all; where the best fit is larger still, a block is made.
 *   - Before a block is made, idle ones are freed, least recently used first, until it stays within 1.5 M. That is
 *     enough where slots become what they were expected to: what is bound is then at most what the step needs and that
 *     half. A step that begins like another and then goes its own way has slots bound to more than they become, of at
 *     most M in all: the cache may hold 2.5 M then.
 *   - A workspace left by another step is freed last. */
#include "tensor/cache.h"

#include "base/references.h"

#include <stdint.h>

enum { SMALL = 1 << 20, GRAIN = 1 << 16, LEAST = 256, MOST_COMPARED = 256 };

/* A size class: the free slots of that size, and the idle blocks of that size. */
typedef struct bin {
    size_t bytes;
    cnn__storage *slots, *idle;
} bin;

struct cnn__cache {
    cnn_context *ctx;
    bin *bins; /* by size */
    int count, capacity;
    cnn__storage *oldest, *newest; /* the idle blocks, by their last use */
    size_t bytes;                  /* the bytes of all blocks */
    size_t bound, slots,
        planned; /* bytes of the blocks bound to slots; of those slots, now and as they are expected to end */
    size_t most; /* the most that a step has needed */
    cnn__storage *workspace; /* NULL: none yet */
    size_t asked;            /* the most that this step asked for as workspace */
    bool busy;               /* a kernel uses the workspace */
    bool shared;             /* the step's slots may grow */
    bool fresh; /* no block serves twice, and each is as large as it is asked for: on a device that records */
    uint32_t step;
    cnn__plans plans; /* the plans of steps with `shared` */
};

/* Eight classes a power of two up to a megabyte, then multiples of 64 KiB. */
static size_t size_class(size_t bytes)
{
    if (bytes <= LEAST) {
        return LEAST;
    }
    size_t grain = GRAIN;
    if (bytes <= SMALL) {
        int exponent = 63 - __builtin_clzll((unsigned long long)(bytes - 1));
        grain = (size_t)1 << (exponent - 3);
    }
    return bytes > SIZE_MAX - grain ? bytes : (bytes + grain - 1) / grain * grain;
}

/* ---- bins ---- */

/* The first bin of at least `bytes`; `count` if there is none. */
static int bin_at_least(const cnn__cache *cache, size_t bytes)
{
    int low = 0, high = cache->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (cache->bins[middle].bytes < bytes) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bin *find_bin(cnn__cache *cache, size_t bytes)
{
    return &cache->bins[bin_at_least(cache, bytes)];
}

static bool add_bin(cnn__cache *cache, int at, size_t bytes)
{
    if (cache->count == cache->capacity) {
        int capacity = cache->capacity ? 2 * cache->capacity : 64;
        bin *bins = cnn__calloc(cache->ctx, (size_t)capacity, sizeof *bins);
        if (!bins) {
            return false;
        }
        for (int i = 0; i < cache->count; i++) {
            bins[i] = cache->bins[i];
        }
        cnn__free(cache->ctx, cache->bins);
        cache->bins = bins;
        cache->capacity = capacity;
    }
    for (int i = cache->count++; i > at; i--) {
        cache->bins[i] = cache->bins[i - 1];
    }
    cache->bins[at] = (bin){ .bytes = bytes };
    return true;
}

static void push(cnn__storage **list, cnn__storage *block)
{
    block->previous = NULL;
    block->next = *list;
    if (*list) {
        (*list)->previous = block;
    }
    *list = block;
}

static void pull(cnn__storage **list, cnn__storage *block)
{
    *(block->previous ? &block->previous->next : list) = block->next;
    if (block->next) {
        block->next->previous = block->previous;
    }
}

/* ---- idle blocks ---- */

/* On a device the idle blocks of one size stand in the order of their addresses: steps that are alike then find the
 * same block for the same result, and addresses are what a back end recognises a step by. Only the first are compared,
 * so that a step of very many results takes no longer for each. The host takes the newest first, which is the likeliest
 * to be cached. */
static void push_idle(const cnn__cache *cache, cnn__storage **list, cnn__storage *block)
{
    cnn__storage *before = NULL;
    int left = cache->ctx->device ? MOST_COMPARED : 0;
    while (left-- > 0 && *list && (uintptr_t)(*list)->data < (uintptr_t)block->data) {
        before = *list;
        list = &before->next;
    }
    push(list, block);
    block->previous = before;
}

static void make_idle(cnn__cache *cache, cnn__storage *block)
{
    block->slot_bytes = 0;
    push_idle(cache, &find_bin(cache, block->bytes)->idle, block);
    block->newer = NULL;
    block->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = block;
    cache->newest = block;
}

static void take_idle(cnn__cache *cache, bin *from, cnn__storage *block)
{
    pull(&from->idle, block);
    *(block->older ? &block->older->newer : &cache->oldest) = block->newer;
    *(block->newer ? &block->newer->older : &cache->newest) = block->older;
}

static void free_block(cnn__cache *cache, cnn__storage *block)
{
    cache->bytes -= block->bytes;
    cnn__storage_unmake(block);
}

static void free_oldest(cnn__cache *cache)
{
    cnn__storage *block = cache->oldest;
    take_idle(cache, find_bin(cache, block->bytes), block);
    free_block(cache, block);
}

bool cnn__cache_trim(cnn__cache *cache)
{
    bool any = cache->oldest != NULL;
    while (cache->oldest) {
        free_oldest(cache);
    }
    return any;
}

/* The bin of the smallest idle blocks that are large enough, from bin `first` on; NULL: there are none. */
static bin *best_fit(const cnn__cache *cache, int first)
{
    for (int i = first; i < cache->count; i++) {
        if (cache->bins[i].idle) {
            return &cache->bins[i];
        }
    }
    return NULL;
}

/* ---- the bound ---- */

static size_t workspace_bytes(const cnn__cache *cache)
{
    return cache->workspace ? cache->workspace->bytes : 0;
}

/* Sizes that no memory could hold saturate. */
static size_t cache_add(size_t a, size_t b)
{
    size_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

/* M, once this step needs `more` than so far. */
static size_t most_with(const cnn__cache *cache, size_t more)
{
    size_t need = cache_add(cache_add(cache->slots, cache->asked), more);
    return need > cache->most ? need : cache->most;
}

static bool exceeds(const cnn__cache *cache, size_t more, size_t most)
{
    return cache_add(cnn__cache_bytes(cache), more) > cache_add(most, most / 2);
}

static void free_workspace(cnn__cache *cache)
{
    if (cache->workspace) {
        cnn__storage_unmake(cache->workspace);
        cache->workspace = NULL;
    }
}

/* Frees what is idle until `more` bytes fit under the bound. */
static void make_way(cnn__cache *cache, size_t more, size_t most)
{
    while (cache->oldest && exceeds(cache, more, most)) {
        free_oldest(cache);
    }
    if (!cache->busy && exceeds(cache, more, most)) {
        free_workspace(cache);
    }
}

static cnn__storage *cache_allocate(cnn__cache *cache, size_t bytes)
{
    cnn__storage *block = cnn__storage_make(cache->ctx, bytes);
    return block || !cnn__cache_trim(cache) ? block : cnn__storage_make(cache->ctx, bytes);
}

/* The number of the bin of this size; −1: no memory for one. */
static int have_bin(cnn__cache *cache, size_t bytes)
{
    int at = bin_at_least(cache, bytes);
    bool there = (at < cache->count && cache->bins[at].bytes == bytes) || add_bin(cache, at, bytes) ||
                 (cnn__cache_trim(cache) && add_bin(cache, at, bytes));
    return there ? at : -1;
}

/* ---- slots ---- */

static cnn__storage *make_block(cnn__cache *cache, size_t bytes, size_t most)
{
    make_way(cache, bytes, most);
    cnn__storage *block = have_bin(cache, bytes) >= 0 ? cache_allocate(cache, bytes) : NULL;
    if (block) {
        block->cache = cache;
        block->born = cache->step;
        cache->bytes += bytes;
    }
    return block;
}

/* Begins or goes on with a slot of `bytes`, the size of bin `at`, expected to become `planned`, on the best fit or on a
 * new block. */
static cnn__storage *bind(cnn__cache *cache, int at, size_t bytes, size_t planned)
{
    size_t most = most_with(cache, bytes), waste = cache->bound - cache->planned;
    /* A plan is followed only as far as a step that ends as it says has been seen. */
    if (planned > bytes && cache_add(cache_add(cache->planned, cache->asked), planned) > most) {
        planned = bytes;
    }
    bin *fit = best_fit(cache, planned == bytes ? at : bin_at_least(cache, planned));
    cnn__storage *block = fit ? fit->idle : NULL;
    if (block && cache_add(waste, block->bytes - planned) <= most / 2) {
        take_idle(cache, fit, block);
    } else if (!(block = make_block(cache, planned, most))) {
        return planned > bytes ? bind(cache, bin_at_least(cache, bytes), bytes, bytes) : NULL;
    }
    block->slot_bytes = bytes;
    block->planned = planned;
    cache->bound += block->bytes;
    cache->slots += bytes;
    cache->planned += planned;
    cache->most = most;
    return block;
}

static void unbind(cnn__cache *cache, const cnn__storage *block)
{
    cache->bound -= block->bytes;
    cache->slots -= block->slot_bytes;
    cache->planned -= block->planned;
}

static cnn__storage *new_slot(cnn__cache *cache, int at, size_t bytes)
{
    size_t planned = bytes;
    int slot = cache->shared ? cnn__plans_slot(&cache->plans, bytes, &planned) : 0;
    if (slot < 0 && cnn__cache_trim(cache)) {
        slot = cnn__plans_slot(&cache->plans, bytes, &planned);
    }
    cnn__storage *block = slot < 0 ? NULL : bind(cache, at, bytes, planned);
    if (block) {
        block->slot = slot;
    }
    return block;
}

/* A free slot becomes larger. If its block is too small, it gets another one; a block that this very step made is
 * freed first, because an equal step will not use it. */
static cnn__storage *grow(cnn__cache *cache, cnn__storage *block, size_t bytes)
{
    int slot = block->slot;
    pull(&find_bin(cache, block->slot_bytes)->slots, block);
    unbind(cache, block);
    if (block->bytes >= bytes) {
        block->slot_bytes = bytes;
        block->planned = bytes > block->planned ? bytes : block->planned;
        cache->bound += block->bytes;
        cache->slots += bytes;
        cache->planned += block->planned;
        cache->most = most_with(cache, 0);
        cnn__plans_grow(&cache->plans, slot, bytes);
        return block;
    }
    if (block->born == cache->step) {
        free_block(cache, block);
    } else {
        make_idle(cache, block);
    }
    block = bind(cache, bin_at_least(cache, bytes), bytes, bytes);
    if (block) {
        block->slot = slot;
        cnn__plans_grow(&cache->plans, slot, bytes);
    }
    return block;
}

/* A slot that is free: of exactly the size of bin `at`, or in a step whose slots may grow the smallest that is
 * larger. */
static cnn__storage *free_slot(cnn__cache *cache, int at)
{
    int end = cache->shared ? cache->count : at + 1;
    for (int i = at; i < end; i++) {
        cnn__storage *block = cache->bins[i].slots;
        if (block) {
            pull(&cache->bins[i].slots, block);
            return block;
        }
    }
    return NULL;
}

static cnn__storage *largest_free_slot(const cnn__cache *cache)
{
    for (int i = cache->count - 1; i >= 0; i--) {
        if (cache->bins[i].slots) {
            return cache->bins[i].slots;
        }
    }
    return NULL;
}

cnn__storage *cnn__cache_get(cnn__cache *cache, size_t bytes)
{
    bytes = cache->fresh ? bytes : size_class(bytes);
    int at = have_bin(cache, bytes);
    if (at < 0) {
        return NULL;
    }
    cnn__storage *block = cache->fresh ? make_block(cache, bytes, SIZE_MAX) : free_slot(cache, at);
    if (!block && !cache->fresh) {
        cnn__storage *small = cache->shared ? largest_free_slot(cache) : NULL;
        block = small ? grow(cache, small, bytes) : new_slot(cache, at, bytes);
    }
    if (block) {
        atomic_store_explicit(&block->references, 1, memory_order_relaxed);
    }
    return block;
}

void cnn__cache_put(cnn__storage *block)
{
    if (block->cache->fresh) {
        free_block(block->cache, block);
        return;
    }
    push(&find_bin(block->cache, block->slot_bytes)->slots, block);
}

/* ---- the workspace ---- */

/* One block that grows to the most that any kernel asks for: kernels run one after the other, and sizes that differ
 * from layer to layer would each leave a block of their own, or take those of results. */
void *cnn__cache_workspace(cnn__cache *cache, size_t bytes)
{
    size_t before = cache->asked, most;
    cache->asked = bytes > before ? bytes : before;
    most = most_with(cache, 0);
    cache->busy = false;
    if (workspace_bytes(cache) < bytes || !cache->workspace) {
        free_workspace(cache);
    } else {
        make_way(cache, 0, most);
    }
    if (!cache->workspace) {
        make_way(cache, bytes, most);
        cache->workspace = cache_allocate(cache, bytes);
    }
    if (!cache->workspace) {
        cache->asked = before;
        return NULL;
    }
    cache->most = most;
    cache->busy = true;
    return cache->workspace->data;
}

void cnn__cache_workspace_done(cnn__cache *cache)
{
    cache->busy = false;
    if (exceeds(cache, 0, cache->most)) {
        make_way(cache, 0, cache->most);
    }
}

size_t cnn__cache_bytes(const cnn__cache *cache)
{
    return cache->bytes + workspace_bytes(cache);
}

/* ---- life ---- */

cnn__cache *cnn__cache_new(cnn_context *ctx)
{
    cnn__cache *cache = cnn__calloc(ctx, 1, sizeof *cache);
    if (cache) {
        cache->ctx = ctx;
        cache->plans.ctx = ctx;
        cache->fresh = ctx->device && ctx->device->records;
    }
    return cache;
}

/* All slots end. The larger of their blocks become idle first, and are the first to be freed. */
static void end_slots(cnn__cache *cache)
{
    for (int i = cache->count - 1; i >= 0; i--) {
        for (cnn__storage *block = cache->bins[i].slots, *next; block; block = next) {
            next = block->next;
            make_idle(cache, block);
        }
        cache->bins[i].slots = NULL;
    }
    cache->bound = cache->slots = cache->planned = cache->asked = 0;
}

void cnn__cache_begin(cnn__cache *cache, bool shared)
{
    int kept = 0;
    end_slots(cache);
    for (int i = 0; i < cache->count; i++) {
        if (cache->bins[i].idle) {
            cache->bins[kept++] = cache->bins[i];
        }
    }
    cache->count = kept;
    cache->shared = shared;
    cache->step++;
    if (shared) {
        cnn__plans_begin(&cache->plans);
    }
}

void cnn__cache_free(cnn__cache *cache)
{
    if (!cache) {
        return;
    }
    end_slots(cache);
    cnn__cache_trim(cache);
    free_workspace(cache);
    cnn__plans_free(&cache->plans);
    cnn__free(cache->ctx, cache->bins);
    cnn__free(cache->ctx, cache);
}
