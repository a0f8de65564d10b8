/* Convolutions of one to four positions in all, such as the last stages of a net on a small image: the windows become
 * rows, and each sum is the product of a row and of an output channel's weights, which are read once and in place.
 * Winograd's tiles would read four times as much for a tile that is hardly filled. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/gemm/dot.h"
#include "kernels/simd/table.h"

enum { FEW_MIN_TERMS = 256, FEW_MIN_CHANNELS = 16 };

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
           p->out_channels >= FEW_MIN_CHANNELS && few_positions(p) > 0 && few_positions(p) <= DOT_FEW_ROWS;
}

static cnn__gemm few_product(const conv_plan *p)
{
    int64_t k = few_terms(p);
    return (cnn__gemm){
        .trans_b = true, .m = few_positions(p), .n = p->out_channels, .k = k, .lda = k, .ldb = k, .ldc = p->out_channels
    };
}

size_t CNN__SIMD(conv_few_positions_workspace)(const conv_plan *p, int workers)
{
    cnn__gemm c = few_product(p);
    return (size_t)round_up(c.m * (c.k + c.n), 16) * sizeof(float) + CNN__SIMD(gemm_workspace)(&c, workers);
}

/* The window of one position; padding is zeros. */
static void few_window(const conv_plan *p, const float *x, int64_t row, int64_t column, float *to)
{
    for (int64_t c = 0; c < p->in_channels; c++, x += p->h.in * p->w.in) {
        for (int64_t i = 0; i < p->h.taps; i++) {
            int64_t h = row * p->h.stride + p->h.first + i * p->h.step;
            for (int64_t j = 0; j < p->w.taps; j++) {
                int64_t w = column * p->w.stride + p->w.first + j * p->w.step;
                bool inside = h >= 0 && h < p->h.in && w >= 0 && w < p->w.in;
                *to++ = inside ? x[h * p->w.in + w] : 0;
            }
        }
    }
}

void CNN__SIMD(conv_few_positions)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                   void *memory, cnn__pool *pool)
{
    cnn__gemm c = few_product(p);
    float *windows = memory, *sums = windows + c.m * c.k;
    int64_t plane = p->h.grid * p->w.grid;
    for (int64_t k = 0; k < c.m; k++) {
        few_window(p, x + k / plane * p->in_channels * p->h.in * p->w.in, k % plane / p->w.grid, k % p->w.grid,
                   windows + k * c.k);
    }
    CNN__SIMD(gemm)(&c, windows, weight, bias, sums, windows + round_up(c.m * (c.k + c.n), 16), pool);
    for (int64_t k = 0; k < c.m; k++) {
        for (int64_t o = 0; o < c.n; o++) {
            y[(k / plane * c.n + o) * plane + k % plane] = sums[k * c.n + o];
        }
    }
}
