/* The gradient of the weights behind ReLU and 2 × 2 max pooling.
 *
 * Only the winners of the pooling windows have a gradient: dW[o] is the sum of dy · patch over the winners of
 * channel o. For one channel the winners of an image are listed, then each stretch of dW[o] is accumulated in
 * registers over the list, patches being read from a channels-last copy of the image that fits L1. Chunks of the
 * batch have sums of their own, which are added in order: the result is the same for any number of threads. */
#include "kernels/conv_relu_pool.h"
#include "kernels/kernels.h"
#include "kernels/simd/conv_relu_pool/patch.h"
#include "kernels/simd/conv_relu_pool/recompute.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/long_sum.h"
#include "kernels/simd/vector/partial.h"
#include "kernels/simd/vector/transpose.h"

#include <stdatomic.h>

enum { CHUNKS = 16, FUSED_WEIGHT_STRETCH = CNN__VECTOR_BYTES == 64 ? 10 : 5 };

typedef struct fused_weight_job {
    const cnn__conv *g;
    patch_layout layout;
    const float *x, *dy;
    const uint8_t *index;
    float *dweight, *dbias;
    int64_t chunks, windows; /* windows: pooled positions of a plane */
    int64_t patch;           /* floats of one channel's sums: rows · run */
    int64_t sums_size;       /* floats of one chunk's sums, biases included */
    int64_t part;            /* windows of a plane whose winners are listed at once */
    float *sums;
    double *wide; /* the same in double, where a chunk's sums are long */
    char *scratch;
    atomic_bool *odd;             /* an operand or a result is not finite */
    int64_t planes_at;            /* floats from the image to the padded planes that an expanded one is made from */
    size_t scratch_size, list_at; /* at list_at: corners of the windows, then the list */
} fused_weight_job;

/* The winners of one plane: where their patches begin, and their gradients. */
typedef struct winners {
    int32_t *place;
    float *dy;
} winners;

static void fused_weight_plan_blocks(fused_weight_job *job, const cnn__conv *g)
{
    job->g = g;
    job->layout = patch_make(g);
    job->chunks = g->batch < CHUNKS ? g->batch : CHUNKS;
    job->windows = (g->out_h / 2) * (g->out_w / 2);
    job->patch = job->layout.rows * job->layout.run;
    job->sums_size = round_up(job->patch * g->out_channels + g->out_channels, 16);
    int64_t planes = g->in_channels * (g->out_h + g->kernel_h - 1) * (g->out_w + g->kernel_w - 1);
    job->planes_at = round_up(job->layout.image + g->kernel_w + LANES, 16);
    job->list_at =
        (size_t)round_up(job->planes_at + (job->layout.expanded ? planes + 2 * LANES : 0), 16) * sizeof(float);
    job->scratch_size = job->list_at + (size_t)round_up(3 * (job->windows + LANES), 16) * sizeof(float);
}

static bool long_chunks(const fused_weight_job *job)
{
    return long_sum(divide_up(job->g->batch, job->chunks) * job->windows);
}

/* The bytes of all chunks' sums, in f32 and in double. */
static size_t all_sums_size(const fused_weight_job *job)
{
    return (size_t)(job->chunks * job->sums_size) * (sizeof(float) + (long_chunks(job) ? sizeof(double) : 0));
}

size_t CNN__SIMD(conv_relu_pool_backward_weight_workspace)(const cnn__conv *g, int workers)
{
    fused_weight_job job = { 0 };
    fused_weight_plan_blocks(&job, g);
    return all_sums_size(&job) + job.scratch_size * (size_t)workers;
}

static void fused_weight_look(const fused_weight_job *job, const float *p, int64_t count)
{
    if (!floats_finite(p, count)) {
        atomic_store_explicit(job->odd, true, memory_order_relaxed);
    }
}

/* Copies an image channels-last, with zeros around it. */
static void lay_out_padded(const fused_weight_job *job, const float *x, float *image)
{
    const cnn__conv *g = job->g;
    const patch_layout *p = &job->layout;
    int64_t height = g->out_h + g->kernel_h - 1, width = g->out_w + g->kernel_w - 1;
    int64_t columns = g->in_w < width - g->pad_left ? g->in_w : width - g->pad_left;
    memset(image, 0, (size_t)p->image * sizeof(float));
    for (int64_t h = 0; h < g->in_h && h + g->pad_top < height; h++) {
        transpose_out(x + h * g->in_w, g->in_h * g->in_w, g->in_channels, columns,
                      image + (h + g->pad_top) * p->line_step + g->pad_left * p->pixel_step, p->pixel_step);
    }
}

