/* Matrix products by packed panels (Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
 *
 * A is packed whole, once, into panels of ROWS rows; a task owns a block of C and packs the stretch of B that it needs, so
 * that in the inner loops B comes from L1 and A from L2. The blocks depend on the sizes alone. Products with few rows by a
 * transposed B, as in inference of one sample, read B where it lies. */
#include "kernels/simd/table.h"
#include "kernels/simd/tile.h"

enum {
    DEPTH = 256,      /* of a packed stretch: DEPTH · WIDTH floats of B stay in L1 */
    BLOCK_ROWS = 36 * ROWS,
    FEW_ROWS = 4,
    DOT_COLUMNS = 16, /* columns a task of the few-rows path */
    LEAST_TASKS = 8
};

typedef struct gemm_job {
    const cnn__gemm *g;
    const float *a, *b, *bias;
    float *c, *packed; /* A: [panel][k][ROWS] */
    char *scratch;     /* of all workers: a stretch of B, a tile of C */
    int64_t panels, block_panels, row_blocks, column_blocks, block_columns;
} gemm_job;

static const size_t scratch_size = (size_t)(DEPTH * WIDTH + LANES + ROWS * WIDTH + 16) / 16 * 16 * sizeof(float);

static void measure(gemm_job *job, const cnn__gemm *g)
{
    job->g = g;
    job->panels = (g->m + ROWS - 1) / ROWS;
    job->column_blocks = (g->n + WIDTH - 1) / WIDTH;
    job->block_panels = BLOCK_ROWS / ROWS;
    job->row_blocks = (job->panels + job->block_panels - 1) / job->block_panels;
    if (job->row_blocks * job->column_blocks < LEAST_TASKS) {
        int64_t wanted = (LEAST_TASKS + job->column_blocks - 1) / (job->column_blocks ? job->column_blocks : 1);
        job->block_panels = (job->panels + wanted - 1) / wanted;
        job->block_panels = job->block_panels ? job->block_panels : 1;
        job->row_blocks = (job->panels + job->block_panels - 1) / job->block_panels;
    }
}

static size_t packed_size(const gemm_job *job)
{
    return (size_t)round_up(job->panels * ROWS * job->g->k + LANES, 16) * sizeof(float);
}

static bool few_rows(const cnn__gemm *g)
{
    return g->trans_b && !g->trans_a && g->m <= FEW_ROWS;
}

size_t CNN__SIMD(gemm_workspace)(const cnn__gemm *g, int workers)
{
    gemm_job job = { 0 };
    measure(&job, g);
    return few_rows(g) ? 0 : packed_size(&job) + (size_t)workers * scratch_size;
}

static void pack_a_panel(void *arg, int64_t panel, int worker)
{
    (void)worker;
    const gemm_job *job = arg;
    const cnn__gemm *g = job->g;
    int64_t row = panel * ROWS, count = g->m - row < ROWS ? g->m - row : ROWS;
    float *to = job->packed + panel * ROWS * g->k;
    if (g->trans_a) {
        pack_straight(job->a + row, g->lda, count, ROWS, g->k, to, ROWS);
        return;
    }
    pack_rows(job->a + row * g->lda, g->lda, count, g->k, to);
}

/* A stretch of B for one panel of columns: [depth][WIDTH]. */
static void pack_b(const gemm_job *job, int64_t column, int64_t k, int64_t depth, float *to)
{
    const cnn__gemm *g = job->g;
    int64_t count = g->n - column < WIDTH ? g->n - column : WIDTH;
    if (!g->trans_b) {
        pack_straight(job->b + k * g->ldb + column, g->ldb, count, WIDTH, depth, to, WIDTH);
        return;
    }
    for (int64_t i = 0; i < WIDTH; i += LANES) {
        int64_t some = count - i < 0 ? 0 : count - i < LANES ? count - i : LANES;
        pack_transposed(job->b + (column + i) * g->ldb + k, g->ldb, some, LANES, depth, to + i, WIDTH);
    }
}

