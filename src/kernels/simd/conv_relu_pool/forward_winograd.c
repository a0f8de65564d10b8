/* Convolution by 5 × 5 kernels with bias, ReLU and 2 × 2 max pooling, with Winograd's tiles (winograd/transforms.h).
 *
 * The outputs of a tile are one window of the pooling. Its 6 × 6 inputs and the kernels are transformed, which
 * leaves 36 products over the input channels, one for each place of a tile, instead of 100 multiplications. With the
 * points WINOGRAD_NEAR and WINOGRAD_FAR the rounding error is one and a half times that of the direct sum; with ±1
 * and ±2 it would be four times (docs/notes/performance.md). */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/conv/recompute.h"
#include "kernels/simd/conv_relu_pool/pool.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/transpose.h"
#include "kernels/simd/winograd/transforms.h"

enum { FUSED_WINOGRAD_MAX_CHANNELS = 2048 /* channels that are added up one after the other */ };

typedef struct fused_winograd_job {
    const cnn__conv *g;
    const float *x, *weight, *bias;
    float *y, *kernels; /* transformed: [block][place][input channel][BLOCK] */
    uint8_t *index;
    char *scratch; /* the scratch of all workers: an image with what it is made into, or kernels as [tap][LANES] */
    size_t scratch_size;
    int64_t channels;    /* the channels of the input, in whole vectors */
    int64_t kernel_step; /* floats from place to place of the kernels */
    int64_t blocks, tiles, groups;
    int64_t bands; /* tasks of an image: of few images each is cut into blocks of output channels */
    int64_t padded_h, padded_w;
    int64_t inputs_at, products_at; /* floats from the padded image to the transformed group and to its products */
} fused_winograd_job;

bool CNN__SIMD(conv_relu_pool_winograd_fits)(const cnn__conv *g)
{
    bool many = g->in_channels >= 16 && g->in_channels <= FUSED_WINOGRAD_MAX_CHANNELS && g->out_channels >= 16;
    return !g->strict && g->kernel_h == 5 && g->kernel_w == 5 && many;
}

static void fused_winograd_plan_blocks(fused_winograd_job *job, const cnn__conv *g)
{
    job->g = g;
    job->channels = round_up(g->in_channels, LANES);
    job->blocks = (g->out_channels + WINOGRAD_BLOCK - 1) / WINOGRAD_BLOCK;
    job->kernel_step = job->channels * WINOGRAD_BLOCK + WINOGRAD_APART;
    job->tiles = (g->out_h / 2) * (g->out_w / 2);
    job->groups = (job->tiles + WINOGRAD_TILES - 1) / WINOGRAD_TILES;
    job->bands = g->batch >= MIN_TASKS ? 1 : job->blocks;
    job->padded_h = g->out_h / 2 * 2 + 4;
    job->padded_w = g->out_w / 2 * 2 + 4;
    job->inputs_at = job->padded_h * job->padded_w * job->channels;
    job->products_at = job->inputs_at + WINOGRAD_PLACES * WINOGRAD_TILES * job->channels;
    int64_t forward = job->products_at + WINOGRAD_PLACES * WINOGRAD_TILES * WINOGRAD_BLOCK,
            taps = 25 * g->in_channels * LANES;
    job->scratch_size = (size_t)(forward > taps ? forward : taps) * sizeof(float);
}

static size_t kernels_size(const fused_winograd_job *job)
{
    return (size_t)(job->blocks * WINOGRAD_PLACES * job->kernel_step) * sizeof(float);
}

size_t CNN__SIMD(conv_relu_pool_winograd_packed)(const cnn__conv *g)
{
    fused_winograd_job job = { 0 };
    fused_winograd_plan_blocks(&job, g);
    return kernels_size(&job);
}

size_t CNN__SIMD(conv_relu_pool_winograd_workspace)(const cnn__conv *g, int workers)
{
    fused_winograd_job job = { 0 };
    fused_winograd_plan_blocks(&job, g);
    return (g->packed ? 0 : kernels_size(&job)) + job.scratch_size * (size_t)workers;
}

/* ---- the kernels ---- */