/* A patch a pixel. Rows of the kernel are copied a vector at a time, each overwriting what the last one copied too
 * much; zeros end the run, and what reaches past it lies in the patch that follows. */
static void lay_out_expanded(const fused_weight_job *job, const float *planes, float *image)
{
    const cnn__conv *g = job->g;
    const patch_layout *p = &job->layout;
    int64_t width = g->out_w + g->kernel_w - 1, plane = width * (g->out_h + g->kernel_h - 1);
    for (int64_t h = 0; h < g->out_h; h++) {
        for (int64_t w = 0; w < g->out_w; w++) {
            float *to = image + h * p->line_step + w * p->pixel_step;
            for (int64_t c = 0; c < g->in_channels; c++) {
                const float *from = planes + c * plane + h * width + w;
                for (int64_t i = 0; i < g->kernel_h; i++, from += width, to += g->kernel_w) {
                    for (int64_t j = 0; j < g->kernel_w; j += LANES) {
                        store(to + j, load(from + j));
                    }
                }
            }
            store(to, (lanes){ 0 });
        }
    }
}

static void fused_weight_lay_out(const fused_weight_job *job, const float *x, float *image)
{
    const cnn__conv *g = job->g;
    if (!job->layout.expanded) {
        lay_out_padded(job, x, image);
        return;
    }
    float *planes = image + job->planes_at;
    int64_t height = g->out_h + g->kernel_h - 1, width = g->out_w + g->kernel_w - 1;
    int64_t columns = g->in_w < width - g->pad_left ? g->in_w : width - g->pad_left;
    memset(planes, 0, (size_t)(g->in_channels * height * width) * sizeof(float));
    for (int64_t c = 0; c < g->in_channels && columns > 0; c++) {
        for (int64_t h = 0; h < g->in_h && h + g->pad_top < height; h++) {
            memcpy(planes + (c * height + h + g->pad_top) * width + g->pad_left, x + (c * g->in_h + h) * g->in_w,
                   (size_t)columns * sizeof(float));
        }
    }
    lay_out_expanded(job, planes, image);
}

/* Where the patch of each window's first position begins. */
static void list_corners(const fused_weight_job *job, int32_t *corners)
{
    const patch_layout *p = &job->layout;
    for (int64_t row = 0, k = 0; row < job->g->out_h / 2; row++) {
        for (int64_t w = 0; w < job->g->out_w / 2; w++, k++) {
            corners[k] = (int32_t)patch_offset(p, 2 * row, 2 * w) * PLACE;
        }
    }
}

/* Appends the winners among LANES windows, and adds their gradients to *sum lane by lane. */
CNN__INLINE int64_t keep_winners(const patch_layout *p, lanes_i32 winner, lanes dy, lanes_i32 corner, winners list,
                                 int64_t count, lanes *sum)
{
    lanes_i32 won = winner < 4, place = corner + (winner & 1) * ((int32_t)p->pixel_step * PLACE) +
                                        (winner >> 1 & 1) * ((int32_t)p->line_step * PLACE);
    *sum += blend(won, dy, (lanes){ 0 });
    return compress_lanes(won, place, dy, list.place + count, list.dy + count);
}

/* The winners of the first `windows` windows. */
static int64_t list_winners(const fused_weight_job *job, int64_t windows, const float *dy, const uint8_t *index,
                            const int32_t *corners, winners list, float *bias)
{
    int64_t count = 0, k = 0;
    lanes sum = { 0 };
    lanes_i32 corner;
    for (; k + LANES <= windows; k += LANES) {
        memcpy(&corner, corners + k, sizeof corner);
        count += keep_winners(&job->layout, load_bytes(index + k), load(dy + k), corner, list, count, &sum);
    }
    if (k < windows) {
        uint8_t last[LANES];
        memset(last, CNN__CONV_RELU_POOL_NONE, sizeof last);
        memcpy(last, index + k, (size_t)(windows - k));
        memcpy(&corner, corners + k, sizeof corner);
        count +=
            keep_winners(&job->layout, load_bytes(last), load_partial(dy + k, windows - k), corner, list, count, &sum);
    }
    for (int i = 0; i < LANES; i++) {
        *bias += sum[i];
    }
    return count;
}

/* sums[0 .. vectors) += Σ dy · patch. `vectors` and `ways` are constants where this is inlined; short stretches keep
 * several partial sums, or each addition would wait for the last. */
