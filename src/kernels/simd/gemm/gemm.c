/* Matrix products by packed panels (Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
 *
 * All of A is packed once into panels of TILE_ROWS rows, unless its rows are read in place because C is narrow. A task
 * owns a block of C. It advances along k in steps of K_BLOCK and packs panels of B for each step: in the inner loops a
 * panel of B comes from L1, A and the block of C come from L2, and the operands of the next step are prefetched. The
 * blocks depend on the sizes alone. Products with few rows or columns read both operands unpacked (gemm/dot.h,
 * gemm/rows.h). A B that the caller keeps is packed as a whole, panel by panel, and read from there. */
#include "kernels/simd/gemm/dot.h"
#include "kernels/simd/gemm/one_row.h"
#include "kernels/simd/gemm/rows.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/prefetch.h"

enum {
    BLOCK_ROWS = (FULL_PANELS ? 72 : 18) * TILE_ROWS, /* rows per task */
    BLOCK_PANELS = 8,                                 /* panels of columns */
    A_PANELS = 4,                                     /* panels that are packed together */
    FEW_PANELS = 2, /* panels of rows, at most, that are hardly worth packing either */
    NARROW = 768,   /* columns of C, at most, for which a packed A is read too few times to pay */
    SMALL_A = CNN__VECTOR_BYTES == 64 ? L1_FLOATS : 0, /* floats of a transposed A, at most, that is read as it lies */
    SHARED_FLOATS = L2_FLOATS,                         /* floats of a B, at most, that is packed once for all rows */
    TASK_WORK = CNN__POOL_GRAIN / 4                    /* vectors of products that are worth a task */
};

typedef struct gemm_job {
    const cnn__gemm *g;
    const float *a, *b, *bias;
    float *c, *packed; /* A: [panel][k][TILE_ROWS] */
    char *scratch;     /* the scratch of all workers: a stretch of B, a tile of C */
    int64_t panels, block_panels, row_blocks;
    int64_t column_panels, block_columns, column_blocks; /* in panels */
    bool streamed;                                       /* C is stored past the caches */
    bool along;                                          /* A is read in place */
    const cnn__pool *pool;
} gemm_job;

/* The state of a task. */
typedef struct gemm_task {
    const gemm_job *job;
    int64_t begin, end;      /* panels of rows */
    int64_t column, columns; /* panels of columns */
    int64_t k, depth;
    float *b, *aside;
    int64_t b_step;       /* floats from one panel of B to the next */
    double *wide;         /* the wide sums of the block, where the sums are long */
    int64_t begun, wides; /* where along k the part began that is in C; parts before it */
    prefetch next, later;
} gemm_task;

enum { OPERAND_FLOATS = (BLOCK_PANELS * K_BLOCK * TILE_WIDTH + LANES + TILE_ROWS * TILE_WIDTH + 16) / 16 * 16 };

/* Whether A is not packed. Rows that would share a set of L1 always are. */
static bool reads_a_in_place(const cnn__gemm *g, int64_t panels)
{
    bool small = g->trans_a ? g->m * g->k <= SMALL_A : g->n <= NARROW || panels <= FEW_PANELS;
    return small && g->lda % L1_SET_FLOATS;
}

static __attribute__((noinline)) void gemm_plan_blocks(gemm_job *job, const cnn__gemm *g)
{
    const double work = (double)g->m * (double)g->n * (double)g->k / (LANES * TASK_WORK);
    const int64_t tasks = work < MIN_TASKS ? (int64_t)work + 1 : MIN_TASKS;
    job->g = g;
    job->panels = divide_up(g->m, TILE_ROWS);
    job->along = reads_a_in_place(g, job->panels);
    job->column_panels = divide_up(g->n, TILE_WIDTH);
    job->row_blocks = divide_up(job->panels, BLOCK_ROWS / TILE_ROWS);
    job->column_blocks = divide_up(job->column_panels, BLOCK_PANELS);
    if (job->row_blocks * job->column_blocks < tasks) {
        job->column_blocks = min64(job->column_panels, divide_up(tasks, job->row_blocks));
    }
    if (job->row_blocks * job->column_blocks < tasks) {
        job->row_blocks = min64(job->panels, divide_up(tasks, job->column_blocks));
    }
    job->block_panels = divide_up(job->panels, job->row_blocks);
    job->row_blocks = divide_up(job->panels, job->block_panels);
    job->block_columns = divide_up(job->column_panels, job->column_blocks);
    job->column_blocks = divide_up(job->column_panels, job->block_columns);
}

