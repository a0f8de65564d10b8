/* Convolution by 5 × 5 kernels with bias, ReLU and 2 × 2 max pooling, by Winograd's minimal filtering F(2 × 2, 5 × 5)
 * (Lavin & Gray, "Fast algorithms for convolutional neural networks", 2016), at the points 0, ±NEAR, ±FAR and infinity.
 *
 * A tile of outputs is one window of the pooling. Its 6 × 6 inputs and the kernels are transformed, which leaves 36 products
 * over the input channels, one for each place of a tile: 36 multiplications instead of 100. NEAR and FAR keep the rounding error
 * at one and a half times that of the direct sum (with ±1 and ±2 it is four times; docs/performance.md). An input that is not
 * finite makes its window NaN, since the transform subtracts it from itself. */
#include "kernels/simd/convpool_pool.h"
#include "kernels/simd/convpool_table.h"

enum {
    TILES = CNN__VECTOR_BYTES == 64 ? 14 : CNN__VECTOR_BYTES == 32 ? 6 : 4, /* of a group: at most LANES, in registers twice */
    BLOCK = 2 * LANES, /* output channels of a product */
    PLACES = 36,
    LEAST_TASKS = 8
};

/* Short binary fractions, so that the transforms' constants are exact. */
#define NEAR 0.75f
#define FAR 1.5f
#define NEAR2 (NEAR * NEAR)
#define FAR2 (FAR * FAR)

typedef struct winograd_job {
    const cnn__conv *g;
    const float *x, *weight, *bias;
    float *y, *kernels; /* transformed: [block][place][input channel][BLOCK] */
    uint8_t *index;
    char *scratch; /* of all workers: an image with what it is made into, or kernels as [tap][LANES] */
    size_t scratch_size;
    int64_t channels; /* of the input, whole vectors */
    int64_t blocks, tiles, groups;
    int64_t bands; /* tasks of an image: of few images each is cut into blocks of output channels */
    int64_t padded_h, padded_w;
    int64_t inputs_at, products_at; /* floats from the padded image to the transformed group and to its products */
} winograd_job;

bool CNN__SIMD(convpool_winograd_fits)(const cnn__conv *g)
{
    return g->kernel_h == 5 && g->kernel_w == 5 && g->in_channels >= 16 && g->out_channels >= 16;
}

static void measure(winograd_job *job, const cnn__conv *g)
{
    job->g = g;
    job->channels = round_up(g->in_channels, LANES);
    job->blocks = (g->out_channels + BLOCK - 1) / BLOCK;
    job->tiles = (g->out_h / 2) * (g->out_w / 2);
    job->groups = (job->tiles + TILES - 1) / TILES;
    job->bands = g->batch >= LEAST_TASKS ? 1 : job->blocks;
    job->padded_h = g->out_h / 2 * 2 + 4;
    job->padded_w = g->out_w / 2 * 2 + 4;
    job->inputs_at = job->padded_h * job->padded_w * job->channels;
    job->products_at = job->inputs_at + PLACES * TILES * job->channels;
    int64_t forward = job->products_at + PLACES * TILES * BLOCK, taps = 25 * g->in_channels * LANES;
    job->scratch_size = (size_t)(forward > taps ? forward : taps) * sizeof(float);
}

static size_t kernels_size(const winograd_job *job)
{
    return (size_t)(job->blocks * PLACES * job->channels * BLOCK) * sizeof(float);
}

size_t CNN__SIMD(convpool_winograd_workspace)(const cnn__conv *g, int workers)
{
    winograd_job job = { 0 };
    measure(&job, g);
    return kernels_size(&job) + job.scratch_size * (size_t)workers;
}

/* ---- the kernels ---- */

/* The polynomial of a line of a kernel at the six points, divided by the points' products of differences. */
CNN__INLINE void transform_taps(const lanes g[5], lanes u[6])
{
    const float near = 1 / (2 * NEAR2 * (NEAR2 - FAR2)), far = 1 / (2 * FAR2 * (FAR2 - NEAR2));
    lanes even = (g[0] + NEAR2 * g[2] + NEAR2 * NEAR2 * g[4]) * near, odd = (g[1] + NEAR2 * g[3]) * (NEAR * near);
    lanes even2 = (g[0] + FAR2 * g[2] + FAR2 * FAR2 * g[4]) * far, odd2 = (g[1] + FAR2 * g[3]) * (FAR * far);
    u[0] = g[0] * (1 / (NEAR2 * FAR2));
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[4];
}

static void transform_kernel(const float *taps, float *to, int64_t place_step)
{
    lanes half[6][5];
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        lanes column[5], u[6];
#pragma GCC unroll 5
        for (int i = 0; i < 5; i++) {
            column[i] = load(taps + (i * 5 + j) * LANES);
        }
        transform_taps(column, u);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            half[i][j] = u[i];
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        lanes u[6];
        transform_taps(half[i], u);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) {
            store(to + (i * 6 + j) * place_step, u[j]);
        }
    }
}