/* LANES output channels; those past the last, and input channels past the last, get zeros. */
static void fused_winograd_transform_kernels(void *arg, int64_t half, int worker)
{
    const fused_winograd_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t o = half * LANES, rest = g->out_channels - o, place_step = job->kernel_step;
    float *taps = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    float *to = job->kernels + half / 2 * WINOGRAD_PLACES * place_step + half % 2 * LANES;
    if (rest > 0) {
        transpose_out(job->weight + o * g->in_channels * 25, g->in_channels * 25, rest < LANES ? rest : LANES,
                      g->in_channels * 25, taps, LANES);
    }
    for (int64_t c = 0; c < job->channels; c++) {
        if (c < g->in_channels && rest > 0) {
            winograd_kernel(5, taps + c * 25 * LANES, 5 * LANES, LANES, to + c * WINOGRAD_BLOCK, place_step);
            continue;
        }
        for (int64_t place = 0; place < WINOGRAD_PLACES; place++) {
            store(to + place * place_step + c * WINOGRAD_BLOCK, (lanes){ 0 });
        }
    }
}

/* ---- the inputs ---- */

/* Copies the image channels-last, with zeros around it. */
static void fused_winograd_pad(const fused_winograd_job *job, const float *x, float *image)
{
    const cnn__conv *g = job->g;
    int64_t capacity = job->padded_w - g->pad_left, columns = g->in_w < capacity ? g->in_w : capacity;
    memset(image, 0, (size_t)job->inputs_at * sizeof(float));
    for (int64_t h = 0; h < g->in_h && h + g->pad_top < job->padded_h; h++) {
        transpose_out(x + h * g->in_w, g->in_h * g->in_w, g->in_channels, columns,
                      image + ((h + g->pad_top) * job->padded_w + g->pad_left) * job->channels, job->channels);
    }
}

/* Tiles first … of the image as [place][channels / LANES][WINOGRAD_TILES][LANES]. */
static void transform_group(const fused_winograd_job *job, const float *image, int64_t first, int64_t count, float *to)
{
    int64_t width = job->g->out_w / 2, place_step = WINOGRAD_TILES * job->channels;
    for (int64_t i = 0; i < count; i++) {
        int64_t h = (first + i) / width * 2, w = (first + i) % width * 2;
        for (int64_t c = 0; c < job->channels; c += LANES) {
            winograd_input(image + (h * job->padded_w + w) * job->channels + c, job->padded_w * job->channels,
                           job->channels, to + c * WINOGRAD_TILES + i * LANES, place_step);
        }
    }
}

/* ---- the outputs ---- */

/* The four outputs of a tile in LANES channels, in scan order. */
CNN__INLINE void tile_outputs(const float *products, lanes bias, lanes y[4])
{
    lanes half[2][WINOGRAD_SIDE];
#pragma GCC unroll 6
    for (int j = 0; j < WINOGRAD_SIDE; j++) {
        lanes column[WINOGRAD_SIDE], pair[2];
#pragma GCC unroll 6
        for (int i = 0; i < WINOGRAD_SIDE; i++) {
            column[i] = load(products + (i * WINOGRAD_SIDE + j) * WINOGRAD_TILES * WINOGRAD_BLOCK);
        }
        winograd_outputs(2, column, pair);
        half[0][j] = pair[0];
        half[1][j] = pair[1];
    }
    winograd_outputs(2, half[0], y);
    winograd_outputs(2, half[1], y + 2);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        y[k] += bias;
    }
}

/* LANES channels of a tile; tiles follow each other from the image's first on. */
typedef struct fused_winograd_tile_place {
    int64_t n, tile, o, count;
} fused_winograd_tile_place;

/* Recomputes a tile's window: in the channels whose outputs are not all finite, they become sums of their own terms
 * (conv/recompute.h). */
static __attribute__((noinline)) lanes fused_winograd_recompute_window(const fused_winograd_job *job,
                                                                       const float *products, lanes bias,
                                                                       fused_winograd_tile_place at, lanes_i32 *winner)
{
    const cnn__conv *g = job->g;
    conv_plan p = plan_forward(g);
    lanes y[4];
    tile_outputs(products, bias, y);
    lanes_i32 again = not_finite((y[0] + y[1]) + (y[2] + y[3]));
    const float *x = job->x + at.n * g->in_channels * g->in_h * g->in_w;
    int64_t h = at.tile / (g->out_w / 2) * 2, w = at.tile % (g->out_w / 2) * 2;
    for (int64_t lane = 0; lane < at.count; lane++) {
        for (int k = 0; k < 4 && again[lane]; k++) {
            double sum = plan_sum(&p, x, job->weight, at.o + lane, h + k / 2, w + k % 2);
            y[k][lane] = (float)(sum + (job->bias ? (double)job->bias[at.o + lane] : 0));
        }
    }
    return pool_window(y[0], y[1], y[2], y[3], winner);
}

