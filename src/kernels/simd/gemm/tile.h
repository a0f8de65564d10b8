/* The register tile from which all dense products are built: TILE_ROWS rows by two vectors.
 *
 * Each step k takes one broadcast per row and two vectors, either from the operands in place or from packed panels
 * a[k][TILE_ROWS] and b[k][TILE_WIDTH]. The 2 · TILE_ROWS accumulators and the operands fill the registers of the
 * instruction set. */
#ifndef CNN_KERNELS_SIMD_GEMM_TILE_H
#define CNN_KERNELS_SIMD_GEMM_TILE_H

#include "kernels/simd/vector/copy.h"
#include "kernels/simd/vector/lanes.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/prefetch.h"

enum {
    TILE_ROWS = CNN__VECTOR_BYTES == 64 ? 14 : 6,
    ROWS_FIT_A_VECTOR = CNN__VECTOR_BYTES > 16,
    FULL_PANELS = CNN__VECTOR_BYTES == 32, /* have a loop of their own (gemm/tile.c) */
    TILE_WIDTH = 2 * LANES,
    K_BLOCK =
        L1_FLOATS / 32, /* steps after which a product goes on to other rows: a panel of B stays in L1 for so many */
    FETCH_STEPS = 8,    /* between fetches of memory that is wanted soon */
    SHALLOW = 64,       /* steps: sums that are made so fast that it counts how they are written */
    SHALLOW_STEPS = 512 /* for all panels of columns: the first cache */
};

/* The values that a tile's sums start from: those in c, one vector `from` for all rows, or one number from[i] for
 * row i. STREAMED, together with either of the last two, stores the results past the caches (see store_streamed). */
typedef enum tile_start { FROM_C, FROM_COLUMNS, FROM_ROWS, STREAMED = 4 } tile_start;

/* The layout of an operand in memory: at[row · across + k · along]. For b, whose rows are vectors, `steps` may give
 * the distances from each row to the next in bytes instead. */
typedef struct tile_operand {
    const float *at;
    int64_t across, along;
    const int64_t *steps;
} tile_operand;

/* c[rows][vectors · LANES] (row stride `step`) = start + Σ_k a[k]·b[k]; vectors is 2, or 1 where the second is left
 * as it is. A c that is only written is fetched while the sums are made, and goes past the caches if it is streamed;
 * what `next` names is fetched a little at each FETCH_STEPS. A function of its own, in gemm/tile.c: around a caller's
 * variables GCC keeps a sum in memory, at half the speed. */
void CNN__SIMD(tile_direct)(int64_t rows, int64_t vectors, int64_t k, const tile_operand *a, const tile_operand *b,
                            tile_start start, bool streamed, const float *from, float *c, int64_t step, prefetch *next);

/* The tiles of a block of c: panel by panel of TILE_WIDTH columns, and within it panel by panel of rows. */
typedef struct tile_grid {
    int64_t rows, panel_rows, columns; /* columns in panels */
    int64_t vectors;                   /* the vectors per panel of columns, 1 only where there is one */
    int64_t k;
    tile_operand a, b;      /* the operands of the first panels */
    int64_t a_step, b_step; /* floats from panel to panel */
    tile_start start;
    bool streamed;
    const float *from; /* a number for each row or column, or NULL for zeros */
    float *c;
    int64_t step;
    float *keep; /* NULL, or where the first rows leave b packed for the others; see tile_keeps */
} tile_grid;

void CNN__SIMD(tile_multiply)(const tile_grid *g, prefetch *next);

/* Whether a grid whose first panel has `rows` rows of a may leave b packed for the panels below: [panel of
 * columns][k][TILE_WIDTH]. */
bool CNN__SIMD(tile_keeps)(int64_t rows, const tile_operand *a);

/* The number of panels of columns that a grid of k steps should get at once. Grids of few steps are computed row by
 * row, if all of their columns fit into L1. */
static inline int64_t tile_columns(int64_t k)
{
    return k > 0 && k <= SHALLOW ? SHALLOW_STEPS / k : INT64_MAX;
}

/* Multiplies `count` columns. The last panel is one vector wide if that is enough. */
void CNN__SIMD(tile_multiply_columns)(tile_grid g, int64_t count, prefetch *next);

/* The number of rows per panel that `rows` are best cut into: full panels where those are faster, else panels of
 * nearly equal size. */
static inline int64_t panel_rows_of(int64_t rows)
{
    return FULL_PANELS ? TILE_ROWS : divide_up(rows, divide_up(rows, TILE_ROWS));
}

#define tile_direct CNN__SIMD(tile_direct)
#define tile_keeps CNN__SIMD(tile_keeps)
#define tile_multiply CNN__SIMD(tile_multiply)
#define tile_multiply_columns CNN__SIMD(tile_multiply_columns)

/* A tile of packed operands. */
static inline void tile_product(int64_t rows, int64_t k, const float *a, const float *b, tile_start start,
                                const float *from, float *c, int64_t step, prefetch *next)
{
    tile_operand packed_a = { a, 1, TILE_ROWS, NULL }, packed_b = { b, 1, TILE_WIDTH, NULL };
    tile_direct(rows, 2, k, &packed_a, &packed_b, start & (FROM_COLUMNS | FROM_ROWS), start & STREAMED, from, c, step,
                next);
}

/* ---- packing (gemm/pack.c) ---- */

/* to[k][stride] ← rows of a matrix stored along k: to[k·stride + i] = from[i·ld + k] for i < count ≤ LANES, zeros up
 * to `fill`. Writes whole vectors: `to` needs space for LANES − 1 floats beyond its end, and what follows must be
 * written later. */
void CNN__SIMD(pack_transposed)(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to,
                                int64_t stride);

/* to[k][stride] ← a matrix stored across: to[k·stride + i] = from[k·ld + i] for i < count, zeros up to `fill`. */
void CNN__SIMD(pack_straight)(const float *from, int64_t ld, int64_t count, int64_t fill, int64_t k, float *to,
                              int64_t stride);

/* to[panel][k][TILE_WIDTH] ← a matrix stored across, of `panels` whole panels. */
void CNN__SIMD(pack_across)(const float *from, int64_t ld, int64_t panels, int64_t k, float *to);

/* to[panel][k][TILE_ROWS] ← a matrix stored across, of `panels` whole panels, which are `step` floats apart. */
void CNN__SIMD(pack_down)(const float *from, int64_t ld, int64_t panels, int64_t k, float *to, int64_t step);

/* to[k][TILE_ROWS] ← `count` rows of a matrix stored along k, zeros up to TILE_ROWS; writes nothing past the panel's
 * end: only the last row of all is cut to its length, the others spill into what comes next. */
void CNN__SIMD(pack_rows)(const float *from, int64_t ld, int64_t count, int64_t k, float *to);

#define pack_transposed CNN__SIMD(pack_transposed)
#define pack_straight CNN__SIMD(pack_straight)
#define pack_across CNN__SIMD(pack_across)
#define pack_down CNN__SIMD(pack_down)
#define pack_rows CNN__SIMD(pack_rows)

#endif
