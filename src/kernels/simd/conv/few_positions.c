/* Convolutions of few positions in all, such as the last stages of a net on a small image: the windows become rows, and
 * the sums are their product with the weights, which are read once. Winograd's tiles would read up to four times as
 * much for tiles that are hardly filled. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/lanes.h"

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

static cnn__gemm few_product(const conv_plan *p)
{
    int64_t k = few_terms(p);
    return (cnn__gemm){ .trans_b = true,
                        .repeated = true,
                        .packs = p->packs,
                        .packed = p->packed,
                        .m = few_positions(p),
                        .n = p->out_channels,
                        .k = k,
                        .lda = k,
                        .ldb = k,
                        .ldc = p->out_channels };
}

/* One byte more than a number of elements, by which the form is told from those of other algorithms: the same weight
 * may be read in one and in another, as the images are large or small. */
size_t CNN__SIMD(conv_few_positions_packed)(const conv_plan *p)
{
    const cnn__gemm c = few_product(p);
    return CNN__SIMD(gemm_packed)(&c) + 1;
}

size_t CNN__SIMD(conv_few_positions_workspace)(const conv_plan *p, int workers)
{
    cnn__gemm c = few_product(p);
    return (size_t)round_up(c.m * (c.k + c.n), 16) * sizeof(float) + CNN__SIMD(gemm_workspace)(&c, workers);
}

/* The window of one position; padding is zeros. */
static void few_window(const conv_plan *p, const float *x, int64_t row, int64_t column, float *to)
{
    int64_t from[FEW_TAPS], tap[FEW_TAPS], taps = 0, inside = 0; /* which taps are inside, and where */
    for (int64_t i = 0; i < p->h.taps; i++) {
        int64_t h = row * p->h.stride + p->h.first + i * p->h.step;
        for (int64_t j = 0; j < p->w.taps; j++, taps++) {
            int64_t w = column * p->w.stride + p->w.first + j * p->w.step;
            from[inside] = h * p->w.in + w;
            tap[inside] = taps;
            inside += h >= 0 && h < p->h.in && w >= 0 && w < p->w.in;
        }
    }
    memset(to, 0, (size_t)(p->in_channels * taps) * sizeof *to);
    for (int64_t c = 0; c < p->in_channels; c++, x += p->h.in * p->w.in, to += taps) {
        for (int64_t k = 0; k < inside; k++) {
            to[tap[k]] = x[from[k]];
        }
    }
}

typedef struct few_job {
    const conv_plan *p;
    const float *x;
    float *windows;
} few_job;

static void few_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const few_job *job = arg;
    const conv_plan *p = job->p;
    const int64_t plane = p->h.grid * p->w.grid, place = task % plane;
    few_window(p, job->x + task / plane * p->in_channels * p->h.in * p->w.in, place / p->w.grid, place % p->w.grid,
               job->windows + task * few_terms(p));
}

void CNN__SIMD(conv_few_positions)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                   void *memory, cnn__pool *pool)
{
    const cnn__gemm c = few_product(p);
    few_job job = { p, x, memory };
    float *sums = job.windows + c.m * c.k;
    const int64_t plane = p->h.grid * p->w.grid;
    cnn__pool_run(pool, c.m, (double)(2 * c.m * c.k), few_task, &job);
    CNN__SIMD(gemm)(&c, job.windows, weight, bias, sums, job.windows + round_up(c.m * (c.k + c.n), 16), pool);
    for (int64_t k = 0; k < c.m; k++) {
        for (int64_t o = 0; o < c.n; o++) {
            y[(k / plane * c.n + o) * plane + k % plane] = sums[k * c.n + o];
        }
    }
}
