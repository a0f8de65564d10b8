/* softmax and log_softmax over contiguous rows, each row by one task; those of a row in f32 are in simd/map/. */
#include "kernels/array/map.h"

#include "base/math.h"

#define ROW static void
#define X double
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/softmax_impl.h"

typedef void (*row_fn)(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);

typedef struct softmax_job {
    row_fn row;
    cnn__softmax functions;
    int64_t rows, n, group;
    int64_t bytes; /* the bytes of a row */
    const char *x;
    char *y;
} softmax_job;

enum { SOFTMAX_TASK = 4096, COST = 16 };

static void softmax_rows_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const softmax_job *j = arg;
    const int64_t first = task * j->group;
    j->row(&j->functions, cnn__min(j->group, j->rows - first), j->n, j->x + first * j->bytes, j->y + first * j->bytes);
}

static void run_rows(const cnn__map_tables *tables, row_fn row, cnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                     void *y, cnn__pool *pool)
{
    if (rows == 0 || n == 0) {
        return;
    }
    softmax_job j = { .row = row,
                      .rows = rows,
                      .n = n,
                      .group = cnn__max(1, SOFTMAX_TASK / n),
                      .bytes = n * (int64_t)cnn__array_size(dtype),
                      .functions.largest = dtype == CNN_F32 ? &tables->reduce_f32[CNN_REDUCE_OF_MAX]
                                                            : &cnn__reducers[CNN_REDUCE_OF_MAX][dtype],
                      .x = x,
                      .y = y };
    cnn__map_of(tables, CNN_KERNEL_UNARY, CNN_UNARY_EXP, dtype, (const double[2]){ 0 }, &j.functions.exp);
    cnn__pool_run(pool, cnn__ceil_div(rows, j.group), COST * (double)rows * (double)n, softmax_rows_task, &j);
}

void cnn__map_log_softmax(const cnn__map_tables *tables, cnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                          void *y, cnn__pool *pool)
{
    run_rows(tables, dtype == CNN_F32 ? tables->log_softmax_f32 : log_softmax_f64, dtype, rows, n, x, y, pool);
}

void cnn__map_softmax(const cnn__map_tables *tables, cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y,
                      cnn__pool *pool)
{
    run_rows(tables, dtype == CNN_F32 ? tables->softmax_f32 : softmax_f64, dtype, rows, n, x, y, pool);
}
