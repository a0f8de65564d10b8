/* softmax and log_softmax over contiguous rows, each row by one task; those of a row in f32 are in simd/map/. */
#include "kernels/array/map.h"

#include "base/math.h"

static void softmax_exp_f64(int64_t n, double *y)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] = cnn__exp_f64(y[i]);
    }
}

#define ROW static void
#define X double
#define REDUCE(op) cnn__reducers[op][CNN_F64]
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/softmax_impl.h"

typedef void (*row_fn)(int64_t rows, int64_t n, const void *x, void *y);

typedef struct softmax_job {
    row_fn row;
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
    j->row(cnn__min(j->group, j->rows - first), j->n, j->x + first * j->bytes, j->y + first * j->bytes);
}

static void run_rows(row_fn row, cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y, cnn__pool *pool)
{
    if (rows == 0 || n == 0) {
        return;
    }
    softmax_job j = { .row = row,
                      .rows = rows,
                      .n = n,
                      .group = cnn__max(1, SOFTMAX_TASK / n),
                      .bytes = n * (int64_t)cnn__array_size(dtype),
                      .x = x,
                      .y = y };
    cnn__pool_run(pool, cnn__ceil_div(rows, j.group), COST * (double)rows * (double)n, softmax_rows_task, &j);
}

void cnn__map_log_softmax(const cnn__map_tables *tables, cnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                          void *y, cnn__pool *pool)
{
    run_rows(dtype == CNN_F32 ? tables->log_softmax_f32 : log_softmax_f64, dtype, rows, n, x, y, pool);
}

void cnn__map_softmax(const cnn__map_tables *tables, cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y,
                      cnn__pool *pool)
{
    run_rows(dtype == CNN_F32 ? tables->softmax_f32 : softmax_f64, dtype, rows, n, x, y, pool);
}
