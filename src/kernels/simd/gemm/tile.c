/* The products of the register tile: one loop for each number of rows, with the sums in registers. Values that could
 * make GCC compile several versions of a loop are hidden from it, because those would be four times as large. */
#include "kernels/simd/gemm/tile.h"

enum { REACH = 4 }; /* rows that one address and its multiples reach */

/* A value that depends on a hidden one is computed again at each use, because no register is left to keep it in. */
#define HIDE(value) __asm__ volatile("" : "+r"(value))

/* A streamed c must not be prefetched: that would read memory that is only written. */
CNN__INLINE void fetch_sums(int rows, const float *c, int64_t step)
{
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++, c += step) {
        __builtin_prefetch(c, 1);
        __builtin_prefetch(c + TILE_WIDTH - 1, 1);
    }
}

CNN__INLINE void start_sums(int rows, int vectors, tile_start start, bool streamed, const float *from, const float *c,
                            int64_t step, lanes acc[TILE_ROWS][2])
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
        fetch_sums(rows, c, step);
    }
    if (start == FROM_ROWS) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            acc[i][0] = acc[i][1] = splat(from[i]);
        }
    }
}

/* `rows` and `vectors` are constants where this is inlined. */
CNN__INLINE void tile_rows(int rows, int vectors, int64_t k, const tile_operand *a, const tile_operand *b,
                           tile_start start, bool streamed, const float *from, float *c, int64_t step, prefetch *next)
{
    lanes acc[TILE_ROWS][2];
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
    int64_t always = b->along * 4;
    const char *steps = (const char *)(b->steps ? b->steps : &always);
    int64_t stepping = b->steps ? sizeof *b->steps : 0;
    HIDE(along);
    HIDE(stepping);
    const char *at[(TILE_ROWS + REACH - 1) / REACH];
    const float *columns = b->at;
#pragma GCC unroll 4
    for (int i = 0; i < rows; i += REACH) {
        at[i / REACH] = (const char *)a->at + i * across;
    }
    for (; k > 0; k -= FETCH_STEPS) {
        prefetch_lines(next);
#pragma GCC unroll 1
        for (int64_t end = k < FETCH_STEPS ? k : FETCH_STEPS; end > 0; end--) {
            lanes b0 = load(columns), b1 = vectors > 1 ? load(columns + LANES) : b0;
            columns = (const float *)(const void *)((const char *)columns + *(const int64_t *)(const void *)steps);
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

/* Whether all panels of columns stay in L1. The grid is then computed row by row, so that its results are written
 * consecutively; column by column, each write would go to another page. */
static bool goes_by_rows(const tile_grid *g)
{
    return g->columns <= tile_columns(g->k) && g->k <= SHALLOW;
}

/* ---- full tiles, where registers are few ---- */

#if CNN__VECTOR_BYTES == 32

enum { PANEL = TILE_WIDTH * sizeof(float) }; /* bytes of a step of packed columns */

/* Where a full tile is in its operands. */
typedef struct tile_place {
    const char *upper, *lower; /* the first three rows of a, and the others */
    const char *columns;
    const int64_t *steps; /* the steps along the columns */
    int64_t stepping;     /* through steps: 0 where they are all the same */
} tile_place;

/* One step's products. */
CNN__INLINE void full_step(const tile_place *at, int64_t across, int64_t moved, lanes b0, lanes b1,
                           lanes acc[TILE_ROWS][2])
{
#pragma GCC unroll 6
    for (int i = 0; i < TILE_ROWS; i++) {
        lanes x = splat(*(const float *)(const void *)((i < 3 ? at->upper : at->lower) + i % 3 * across + moved));
        ADD_PRODUCT(acc[i][0], x, b0);
        ADD_PRODUCT(acc[i][1], x, b1);
    }
}

/* Some steps of a full tile, with 20 instructions per step and those that advance the addresses. The core's other
 * hardware thread may take every second slot for issuing instructions; with many more instructions the FMA units
 * would wait. The three instructions of a row stay together. `count` and `along` are constants. */
CNN__INLINE void full_steps(int count, int64_t across, int64_t along, tile_place *at, lanes acc[TILE_ROWS][2])
{
#pragma GCC unroll 8
    for (int u = 0; u < count; u++) {
        const float *columns = (const float *)(const void *)at->columns;
        lanes b0 = load(columns), b1 = load(columns + LANES);
        at->columns += at->steps[u];
        full_step(at, across, u * along, b0, b1, acc);
    }
    at->upper += count * along;
    at->lower += count * along;
    at->steps += at->stepping * count;
}

/* Steps that also pack b, whose rows are far apart, and prefetch what the tile to the right reads of them. */
CNN__INLINE float *keeping_steps(int64_t count, int64_t across, int64_t along, tile_place *at, float *keep,
                                 lanes acc[TILE_ROWS][2])
{
#pragma GCC unroll 1
    for (; count > 0; count--, keep += TILE_WIDTH) {
        const float *columns = (const float *)(const void *)at->columns;
        lanes b0 = load(columns), b1 = load(columns + LANES);
        __builtin_prefetch(columns + TILE_WIDTH);
        at->columns += at->steps[0];
        store(keep, b0);
        store(keep + LANES, b1);
        full_step(at, across, 0, b0, b1, acc);
        at->upper += along;
        at->lower += along;
    }
    return keep;
}

/* One of a grid's tiles, c's, whose first rows of a and columns of b are at `at`; `fetch` floats behind its rows is
 * what will be written to next, unless 0. */
CNN__INLINE void full_tile(const tile_grid *g, int64_t across, int64_t along, tile_place at, const float *from,
                           float *keep, float *c, int64_t fetch, prefetch *next)
{
    lanes acc[TILE_ROWS][2];
    int64_t left = g->k, step = g->step;
    if (g->start == FROM_C) {
        const float *row = c;
#pragma GCC unroll 6
        for (int i = 0; i < TILE_ROWS; i++, row += step) {
            acc[i][0] = load(row);
            acc[i][1] = load(row + LANES);
        }
    } else {
        start_sums(TILE_ROWS, 2, g->start, true, from, c, step, acc);
    }
    if (fetch) {
        const float *row = c + fetch;
#pragma GCC unroll 6
        for (int i = 0; i < TILE_ROWS; i++, row += step) {
            __builtin_prefetch(row, 1);
        }
    }
    for (; keep && left > 0; left -= FETCH_STEPS) {
        prefetch_lines(next);
        keep = keeping_steps(min64(left, FETCH_STEPS), across, along, &at, keep, acc);
    }
    for (; left >= FETCH_STEPS; left -= FETCH_STEPS) {
        prefetch_lines(next);
        full_steps(FETCH_STEPS, across, along, &at, acc);
    }
#pragma GCC unroll 1
    for (; left > 0; left--) {
        full_steps(1, across, along, &at, acc);
    }
    HIDE(c);
    if (g->streamed) {
#pragma GCC unroll 6
        for (int i = 0; i < TILE_ROWS; i++, c += step) {
            store_streamed(c, acc[i][0]);
            store_streamed(c + LANES, acc[i][1]);
        }
        return;
    }
#pragma GCC unroll 6
    for (int i = 0; i < TILE_ROWS; i++, c += step) {
        store(c, acc[i][0]);
        store(c + LANES, acc[i][1]);
    }
}

/* The distances from one panel of rows or columns to the next: in bytes for a and b, in floats for c and `from`. */
typedef struct tile_steps {
    int64_t count, rows, columns, c, from;
} tile_steps;

/* The full panels of a grid; `across` and `along` are a's, in bytes, and constants as far as they are known. What c
 * will be written to is fetched while its left neighbour is made, or in the first column the panel above. */
CNN__INLINE void full_panels(const tile_grid *g, int64_t across, int64_t along, prefetch *next)
{
    static const float zeros[TILE_WIDTH];
    static const int64_t kept[FETCH_STEPS] = { PANEL, PANEL, PANEL, PANEL, PANEL, PANEL, PANEL, PANEL };
    int64_t size = sizeof(float), always[FETCH_STEPS];
    for (int u = 0; u < FETCH_STEPS; u++) {
        always[u] = g->b.along * size;
    }
    if (!g->streamed && g->start != FROM_C) {
        fetch_sums(TILE_ROWS, g->c, g->step);
    }
    bool by_rows = goes_by_rows(g);
    tile_steps down = { g->rows / TILE_ROWS, g->a_step * size, 0, TILE_ROWS * g->step,
                        g->start == FROM_ROWS ? TILE_ROWS : 0 };
    tile_steps right = { g->columns, 0, g->b_step * size, TILE_WIDTH,
                         g->from && g->start == FROM_COLUMNS ? TILE_WIDTH : 0 };
    const tile_steps outer = by_rows ? down : right, inner = by_rows ? right : down;
    for (int64_t i = 0; i < outer.count; i++) {
        const char *rows = (const char *)g->a.at + i * outer.rows, *columns = (const char *)g->b.at + i * outer.columns;
        const float *from = (g->from ? g->from : zeros) + i * outer.from;
        float *c = g->c + i * outer.c;
        for (int64_t j = 0; j < inner.count; j++) {
            int64_t column = by_rows ? j : i, fetch = column + 1 < g->columns ? 2 * TILE_WIDTH - 1
                                                      : column || by_rows     ? 0
                                                                              : down.c;
            tile_place at = { rows, rows + 3 * across, columns, g->b.steps ? g->b.steps : always, g->b.steps ? 1 : 0 };
            float *keep = g->keep ? g->keep + column * g->k * TILE_WIDTH : NULL;
            if (keep && (by_rows ? i : j)) {
                at.columns = (const char *)keep;
                at.steps = kept;
                keep = NULL;
            }
            full_tile(g, across, along, at, from, keep, c, g->streamed ? 0 : fetch, next);
            rows += inner.rows;
            columns += inner.columns;
            from += inner.from;
            c += inner.c;
        }
    }
}

/* Whether all of a is packed, or lies along k. */
static bool full_fits(const tile_operand *a)
{
    return a->across == 1 ? a->along == TILE_ROWS : a->along == 1;
}

static void full_grid(const tile_grid *g, prefetch *next)
{
    int64_t one = sizeof(float), packed = TILE_ROWS * sizeof(float), across = g->a.across * one;
    if (g->a.across == 1) {
        full_panels(g, one, packed, next);
    } else {
        full_panels(g, across, one, next);
    }
}

#endif

/* ---- any tile ---- */

/* clang-format off */
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
/* clang-format on */

void tile_direct(int64_t rows, int64_t vectors, int64_t k, const tile_operand *a, const tile_operand *b,
                 tile_start start, bool streamed, const float *from, float *c, int64_t step, prefetch *next)
{
#if CNN__VECTOR_BYTES == 32
    if (rows == TILE_ROWS && vectors > 1 && full_fits(a)) {
        tile_grid g = { .rows = rows,
                        .columns = 1,
                        .k = k,
                        .a = *a,
                        .b = *b,
                        .start = start,
                        .streamed = streamed,
                        .from = from,
                        .c = c,
                        .step = step };
        full_grid(&g, next);
        return;
    }
#endif
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

/* The operand b of the rows that remain below the full panels. */
static tile_operand kept_columns(const tile_grid *g)
{
    return g->keep ? (tile_operand){ g->keep, 1, TILE_WIDTH, NULL } : g->b;
}

bool tile_keeps(int64_t rows, const tile_operand *a)
{
#if CNN__VECTOR_BYTES == 32
    return rows == TILE_ROWS && full_fits(a);
#else
    (void)rows, (void)a;
    return false;
#endif
}

void tile_multiply(const tile_grid *g, prefetch *next)
{
    static const float zeros[TILE_WIDTH];
    const float *from = g->from ? g->from : zeros;
    int64_t done = 0, from_row = g->start == FROM_ROWS,
            from_column = g->from && g->start == FROM_COLUMNS ? TILE_WIDTH : 0;
#if CNN__VECTOR_BYTES == 32
    if (g->vectors > 1 && g->panel_rows == TILE_ROWS && g->rows >= TILE_ROWS && full_fits(&g->a)) {
        done = g->rows / TILE_ROWS * TILE_ROWS;
        full_grid(g, next);
    }
#endif
    bool by_rows = goes_by_rows(g);
    int64_t panels = divide_up(g->rows - done, g->panel_rows), outer = by_rows ? panels : g->columns;
    for (int64_t first = 0; first < outer; first++) {
        for (int64_t second = 0; second < (by_rows ? g->columns : panels); second++) {
            int64_t row = done + (by_rows ? first : second) * g->panel_rows, column = by_rows ? second : first;
            tile_operand a = g->a, b = kept_columns(g);
            a.at += row / g->panel_rows * g->a_step;
            b.at += column * (g->keep ? g->k * TILE_WIDTH : g->b_step);
            tile_direct(min64(g->panel_rows, g->rows - row), g->vectors, g->k, &a, &b, g->start, g->streamed,
                        from + row * from_row + column * from_column, g->c + row * g->step + column * TILE_WIDTH,
                        g->step, next);
        }
    }
}

void tile_multiply_columns(tile_grid g, int64_t count, prefetch *next)
{
    int64_t rest = count % TILE_WIDTH, half = rest > 0 && rest <= LANES;
    g.columns = divide_up(count, TILE_WIDTH) - half;
    g.vectors = 2;
    tile_multiply(&g, next);
    if (half) {
        g.b.at += g.columns * g.b_step;
        g.c += g.columns * TILE_WIDTH;
        g.columns = g.vectors = 1;
        tile_multiply(&g, next);
    }
}