/* The bytes of scratch memory per worker: packed panels of B, a tile of C and the wide sums. */
static size_t gemm_scratch_size(const gemm_job *job)
{
    int64_t block = job->block_panels * TILE_ROWS * job->block_columns * TILE_WIDTH;
    return OPERAND_FLOATS * sizeof(float) + (long_sum(job->g->k) ? (size_t)block * sizeof(double) : 0);
}

static size_t gemm_packed_size(const gemm_job *job)
{
    return job->along ? 0 : (size_t)round_up(job->panels * TILE_ROWS * job->g->k + LANES, 16) * sizeof(float);
}

/* The bytes of a B that is packed once because several blocks of rows read it; 0: each task packs what it reads. */
static size_t gemm_shared_size(const gemm_job *job)
{
    int64_t floats = job->column_panels * TILE_WIDTH * job->g->k;
    return job->row_blocks > 1 && !job->g->packed && floats <= SHARED_FLOATS ? (size_t)floats * sizeof(float) : 0;
}

/* A column without gaps is also a row of Bᵀ, which the dot products can read. */
static cnn__gemm as_dots(const cnn__gemm *g)
{
    cnn__gemm same = *g;
    if (g->n == 1 && g->ldb == 1 && !g->trans_b) {
        same.trans_a = g->trans_a && !(g->m == 1 && g->lda == 1);
        same.lda = same.trans_a == g->trans_a ? g->lda : g->k;
        same.trans_b = !same.trans_a;
        same.ldb = same.trans_b ? g->k : g->ldb;
    }
    return same;
}

static bool by_dots(const cnn__gemm *g)
{
    return g->trans_b && !g->trans_a && !g->repeated && (g->m <= DOT_FEW_ROWS || g->n <= DOT_FEW_COLUMNS);
}

static bool by_rows(const cnn__gemm *g)
{
    return !g->trans_b && g->m <= FEW_ROWS;
}

size_t CNN__SIMD(gemm_workspace)(const cnn__gemm *given, int workers)
{
    const cnn__gemm same = as_dots(given), *g = &same;
    gemm_job job = { 0 };
    gemm_plan_blocks(&job, g);
    if (by_dots(g) || by_rows(g)) {
        return by_rows(g) && long_sum(g->k) ? (size_t)workers * rows_wide_size(g) : 0;
    }
    return gemm_packed_size(&job) + gemm_shared_size(&job) + (size_t)workers * gemm_scratch_size(&job);
}

/* All of B: [panel][k][TILE_WIDTH]. */
size_t CNN__SIMD(gemm_packed)(const cnn__gemm *given)
{
    const cnn__gemm same = as_dots(given), *g = &same;
    int64_t floats = divide_up(g->n, TILE_WIDTH) * TILE_WIDTH * g->k;
    return by_dots(g) || by_rows(g) ? 0 : (size_t)floats * sizeof(float);
}

/* Packs K_BLOCK steps of a few panels of A. Where A is stored by columns, each of them is read across these panels. */
static void pack_a_panels(void *arg, int64_t task, int worker)
{
    (void)worker;
    const gemm_job *job = arg;
    const cnn__gemm *g = job->g;
    int64_t groups = divide_up(job->panels, A_PANELS), panel = task % groups * A_PANELS, k = task / groups * K_BLOCK,
            depth = min64(K_BLOCK, g->k - k), end = min64(panel + A_PANELS, job->panels), step = TILE_ROWS * g->k;
    float *to = job->packed + panel * step + k * TILE_ROWS;
    if (g->trans_a) {
        int64_t whole = min64(end, g->m / TILE_ROWS) - panel;
        pack_down(job->a + k * g->lda + panel * TILE_ROWS, g->lda, whole, depth, to, step);
        panel += whole;
        to += whole * step;
    }
    for (; panel < end; panel++, to += step) {
        int64_t row = panel * TILE_ROWS, count = min64(g->m - row, TILE_ROWS);
        if (g->trans_a) {
            pack_straight(job->a + k * g->lda + row, g->lda, count, TILE_ROWS, depth, to, TILE_ROWS);
        } else {
            pack_rows(job->a + row * g->lda + k, g->lda, count, depth, to);
        }
    }
}

