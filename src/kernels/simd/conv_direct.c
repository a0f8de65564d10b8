/* Convolutions with one tap, no padding and no stride: y = weight · x for each image, multiplied where both lie.
 *
 * A task owns a unit of positions (some whole images, or some places of one) for a block of output channels. Panel by panel of
 * these it goes along all positions, WIDTH at a time and once LANES; the few that are left at the end of an image are summed
 * along the input channels if the weights lie along them (forward), else by tiles whose rows are positions. */
#include "kernels/simd/ahead.h"
#include "kernels/simd/conv_plan.h"
#include "kernels/simd/copy.h"
#include "kernels/simd/some.h"
#include "kernels/simd/table.h"
#include "kernels/simd/tile.h"

enum {
    UNIT_FLOATS = 1 << 17, /* of x: half of L2 */
    UNIT_PLACES = 4096,
    DEPTH = 512, /* input channels of a stretch */
    LEAST_TASKS = 8,
    REST_VECTORS = CNN__VECTOR_BYTES > 16 ? 1 : 2 /* that hold a row of weights */
};

typedef struct direct_job {
    const conv_plan *plan;
    const float *x, *weight, *bias;
    float *y, *packed; /* weights that do not lie along the input channels: [group][panel][channel][ROWS] */
    char *scratch;
    int64_t places;                            /* of an image */
    int64_t images, image_units, unit_places;  /* a unit is so many images, or so many places of one */
    int64_t units, rest;                       /* places at an image's end */
    int64_t panels, panel_rows;                /* of output channels */
    int64_t blocks, block_panels, depth;
    bool along, streamed;
} direct_job;

typedef struct direct_task {
    const direct_job *job;
    int64_t group, panel, panels;
    int64_t image, images, begin, end; /* places of each image */
    int64_t channel, channels;
    float *weights, *rest, *aside;
    tile_operand a; /* the panel's weights */
    ahead next;
} direct_task;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return b ? (a + b - 1) / b : 0;
}

static void measure_units(direct_job *job)
{
    const conv_plan *p = job->plan;
    int64_t all = p->batch * job->places, most = least(UNIT_FLOATS / job->depth, UNIT_PLACES);
    most = least(most, divide_up(all * job->panels * p->groups, LEAST_TASKS));
    most = round_up(most, WIDTH);
    job->images = job->image_units = 1;
    if (job->places > most) {
        job->unit_places = round_up(divide_up(job->places, divide_up(job->places, most)), WIDTH);
        job->image_units = divide_up(job->places, job->unit_places);
        job->units = p->batch * job->image_units;
    } else {
        job->unit_places = job->places;
        job->units = divide_up(p->batch, most / job->places);
        job->images = divide_up(p->batch, job->units);
        job->units = divide_up(p->batch, job->images);
    }
}

static void measure(direct_job *job, const conv_plan *p)
{
    job->plan = p;
    job->places = p->h.grid * p->w.grid;
    job->rest = job->places % LANES;
    job->along = p->weight_in == 1;
    job->depth = divide_up(p->in_channels, divide_up(p->in_channels, DEPTH));
    job->panels = divide_up(p->out_channels, ROWS);
    job->panel_rows = divide_up(p->out_channels, job->panels);
    job->panels = divide_up(p->out_channels, job->panel_rows);
    measure_units(job);
    int64_t blocks = divide_up(LEAST_TASKS, job->units * p->groups);
    job->block_panels = divide_up(job->panels, blocks);
    job->blocks = divide_up(job->panels, job->block_panels);
}

static bool packs_before(const direct_job *job)
{
    return !job->along && job->units > 1;
}

static size_t packed_size(const direct_job *job)
{
    int64_t floats = job->plan->groups * job->panels * job->plan->in_channels * ROWS;
    return packs_before(job) ? (size_t)round_up(floats + WIDTH, 16) * sizeof(float) : 0;
}

static int64_t rest_columns(const direct_job *job)
{
    return job->images * job->rest;
}

/* Weights, the rest of x, a tile. */
static size_t scratch_size(const direct_job *job)
{
    int64_t weights = packs_before(job) || job->along ? 0 : job->depth * ROWS + WIDTH;
    return (size_t)round_up(weights + rest_columns(job) * (job->depth + LANES) + ROWS * WIDTH, 16) * sizeof(float);
}

