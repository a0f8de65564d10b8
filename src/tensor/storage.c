/* Storages and the cache that recycles them.
 *
 * The cache sorts blocks into bins by size class. In steps that record a graph it gives out only exact classes: equal steps
 * ask for equal classes in equal numbers, so after the first one every request is met, which is what makes a training step free
 * of allocations.
 *
 * Other steps hold few results at a time, of many sizes. There a request takes any free block that is large enough, or a smaller
 * one is exchanged for a larger one, so that there are only as many blocks as are in use at once. The cache remembers which block
 * each request of the step got: an equal step gets the same ones, each free when its turn comes as it was then. */
#include "tensor/tensor.h"

#include "base/references.h"

enum { SMALL = 1 << 20, GRAIN = 1 << 16, LEAST = 256, HEADER = 128 };

_Static_assert(sizeof(cnn__storage) <= HEADER, "a storage's elements begin HEADER bytes after it");

typedef struct cnn__bin {
    size_t bytes;
    cnn__storage *free; /* singly linked by `next` */
} cnn__bin;

struct cnn__cache {
    cnn_context *ctx;
    cnn__bin *bins; /* in order of creation; there are a few dozen */
    int count, capacity;
    size_t bytes;
    bool planned;         /* the step shares blocks between sizes */
    cnn__storage **plan;  /* the block of each request of such a step */
    int plan_count, plan_capacity, place;
};

static cnn__storage *storage_make(cnn_context *ctx, size_t bytes)
{
    size_t total;
    if (__builtin_add_overflow(bytes, (size_t)HEADER, &total)) {
        return NULL;
    }
    cnn__storage *storage = cnn__alloc(ctx, total);
    if (!storage) {
        return NULL;
    }
    *storage = (cnn__storage){ .device = ctx->device, .ctx = ctx, .bytes = bytes, .data = (char *)storage + HEADER };
    cnn__references_init(&storage->references);
    return storage;
}

cnn__storage *cnn__storage_new(cnn_context *ctx, size_t bytes)
{
    cnn__storage *storage = storage_make(ctx, bytes);
    if (storage) {
        cnn__context_retain(ctx);
    }
    return storage;
}

cnn__storage *cnn__storage_borrow(cnn_context *ctx, void *data, size_t bytes, cnn_deleter_fn deleter, void *user)
{
    cnn__storage *storage = cnn__storage_new(ctx, 0);
    if (storage) {
        storage->data = data;
        storage->bytes = bytes;
        storage->deleter = deleter;
        storage->deleter_user = user;
    }
    return storage;
}

cnn__storage *cnn__storage_retain(cnn__storage *storage)
{
    cnn__references_add(&storage->references);
    return storage;
}

cnn__storage *cnn__storage_at(void *data)
{
    return (cnn__storage *)(void *)((char *)data - HEADER);
}

static cnn__bin *find_bin(cnn__cache *cache, size_t bytes)
{
    for (int i = 0; i < cache->count; i++) {
        if (cache->bins[i].bytes == bytes) {
            return &cache->bins[i];
        }
    }
    return NULL;
}

void cnn__storage_release(cnn__storage *storage)
{
    if (!storage || !cnn__references_drop(&storage->references)) {
        return;
    }
    if (storage->cache) {
        cnn__bin *bin = find_bin(storage->cache, storage->bytes);
        storage->next = bin->free;
        bin->free = storage;
        return;
    }
    if (storage->deleter) {
        storage->deleter(storage->data, storage->deleter_user);
    }
    cnn_context *ctx = storage->ctx;
    cnn__free(ctx, storage);
    cnn__context_release(ctx);
}

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

cnn__cache *cnn__cache_new(cnn_context *ctx)
{
    cnn__cache *cache = cnn__calloc(ctx, 1, sizeof *cache);
    if (cache) {
        cache->ctx = ctx;
    }
    return cache;
}

void cnn__cache_free(cnn__cache *cache)
{
    if (!cache) {
        return;
    }
    for (int i = 0; i < cache->count; i++) {
        for (cnn__storage *storage = cache->bins[i].free, *next; storage; storage = next) {
            next = storage->next;
            cnn__free(cache->ctx, storage);
        }
    }
    cnn__free(cache->ctx, cache->bins);
    cnn__free(cache->ctx, cache->plan);
    cnn__free(cache->ctx, cache);
}

void cnn__cache_begin(cnn__cache *cache, bool planned)
{
    cache->planned = planned;
    cache->place = 0;
}

