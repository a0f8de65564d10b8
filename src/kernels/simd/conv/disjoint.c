/* The gradient of the data of a convolution whose windows lie side by side, which is what a transposed convolution of
 * equal kernel and stride computes: a GEMM, whose rows are then interleaved.
 *
 * c[channel, tap][position] = Σ_o weight[o][channel, tap] · dy[o][position], for some lines of positions at a time,
 * which are still in the cache when each tap's row becomes every so many elements of a line of dx. The plan of each
 * tap would write those by themselves. */
#include "kernels/simd/conv/disjoint.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"

enum {
    MIN_POSITIONS = 256, /* for which the weights are packed */
    MAX_PRODUCTS = 4 * L2_FLOATS
};

typedef struct disjoint_job {
    const cnn__conv *g;
    const float *products;
    float *dx;              /* at the image's first line here */
    int64_t lines, columns; /* columns of the products: all positions of the lines */
} disjoint_job;

static int64_t disjoint_rows(const cnn__conv *g)
{
    return g->in_channels * g->kernel_h * g->kernel_w;
}

/* Lines of positions at a time. */
static int64_t disjoint_lines(const cnn__conv *g)
{
    int64_t positions = max64(MIN_POSITIONS, L2_FLOATS / 2 / disjoint_rows(g));
    return min64(g->out_h, max64(1, positions / g->out_w));
}

static cnn__gemm disjoint_product(const cnn__conv *g, int64_t lines)
{
    int64_t rows = disjoint_rows(g), n = lines * g->out_w;
    return (cnn__gemm){
        .trans_a = true, .m = rows, .n = n, .k = g->out_channels, .lda = rows, .ldb = g->out_h * g->out_w, .ldc = n
    };
}

bool CNN__SIMD(conv_disjoint_fits)(const cnn__conv *g)
{
    return g->groups == 1 && g->kernel_w == 2 && g->stride_w == 2 && g->kernel_h == g->stride_h && g->dilation_h == 1 &&
           g->dilation_w == 1 && g->pad_top == 0 && g->pad_left == 0 && g->in_h == g->out_h * g->kernel_h &&
           g->in_w == g->out_w * g->kernel_w && g->out_w >= LANES && !long_sum(g->out_channels) &&
           disjoint_rows(g) * disjoint_lines(g) * g->out_w <= MAX_PRODUCTS;
}

static int64_t disjoint_floats(const cnn__conv *g)
{
    return round_up(disjoint_rows(g) * disjoint_lines(g) * g->out_w, 16);
}

size_t CNN__SIMD(conv_disjoint_workspace)(const cnn__conv *g, int workers)
{
    int64_t lines = disjoint_lines(g), rest = g->out_h % lines;
    cnn__gemm whole = disjoint_product(g, lines), last = disjoint_product(g, rest ? rest : lines);
    size_t a = CNN__SIMD(gemm_workspace)(&whole, workers), b = CNN__SIMD(gemm_workspace)(&last, workers);
    return (size_t)disjoint_floats(g) * sizeof(float) + (a > b ? a : b);
}

/* A line of one channel's windows. */
static void interleave_line(void *arg, int64_t task, int worker)
{
    (void)worker;
    const disjoint_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t channel = task / g->kernel_h, i = task % g->kernel_h, width = g->out_w;
    float bias = g->bias ? ((const float *)g->bias)[channel] : 0;
    for (int64_t h = 0; h < job->lines; h++) {
        const float *even = job->products + 2 * task * job->columns + h * width, *odd = even + job->columns;
        float *to = job->dx + (channel * g->in_h + h * g->kernel_h + i) * g->in_w;
        for (int64_t w = 0;; w = min64(w + LANES, width - LANES)) {
            lanes a = load(even + w) + bias, b = load(odd + w) + bias;
            store(to + 2 * w, zip_low(a, b));
            store(to + 2 * w + LANES, zip_high(a, b));
            if (w == width - LANES) {
                break;
            }
        }
    }
}

void CNN__SIMD(conv_disjoint)(const cnn__conv *g, const float *dy, const float *weight, float *dx, void *memory,
                              cnn__pool *pool)
{
    float *products = memory;
    int64_t lines = disjoint_lines(g), positions = g->out_h * g->out_w;
    for (int64_t n = 0; n < g->batch; n++) {
        for (int64_t h = 0; h < g->out_h; h += lines) {
            int64_t count = min64(lines, g->out_h - h);
            cnn__gemm c = disjoint_product(g, count);
            CNN__SIMD(gemm)
            (&c, weight, dy + n * g->out_channels * positions + h * g->out_w, NULL, products,
             products + disjoint_floats(g), pool);
            disjoint_job job = { g, products, dx + (n * g->in_channels * g->in_h + h * g->kernel_h) * g->in_w, count,
                                 c.n };
            cnn__pool_run(pool, g->in_channels * g->kernel_h, (double)(c.m * c.n) / LANES, interleave_line, &job);
        }
    }
}