bool CNN__SIMD(conv_direct_fits)(const conv_plan *p)
{
    const conv_axis *h = &p->h, *w = &p->w;
    return h->taps == 1 && w->taps == 1 && h->stride == 1 && w->stride == 1 && h->first == 0 && w->first == 0 &&
           h->out_step == 1 && w->out_step == 1 && h->in == h->out && w->in == w->out && h->grid == h->in && w->grid == w->in &&
           p->batch > 0 && p->in_channels > 0 && h->in > 0 && w->in > 0 && (p->weight_in == 1 || p->weight_out == 1);
}

size_t CNN__SIMD(conv_direct_workspace)(const conv_plan *p, int workers)
{
    direct_job job = { 0 };
    measure(&job, p);
    return packed_size(&job) + scratch_size(&job) * (size_t)workers;
}

static const float *x_plane(const direct_task *t, int64_t image)
{
    const conv_plan *p = t->job->plan;
    return t->job->x + ((image * p->groups + t->group) * p->in_channels + t->channel) * t->job->places;
}

static float *y_plane(const direct_task *t, int64_t image, int64_t channel)
{
    const conv_plan *p = t->job->plan;
    return t->job->y + ((image * p->groups + t->group) * p->out_channels + channel) * t->job->places;
}

/* ---- packing ---- */

/* Weights across: [channel][ROWS]; what a row spills is overwritten by the next. */
static void pack_weights(const direct_job *job, int64_t group, int64_t panel, int64_t channel, int64_t channels, float *to)
{
    const conv_plan *p = job->plan;
    int64_t first = panel * job->panel_rows, rows = least(job->panel_rows, p->out_channels - first);
    const float *from = job->weight + group * p->weight_group + first * p->weight_out + channel * p->weight_in;
    for (int64_t c = 0; c < channels; c++, from += p->weight_in, to += ROWS) {
        copy_floats(from, to, rows);
    }
}

static void pack_panel(void *arg, int64_t task, int worker)
{
    (void)worker;
    const direct_job *job = arg;
    int64_t channels = job->plan->in_channels;
    pack_weights(job, task / job->panels, task % job->panels, 0, channels, job->packed + task * channels * ROWS);
}

/* The rest of the images of a unit, for all channels of the stretch: [column][channel], or [channel][column]. */
static void pack_rest(const direct_task *t)
{
    const direct_job *job = t->job;
    int64_t columns = t->images * job->rest;
    int64_t across = job->along ? t->channels : 1, along = job->along ? 1 : columns;
    for (int64_t n = 0; n < t->images; n++) {
        const float *from = x_plane(t, t->image + n) + job->places - job->rest;
        for (int64_t c = 0; c < t->channels; c++, from += job->places) {
            float *to = t->rest + n * job->rest * across + c * along;
            for (int64_t k = 0; k < job->rest; k++) {
                to[k * across] = from[k];
            }
        }
    }
}

/* ---- the product ---- */

/* Sums along k of `rows` ≤ LANES rows by one. */
static lanes dot_rows(const float *a, int64_t ld, int64_t rows, const float *b, int64_t k)
{
    lanes acc[LANES] = { 0 };
    const float *row[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) {
        row[i] = a + (i < rows ? i : rows - 1) * ld;
    }
    int64_t at = 0;
    for (; at + LANES <= k; at += LANES) {
        lanes x = load(b + at);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            acc[i] += load(row[i] + at) * x;
        }
    }
    if (at < k) {
        lanes x = load_some(b + at, k - at);
        for (int i = 0; i < LANES; i++) {
            acc[i] += load_some(row[i] + at, k - at) * x;
        }
    }
    transpose(acc);
#pragma GCC unroll 4
    for (int half = LANES / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < half; i++) {
            acc[i] += acc[i + half];
        }
    }
    return acc[0];
}

/* Columns [begin, end) of the rest into t->aside: [column][WIDTH]. */
static void multiply_rest(direct_task *t, int64_t rows, int64_t begin, int64_t end)
{
    static const float zeros[WIDTH];
    if (t->job->along) {
        for (int64_t k = begin; k < end; k++) {
            for (int64_t i = 0; i < rows; i += LANES) {
                store(t->aside + (k - begin) * WIDTH + i,
                      dot_rows(t->a.at + i * t->a.across, t->a.across, least(LANES, rows - i), t->rest + k * t->channels, t->channels));
            }
        }
        return;
    }
    tile_operand a = { t->rest + begin, 1, t->images * t->job->rest };
    tile_direct(end - begin, REST_VECTORS, t->channels, &a, &t->a, FROM_COLUMNS, false, zeros, t->aside, WIDTH, &t->next);
}

