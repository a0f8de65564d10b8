/* What libpng calls for memory and for warnings, when it reads and when it writes. The pointer that it is given for
 * memory is that of a bool, which is set when there is none, so that the function for errors can tell this error from
 * others. */
#ifndef CNN_IMAGE_PNG_MEMORY_H
#define CNN_IMAGE_PNG_MEMORY_H

#include <png.h>

#include <stdbool.h>
#include <stdlib.h>

static inline void cnn__png_on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static inline png_voidp cnn__png_on_allocate(png_structp png, png_alloc_size_t size)
{
    bool *no_memory = png_get_mem_ptr(png);
    void *memory = malloc(size);
    *no_memory |= !memory;
    return memory;
}

static inline void cnn__png_on_free(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

#endif
