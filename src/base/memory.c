/* Memory from a context's allocator. The size of each block is stored in the 64 bytes before it, because
 * deallocation needs it and everything is aligned to a cache line. */
#include "base/context.h"

#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { HEADER = 64, HUGE_PAGE = 1 << 21 };

/* Asks for huge pages for the part of the block that holds whole ones: one page fault instead of 512, and fewer TLB
 * misses. This is only advice, so failure is ignored. */
static void advise_huge(void *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
    madvise(memory, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)size;
#endif
}

static void *default_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *memory = NULL;
    bool huge = size >= HUGE_PAGE;
    if (posix_memalign(&memory, huge ? HUGE_PAGE : alignment, size) != 0) {
        return NULL;
    }
    if (huge) {
        advise_huge(memory, size);
    }
    return memory;
}

static void default_deallocate(void *memory, size_t size, void *user)
{
    (void)size;
    (void)user;
    free(memory);
}

void cnn__allocator_default(cnn_context *ctx)
{
    ctx->allocate = default_allocate;
    ctx->deallocate = default_deallocate;
}

/* A NULL context means the C library's memory. */
void *cnn__alloc(cnn_context *ctx, size_t size)
{
    if (size > PTRDIFF_MAX - HEADER) {
        return NULL;
    }
    size_t total = size + HEADER;
    char *block = ctx ? ctx->allocate(total, HEADER, ctx->allocator_user) : default_allocate(total, HEADER, NULL);
    if (!block) {
        return NULL;
    }
    memcpy(block, &total, sizeof total);
    return block + HEADER;
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
    char *block = (char *)memory - HEADER;
    size_t total;
    memcpy(&total, block, sizeof total);
    if (ctx) {
        ctx->deallocate(block, total, ctx->allocator_user);
    } else {
        default_deallocate(block, total, NULL);
    }
}
