/* Storages: reference-counted elements from the context's allocator, from the caller or from a tape's cache. */
#include "tensor/cache.h"
#include "tensor/kept.h"

enum { STORAGE_HEADER = 128 };

_Static_assert(sizeof(cnn__storage) <= STORAGE_HEADER, "a storage's elements begin HEADER bytes after it");

static cnn__storage *storage_make(cnn_context *ctx, size_t bytes, bool on_device)
{
    size_t total;
    if (__builtin_add_overflow(bytes, (size_t)STORAGE_HEADER, &total)) {
        return NULL;
    }
    cnn__storage *storage = cnn__alloc(ctx, on_device ? sizeof *storage : total);
    if (!storage) {
        return NULL;
    }
    *storage = (cnn__storage){ .ctx = ctx, .bytes = bytes, .data = (char *)storage + STORAGE_HEADER };
    storage->on_device = on_device;
    if (on_device && !(storage->data = cnn__device_allocate(ctx, bytes))) {
        cnn__free(ctx, storage);
        return NULL;
    }
    cnn__references_init(&storage->references);
    atomic_init(&storage->version, 0);
    CNN__ATOMIC(&storage->version);
    return storage;
}

/* One of no cache, which holds its context. */
static cnn__storage *storage_new(cnn_context *ctx, size_t bytes, bool on_device)
{
    static atomic_uint_fast64_t storages;
    cnn__storage *storage = storage_make(ctx, bytes, on_device);
    if (storage) {
        storage->serial = atomic_fetch_add_explicit(&storages, 1, memory_order_relaxed) + 1;
        cnn__context_retain(ctx);
    }
    return storage;
}

cnn__storage *cnn__storage_new(cnn_context *ctx, size_t bytes)
{
    return storage_new(ctx, bytes, ctx->device != NULL);
}

cnn__storage *cnn__storage_make(cnn_context *ctx, size_t bytes)
{
    return storage_make(ctx, bytes, ctx->device != NULL);
}

void cnn__storage_unmake(cnn__storage *storage)
{
    cnn_context *ctx = storage->ctx;
    if (storage->on_device) {
        cnn__device_deallocate(ctx, storage->data, storage->bytes);
    }
    cnn__free(ctx, storage);
}

cnn__storage *cnn__storage_new_on_host(cnn_context *ctx, size_t bytes)
{
    return storage_new(ctx, bytes, false);
}

cnn__storage *cnn__storage_borrow(cnn_context *ctx, void *data, size_t bytes, cnn_deleter_fn deleter, void *user)
{
    cnn__storage *storage = cnn__storage_new(ctx, 0);
    if (storage) {
        storage->data = data;
        storage->bytes = bytes;
        storage->borrowed = true;
        storage->deleter = deleter;
        storage->deleter_user = user;
    }
    return storage;
}

void cnn__storage_release(cnn__storage *storage)
{
    if (!storage) {
        return;
    }
    if (storage->cache) {
        int references = atomic_load_explicit(&storage->references, memory_order_relaxed);
        atomic_store_explicit(&storage->references, references - 1, memory_order_relaxed);
        if (references == 1) {
            cnn__cache_put(storage);
        }
        return;
    }
    if (!cnn__references_drop(&storage->references)) {
        return;
    }
    if (storage->deleter) {
        storage->deleter(storage->data, storage->deleter_user);
    }
    cnn_context *ctx = storage->ctx;
    cnn__kept_free(storage);
    cnn__storage_unmake(storage);
    cnn__context_release(ctx);
}
