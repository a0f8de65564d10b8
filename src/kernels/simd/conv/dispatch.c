/* The table's convolutions, forward and the gradient of the data: which algorithm computes each plan. */
#include "kernels/conv_trim.h"
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv/col2im.h"
#include "kernels/simd/conv/disjoint.h"
#include "kernels/simd/conv/epilogue.h"
#include "kernels/simd/conv/recompute.h"
#include "kernels/simd/layout/plan.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/machine.h"

#include <math.h>

enum {
    MAX_PLANS = 16, /* plans of a depthwise gradient; strides with more residues take a general algorithm */
    IMAGE_BY_IMAGE_FLOATS = L2_FLOATS,
    CONV_WEIGHT_FLOATS = EIGHTH_L2 / 2 /* packing so few weights again costs nothing to speak of */
};

static bool depthwise(const cnn__conv *g)
{
    return g->groups == g->in_channels && g->groups == g->out_channels && !long_sum(g->kernel_h * g->kernel_w);
}

/* The implementation list: a plan is computed by the first algorithm that fits it. */
typedef struct conv_algorithm {
    bool (*fits)(const conv_plan *p);
    size_t (*workspace)(const conv_plan *p, int workers);
    void (*run)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y, void *memory,
                cnn__pool *pool);
    size_t (*packed)(
        const conv_plan *p); /* the bytes of the weights in the order in which it reads them; NULL: as they are */
    bool finishes;           /* applies the epilogue (conv/epilogue.h) */
    bool pads;               /* multiplies the zeros of padding */
} conv_algorithm;

static bool conv_any_fits(const conv_plan *p)
{
    (void)p;
    return true;
}

static const conv_algorithm conv_algorithms[] = {
    { CNN__SIMD(conv_split_taps_fits), CNN__SIMD(conv_split_taps_workspace), CNN__SIMD(conv_split_taps), NULL, false,
      true },
    { CNN__SIMD(conv_1x1_fits), CNN__SIMD(conv_1x1_workspace), CNN__SIMD(conv_1x1), NULL, true, false },
    { CNN__SIMD(conv_1x1_strided_fits), CNN__SIMD(conv_1x1_strided_workspace), CNN__SIMD(conv_1x1_strided), NULL, false,
      false },
    { CNN__SIMD(conv_few_positions_fits), CNN__SIMD(conv_few_positions_workspace), CNN__SIMD(conv_few_positions),
      CNN__SIMD(conv_few_positions_packed), false, true },
    { CNN__SIMD(conv_winograd_fits), CNN__SIMD(conv_winograd_workspace), CNN__SIMD(conv_winograd),
      CNN__SIMD(conv_winograd_packed), true, false },
    { conv_any_fits, CNN__SIMD(conv_padded_workspace), CNN__SIMD(conv_padded), NULL, false, true },
};

static const conv_algorithm *conv_algorithm_of(const conv_plan *p)
{
    const conv_algorithm *w = conv_algorithms;
    while (!w->fits(p)) {
        w++;
    }
    return w;
}

/* What a convolution takes whose dead taps are left out; 0: it has none. The smaller weights come first. */
static size_t trimmed_workspace(const cnn__conv *g, size_t (*workspace)(const cnn__conv *g, int workers), int workers)
{
    cnn__conv t;
    return cnn__conv_trim(g, &t) ? cnn__conv_trim_size(&t) + workspace(&t, workers) : 0;
}

size_t CNN__SIMD(conv_forward_workspace)(const cnn__conv *g, int workers)
{
    size_t trimmed = trimmed_workspace(g, CNN__SIMD(conv_forward_workspace), workers);
    if (trimmed) {
        return trimmed;
    }
    if (CNN__SIMD(depthwise_3x3_fits)(g)) {
        return CNN__SIMD(depthwise_3x3_workspace)(g, false, workers);
    }
    conv_plan p = plan_forward(g);
    return depthwise(g) ? CNN__SIMD(depthwise_workspace)(&p, 1, workers)
                        : conv_algorithm_of(&p)->workspace(&p, workers);
}

