/* Aligned memory of the system's, for the default allocator.
 *
 *   void *cnn__system_alloc(size_t size, size_t alignment)      NULL: there is none; alignment: a power of two
 *   void cnn__system_free(void *memory) */
#ifndef CNN_PLATFORM_MEMORY_H
#define CNN_PLATFORM_MEMORY_H

#include "platform/target.h"

#if CNN__POSIX
#include "platform/posix/memory.h"
#elif CNN__WIN32
#include "platform/win32/memory.h"
#elif CNN__NONE
#include "platform/none/memory.h"
#endif

#endif