/* LANES output channels; those past the last, and input channels past the last, get zeros. */
static void transform_kernels(void *arg, int64_t half, int worker)
{
    const winograd_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t o = half * LANES, rest = g->out_channels - o, place_step = job->channels * BLOCK;
    float *taps = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    float *to = job->kernels + half / 2 * PLACES * place_step + half % 2 * LANES;
    if (rest > 0) {
        transpose_out(job->weight + o * g->in_channels * 25, g->in_channels * 25, rest < LANES ? rest : LANES,
                      g->in_channels * 25, taps, LANES);
    }
    for (int64_t c = 0; c < job->channels; c++) {
        if (c < g->in_channels && rest > 0) {
            transform_kernel(taps + c * 25 * LANES, to + c * BLOCK, place_step);
            continue;
        }
        for (int64_t place = 0; place < PLACES; place++) {
            store(to + place * place_step + c * BLOCK, (lanes){ 0 });
        }
    }
}

/* ---- the inputs ---- */

/* Channels-last with zeros around. */
static void lay_out(const winograd_job *job, const float *x, float *image)
{
    const cnn__conv *g = job->g;
    int64_t room = job->padded_w - g->pad_left, columns = g->in_w < room ? g->in_w : room;
    memset(image, 0, (size_t)job->inputs_at * sizeof(float));
    for (int64_t h = 0; h < g->in_h && h + g->pad_top < job->padded_h; h++) {
        transpose_out(x + h * g->in_w, g->in_h * g->in_w, g->in_channels, columns,
                      image + ((h + g->pad_top) * job->padded_w + g->pad_left) * job->channels, job->channels);
    }
}

CNN__INLINE void transform_inputs(const lanes x[6], lanes y[6])
{
    lanes a = x[4] - FAR2 * x[2], b = NEAR * (x[3] - FAR2 * x[1]);
    lanes c = x[4] - NEAR2 * x[2], d = FAR * (x[3] - NEAR2 * x[1]);
    y[0] = NEAR2 * FAR2 * x[0] - (NEAR2 + FAR2) * x[2] + x[4];
    y[1] = a + b;
    y[2] = a - b;
    y[3] = c + d;
    y[4] = c - d;
    y[5] = NEAR2 * FAR2 * x[1] - (NEAR2 + FAR2) * x[3] + x[5];
}

/* LANES channels of one tile: place p goes to to[p · place_step]. */
static void transform_tile(const float *from, int64_t row_step, int64_t column_step, float *to, int64_t place_step)
{
    lanes half[6][6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        lanes row[6];
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) {
            row[j] = load(from + i * row_step + j * column_step);
        }
        transform_inputs(row, half[i]);
    }
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        lanes column[6], y[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            column[i] = half[i][j];
        }
        transform_inputs(column, y);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            store(to + (i * 6 + j) * place_step, y[i]);
        }
    }
}

/* Tiles first … of the image as [place][channels / LANES][TILES][LANES]. */
static void transform_group(const winograd_job *job, const float *image, int64_t first, int64_t count, float *to)
{
    int64_t width = job->g->out_w / 2, place_step = TILES * job->channels;
    for (int64_t i = 0; i < count; i++) {
        int64_t h = (first + i) / width * 2, w = (first + i) % width * 2;
        for (int64_t c = 0; c < job->channels; c += LANES) {
            transform_tile(image + (h * job->padded_w + w) * job->channels + c, job->padded_w * job->channels, job->channels,
                           to + c * TILES + i * LANES, place_step);
        }
    }
}

/* ---- the products ---- */

/* out[tile][BLOCK] = Σ over channels; `tiles` is a constant where this is inlined, so the accumulators are registers. */
CNN__INLINE void product(int tiles, int64_t channels, const float *in, const float *kernels, float *out)
{
    lanes acc[TILES][2];
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        acc[i][0] = acc[i][1] = (lanes){ 0 };
    }
    for (int64_t c = 0; c < channels; c += LANES, in += TILES * LANES) {
        const float *p = in;
        for (int k = 0; k < LANES; k++, p++, kernels += BLOCK) {
            lanes k0 = load(kernels), k1 = load(kernels + LANES);
#pragma GCC unroll 16
            for (int i = 0; i < tiles; i++) {
                lanes x = splat(p[i * LANES]);
                acc[i][0] += x * k0;
                acc[i][1] += x * k1;
            }
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < tiles; i++) {
        store(out + i * BLOCK, acc[i][0]);
        store(out + i * BLOCK + LANES, acc[i][1]);
    }
}

