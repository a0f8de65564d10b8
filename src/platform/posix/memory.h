/* platform/memory.h on POSIX; large blocks in huge pages where there are any. */
#ifndef CNN_PLATFORM_POSIX_MEMORY_H
#define CNN_PLATFORM_POSIX_MEMORY_H

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { CNN__HUGE_PAGE = 1 << 21 };

/* Asks for huge pages for the part of the block that holds whole ones: one page fault instead of 512, and fewer TLB
 * misses. This is only advice, so failure is ignored. */
static inline void cnn__advise_huge(void *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
    madvise(memory, size / CNN__HUGE_PAGE * CNN__HUGE_PAGE, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)size;
#endif
}

static inline void *cnn__system_alloc(size_t size, size_t alignment)
{
    void *memory = NULL;
    int huge = size >= CNN__HUGE_PAGE;
    if (posix_memalign(&memory, huge ? CNN__HUGE_PAGE : alignment, size) != 0) {
        return NULL;
    }
    if (huge) {
        cnn__advise_huge(memory, size);
    }
    return memory;
}

static inline void cnn__system_free(void *memory)
{
    free(memory);
}

#endif