/* Weights without dead taps are kept, and behind them what is read in another order. */
size_t CNN__SIMD(conv_forward_packed)(const cnn__conv *g, int64_t *algorithm)
{
    cnn__conv t;
    if (cnn__conv_trim(g, &t)) {
        return cnn__conv_trim_size(&t) + CNN__SIMD(conv_forward_packed)(&t, algorithm);
    }
    conv_plan p = plan_forward(g);
    const conv_algorithm *w = CNN__SIMD(depthwise_3x3_fits)(g) || depthwise(g) ? NULL : conv_algorithm_of(&p);
    if (!w || !w->packed) {
        return 0;
    }
    *algorithm = w - conv_algorithms;
    return w->packed(&p);
}

/* The products of a weight that is not finite with the zeros of padding are NaN, and so are their sums. Those sums
 * are recomputed. The search for them goes through the weights or through the results, whichever are fewer. Whether
 * results are looked at, so that the epilogue has to wait. */
static bool conv_looks(const conv_plan *p, const float *weight, cnn__pool *pool)
{
    int64_t weights = p->groups * p->weight_group, channels = p->batch * p->groups * p->out_channels;
    bool few = channels * p->h.grid * p->w.grid < weights;
    return plan_pads(p) && (few || !all_finite(weight, weights, pool));
}

static void conv_mend_edges(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                            cnn__pool *pool)
{
    if (conv_looks(p, weight, pool)) {
        plan_recompute(p, x, weight, bias, y, pool);
    }
}

/* Returns whether the epilogue has been applied. */
static bool plan_run(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y, void *memory,
                     cnn__pool *pool)
{
    const conv_algorithm *w = conv_algorithm_of(p);
    w->run(p, x, weight, bias, y, memory, pool);
    if (w->pads) {
        conv_mend_edges(p, x, weight, bias, y, pool);
    }
    return w->finishes;
}

/* Passes over the planes of a result. */
typedef struct plane_job {
    float *at;
    int64_t plane, channels;
    const float *bias;     /* may be NULL */
    const conv_plan *plan; /* the plan that finish_plane is for */
} plane_job;

static void run_planes_of(plane_job *job, int64_t planes, cnn__task_fn fn, cnn__pool *pool)
{
    cnn__pool_run(pool, planes, (double)planes * (double)job->plane / LANES, fn, job);
}

static void finish_plane(void *arg, int64_t task, int worker)
{
    (void)worker;
    const plane_job *job = arg;
    epilogue(job->plan, job->at, task * job->plane, 1, job->plane, job->plane);
}

void CNN__SIMD(conv_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias, void *y,
                             void *memory, cnn__pool *pool)
{
    cnn__conv t;
    if (cnn__conv_trim(g, &t)) {
        float *small = g->packed ? g->packed : memory;
        if (g->packs || !g->packed) {
            cnn__conv_trim_gather(g, weight, small, pool);
        }
        int64_t algorithm;
        if (g->packed && CNN__SIMD(conv_forward_packed)(&t, &algorithm)) {
            t.packed = (char *)g->packed + cnn__conv_trim_size(&t);
            t.packs = g->packs;
        }
        CNN__SIMD(conv_forward)(&t, x, small, bias, y, (char *)memory + cnn__conv_trim_size(&t), pool);
        return;
    }
    const cnn__finish relu = { .channels = g->out_channels,
                               .plane = g->out_h * g->out_w,
                               .ceiling = g->ceiling > 0 ? g->ceiling : NAN };
    conv_plan p = plan_forward(g);
    p.relu = g->relu && !g->finish;
    p.finish = p.relu ? &relu : g->finish;
    bool finished = false;
    if (CNN__SIMD(depthwise_3x3_fits)(g)) {
        finished = !conv_looks(&p, weight, pool);
        t = *g;
        t.finish = finished ? p.finish : NULL;
        CNN__SIMD(depthwise_3x3)(&t, false, x, weight, bias, y, memory, pool);
        if (!finished) {
            plan_recompute(&p, x, weight, bias, y, pool);
        }
    } else if (depthwise(g)) {
        CNN__SIMD(depthwise)(&p, 1, x, weight, bias, y, memory, pool);
        conv_mend_edges(&p, x, weight, bias, y, pool);
    } else {
        finished = plan_run(&p, x, weight, bias, y, memory, pool);
    }
    if (plan_has_epilogue(&p) && !finished) {
        plane_job job = { .at = y, .plane = g->out_h * g->out_w, .plan = &p };
        run_planes_of(&job, g->batch * g->out_channels, finish_plane, pool);
    }
}