/* `at.count` channels of a group of tiles, the first of which is `at`. */
static void finish_group(const fused_winograd_job *job, const float *products, fused_winograd_tile_place at,
                         int64_t tiles)
{
    lanes best[LANES], which[LANES], bias = job->bias ? load_partial(job->bias + at.o, at.count) : (lanes){ 0 };
    int64_t place = (at.n * job->g->out_channels + at.o) * job->tiles + at.tile;
    lanes total = { 0 };
    for (int64_t i = 0; i < LANES; i++) {
        lanes_i32 winner = { 0 };
        best[i] = (lanes){ 0 };
        if (i < tiles) {
            lanes y[4];
            tile_outputs(products + i * WINOGRAD_BLOCK, bias, y);
            total += (y[0] + y[1]) + (y[2] + y[3]);
            best[i] = pool_window(y[0], y[1], y[2], y[3], &winner);
        }
        which[i] = (lanes)winner;
    }
    for (int64_t i = lanes_finite(total) ? tiles : 0; i < tiles; i++, at.tile++) {
        lanes_i32 winner;
        best[i] = fused_winograd_recompute_window(job, products + i * WINOGRAD_BLOCK, bias, at, &winner);
        which[i] = (lanes)winner;
    }
    pool_write(best, which, tiles, at.count, job->tiles, job->y + place, job->index ? job->index + place : NULL);
}

/* One block of output channels of a group whose inputs are transformed. */
static void forward_block(const fused_winograd_job *job, int64_t n, int64_t block, int64_t first, int64_t tiles,
                          const float *inputs, float *products)
{
    const cnn__conv *g = job->g;
    const float *kernels = job->kernels + block * WINOGRAD_PLACES * job->kernel_step;
    for (int64_t p = 0; p < WINOGRAD_PLACES; p++) {
        winograd_product(tiles, job->channels, false, inputs + p * WINOGRAD_TILES * job->channels,
                         kernels + p * job->kernel_step, products + p * WINOGRAD_TILES * WINOGRAD_BLOCK);
    }
    for (int64_t o = block * WINOGRAD_BLOCK; o < (block + 1) * WINOGRAD_BLOCK && o < g->out_channels; o += LANES) {
        fused_winograd_tile_place at = { .n = n, .tile = first, .o = o, .count = min64(g->out_channels - o, LANES) };
        finish_group(job, products + o % WINOGRAD_BLOCK, at, tiles);
    }
}

static void fused_winograd_band(void *arg, int64_t task, int worker)
{
    const fused_winograd_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t n = task / job->bands, band = task % job->bands;
    int64_t begin = band * job->blocks / job->bands, end = (band + 1) * job->blocks / job->bands;
    float *image = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    for (int64_t half = 2 * begin; half < 2 * end && g->batch == 1 && !g->packed; half++) {
        fused_winograd_transform_kernels(arg, half, worker);
    }
    fused_winograd_pad(job, job->x + n * g->in_channels * g->in_h * g->in_w, image);
    for (int64_t group = 0; group < job->groups; group++) {
        int64_t first = group * job->tiles / job->groups, tiles = (group + 1) * job->tiles / job->groups - first;
        transform_group(job, image, first, tiles, image + job->inputs_at);
        for (int64_t block = begin; block < end; block++) {
            forward_block(job, n, block, first, tiles, image + job->inputs_at, image + job->products_at);
        }
    }
}

/* For a single image each task transforms the kernels that it uses itself: they would take longer to travel between the
 * cores' caches. */
void CNN__SIMD(conv_relu_pool_winograd)(const cnn__conv *g, const float *x, const float *weight, const float *bias,
                                        float *y, uint8_t *index, void *workspace, cnn__pool *pool)
{
    fused_winograd_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .index = index };
    fused_winograd_plan_blocks(&job, g);
    job.kernels = g->packed ? g->packed : workspace;
    job.scratch = (char *)workspace + (g->packed ? 0 : kernels_size(&job));
    double work = (double)(g->in_channels * g->out_channels * WINOGRAD_PLACES) / LANES;
    if (g->packed ? g->packs : g->batch != 1) {
        cnn__pool_run(pool, 2 * job.blocks, 8 * work, fused_winograd_transform_kernels,
                      &job); /* a kernel costs about eight products */
    }
    cnn__pool_run(pool, g->batch * job.bands, work * (double)(g->batch * job.tiles), fused_winograd_band, &job);
}
