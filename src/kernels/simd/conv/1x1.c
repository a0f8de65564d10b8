/* 1 × 1 convolutions without padding and stride, as a GEMM: y = weight · x for each image, with both operands read in
 * place.
 *
 * A task owns a unit of positions (some whole images, or some positions of one) for a block of output channels. For
 * each panel of these it goes through all positions, TILE_WIDTH at a time and once LANES. The few positions that
 * remain at the end of an image are summed along the input channels if the weights are stored along them (forward),
 * else by tiles whose rows are positions (conv/1x1_tail.h). */
#include "kernels/simd/conv/1x1_tail.h"
#include "kernels/simd/conv/algorithms.h"

bool CNN__SIMD(conv_1x1_fits)(const conv_plan *p)
{
    const conv_axis *h = &p->h, *w = &p->w;
    return h->taps == 1 && w->taps == 1 && h->stride == 1 && w->stride == 1 && h->first == 0 && w->first == 0 &&
           h->out_step == 1 && w->out_step == 1 && h->in == h->out && w->in == w->out && h->grid == h->in &&
           w->grid == w->in && p->batch > 0 && p->in_channels > 0 && h->in > 0 && w->in > 0 &&
           (p->weight_in == 1 || p->weight_out == 1);
}

size_t CNN__SIMD(conv_1x1_workspace)(const conv_plan *p, int workers)
{
    conv_1x1_job job = { 0 };
    conv_1x1_plan_blocks(&job, p);
    return conv_1x1_packed_size(&job) + conv_1x1_columns_size(&job) + conv_1x1_scratch_size(&job) * (size_t)workers;
}

static void pack_panels(void *arg, int64_t task, int worker)
{
    (void)worker;
    const conv_1x1_job *job = arg;
    int64_t channels = job->plan->in_channels, tasks = divide_up(job->panels, PACK_PANELS),
            panel = task % tasks * PACK_PANELS;
    float *to = job->packed + (task / tasks * job->panels + panel) * channels * ROW_STEP;
    conv_1x1_pack_weights(job, task / tasks, panel, min64(PACK_PANELS, job->panels - panel), 0, channels, to,
                          channels * ROW_STEP);
}

/* ---- the product ---- */

/* The weights of the task's panel number k. */
static tile_operand weights_of(const conv_1x1_task *t, int64_t k)
{
    const conv_1x1_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t panel = t->panel + k;
    if (job->along) {
        return (tile_operand){ job->weight + t->group * p->weight_group + panel * job->panel_rows * p->weight_out +
                                   t->channel,
                               p->weight_out, 1, NULL };
    }
    if (packs_before(job)) {
        int64_t at = (t->group * job->panels + panel) * p->in_channels + t->channel;
        return (tile_operand){ job->packed + at * ROW_STEP, 1, ROW_STEP, NULL };
    }
    return (tile_operand){ t->weights + (k - t->first) * t->channels * ROW_STEP, 1, ROW_STEP, NULL };
}

/* What happens before panel number k: a single unit packs its own weights and prefetches those that it reads next. */
static void prepare_weights(conv_1x1_task *t, int64_t k)
{
    const conv_1x1_job *job = t->job;
    int64_t count = panels_at_once(job, t->channels);
    if (k % count || job->units > 1) {
        return;
    }
    t->first = k;
    t->next = conv_1x1_prefetch_weights(t, t->panel + k + count, count);
    if (!job->along) {
        conv_1x1_pack_weights(job, t->group, t->panel + k, min64(count, t->panels - k), t->channel, t->channels,
                              t->weights, t->channels * ROW_STEP);
    }
}

/* Packs whole vectors of the unit's positions for the k-block; if the tiles keep the panels, only the rest of them. */
static void conv_1x1_pack_columns(conv_1x1_task *t, bool kept)
{
    const conv_1x1_job *job = t->job;
    for (int64_t n = t->image; n < t->image + t->images; n++) {
        int64_t count = t->end - t->begin, panels = count / TILE_WIDTH;
        const float *from = x_plane(t, n) + t->begin;
        float *to = columns_of(t, n);
        if (!kept) {
            pack_across(from, job->places, panels, t->channels, to);
        }
        from += panels * TILE_WIDTH;
        to += panels * TILE_WIDTH * t->channels;
        for (int64_t c = 0; c < t->channels && count % TILE_WIDTH >= LANES;
             c++, from += job->places, to += TILE_WIDTH) {
            store(to, load(from));
        }
    }
}

/* What the sums of the output channels from `channel` on start from. */
static tile_start start_of(const conv_1x1_task *t, int64_t channel, const float **from)
{
    const conv_1x1_job *job = t->job;
    const float *bias = job->bias && !t->parts ? job->bias + t->group * job->plan->out_channels + channel : NULL;
    *from = bias;
    return t->terms || (job->plan->add && !t->parts) ? FROM_C : bias ? FROM_ROWS : FROM_COLUMNS;
}

