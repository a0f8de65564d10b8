/* mmap() and its like in the tests' own hands, beside malloc(): anonymous pages count among the bytes that are in use (heap_now of
 * malloc_faults.h) until they are unmapped or given back by MADV_DONTNEED; the pages of a file are the system's. And how many
 * bytes of memory of the process's own there really are: a block that nobody has written to has none yet. For programs of one thread. */
#ifndef CNN_TESTS_SUPPORT_COUNTED_PAGES_H
#define CNN_TESTS_SUPPORT_COUNTED_PAGES_H

#include "support/malloc_faults.h"

#ifndef SANITIZED
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { COUNTED_PAGE = 4096, MOST_COUNTED = 64 };

typedef struct counted_pages {
    char *at;
    size_t pages, left;
    unsigned char *dropped; /* whether each has been given back */
} counted_pages;

static counted_pages counted_regions[MOST_COUNTED];
static size_t anonymous_most; /* looked at before memory is given back */

/* The bytes of memory of its own that the process has, as its page tables say (proc(5)). */
static size_t anonymous_now(void)
{
    char text[4096];
    int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    const char *line = (text[size > 0 ? size : 0] = '\0', strstr(text, "Anonymous:"));
    if (fd >= 0) {
        close(fd);
    }
    return line ? strtoul(line + strlen("Anonymous:"), NULL, 10) << 10 : 0;
}

static inline void anonymous_look(void)
{
    size_t now = anonymous_now();
    anonymous_most = now > anonymous_most ? now : anonymous_most;
}

/* The region that an address is in; NULL: none that is counted. */
static counted_pages *counted_find(const void *at)
{
    for (counted_pages *r = counted_regions; r < counted_regions + MOST_COUNTED; r++) {
        if (r->at && (const char *)at >= r->at && (const char *)at < r->at + r->pages * COUNTED_PAGE) {
            return r;
        }
    }
    return NULL;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *at = (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
    for (counted_pages *r = counted_regions; at != MAP_FAILED && flags & MAP_ANONYMOUS && r < counted_regions + MOST_COUNTED; r++) {
        if (!r->at) {
            size_t pages = (size + COUNTED_PAGE - 1) / COUNTED_PAGE;
            *r = (counted_pages){ at, pages, pages, __libc_calloc(pages, 1) };
            heap_now += pages * COUNTED_PAGE;
            heap_most = heap_now > heap_most ? heap_now : heap_most;
            break;
        }
    }
    return at;
}

int madvise(void *at, size_t size, int advice)
{
    if (heap_before_free) {
        heap_before_free();
    }
    counted_pages *r = advice == MADV_DONTNEED ? counted_find(at) : NULL;
    for (size_t i = 0; r && i < size / COUNTED_PAGE; i++) {
        size_t page = (size_t)((char *)at - r->at) / COUNTED_PAGE + i;
        heap_now -= r->dropped[page] ? 0 : COUNTED_PAGE;
        r->left -= !r->dropped[page];
        r->dropped[page] = 1;
    }
    return (int)syscall(SYS_madvise, at, size, advice);
}

int munmap(void *at, size_t size)
{
    if (heap_before_free) {
        heap_before_free();
    }
    counted_pages *r = counted_find(at);
    if (r) {
        heap_now -= r->left * COUNTED_PAGE;
        __libc_free(r->dropped);
        *r = (counted_pages){ 0 };
    }
    return (int)syscall(SYS_munmap, at, size);
}
#endif

#endif