CNN__INLINE void fused_weight_accumulate(int vectors, int ways, winners list, int64_t count, const float *image,
                                         float *sums)
{
    lanes acc[2 * FUSED_WEIGHT_STRETCH] = { { 0 } };
    int64_t n = 0;
#pragma GCC unroll 20
    for (int v = 0; v < vectors; v++) {
        acc[v] = load(sums + v * LANES);
    }
    for (; n + ways <= count; n += ways) {
#pragma GCC unroll 8
        for (int k = 0; k < ways; k++) {
            lanes dy = splat(list.dy[n + k]);
            const float *p = patch_at(image, list.place[n + k]);
            __asm__("" : "+r"(p)); /* without it GCC computes an address for every vector */
#pragma GCC unroll 20
            for (int v = 0; v < vectors; v++) {
                acc[k * vectors + v] += dy * load(p + v * LANES);
            }
        }
    }
    for (; n < count; n++) {
#pragma GCC unroll 20
        for (int v = 0; v < vectors; v++) {
            acc[v] += splat(list.dy[n]) * load(patch_at(image, list.place[n]) + v * LANES);
        }
    }
#pragma GCC unroll 20
    for (int v = 0; v < vectors; v++) {
#pragma GCC unroll 8
        for (int k = 1; k < ways; k++) {
            acc[v] += acc[k * vectors + v];
        }
        store(sums + v * LANES, acc[v]);
    }
}

/* The same over two rows of the patch at once, which lie `step` apart in the image and `run` apart in the sums. */
CNN__INLINE void accumulate2(int vectors, winners list, int64_t count, const float *image, int64_t step, float *sums,
                             int64_t run)
{
    lanes acc[2 * FUSED_WEIGHT_STRETCH];
#pragma GCC unroll 10
    for (int v = 0; v < vectors; v++) {
        acc[v] = load(sums + v * LANES);
        acc[v + vectors] = load(sums + run + v * LANES);
    }
    for (int64_t n = 0; n < count; n++) {
        lanes dy = splat(list.dy[n]);
        const float *p = patch_at(image, list.place[n]), *q = p + step;
        __asm__("" : "+r"(p), "+r"(q)); /* without it GCC computes an address for every vector */
#pragma GCC unroll 10
        for (int v = 0; v < vectors; v++) {
            acc[v] += dy * load(p + v * LANES);
            acc[v + vectors] += dy * load(q + v * LANES);
        }
    }
#pragma GCC unroll 10
    for (int v = 0; v < vectors; v++) {
        store(sums + v * LANES, acc[v]);
        store(sums + run + v * LANES, acc[v + vectors]);
    }
}

/* All of dW of one channel, stretch by stretch. */
static void add_patches(const fused_weight_job *job, winners list, int64_t count, const float *image, float *sums)
{
    const patch_layout *p = &job->layout;
    int64_t row = 0, run = p->run, wide = FUSED_WEIGHT_STRETCH * LANES;
    for (; row + 2 <= p->rows; row += 2) {
        int64_t at = 0;
        const float *from = image + row * p->row_step;
        float *to = sums + row * run;
        for (; at + wide <= run; at += wide) {
            accumulate2(FUSED_WEIGHT_STRETCH, list, count, from + at, p->row_step, to + at, run);
        }
        for (; at + 2 * LANES <= run; at += 2 * LANES) {
            accumulate2(2, list, count, from + at, p->row_step, to + at, run);
        }
        for (; at < run; at += LANES) {
            accumulate2(1, list, count, from + at, p->row_step, to + at, run);
        }
    }
    for (; row < p->rows; row++) {
        int64_t at = 0;
        const float *from = image + row * p->row_step;
        float *to = sums + row * run;
        for (; at + wide <= run; at += wide) {
            fused_weight_accumulate(FUSED_WEIGHT_STRETCH, 1, list, count, from + at, to + at);
        }
        for (; at + 2 * LANES <= run; at += 2 * LANES) {
            fused_weight_accumulate(2, 4, list, count, from + at, to + at);
        }
        for (; at < run; at += LANES) {
            fused_weight_accumulate(1, 4, list, count, from + at, to + at);
        }
    }
}

/* Adds a chunk's sums to its wide sums. */
static void fused_weight_keep_part(const fused_weight_job *job, int64_t chunk, bool first)
{
    float *sums = job->sums + chunk * job->sums_size;
    wide_add(job->wide + chunk * job->sums_size, first, sums, 1, job->sums_size, 0);
    memset(sums, 0, (size_t)job->sums_size * sizeof *sums);
}

