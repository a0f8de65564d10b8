/* Storages and the cache that recycles them.
 *
 * The cache sorts blocks into bins by size class and gives out only exact classes. Equal steps ask for equal classes in
 * equal numbers, so after the first one every request is met: that is what makes a training step free of allocations. */
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
    cnn__free(cache->ctx, cache);
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

cnn__storage *cnn__cache_get(cnn__cache *cache, size_t bytes)
{
    size_t class = size_class(bytes);
    cnn__bin *bin = find_bin(cache, class);
    if (!bin && !(bin = add_bin(cache, class))) {
        return NULL;
    }
    cnn__storage *storage = bin->free;
    if (storage) {
        bin->free = storage->next;
        atomic_store_explicit(&storage->references, 1, memory_order_relaxed);
        return storage;
    }
    storage = storage_make(cache->ctx, class);
    if (storage) {
        storage->cache = cache;
        cache->bytes += class;
    }
    return storage;
}

size_t cnn__cache_bytes(const cnn__cache *cache)
{
    return cache->bytes;
}