/* Few tiles are only met in small planes: they share code with the next number up, whose surplus nobody reads. */
static void product_any(int64_t tiles, int64_t channels, const float *in, const float *kernels, float *out)
{
    switch (tiles) {
#if CNN__VECTOR_BYTES == 64
    case 14: product(14, channels, in, kernels, out); break;
    case 13: product(13, channels, in, kernels, out); break;
    case 12: product(12, channels, in, kernels, out); break;
    case 11: product(11, channels, in, kernels, out); break;
    case 10: case 9: product(10, channels, in, kernels, out); break;
    case 8: case 7: product(8, channels, in, kernels, out); break;
#endif
#if CNN__VECTOR_BYTES > 16
    case 6: product(6, channels, in, kernels, out); break;
    case 5: product(5, channels, in, kernels, out); break;
#endif
    default: product(4, channels, in, kernels, out); break;
    }
}

/* ---- the outputs ---- */

CNN__INLINE void transform_outputs(const lanes m[6], lanes *first, lanes *second)
{
    *first = m[0] + (m[1] + m[2]) + (m[3] + m[4]);
    *second = NEAR * (m[1] - m[2]) + FAR * (m[3] - m[4]) + m[5];
}

/* LANES channels of one tile, pooled. */
static lanes finish_tile(const float *products, lanes bias, lanes_i32 *winner)
{
    lanes top[6], bottom[6], y[4];
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        lanes column[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            column[i] = load(products + (i * 6 + j) * TILES * BLOCK);
        }
        transform_outputs(column, &top[j], &bottom[j]);
    }
    transform_outputs(top, &y[0], &y[1]);
    transform_outputs(bottom, &y[2], &y[3]);
    return pool_window(y[0] + bias, y[1] + bias, y[2] + bias, y[3] + bias, winner);
}

/* LANES channels of a group; `place` is where its first window is in y. */
static void finish_group(const winograd_job *job, const float *products, int64_t o, int64_t place, int64_t tiles)
{
    int64_t rest = job->g->out_channels - o, count = rest < LANES ? rest : LANES;
    lanes best[LANES], which[LANES], bias = job->bias ? load_some(job->bias + o, count) : (lanes){ 0 };
    for (int64_t i = 0; i < LANES; i++) {
        lanes_i32 winner = { 0 };
        best[i] = i < tiles ? finish_tile(products + i * BLOCK, bias, &winner) : (lanes){ 0 };
        which[i] = (lanes)winner;
    }
    pool_write(best, which, tiles, count, job->tiles, job->y + place, job->index ? job->index + place : NULL);
}

/* One block of output channels of a group whose inputs are transformed. */
static void forward_block(const winograd_job *job, int64_t n, int64_t block, int64_t first, int64_t tiles,
                          const float *inputs, float *products)
{
    const cnn__conv *g = job->g;
    const float *kernels = job->kernels + block * PLACES * job->channels * BLOCK;
    for (int64_t p = 0; p < PLACES; p++) {
        product_any(tiles, job->channels, inputs + p * TILES * job->channels, kernels + p * job->channels * BLOCK,
                    products + p * TILES * BLOCK);
    }
    for (int64_t o = block * BLOCK; o < (block + 1) * BLOCK && o < g->out_channels; o += LANES) {
        finish_group(job, products + o % BLOCK, o, (n * g->out_channels + o) * job->tiles + first, tiles);
    }
}

static void forward_band(void *arg, int64_t task, int worker)
{
    const winograd_job *job = arg;
    const cnn__conv *g = job->g;
    int64_t n = task / job->bands, band = task % job->bands;
    int64_t begin = band * job->blocks / job->bands, end = (band + 1) * job->blocks / job->bands;
    float *image = (float *)(void *)(job->scratch + job->scratch_size * (size_t)worker);
    for (int64_t half = 2 * begin; half < 2 * end && g->batch == 1; half++) {
        transform_kernels(arg, half, worker);
    }
    lay_out(job, job->x + n * g->in_channels * g->in_h * g->in_w, image);
    for (int64_t group = 0; group < job->groups; group++) {
        int64_t first = group * job->tiles / job->groups, tiles = (group + 1) * job->tiles / job->groups - first;
        transform_group(job, image, first, tiles, image + job->inputs_at);
        for (int64_t block = begin; block < end; block++) {
            forward_block(job, n, block, first, tiles, image + job->inputs_at, image + job->products_at);
        }
    }
}

/* Of a single image each task transforms the kernels that it uses itself: they would take longer to travel between the
 * cores' caches. */
void CNN__SIMD(convpool_winograd)(const cnn__conv *g, const float *x, const float *weight, const float *bias, float *y,
                                  uint8_t *index, void *workspace, cnn__pool *pool)
{
    winograd_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .index = index, .kernels = workspace };
    measure(&job, g);
    job.scratch = (char *)workspace + kernels_size(&job);
    double work = (double)(g->in_channels * g->out_channels * PLACES) / LANES;
    if (g->batch != 1) {
        cnn__pool_run(pool, 2 * job.blocks, 8 * work, transform_kernels, &job); /* a kernel costs about eight products */
    }
    cnn__pool_run(pool, g->batch * job.bands, work * (double)(g->batch * job.tiles), forward_band, &job);
}