static cnn__bin *add_bin(cnn__cache *cache, size_t bytes)
{
    if (cache->count == cache->capacity) {
        int capacity = cache->capacity ? 2 * cache->capacity : 64;
        cnn__bin *bins = cnn__calloc(cache->ctx, (size_t)capacity, sizeof *bins);
        if (!bins) {
            return NULL;
        }
        for (int i = 0; i < cache->count; i++) {
            bins[i] = cache->bins[i];
        }
        cnn__free(cache->ctx, cache->bins);
        cache->bins = bins;
        cache->capacity = capacity;
    }
    cnn__bin *bin = &cache->bins[cache->count++];
    *bin = (cnn__bin){ .bytes = bytes };
    return bin;
}

static cnn__storage *add_block(cnn__cache *cache, size_t class)
{
    if (!find_bin(cache, class) && !add_bin(cache, class)) {
        return NULL;
    }
    cnn__storage *storage = storage_make(cache->ctx, class);
    if (storage) {
        storage->cache = cache;
        cache->bytes += class;
    }
    return storage;
}

static void take(cnn__bin *bin, cnn__storage *storage)
{
    cnn__storage **link = &bin->free;
    while (*link != storage) {
        link = &(*link)->next;
    }
    *link = storage->next;
    atomic_store_explicit(&storage->references, 1, memory_order_relaxed);
}

static cnn__storage *get_exact(cnn__cache *cache, size_t class)
{
    cnn__bin *bin = find_bin(cache, class);
    if (!bin || !bin->free) {
        return add_block(cache, class);
    }
    cnn__storage *storage = bin->free;
    take(bin, storage);
    return storage;
}

/* ---- steps whose blocks serve any size ---- */

/* The smallest free block of at least `class`. */
static cnn__storage *smallest_fitting(const cnn__cache *cache, size_t class)
{
    const cnn__bin *best = NULL;
    for (int i = 0; i < cache->count; i++) {
        const cnn__bin *bin = &cache->bins[i];
        best = bin->free && bin->bytes >= class && (!best || bin->bytes < best->bytes) ? bin : best;
    }
    return best ? best->free : NULL;
}

/* The largest free block that such a step made: those of recording steps are left to them. */
static cnn__storage *largest_planned(const cnn__cache *cache)
{
    cnn__storage *best = NULL;
    for (int i = 0; i < cache->count; i++) {
        for (cnn__storage *s = cache->bins[i].free; s; s = s->next) {
            best = s->planned && (!best || s->bytes > best->bytes) ? s : best;
        }
    }
    return best;
}

/* A new block in the place of a free one that is too small, also in the plan; of none, if there is none. */
static cnn__storage *exchange(cnn__cache *cache, size_t class)
{
    cnn__storage *small = largest_planned(cache);
    uintptr_t gone = (uintptr_t)small;
    if (small) {
        take(find_bin(cache, small->bytes), small);
        cache->bytes -= small->bytes;
        cnn__free(cache->ctx, small);
    }
    cnn__storage *storage = add_block(cache, class);
    for (int i = 0; gone && i < cache->plan_count; i++) {
        cache->plan[i] = (uintptr_t)cache->plan[i] == gone ? storage : cache->plan[i];
    }
    if (storage) {
        storage->planned = true;
    }
    return storage;
}

static bool plan_grow(cnn__cache *cache)
{
    int capacity = cache->plan_capacity ? 2 * cache->plan_capacity : 64;
    cnn__storage **plan = cnn__calloc(cache->ctx, (size_t)capacity, sizeof *plan);
    if (!plan) {
        return false;
    }
    for (int i = 0; i < cache->plan_count; i++) {
        plan[i] = cache->plan[i];
    }
    cnn__free(cache->ctx, cache->plan);
    cache->plan = plan;
    cache->plan_capacity = capacity;
    return true;
}

static cnn__storage *get_planned(cnn__cache *cache, size_t class)
{
    int place = cache->place;
    if (place == cache->plan_capacity && !plan_grow(cache)) {
        return NULL;
    }
    cnn__storage *storage = place < cache->plan_count ? cache->plan[place] : NULL;
    if (!storage || storage->bytes < class || atomic_load_explicit(&storage->references, memory_order_relaxed) != 0) {
        storage = smallest_fitting(cache, class);
    }
    if (storage) {
        take(find_bin(cache, storage->bytes), storage);
    } else if (!(storage = exchange(cache, class))) {
        return NULL;
    }
    cache->plan[place] = storage;
    cache->place = place + 1;
    cache->plan_count = cache->place > cache->plan_count ? cache->place : cache->plan_count;
    return storage;
}

cnn__storage *cnn__cache_get(cnn__cache *cache, size_t bytes)
{
    size_t class = size_class(bytes);
    return cache->planned ? get_planned(cache, class) : get_exact(cache, class);
}

size_t cnn__cache_bytes(const cnn__cache *cache)
{
    return cache->bytes;
}
