/* Software prefetch. Memory that will be needed soon is fetched a few cache lines at a time between products, so
 * that reading and computing overlap; a copy of its own would only wait for memory. */
#ifndef CNN_KERNELS_SIMD_VECTOR_PREFETCH_H
#define CNN_KERNELS_SIMD_VECTOR_PREFETCH_H

#include "kernels/simd/vector/machine.h"

#include <stddef.h>
#include <stdint.h>

enum {
    /* Lines per call. With more of them there is too little arithmetic to hide the fetches behind, and they only
     * queue up. */
    PREFETCH_MAX_LINES = 16
};

/* A region to prefetch: `rows` stretches of `bytes` bytes, `step` bytes apart, `lines` cache lines of it per call,
 * and then the region that `then` points at. An all-zero struct prefetches nothing. */
typedef struct prefetch {
    const char *at;
    int64_t bytes, rows, step;
    int64_t place, lines;
    const struct prefetch *then;
} prefetch;

/* A region that is fetched completely after `calls` calls. */
static inline prefetch prefetch_make(const void *at, int64_t bytes, int64_t rows, int64_t step, int64_t calls)
{
    int64_t lines = rows * (bytes / CACHE_LINE + 1) / (calls > 0 ? calls : 1) + 1;
    prefetch all = { at, bytes, rows, step, 0, lines, NULL }, none = { 0 };
    return lines > PREFETCH_MAX_LINES ? none : all;
}

static inline void prefetch_lines(prefetch *a)
{
    for (int64_t k = 0; k < a->lines && a->rows > 0; k++) {
        __builtin_prefetch(a->at + a->place, 0, 2);
        a->place += CACHE_LINE;
        if (a->place >= a->bytes) {
            a->place = 0;
            a->at += a->step;
            a->rows--;
        }
    }
    if (a->rows <= 0 && a->then) {
        *a = *a->then;
    }
}

#endif