/* Packs K_BLOCK rows of B for one panel of columns: [depth][TILE_WIDTH]. */
static void pack_column(const gemm_job *job, int64_t column, int64_t k, int64_t depth, float *to)
{
    const cnn__gemm *g = job->g;
    int64_t count = g->n - column < TILE_WIDTH ? g->n - column : TILE_WIDTH;
    if (!g->trans_b && count == TILE_WIDTH) {
        pack_across(job->b + k * g->ldb + column, g->ldb, 1, depth, to);
        return;
    }
    if (!g->trans_b) {
        pack_straight(job->b + k * g->ldb + column, g->ldb, count, TILE_WIDTH, depth, to, TILE_WIDTH);
        return;
    }
    for (int64_t i = 0; i < TILE_WIDTH; i += LANES) {
        int64_t some = count - i < 0 ? 0 : count - i < LANES ? count - i : LANES;
        pack_transposed(job->b + (column + i) * g->ldb + k, g->ldb, some, LANES, depth, to + i, TILE_WIDTH);
    }
}

static void pack_kept_panel(void *arg, int64_t panel, int worker)
{
    (void)worker;
    const gemm_job *job = arg;
    pack_column(job, panel * TILE_WIDTH, 0, job->g->k, (float *)job->g->packed + panel * job->g->k * TILE_WIDTH);
}

/* Packs B for all panels of the task. If B is stored by rows, each row is read across all whole panels at once. */
static void pack_b(const gemm_task *t)
{
    const cnn__gemm *g = t->job->g;
    int64_t first = t->column * TILE_WIDTH, whole = g->trans_b ? 0 : min64(t->columns, (g->n - first) / TILE_WIDTH);
    pack_across(t->job->b + t->k * g->ldb + first, g->ldb, whole, t->depth, t->b);
    for (int64_t j = whole; j < t->columns; j++) {
        pack_column(t->job, first + j * TILE_WIDTH, t->k, t->depth, t->b + j * t->depth * TILE_WIDTH);
    }
}

/* The rows of A from `row` on, in the steps of this stretch. */
static tile_operand rows_of_a(const gemm_task *t, int64_t row)
{
    const gemm_job *job = t->job;
    const int64_t lda = job->g->lda;
    if (!job->along) {
        return (tile_operand){ job->packed + row * job->g->k + t->k * TILE_ROWS, 1, TILE_ROWS, NULL };
    }
    return SMALL_A && job->g->trans_a ? (tile_operand){ job->a + row + t->k * lda, 1, lda, NULL }
                                      : (tile_operand){ job->a + row * lda + t->k, lda, 1, NULL };
}

/* A tile at the edge of C, which is computed in a buffer and copied. */
static void multiply_edge(gemm_task *t, int64_t row, int64_t rows, int64_t column, const float *b, const float *first)
{
    const cnn__gemm *g = t->job->g;
    const int64_t columns = min64(g->n - column, TILE_WIDTH);
    const tile_operand a = rows_of_a(t, row), panel = { b, 1, TILE_WIDTH, NULL };
    float *c = t->job->c + row * g->ldc + column;
    for (int64_t i = 0; i < rows && !first; i++) {
        copy_floats(c + i * g->ldc, t->aside + i * TILE_WIDTH, columns);
    }
    tile_direct(rows, divide_up(columns, LANES), t->depth, &a, &panel, first ? FROM_COLUMNS : FROM_C, false, first,
                t->aside, TILE_WIDTH, &t->next);
    for (int64_t i = 0; i < rows; i++) {
        copy_floats(t->aside + i * TILE_WIDTH, c + i * g->ldc, columns);
    }
}

/* Multiplies K_BLOCK steps. The first ones start from the bias, C or zero, the later ones from C. */
static void gemm_multiply_stretch(gemm_task *t, const float *first)
{
    const gemm_job *job = t->job;
    const cnn__gemm *g = job->g;
    int64_t row = t->begin * TILE_ROWS, column = t->column * TILE_WIDTH,
            whole = min64(t->columns, (g->n - column) / TILE_WIDTH);
    const int64_t rows = min64(t->end * TILE_ROWS, g->m) - row, high = job->along ? panel_rows_of(rows) : TILE_ROWS;
    tile_grid grid = { .rows = rows,
                       .panel_rows = high,
                       .columns = whole,
                       .vectors = 2,
                       .k = t->depth,
                       .a = rows_of_a(t, row),
                       .a_step = high * (job->along ? (SMALL_A && g->trans_a ? 1 : g->lda) : g->k),
                       .b = { t->b, 1, TILE_WIDTH, NULL },
                       .b_step = t->b_step,
                       .start = first ? FROM_COLUMNS : FROM_C,
                       .streamed = job->streamed,
                       .from = first,
                       .c = job->c + row * g->ldc + column,
                       .step = g->ldc };
    tile_multiply(&grid, &t->next);
    for (int64_t done = 0; done < rows && whole < t->columns; done += high) {
        multiply_edge(t, row + done, min64(high, rows - done), column + whole * TILE_WIDTH, t->b + whole * grid.b_step,
                      first ? first + whole * TILE_WIDTH : NULL);
    }
}

