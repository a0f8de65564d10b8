/* platform/memory.h on Windows. */
#ifndef CNN_PLATFORM_WIN32_MEMORY_H
#define CNN_PLATFORM_WIN32_MEMORY_H

#include <malloc.h>

static inline void *cnn__system_alloc(size_t size, size_t alignment)
{
    return _aligned_malloc(size, alignment);
}

static inline void cnn__system_free(void *memory)
{
    _aligned_free(memory);
}

#endif
