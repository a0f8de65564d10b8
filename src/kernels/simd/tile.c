/* The products of the register tile: one loop for each number of rows, its sums in registers. What
 * GCC could take for a reason to make several versions of that loop is hidden from it: they would be four times as large. */
#include "kernels/simd/tile.h"

enum { REACH = 4 }; /* rows that one address and its multiples reach */

/* What is computed from a hidden value is not kept from one use to the next: there are no registers to keep it in. */
#define HIDE(value) __asm__ volatile("" : "+r"(value))

/* A c that is streamed must not be fetched: that would read what is only written. */
CNN__INLINE void start_sums(int rows, int vectors, tile_start start, bool streamed, const float *from, const float *c,
                            int64_t step, lanes acc[ROWS][2])
{
    lanes first = { 0 }, second = { 0 };
    if (start == FROM_COLUMNS) {
        first = load(from);
        second = vectors > 1 ? load(from + LANES) : first;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        acc[i][0] = first;
        acc[i][1] = second;
    }
    if (!streamed) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++, c += step) {
            __builtin_prefetch(c, 1);
            __builtin_prefetch(c + WIDTH - 1, 1);
        }
    }
    if (start == FROM_ROWS) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            acc[i][0] = acc[i][1] = splat(from[i]);
        }
    }
}

/* `rows` and `vectors` are constants where this is inlined. */
CNN__INLINE void tile_rows(int rows, int vectors, int64_t k, const tile_operand *a, const tile_operand *b, tile_start start,
                           bool streamed, const float *from, float *c, int64_t step, ahead *next)
{
    lanes acc[ROWS][2];
    if (start == FROM_C) {
        const float *row = c;
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++, row += step) {
            acc[i][0] = load(row);
            acc[i][1] = vectors > 1 ? load(row + LANES) : acc[i][0];
        }
    } else {
        start_sums(rows, vectors, start, streamed, from, c, step, acc);
    }
    int64_t across = a->across * 4, along = a->along * 4; /* in bytes */
    const char *steps = (const char *)(b->steps ? b->steps : &b->along);
    int64_t stepping = b->steps ? sizeof *b->steps : 0;
    HIDE(along);
    HIDE(stepping);
    const char *at[(ROWS + REACH - 1) / REACH];
    const float *columns = b->at;
#pragma GCC unroll 4
    for (int i = 0; i < rows; i += REACH) {
        at[i / REACH] = (const char *)a->at + i * across;
    }
    for (; k > 0; k -= FETCH_STEPS) {
        ahead_fetch(next);
#pragma GCC unroll 1
        for (int64_t end = k < FETCH_STEPS ? k : FETCH_STEPS; end > 0; end--) {
            lanes b0 = load(columns), b1 = vectors > 1 ? load(columns + LANES) : b0;
            columns += *(const int64_t *)(const void *)steps;
            steps += stepping;
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                lanes x = splat(*(const float *)(const void *)(at[i / REACH] + i % REACH * across));
                acc[i][0] += x * b0;
                if (vectors > 1) {
                    acc[i][1] += x * b1;
                }
            }
#pragma GCC unroll 4
            for (int i = 0; i < rows; i += REACH) {
                at[i / REACH] += along;
            }
        }
    }
    HIDE(c);
    if (streamed) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++, c += step) {
            store_streamed(c, acc[i][0]);
            if (vectors > 1) {
                store_streamed(c + LANES, acc[i][1]);
            }
        }
        return;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++, c += step) {
        store(c, acc[i][0]);
        if (vectors > 1) {
            store(c + LANES, acc[i][1]);
        }
    }
}

#define CNN__TILE_CASE(n, vectors) case n: tile_rows(n, vectors, k, a, b, start, streamed, from, c, step, next); break;
#if CNN__VECTOR_BYTES == 64
#define CNN__TILE_CASES(vectors)                                                                                      \
    CNN__TILE_CASE(14, vectors) CNN__TILE_CASE(13, vectors) CNN__TILE_CASE(12, vectors) CNN__TILE_CASE(11, vectors)   \
    CNN__TILE_CASE(10, vectors) CNN__TILE_CASE(9, vectors) CNN__TILE_CASE(8, vectors) CNN__TILE_CASE(7, vectors)      \
    CNN__TILE_CASE(6, vectors) CNN__TILE_CASE(5, vectors) CNN__TILE_CASE(4, vectors) CNN__TILE_CASE(3, vectors)       \
    CNN__TILE_CASE(2, vectors) CNN__TILE_CASE(1, vectors)
#else
#define CNN__TILE_CASES(vectors)                                                                                      \
    CNN__TILE_CASE(6, vectors) CNN__TILE_CASE(5, vectors) CNN__TILE_CASE(4, vectors) CNN__TILE_CASE(3, vectors)       \
    CNN__TILE_CASE(2, vectors) CNN__TILE_CASE(1, vectors)
#endif

void tile_direct(int64_t rows, int64_t vectors, int64_t k, const tile_operand *a, const tile_operand *b, tile_start start,
                 bool streamed, const float *from, float *c, int64_t step, ahead *next)
{
    if (vectors > 1) {
        switch (rows) {
            CNN__TILE_CASES(2)
        }
    } else {
        switch (rows) {
            CNN__TILE_CASES(1)
        }
    }
}