/* Plans the prefetch of what the next steps read of A and B. */
static void gemm_prefetch_stretch(gemm_task *t)
{
    const cnn__gemm *g = t->job->g;
    int64_t k = t->k + t->depth, depth = min64(g->k - k, K_BLOCK), size = (int64_t)sizeof(float),
            panels = t->end - t->begin;
    int64_t calls = panels * t->columns * divide_up(t->depth, FETCH_STEPS) / 2;
    int64_t column = t->column * TILE_WIDTH, columns = min64(t->columns * TILE_WIDTH, g->n - column);
    t->next = t->later = (prefetch){ 0 };
    if (depth <= 0) {
        /* C was in no stretch before, and its other columns follow the first ones. Full panels fetch it by tiles. */
        if (!FULL_PANELS && ROWS_FIT_A_VECTOR && g->accumulate && k <= K_BLOCK) {
            t->next = prefetch_make(t->job->c + t->begin * TILE_ROWS * g->ldc + column, columns * size,
                                    min64(t->end * TILE_ROWS, g->m) - t->begin * TILE_ROWS, g->ldc * size, calls / 4);
        }
        return;
    }
    t->next = g->packed ? prefetch_make(t->b + t->depth * TILE_WIDTH, depth * TILE_WIDTH * size, t->columns,
                                        t->b_step * size, calls)
              : g->trans_b
                  ? prefetch_make(t->job->b + column * g->ldb + k, depth * size, columns, g->ldb * size, calls)
                  : prefetch_make(t->job->b + k * g->ldb + column, columns * size, depth, g->ldb * size, calls);
    t->later = t->job->along && g->trans_a ? (prefetch){ 0 }
               : t->job->along
                   ? prefetch_make(t->job->a + t->begin * TILE_ROWS * g->lda + k, depth * size,
                                   min64(t->end * TILE_ROWS, g->m) - t->begin * TILE_ROWS, g->lda * size, calls)
                   : prefetch_make(t->job->packed + (t->begin * g->k + k) * TILE_ROWS, depth * TILE_ROWS * size, panels,
                                   g->k * TILE_ROWS * size, calls);
    t->next.then = &t->later;
}

/* Adds the part of long sums that is in C to the wide sums. */
static void gemm_keep_part(gemm_task *t, int64_t rows, int64_t columns, float *c)
{
    wide_add(t->wide, t->wides++ == 0, c, rows, columns, t->job->g->ldc);
    t->begun = t->k;
}

static void gemm_multiply_block(void *arg, int64_t task, int worker)
{
    const gemm_job *job = arg;
    const cnn__gemm *g = job->g;
    gemm_task t = { .job = job,
                    .begin = task % job->row_blocks * job->block_panels,
                    .column = task / job->row_blocks * job->block_columns };
    t.end = min64(t.begin + job->block_panels, job->panels);
    t.columns = min64(job->block_columns, job->column_panels - t.column);
    t.b = (float *)(void *)(job->scratch + gemm_scratch_size(job) * (size_t)worker);
    t.aside = t.b + BLOCK_PANELS * K_BLOCK * TILE_WIDTH + LANES;
    t.wide = (double *)(void *)(t.b + OPERAND_FLOATS);
    int64_t row = t.begin * TILE_ROWS, rows = min64(t.end * TILE_ROWS, g->m) - row, column = t.column * TILE_WIDTH;
    int64_t columns = min64(t.columns * TILE_WIDTH, g->n - column);
    float *c = job->c + row * g->ldc + column;
    float start[BLOCK_PANELS * TILE_WIDTH] = { 0 };
    if (g->accumulate) {
        memset(t.aside, 0,
               TILE_ROWS * TILE_WIDTH * sizeof(float)); /* a tile at the edge of C is read beyond the edge */
    }
    for (int64_t j = 0; j < t.columns * TILE_WIDTH && t.column * TILE_WIDTH + j < g->n && job->bias; j++) {
        start[j] = job->bias[t.column * TILE_WIDTH + j];
    }
    do {
        t.depth = min64(g->k - t.k, K_BLOCK);
        t.b_step = t.depth * TILE_WIDTH;
        if (g->packed) {
            t.b_step = g->k * TILE_WIDTH;
            t.b = (float *)g->packed + t.column * t.b_step + t.k * TILE_WIDTH;
        } else {
            pack_b(&t);
        }
        gemm_prefetch_stretch(&t);
        if (long_sum(g->k) && t.k - t.begun == GEMM_PART) {
            gemm_keep_part(&t, rows, columns, c);
            memset(start, 0, sizeof start);
        }
        gemm_multiply_stretch(&t, t.k == t.begun && (t.wides || !g->accumulate) ? start : NULL);
        t.k += t.depth;
    } while (t.k < g->k);
    if (t.wides) {
        wide_finish(t.wide, c, rows, columns, g->ldc);
    }
    stream_end();
}

