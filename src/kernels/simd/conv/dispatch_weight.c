/* The table's gradients of a convolution's weights and bias: which algorithm computes the weights'. */
#include "kernels/conv_trim.h"
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv/recompute.h"
#include "kernels/simd/gemm/tile.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"

enum {
    JOINED = 8 * TILE_WIDTH,         /* positions of the lines that are joined into one */
    BIAS_PART = PART_SUM / 3 * LANES /* elements of a plane that are added up by lanes */
};

/* The implementation list: a plan is computed by the first algorithm that fits it. */
typedef struct conv_weight_algorithm {
    bool (*fits)(const conv_plan *p);
    size_t (*workspace)(const conv_plan *p, int workers);
    void (*run)(const conv_plan *p, const float *x, const float *dy, float *dweight, void *memory, cnn__pool *pool);
    bool pads; /* multiplies the zeros of padding */
} conv_weight_algorithm;

static bool conv_weight_any_fits(const conv_plan *p)
{
    (void)p;
    return true;
}

static bool depthwise_fits(const conv_plan *p)
{
    return p->in_channels == 1 && p->out_channels == 1;
}

static const conv_weight_algorithm conv_weight_algorithms[] = {
    { depthwise_fits, CNN__SIMD(depthwise_backward_weight_workspace), CNN__SIMD(depthwise_backward_weight), true },
    { CNN__SIMD(conv_1x1_strided_fits), CNN__SIMD(conv_1x1_weight_workspace), CNN__SIMD(conv_1x1_weight), false },
    { CNN__SIMD(conv_first_layer_weight_fits), CNN__SIMD(conv_first_layer_weight_workspace),
      CNN__SIMD(conv_first_layer_weight), true },
    { CNN__SIMD(conv_winograd_weight_fits), CNN__SIMD(conv_winograd_weight_workspace), CNN__SIMD(conv_winograd_weight),
      false },
    { conv_weight_any_fits, CNN__SIMD(conv_padded_weight_workspace), CNN__SIMD(conv_padded_weight), true },
};

static const conv_weight_algorithm *conv_weight_algorithm_of(const conv_plan *p)
{
    const conv_weight_algorithm *w = conv_weight_algorithms;
    while (!w->fits(p)) {
        w++;
    }
    return w;
}

static conv_plan conv_weight_make_plan(const cnn__conv *g)
{
    conv_plan p = plan_forward(g);
    plan_join_lines(&p, JOINED);
    return p;
}

/* Planes that are low enough to be summed down a strip. */
static bool by_planes(const cnn__conv *g)
{
    return CNN__SIMD(depthwise_3x3_fits)(g) && g->out_h <= PART_SUM / 2;
}

size_t CNN__SIMD(conv_backward_weight_workspace)(const cnn__conv *g, int workers)
{
    cnn__conv t;
    if (cnn__conv_trim(g, &t)) {
        return cnn__conv_trim_size(&t) + CNN__SIMD(conv_backward_weight_workspace)(&t, workers);
    }
    if (by_planes(g)) {
        return CNN__SIMD(depthwise_3x3_backward_weight_workspace)(g, workers);
    }
    conv_plan p = conv_weight_make_plan(g);
    return conv_weight_algorithm_of(&p)->workspace(&p, workers);
}

/* ---- the gradient of the bias ---- */

typedef struct bias_job {
    const cnn__conv *g;
    const float *dy;
    float *dbias;
} bias_job;

static float sum_floats(const float *from, int64_t count)
{
    lanes acc = { 0 };
    int64_t k = 0;
    float part = 0;
    for (; k + LANES <= count; k += LANES) {
        acc += load(from + k);
    }
    for (; k < count; k++) {
        part += from[k];
    }
    for (int i = 0; i < LANES; i++) {
        part += acc[i];
    }
    return part;
}

static void sum_channel(void *arg, int64_t channel, int worker)
{
    (void)worker;
    const bias_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t plane = g->out_h * g->out_w;
    double sum = 0;
    for (int64_t n = 0; n < g->batch; n++) {
        const float *dy = job->dy + (n * g->out_channels + channel) * plane;
        for (int64_t k = 0; k < plane; k += BIAS_PART) {
            sum += (double)sum_floats(dy + k, min64(BIAS_PART, plane - k));
        }
    }
    job->dbias[channel] = (float)sum;
}

/* The products of an operand that is not finite with the zeros of padding are NaN, and so are their sums. Those sums
 * are recomputed. The search for them goes through the operands or through the results, whichever are fewer. */
static void conv_weight_mend_edges(const conv_plan *p, const float *x, const float *dy, float *dweight, cnn__pool *pool)
{
    int64_t in = p->batch * p->groups * p->in_channels * p->h.in * p->w.in;
    int64_t out = p->batch * p->groups * p->out_channels * p->h.grid * p->w.grid;
    bool few = in + out < p->groups * p->weight_group;
    if (!few || !all_finite(x, in, pool) || !all_finite(dy, out, pool)) {
        weight_recompute(p, x, dy, dweight, pool);
    }
}

void CNN__SIMD(conv_backward_weight)(const cnn__conv *g, const void *x, const void *dy, void *dweight, void *dbias,
                                     void *memory, cnn__pool *pool)
{
    cnn__conv t;
    if (cnn__conv_trim(g, &t)) {
        CNN__SIMD(conv_backward_weight)(&t, x, dy, memory, dbias, (char *)memory + cnn__conv_trim_size(&t), pool);
        cnn__conv_trim_scatter(g, memory, dweight, pool);
        return;
    }
    conv_plan p = conv_weight_make_plan(g);
    bool planes = by_planes(g);
    if (planes) {
        CNN__SIMD(depthwise_3x3_backward_weight)(g, x, dy, dweight, memory, pool);
    } else {
        conv_weight_algorithm_of(&p)->run(&p, x, dy, dweight, memory, pool);
    }
    if (planes || conv_weight_algorithm_of(&p)->pads) {
        conv_weight_mend_edges(&p, x, dy, dweight, pool);
    }
    if (dbias) {
        bias_job job = { g, dy, dbias };
        double values = (double)g->batch * (double)g->out_channels * (double)(g->out_h * g->out_w);
        cnn__pool_run(pool, g->out_channels, values / LANES, sum_channel, &job);
    }
}