/* The first stretch starts from bias, C or zero, the later ones from C; tiles at the edge are made aside. */
static void multiply_panel(const gemm_job *job, int64_t panel, int64_t column, int64_t k, int64_t depth, const float *b,
                           float *aside, const float *first)
{
    const cnn__gemm *g = job->g;
    int64_t row = panel * ROWS, rows = g->m - row < ROWS ? g->m - row : ROWS;
    int64_t columns = g->n - column < WIDTH ? g->n - column : WIDTH;
    const float *a = job->packed + (panel * g->k + k) * ROWS;
    float *c = job->c + row * g->ldc + column;
    if (columns == WIDTH) {
        tile_product(rows, depth, a, b, first ? FROM_COLUMNS : FROM_C, first, c, g->ldc, &(ahead){ 0 });
        return;
    }
    for (int64_t i = 0; i < rows && !first; i++) {
        memcpy(aside + i * WIDTH, c + i * g->ldc, (size_t)columns * sizeof(float));
    }
    tile_product(rows, depth, a, b, first ? FROM_COLUMNS : FROM_C, first, aside, WIDTH, &(ahead){ 0 });
    for (int64_t i = 0; i < rows; i++) {
        memcpy(c + i * g->ldc, aside + i * WIDTH, (size_t)columns * sizeof(float));
    }
}

static void multiply_block(void *arg, int64_t task, int worker)
{
    const gemm_job *job = arg;
    const cnn__gemm *g = job->g;
    int64_t column = task / job->row_blocks * WIDTH, begin = task % job->row_blocks * job->block_panels;
    int64_t end = begin + job->block_panels < job->panels ? begin + job->block_panels : job->panels;
    float *b = (float *)(void *)(job->scratch + scratch_size * (size_t)worker), *aside = b + DEPTH * WIDTH + LANES;
    float start[WIDTH] = { 0 };
    memset(aside, 0, ROWS * WIDTH * sizeof(float));
    for (int64_t j = 0; j < WIDTH && column + j < g->n && job->bias; j++) {
        start[j] = job->bias[column + j];
    }
    int64_t k = 0;
    do {
        int64_t depth = g->k - k < DEPTH ? g->k - k : DEPTH;
        pack_b(job, column, k, depth, b);
        for (int64_t panel = begin; panel < end; panel++) {
            multiply_panel(job, panel, column, k, depth, b, aside, k == 0 && !g->accumulate ? start : NULL);
        }
        k += depth;
    } while (k < g->k);
}

/* ---- few rows ---- */

CNN__INLINE float sum_lanes(lanes v)
{
    float part[LANES];
    store(part, v);
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) {
            part[i] += part[i + half];
        }
    }
    return part[0];
}

static float dot(const float *a, const float *b, int64_t k)
{
    lanes acc[4] = { { 0 } };
    float rest = 0;
    int64_t i = 0;
    for (; i + 4 * LANES <= k; i += 4 * LANES) {
#pragma GCC unroll 4
        for (int u = 0; u < 4; u++) {
            acc[u] += load(a + i + u * LANES) * load(b + i + u * LANES);
        }
    }
    for (; i + LANES <= k; i += LANES) {
        acc[0] += load(a + i) * load(b + i);
    }
    for (; i < k; i++) {
        rest += a[i] * b[i];
    }
    return sum_lanes((acc[0] + acc[1]) + (acc[2] + acc[3])) + rest;
}

static void dot_columns(void *arg, int64_t task, int worker)
{
    (void)worker;
    const gemm_job *job = arg;
    const cnn__gemm *g = job->g;
    for (int64_t j = task * DOT_COLUMNS; j < (task + 1) * DOT_COLUMNS && j < g->n; j++) {
        for (int64_t i = 0; i < g->m; i++) {
            float *c = job->c + i * g->ldc + j;
            float start = (job->bias ? job->bias[j] : 0) + (g->accumulate ? *c : 0);
            *c = start + dot(job->a + i * g->lda, job->b + j * g->ldb, g->k);
        }
    }
}

/* ---- the product ---- */

static void add_bias(const gemm_job *job)
{
    const cnn__gemm *g = job->g;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            job->c[i * g->ldc + j] += job->bias[j];
        }
    }
}

void CNN__SIMD(gemm)(const cnn__gemm *g, const void *a, const void *b, const void *bias, void *c, void *workspace,
                     cnn__pool *pool)
{
    gemm_job job = { .a = a, .b = b, .bias = bias, .c = c, .packed = workspace };
    double work = (double)g->m * (double)g->n * (double)(g->k + 1) / LANES;
    measure(&job, g);
    if (few_rows(g)) {
        cnn__pool_run(pool, (g->n + DOT_COLUMNS - 1) / DOT_COLUMNS, work, dot_columns, &job);
        return;
    }
    if (g->accumulate && bias) {
        add_bias(&job);
    }
    job.scratch = (char *)workspace + packed_size(&job);
    cnn__pool_run(pool, job.panels, (double)g->m * (double)g->k, pack_a_panel, &job);
    cnn__pool_run(pool, job.row_blocks * job.column_blocks, work, multiply_block, &job);
}