/* Multiplies the task's panels [k, k + count) by the whole vectors of an image's positions. x is read in place, or
 * packed, or in place and left packed for the next panels. */
static void multiply_image(conv_1x1_task *t, int64_t k, int64_t count, int64_t n, bool keeps)
{
    const conv_1x1_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t channel = (t->panel + k) * job->panel_rows;
    tile_grid g = { .rows = min64(count * job->panel_rows, p->out_channels - channel),
                    .panel_rows = job->panel_rows,
                    .columns = 1,
                    .k = t->channels,
                    .a = weights_of(t, k),
                    .streamed = job->streamed,
                    .step = job->places };
    g.a_step = job->along ? TILE_ROWS * p->weight_out : (packs_before(job) ? p->in_channels : t->channels) * ROW_STEP;
    g.b = (tile_operand){ x_plane(t, n) + t->begin, 1, job->places, NULL };
    g.b_step = TILE_WIDTH;
    float *columns = columns_of(t, n);
    if (PACKS_X && !keeps) {
        g.b = (tile_operand){ columns, 1, TILE_WIDTH, NULL };
        g.b_step = t->channels * TILE_WIDTH;
    }
    int64_t together = !PACKS_X || t->finishes ? 1 : tile_columns(t->channels);
    g.start = start_of(t, channel, &g.from);
    g.c = conv_1x1_y_plane(t, n, channel) + t->begin;
    for (int64_t at = t->begin; at + LANES <= t->end; at += g.columns * TILE_WIDTH, g.c += g.columns * TILE_WIDTH) {
        g.vectors = at + TILE_WIDTH <= t->end ? 2 : 1;
        g.columns = max64(1, min64(together, (t->end - at) / TILE_WIDTH));
        g.keep = keeps && g.vectors > 1 ? columns : NULL;
        if (keeps && g.vectors == 1) {
            g.b = (tile_operand){ columns, 1, TILE_WIDTH, NULL };
        }
        if (t->finishes) {
            epilogue_prefetch(p, g.c - job->y, g.rows, job->places);
        }
        tile_multiply(&g, &t->next);
        if (t->finishes && !p->relu_mask) { /* while the tile is in L1 */
            epilogue(p, job->y, g.c - job->y, g.rows, g.columns * g.vectors * LANES, job->places);
        }
        g.b.at += g.columns * g.b_step;
        columns += g.columns * t->channels * TILE_WIDTH;
    }
}

/* What remains of a panel after its tiles. */
static void finish_panel(conv_1x1_task *t, int64_t k)
{
    const conv_1x1_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t channel = (t->panel + k) * job->panel_rows, rows = min64(job->panel_rows, p->out_channels - channel);
    if (t->end == job->places && job->rest) {
        static const float zeros[TILE_ROWS];
        const float *from;
        start_of(t, channel, &from);
        t->a = weights_of(t, k);
        add_tail(t, channel, rows, from ? from : zeros);
    }
    int64_t done = p->relu_mask ? 0 : (t->end - t->begin) / LANES * LANES;
    for (int64_t n = 0; n < t->images && t->finishes && t->begin + done < t->end; n++) {
        epilogue(p, job->y, conv_1x1_y_plane(t, t->image + n, channel) - job->y + t->begin + done, rows,
                 t->end - t->begin - done, job->places);
    }
}

/* ---- long sums ---- */

/* The task's output channels of image number i of the unit: where their positions begin in y, and their wide sums. */
typedef struct conv_1x1_sums {
    float *y;
    double *wide;
    int64_t rows, places;
} conv_1x1_sums;

static conv_1x1_sums conv_1x1_sums_of(const conv_1x1_task *t, int64_t i)
{
    const conv_1x1_job *job = t->job;
    int64_t channel = t->panel * job->panel_rows;
    conv_1x1_sums s = { .rows = min64(t->panels * job->panel_rows, job->plan->out_channels - channel),
                        .places = t->end - t->begin };
    s.y = conv_1x1_y_plane(t, t->image + i, channel) + t->begin;
    s.wide = t->wide + i * s.rows * s.places;
    return s;
}

/* Adds the part that ends before this k-block to the wide sums. */
static void conv_1x1_keep_part(conv_1x1_task *t)
{
    for (int64_t i = 0; i < t->images; i++) {
        conv_1x1_sums s = conv_1x1_sums_of(t, i);
        wide_add(s.wide, t->parts == 0, s.y, s.rows, s.places, t->job->places);
    }
    t->parts++;
    t->terms = 0;
}

static void conv_1x1_finish_parts(const conv_1x1_task *t)
{
    const conv_1x1_job *job = t->job;
    for (int64_t i = 0; i < t->images; i++) {
        conv_1x1_sums s = conv_1x1_sums_of(t, i);
        wide_finish(s.wide, s.y, s.rows, s.places, job->places);
        if (plan_has_epilogue(job->plan)) {
            epilogue(job->plan, job->y, s.y - job->y, s.rows, s.places, job->places);
        }
    }
}

