/* platform/memory.h with ISO C alone, which wants sizes that are multiples of the alignment. */
#ifndef CNN_PLATFORM_NONE_MEMORY_H
#define CNN_PLATFORM_NONE_MEMORY_H

#include <stdint.h>
#include <stdlib.h>

static inline void *cnn__system_alloc(size_t size, size_t alignment)
{
    return size > SIZE_MAX - alignment ? NULL
                                       : aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static inline void cnn__system_free(void *memory)
{
    free(memory);
}

#endif