/* ---- the product ---- */

/* Which of the `tasks` to do as number `task`. */
static int64_t turned(const gemm_job *job, int64_t tasks, int64_t task)
{
    return job->g->reversed ? cnn__pool_turned(job->pool, tasks, task) : task;
}

static void dot_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const gemm_job *job = arg;
    int64_t n = job->g->n, at = turned(job, divide_up(n, DOT_COLUMNS), task);
    dot_columns(job->g, job->a, job->b, job->bias, job->c, at * DOT_COLUMNS, min64((at + 1) * DOT_COLUMNS, n));
}

static void gemm_rows_task(void *arg, int64_t task, int worker)
{
    const gemm_job *job = arg;
    int64_t columns = row_columns(job->g), begin = task * columns;
    double *wide = (double *)(void *)(job->scratch + rows_wide_size(job->g) * (size_t)worker);
    multiply_rows(job->g, job->a, job->b, job->bias, job->c, begin, min64(columns, job->g->n - begin), wide);
}

static void one_row_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const gemm_job *job = arg;
    int64_t at = turned(job, divide_up(job->column_panels, ROW_PANELS), task);
    one_row_multiply(job->g, job->a, job->bias, job->c, at * ROW_PANELS);
}

static void add_bias(const gemm_job *job)
{
    const cnn__gemm *g = job->g;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            job->c[i * g->ldc + j] += job->bias[j];
        }
    }
}

void CNN__SIMD(gemm)(const cnn__gemm *given, const void *a, const void *b, const void *bias, void *c, void *workspace,
                     cnn__pool *pool)
{
    cnn__gemm same = as_dots(given), *g = &same;
    gemm_job job = { .a = a, .b = b, .bias = bias, .c = c, .packed = workspace, .pool = pool };
    double work = (double)g->m * (double)g->n * (double)(g->k + 1) / LANES;
    gemm_plan_blocks(&job, g);
    if (by_dots(g)) {
        cnn__pool_run(pool, divide_up(g->n, DOT_COLUMNS), 2 * work, dot_task, &job); /* two loads each */
        return;
    }
    if (by_rows(g)) {
        job.scratch = workspace;
        cnn__pool_run(pool, divide_up(g->n, row_columns(g)), work, gemm_rows_task, &job);
        return;
    }
    const size_t shared = gemm_shared_size(&job);
    if (shared) {
        same.packs = true;
        same.packed = (char *)workspace + gemm_packed_size(&job);
    }
    if (g->packs) {
        cnn__pool_run(pool, job.column_panels, (double)g->n * (double)g->k, pack_kept_panel, &job);
    }
    if (one_row_fits(g)) {
        cnn__pool_run(pool, divide_up(job.column_panels, ROW_PANELS), 2 * work, one_row_task, &job);
        return;
    }
    if (g->accumulate && bias) {
        add_bias(&job);
    }
    job.scratch = (char *)workspace + gemm_packed_size(&job) + shared;
    job.streamed = !g->accumulate && g->k <= K_BLOCK && streams(job.c, g->m * g->n, g->ldc);
    if (!job.along) {
        int64_t groups = divide_up(job.panels, A_PANELS) * divide_up(g->k, K_BLOCK);
        cnn__pool_run(pool, groups, (double)g->m * (double)g->k, pack_a_panels, &job);
    }
    cnn__pool_run(pool, job.row_blocks * job.column_blocks, work, gemm_multiply_block, &job);
}