/* The number of plans of the gradient: one for each residue of the stride that occurs. */
static int64_t residues(int64_t stride, int64_t size)
{
    return stride < size ? stride : size;
}

static __attribute__((noinline)) conv_plan backward_plan(const cnn__conv *g, int64_t number)
{
    int64_t across = residues(g->stride_w, g->in_w);
    return plan_backward(g, number / across, number % across);
}

static int64_t backward_plans(const cnn__conv *g)
{
    return residues(g->stride_h, g->in_h) * residues(g->stride_w, g->in_w);
}

/* The number of images per pass. Several plans read the same dy and write interleaved parts of dx, so a pass takes
 * only as many images as stay in the caches from one plan to the next. */
static int64_t backward_images(const cnn__conv *g)
{
    int64_t weights = g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
    int64_t image = g->in_channels * g->in_h * g->in_w + g->out_channels * g->out_h * g->out_w;
    bool together = backward_plans(g) == 1 || weights > CONV_WEIGHT_FLOATS || image > 2 * IMAGE_BY_IMAGE_FLOATS;
    return together ? g->batch : min64(g->batch, max64(1, IMAGE_BY_IMAGE_FLOATS / max64(1, image)));
}

/* Fills in the plans of a depthwise gradient and returns their number, or 0 if a general algorithm computes it. */
static int64_t depthwise_plans(const cnn__conv *g, conv_plan plans[MAX_PLANS])
{
    int64_t count = depthwise(g) && backward_plans(g) <= MAX_PLANS ? backward_plans(g) : 0;
    for (int64_t k = 0; k < count; k++) {
        plans[k] = backward_plan(g, k);
    }
    return count;
}

static void mend_plans(const conv_plan *plans, int64_t count, const float *dy, const float *weight, const float *bias,
                       float *dx, cnn__pool *pool)
{
    for (int64_t k = 0; k < count; k++) {
        conv_mend_edges(&plans[k], dy, weight, bias, dx, pool);
    }
}

size_t CNN__SIMD(conv_backward_data_workspace)(const cnn__conv *g, int workers)
{
    size_t trimmed = trimmed_workspace(g, CNN__SIMD(conv_backward_data_workspace), workers);
    if (trimmed) {
        return trimmed;
    }
    if (CNN__SIMD(depthwise_3x3_fits)(g)) {
        return CNN__SIMD(depthwise_3x3_workspace)(g, true, workers);
    }
    if (CNN__SIMD(conv_col2im_fits)(g)) {
        return CNN__SIMD(conv_col2im_workspace)(g, workers);
    }
    if (CNN__SIMD(conv_disjoint_fits)(g)) {
        return CNN__SIMD(conv_disjoint_workspace)(g, workers);
    }
    conv_plan plans[MAX_PLANS];
    int64_t count = depthwise_plans(g, plans);
    if (count) {
        return CNN__SIMD(depthwise_workspace)(plans, count, workers);
    }
    int64_t images = backward_images(g), last = images ? g->batch % images : 0;
    size_t largest = 0;
    for (int64_t k = 0; k < 2 * backward_plans(g); k++) {
        conv_plan p = backward_plan(g, k / 2);
        p.batch = k % 2 ? last : images;
        size_t size = conv_algorithm_of(&p)->workspace(&p, workers);
        largest = size > largest ? size : largest;
    }
    return largest;
}

