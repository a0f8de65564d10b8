/* Convolutions of few positions in all, such as the last stages of a net on a small image: the windows become rows, and
 * the sums are their product with the weights, which are read once. Winograd's tiles would read up to four times as
 * much for tiles that are hardly filled. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/machine.h"

enum { FEW_POSITIONS = CNN__VECTOR_BYTES == 64 ? 16 : 8, FEW_TAPS = 64, FEW_MIN_TERMS = 256, FEW_MIN_CHANNELS = 16 };

static int64_t few_positions(const conv_plan *p)
{
    return p->batch * p->h.grid * p->w.grid;
}

static int64_t few_terms(const conv_plan *p)
{
    return p->in_channels * plan_taps(p);
}

static bool few_whole(const conv_axis *a)
{
    return a->grid == a->out && a->out_first == 0 && a->out_step == 1 && a->weight_first == 0 && a->weight_step == 1;
}

bool CNN__SIMD(conv_few_positions_fits)(const conv_plan *p)
{
    return p->groups == 1 && !p->add && few_whole(&p->h) && few_whole(&p->w) && p->weight_row == p->w.taps &&
           p->weight_in == plan_taps(p) && p->weight_out == few_terms(p) && few_terms(p) >= FEW_MIN_TERMS &&
           p->out_channels >= FEW_MIN_CHANNELS && plan_taps(p) <= FEW_TAPS && few_positions(p) > 0 &&
           few_positions(p) <= FEW_POSITIONS;
}

/* The product for output channels [first, first + count). */
static cnn__gemm few_product(const conv_plan *p, int64_t first, int64_t count)
{
    int64_t k = few_terms(p);
    return (cnn__gemm){ .trans_b = true,
                        .repeated = true,
                        .packs = p->packs,
                        .packed = p->packed ? p->packed + first * k : NULL,
                        .m = few_positions(p),
                        .n = count,
                        .k = k,
                        .lda = k,
                        .ldb = k,
                        .ldc = count };
}

size_t CNN__SIMD(conv_few_positions_packed)(const conv_plan *p)
{
    const cnn__gemm c = few_product(p, 0, p->out_channels);
    return CNN__SIMD(gemm_packed)(&c);
}

/* The output channels of a task: panels of columns, four where a single row is multiplied. */
static int64_t few_block(const conv_plan *p)
{
    return few_positions(p) == 1 ? 4 * TILE_WIDTH : TILE_WIDTH;
}

/* The floats of a worker: whether its windows are filled in, these, and the sums of a task. */
static int64_t few_floats(const conv_plan *p)
{
    return round_up(LINE_FLOATS + few_positions(p) * (few_terms(p) + few_block(p)), LINE_FLOATS);
}

/* Its bytes, with what a product takes. */
static size_t few_share(const conv_plan *p)
{
    const cnn__gemm c = few_product(p, 0, few_block(p)), last = few_product(p, 0, p->out_channels % few_block(p));
    size_t whole = CNN__SIMD(gemm_workspace)(&c, 1), rest = CNN__SIMD(gemm_workspace)(&last, 1);
    return (size_t)few_floats(p) * sizeof(float) + (whole > rest ? whole : rest) / 64 * 64 + 64;
}

size_t CNN__SIMD(conv_few_positions_workspace)(const conv_plan *p, int workers)
{
    return (size_t)workers * few_share(p);
}

/* The window of one position; padding is zeros. */
static void few_window(const conv_plan *p, const float *x, int64_t row, int64_t column, float *to)
{
    const int64_t taps = plan_taps(p), plane = p->h.in * p->w.in, size = p->in_channels * taps;
    memset(to, 0, (size_t)size * sizeof *to);
    for (int64_t tap = 0; tap < taps; tap++) {
        int64_t h = row * p->h.stride + p->h.first + tap / p->w.taps * p->h.step;
        int64_t w = column * p->w.stride + p->w.first + tap % p->w.taps * p->w.step;
        bool inside = h >= 0 && h < p->h.in && w >= 0 && w < p->w.in;
        for (int64_t at = tap, from = h * p->w.in + w; at < size && inside; at += taps, from += plane) {
            to[at] = x[from];
        }
    }
}

typedef struct few_job {
    const conv_plan *p;
    const float *x, *weight, *bias;
    float *y;
    char *memory;
    size_t share;
} few_job;

/* A worker makes all windows for itself: fetching them from another one's caches would take longer. */
static void few_task(void *arg, int64_t task, int worker)
{
    const few_job *job = arg;
    const conv_plan *p = job->p;
    const int64_t plane = p->h.grid * p->w.grid, first = task * few_block(p);
    const cnn__gemm c = few_product(p, first, min64(few_block(p), p->out_channels - first));
    bool *filled = (bool *)(job->memory + job->share * (size_t)worker);
    float *windows = (float *)(void *)filled + LINE_FLOATS, *sums = windows + c.m * c.k;
    for (int64_t k = 0; k < c.m && !*filled; k++) {
        few_window(p, job->x + k / plane * p->in_channels * p->h.in * p->w.in, k % plane / p->w.grid,
                   k % plane % p->w.grid, windows + k * c.k);
    }
    *filled = true;
    CNN__SIMD(gemm)
    (&c, windows, job->weight + first * c.k, job->bias ? job->bias + first : NULL, sums,
     (float *)(void *)filled + few_floats(p), NULL);
    for (int64_t k = 0; k < p->batch * c.n; k++) {
        float *y = job->y + (k / c.n * p->out_channels + first + k % c.n) * plane;
        const float *from = sums + k / c.n * plane * c.n + k % c.n;
        for (int64_t i = 0; i < plane; i++) {
            y[i] = from[i * c.n];
        }
    }
}

void CNN__SIMD(conv_few_positions)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                   void *memory, cnn__pool *pool)
{
    few_job job = { p, x, weight, bias, y, memory, few_share(p) };
    for (int i = 0; i < cnn__pool_size(pool); i++) {
        *(bool *)(job.memory + job.share * (size_t)i) = false;
    }
    double work = (double)(few_positions(p) * p->out_channels * few_terms(p)) / LANES;
    cnn__pool_run(pool, divide_up(p->out_channels, few_block(p)), work, few_task, &job);
}
