/* malloc() and its like in the tests' own hands: one call fails, blocks and bytes are counted. The program that includes this takes
 * their place; a sanitizer does that itself (SANITIZED), and then nothing is counted. For programs of one thread. */
#ifndef CNN_TESTS_SUPPORT_MALLOC_FAULTS_H
#define CNN_TESTS_SUPPORT_MALLOC_FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define SANITIZED
#endif

typedef struct refusal {
    bool armed;
    long calls, fail_at, live; /* blocks that are in use */
} refusal;

static refusal heap;
static size_t heap_now, heap_most; /* bytes, of all blocks since the program began */
static void (*heap_before_free)(void); /* called before a block of 256 KiB or more is freed; may be NULL */

static inline bool refused(refusal *f)
{
    return f->armed && f->calls++ == f->fail_at;
}

#ifndef SANITIZED
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static void *counted(void *memory)
{
    heap.live += heap.armed && memory;
    heap_now += memory ? malloc_usable_size(memory) : 0;
    heap_most = heap_now > heap_most ? heap_now : heap_most;
    return memory;
}

void *malloc(size_t size)
{
    return refused(&heap) ? errno = ENOMEM, NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return refused(&heap) ? errno = ENOMEM, NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    if (refused(&heap)) {
        errno = ENOMEM;
        return NULL;
    }
    size_t before = memory ? malloc_usable_size(memory) : 0;
    void *larger = __libc_realloc(memory, size);
    if (larger) {
        heap_now -= before;
        heap.live -= heap.armed && memory;
        counted(larger);
    }
    return larger;
}

/* The context's, which fail on their own. */
void *aligned_alloc(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = counted(__libc_memalign(alignment, size));
    return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
    size_t size = memory ? malloc_usable_size(memory) : 0;
    if (heap_before_free && size >= 1 << 18) {
        heap_before_free();
    }
    heap.live -= heap.armed && memory;
    heap_now -= size;
    __libc_free(memory);
}
#endif

#endif