/* Windows [first, first + windows) of all planes of image n. */
static void add_windows(const fused_weight_job *job, int64_t n, int64_t first, int64_t windows, const int32_t *corners,
                        winners list, const float *image, float *sums)
{
    const cnn__conv *g = job->g;
    float *bias = sums + job->patch * g->out_channels;
    for (int64_t o = 0; o < g->out_channels; o++) {
        int64_t at = (n * g->out_channels + o) * job->windows + first;
        int64_t count = list_winners(job, windows, job->dy + at, job->index + at, corners + first, list, &bias[o]);
        add_patches(job, list, count, image, sums + o * job->patch);
    }
}

static void weight_chunk(void *arg, int64_t chunk, int worker)
{
    const fused_weight_job *job = arg;
    const cnn__conv *g = job->g;
    float *image = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    int32_t *corners = (int32_t *)(void *)((char *)image + job->list_at);
    winners list = { .place = corners + job->windows + LANES };
    list.dy = (float *)(void *)(list.place + job->windows + LANES);
    float *sums = job->sums + chunk * job->sums_size;
    int64_t summed = 0, parts = 0;
    memset(sums, 0, (size_t)job->sums_size * sizeof(float));
    memset(corners, 0, (size_t)(job->windows + LANES) * sizeof *corners);
    list_corners(job, corners);
    for (int64_t n = chunk * g->batch / job->chunks; n < (chunk + 1) * g->batch / job->chunks; n++) {
        int64_t size = g->in_channels * g->in_h * g->in_w;
        fused_weight_lay_out(job, job->x + n * size, image);
        fused_weight_look(job, job->x + n * size, size);
        for (int64_t first = 0, windows; first < job->windows; first += windows) {
            windows = min64(job->part, job->windows - first);
            if (job->wide && summed + windows > PART_SUM) {
                fused_weight_keep_part(job, chunk, parts++ == 0);
                summed = 0;
            }
            add_windows(job, n, first, windows, corners, list, image, sums);
            summed += windows;
        }
    }
    if (parts) {
        wide_finish(job->wide + chunk * job->sums_size, sums, 1, job->sums_size, 0);
    }
}

/* Adds the chunks of one channel in order and writes its weights in the order of the tensor. */
static void fused_weight_finish_channel(void *arg, int64_t o, int worker)
{
    (void)worker;
    const fused_weight_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t count = g->in_channels * g->kernel_h * g->kernel_w;
    float *to = job->dweight + o * count;
    float *first = job->sums + o * job->patch;
    for (int64_t chunk = 1; chunk < job->chunks; chunk++) {
        const float *more = first + chunk * job->sums_size;
        for (int64_t k = 0; k < job->patch; k++) {
            first[k] += more[k];
        }
    }
    for (int64_t c = 0; c < g->in_channels; c++) {
        for (int64_t i = 0; i < g->kernel_h; i++) {
            for (int64_t j = 0; j < g->kernel_w; j++) {
                *to++ = job->chunks ? first[patch_tap(&job->layout, g, c, i, j)] : 0;
            }
        }
    }
    fused_weight_look(job, to - count, count);
    float bias = 0;
    for (int64_t chunk = 0; chunk < job->chunks; chunk++) {
        bias += job->sums[chunk * job->sums_size + job->patch * g->out_channels + o];
    }
    if (job->dbias) {
        job->dbias[o] = bias;
    }
}

void CNN__SIMD(conv_relu_pool_backward_weight)(const cnn__conv *g, const void *x, const void *dy, const uint8_t *index,
                                               void *dweight, void *dbias, void *workspace, cnn__pool *pool)
{
    atomic_bool odd = false;
    fused_weight_job job = {
        .x = x, .dy = dy, .index = index, .dweight = dweight, .dbias = dbias, .sums = workspace, .odd = &odd
    };
    fused_weight_plan_blocks(&job, g);
    job.wide = long_chunks(&job) ? (double *)(void *)(job.sums + job.chunks * job.sums_size) : NULL;
    job.part = job.wide ? PART_SUM : job.windows;
    job.scratch = (char *)workspace + all_sums_size(&job);
    double work = (double)g->batch * (double)(job.windows * g->out_channels) * (double)job.patch / LANES;
    cnn__pool_run(pool, job.chunks, work, weight_chunk, &job);
    cnn__pool_run(pool, g->out_channels, (double)(job.chunks * job.patch * g->out_channels),
                  fused_weight_finish_channel, &job);
    if (odd) {
        conv_relu_pool_recompute_weight(g, x, dy, index, dweight, pool);
    }
}