static void add_rest(direct_task *t, int64_t channel, int64_t rows, const float *bias)
{
    const direct_job *job = t->job;
    int64_t columns = t->images * job->rest;
    for (int64_t begin = 0; begin < columns; begin += ROWS) {
        int64_t end = least(begin + ROWS, columns);
        multiply_rest(t, rows, begin, end);
        for (int64_t k = begin; k < end; k++) {
            float *y = y_plane(t, t->image + k / job->rest, channel) + job->places - job->rest + k % job->rest;
            const float *sums = t->aside + (k - begin) * WIDTH;
            for (int64_t i = 0; i < rows; i++, y += job->places) {
                *y = sums[i] + (t->channel ? *y : bias ? bias[i] : 0);
            }
        }
    }
}

static void multiply_panel(direct_task *t, int64_t panel)
{
    static const float zeros[WIDTH];
    const direct_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t channel = panel * job->panel_rows, rows = least(job->panel_rows, p->out_channels - channel);
    const float *bias = job->bias ? job->bias + t->group * p->out_channels + channel : NULL, *from = bias ? bias : zeros;
    tile_start start = t->channel ? FROM_C : bias ? FROM_ROWS : FROM_COLUMNS;
    for (int64_t n = t->image; n < t->image + t->images; n++) {
        const float *x = x_plane(t, n);
        float *y = y_plane(t, n, channel);
        for (int64_t at = t->begin; at + LANES <= t->end; at += WIDTH) {
            tile_operand b = { x + at, 1, job->places };
            int64_t vectors = at + WIDTH <= t->end ? 2 : 1;
            tile_direct(rows, vectors, t->channels, &t->a, &b, start, job->streamed, from, y + at, job->places, &t->next);
        }
    }
    if (t->end == job->places && job->rest) {
        add_rest(t, channel, rows, bias);
    }
}

/* ---- tasks ---- */

static void use_weights(direct_task *t, int64_t panel)
{
    const direct_job *job = t->job;
    const conv_plan *p = job->plan;
    if (job->along) {
        t->a = (tile_operand){ job->weight + t->group * p->weight_group + panel * job->panel_rows * p->weight_out + t->channel,
                               p->weight_out, 1 };
    } else if (packs_before(job)) {
        t->a = (tile_operand){ job->packed + ((t->group * job->panels + panel) * p->in_channels + t->channel) * ROWS, 1, ROWS };
    } else {
        pack_weights(job, t->group, panel, t->channel, t->channels, t->weights);
        t->a = (tile_operand){ t->weights, 1, ROWS };
    }
}

static void multiply_unit(void *arg, int64_t task, int worker)
{
    const direct_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t unit = task / job->blocks % job->units;
    direct_task t = { .job = job, .group = task / job->blocks / job->units, .panel = task % job->blocks * job->block_panels,
                      .image = unit / job->image_units * job->images, .begin = unit % job->image_units * job->unit_places };
    t.panels = least(job->block_panels, job->panels - t.panel);
    t.images = least(job->images, p->batch - t.image);
    t.end = least(t.begin + job->unit_places, job->places);
    t.aside = (float *)(void *)(job->scratch + scratch_size(job) * (size_t)worker);
    t.rest = t.aside + ROWS * WIDTH;
    t.weights = t.rest + rest_columns(job) * (job->depth + LANES);
    for (; t.channel < p->in_channels; t.channel += job->depth) {
        t.channels = least(job->depth, p->in_channels - t.channel);
        if (t.end == job->places) {
            pack_rest(&t);
        }
        for (int64_t k = 0; k < t.panels; k++) {
            use_weights(&t, t.panel + k);
            multiply_panel(&t, t.panel + k);
        }
    }
    stream_end();
}

void CNN__SIMD(conv_direct)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y, void *memory,
                            cnn__pool *pool)
{
    direct_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .packed = memory };
    measure(&job, p);
    job.scratch = (char *)memory + packed_size(&job);
    job.streamed = p->in_channels <= DEPTH && streams(y, p->batch * job.places * p->groups * p->out_channels, job.places);
    if (packs_before(&job)) {
        cnn__pool_run(pool, p->groups * job.panels, (double)(p->groups * p->weight_group), pack_panel, &job);
    }
    cnn__pool_run(pool, job.units * p->groups * job.blocks, plan_work(p), multiply_unit, &job);
}
