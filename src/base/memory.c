/* Memory from a context's allocator. The size of each block is stored in the 64 bytes before it, because
 * deallocation needs it and everything is aligned to a cache line. */
#include "base/context.h"
#include "platform/memory.h"

#include <string.h>

enum { MEMORY_HEADER = 64 };

static void *default_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    return cnn__system_alloc(size, alignment);
}

static void default_deallocate(void *memory, size_t size, void *user)
{
    (void)size;
    (void)user;
    cnn__system_free(memory);
}

void cnn__allocator_default(cnn_context *ctx)
{
    ctx->allocate = default_allocate;
    ctx->deallocate = default_deallocate;
}

/* A NULL context means the C library's memory. */
void *cnn__alloc(cnn_context *ctx, size_t size)
{
    if (size > PTRDIFF_MAX - MEMORY_HEADER) {
        return NULL;
    }
    size_t total = size + MEMORY_HEADER;
    char *block =
        ctx ? ctx->allocate(total, MEMORY_HEADER, ctx->allocator_user) : default_allocate(total, MEMORY_HEADER, NULL);
    if (!block) {
        return NULL;
    }
    memcpy(block, &total, sizeof total);
    return block + MEMORY_HEADER;
}

void *cnn__calloc(cnn_context *ctx, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *memory = cnn__alloc(ctx, total);
    return memory ? memset(memory, 0, total) : NULL;
}

char *cnn__strdup(cnn_context *ctx, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = cnn__alloc(ctx, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void cnn__free(cnn_context *ctx, void *memory)
{
    if (!memory) {
        return;
    }
    char *block = (char *)memory - MEMORY_HEADER;
    size_t total;
    memcpy(&total, block, sizeof total);
    if (ctx) {
        ctx->deallocate(block, total, ctx->allocator_user);
    } else {
        default_deallocate(block, total, NULL);
    }
}