static void clear_plane(void *arg, int64_t task, int worker)
{
    (void)worker;
    const plane_job *job = arg;
    float value = job->bias ? job->bias[task % job->channels] : 0, *at = job->at + task * job->plane;
    for (int64_t i = 0; i < job->plane; i++) {
        at[i] = value;
    }
}

static void add_to_plane(void *arg, int64_t task, int worker)
{
    (void)worker;
    const plane_job *job = arg;
    float value = job->bias[task % job->channels], *at = job->at + task * job->plane;
    for (int64_t i = 0; i < job->plane; i++) {
        at[i] += value;
    }
}

static void run_data_planes(const cnn__conv *g, float *dx, cnn__task_fn fn, cnn__pool *pool)
{
    plane_job job = { .at = dx, .plane = g->in_h * g->in_w, .channels = g->in_channels, .bias = g->bias };
    run_planes_of(&job, g->batch * g->in_channels, fn, pool);
}

/* Where no tap reaches, dx is zero or the bias. All of it is set beforehand, which is faster than setting parts of
 * lines. */
static bool backward_by_plans(const cnn__conv *g, const float *dy, const float *weight, float *dx, void *memory,
                              cnn__pool *pool)
{
    bool cleared = false, finished = true;
    for (int64_t k = 0; k < backward_plans(g) && !cleared; k++) {
        conv_plan p = backward_plan(g, k);
        if (plan_taps(&p) == 0) {
            run_data_planes(g, dx, clear_plane, pool);
            cleared = true;
        }
    }
    int64_t images = backward_images(g), in = g->in_channels * g->in_h * g->in_w,
            out = g->out_channels * g->out_h * g->out_w;
    for (int64_t n = 0; n < g->batch; n += images) {
        for (int64_t k = 0; k < backward_plans(g); k++) {
            conv_plan p = backward_plan(g, k);
            p.batch = min64(images, g->batch - n);
            if (plan_taps(&p)) {
                finished &= plan_run(&p, dy + n * out, weight, g->bias, dx + n * in, memory, pool);
            }
        }
    }
    return finished;
}

void CNN__SIMD(conv_backward_data)(const cnn__conv *g, const void *dy, const void *weight, void *dx, void *memory,
                                   cnn__pool *pool)
{
    cnn__conv t;
    if (cnn__conv_trim(g, &t)) {
        cnn__conv_trim_gather(g, weight, memory, pool);
        CNN__SIMD(conv_backward_data)(&t, dy, memory, dx, (char *)memory + cnn__conv_trim_size(&t), pool);
        return;
    }
    conv_plan plans[MAX_PLANS];
    int64_t count = depthwise_plans(g, plans);
    bool finished = false, biased = false;
    if (CNN__SIMD(depthwise_3x3_fits)(g)) {
        CNN__SIMD(depthwise_3x3)(g, true, dy, weight, NULL, dx, memory, pool);
        mend_plans(plans, count, dy, weight, NULL, dx, pool);
    } else if (CNN__SIMD(conv_col2im_fits)(g)) {
        CNN__SIMD(conv_col2im)(g, dy, weight, dx, memory, pool);
    } else if (CNN__SIMD(conv_disjoint_fits)(g)) {
        CNN__SIMD(conv_disjoint)(g, dy, weight, dx, memory, pool);
        biased = true;
    } else if (count) {
        CNN__SIMD(depthwise)(plans, count, dy, weight, g->bias, dx, memory, pool);
        mend_plans(plans, count, dy, weight, g->bias, dx, pool);
        biased = true;
    } else {
        finished = backward_by_plans(g, dy, weight, dx, memory, pool);
        biased = true;
    }
    if (g->bias && !biased) {
        run_data_planes(g, dx, add_to_plane, pool);
    }
    if (g->relu_mask && !finished) {
        CNN__SIMD(relu_backward)(g->batch * g->in_channels * g->in_h * g->in_w, g->relu_mask, dx, dx, pool);
    }
}