/* ---- tasks ---- */

static conv_1x1_task unit_of(const conv_1x1_job *job, int64_t unit, int64_t group)
{
    conv_1x1_task t = { .job = job,
                        .group = group,
                        .image = unit / job->image_units * job->images,
                        .begin = unit % job->image_units * job->unit_places };
    t.images = min64(job->images, job->plan->batch - t.image);
    t.end = min64(t.begin + job->unit_places, job->places);
    return t;
}

/* One k-block of the task's unit. */
static void use_stretch(conv_1x1_task *t, int64_t unit)
{
    const conv_1x1_job *job = t->job;
    const conv_plan *p = job->plan;
    t->channels = min64(job->depth, p->in_channels - t->channel);
    if (shares_columns(job)) {
        t->columns = job->columns + ((t->group * job->units + unit) * p->in_channels + t->channel) * unit_columns(job);
    }
}

static void pack_unit(void *arg, int64_t task, int worker)
{
    (void)worker;
    const conv_1x1_job *job = arg;
    int64_t stretches = divide_up(job->plan->in_channels, job->depth), unit = task / stretches % job->units;
    conv_1x1_task t = unit_of(job, unit, task / stretches / job->units);
    t.channel = task % stretches * job->depth;
    use_stretch(&t, unit);
    conv_1x1_pack_columns(&t, false);
}

static void multiply_unit(void *arg, int64_t task, int worker)
{
    const conv_1x1_job *job = arg;
    const conv_plan *p = job->plan;
    int64_t unit = task / job->blocks % job->units;
    conv_1x1_task t = unit_of(job, unit, task / job->blocks / job->units);
    t.panel = task % job->blocks * job->block_panels;
    t.panels = min64(job->block_panels, job->panels - t.panel);
    t.wide = (double *)(void *)(job->scratch + conv_1x1_scratch_size(job) * (size_t)worker);
    t.aside = (float *)(void *)(t.wide + wide_sums(job));
    t.rest = t.aside + TILE_ROWS * TILE_WIDTH;
    t.weights = t.rest + tail_size(job);
    t.columns = t.weights + weights_size(job);
    for (; t.channel < p->in_channels; t.channel += job->depth) {
        use_stretch(&t, unit);
        if (long_sum(p->in_channels) && t.terms + t.channels > PART_SUM) {
            conv_1x1_keep_part(&t);
        }
        if (t.end == job->places) {
            pack_tail(&t);
        }
        t.next = conv_1x1_prefetch_x(&t);
        t.finishes = plan_has_epilogue(p) && !t.parts && t.channel + t.channels == p->in_channels;
        bool keeps = false;
        for (int64_t k = 0, count; k < t.panels; k += count) {
            count = PACKS_X ? min64(panels_at_once(job, t.channels), t.panels - k) : 1;
            prepare_weights(&t, k);
            if (k == 0 && PACKS_X && !shares_columns(job)) {
                tile_operand a = weights_of(&t, 0);
                keeps = t.panels <= CONV_1X1_FEW_PANELS && tile_keeps(min64(job->panel_rows, p->out_channels), &a);
                conv_1x1_pack_columns(&t, keeps);
            }
            for (int64_t n = t.image; n < t.image + t.images; n++) {
                multiply_image(&t, k, count, n, k == 0 && keeps);
            }
            for (int64_t i = 0; i < count; i++) {
                finish_panel(&t, k + i);
            }
        }
        t.terms += t.channels;
    }
    if (t.parts) {
        conv_1x1_finish_parts(&t);
    }
    stream_end();
}

void CNN__SIMD(conv_1x1)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                         void *memory, cnn__pool *pool)
{
    conv_1x1_job job = { .x = x, .weight = weight, .bias = bias, .y = y, .packed = memory };
    conv_1x1_plan_blocks(&job, p);
    job.columns = (float *)(void *)((char *)memory + conv_1x1_packed_size(&job));
    job.scratch = (char *)job.columns + conv_1x1_columns_size(&job);
    job.streamed = p->in_channels <= CONV_1X1_K_BLOCK && !plan_has_epilogue(p) && !p->add &&
                   streams(y, p->batch * job.places * p->groups * p->out_channels, job.places);
    if (packs_before(&job)) {
        cnn__pool_run(pool, p->groups * divide_up(job.panels, PACK_PANELS), (double)(p->groups * p->weight_group),
                      pack_panels, &job);
    }
    if (shares_columns(&job)) {
        int64_t tasks = p->groups * job.units * divide_up(p->in_channels, job.depth);
        cnn__pool_run(pool, tasks, (double)(p->batch * p->groups * p->in_channels * job.places) / LANES, pack_unit,
                      &job);
    }
    cnn__pool_run(pool, job.units * p->groups * job.blocks, plan_work(p), multiply_unit, &job);
}
