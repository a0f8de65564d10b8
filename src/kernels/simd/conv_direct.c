/* Convolutions with one tap, no padding and no stride: y = weight · x for each image, multiplied where both lie.
 *
 * A task owns a unit of positions (some whole images, or some places of one) for a block of output channels. Panel by panel of
 * these it goes along all positions, WIDTH at a time and once LANES; the few that are left at the end of an image are summed
 * along the input channels if the weights lie along them (forward), else by tiles whose rows are positions. */
#include "kernels/simd/conv_rest.h"
#include "kernels/simd/table.h"

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

static void pack_panels(void *arg, int64_t task, int worker)
{
    (void)worker;
    const direct_job *job = arg;
    int64_t channels = job->plan->in_channels, tasks = divide_up(job->panels, PACK_PANELS), panel = task % tasks * PACK_PANELS;
    float *to = job->packed + (task / tasks * job->panels + panel) * channels * ROW;
    pack_weights(job, task / tasks, panel, least(PACK_PANELS, job->panels - panel), 0, channels, to, channels * ROW);
}

/* ---- the product ---- */

static void multiply_panel(direct_task *t, int64_t panel)
{
    static const float zeros[WIDTH];
    const direct_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t channel = panel * job->panel_rows, rows = least(job->panel_rows, p->out_channels - channel);
    const float *bias = job->bias ? job->bias + t->group * p->out_channels + channel : NULL, *from = bias ? bias : zeros;
    tile_start start = t->channel || p->add ? FROM_C : bias ? FROM_ROWS : FROM_COLUMNS;
    for (int64_t n = t->image; n < t->image + t->images; n++) {
        const float *x = x_plane(t, n);
        float *y = y_plane(t, n, channel);
        for (int64_t at = t->begin; at + LANES <= t->end; at += WIDTH) {
            tile_operand b = { x + at, 1, job->places, NULL };
            int64_t vectors = at + WIDTH <= t->end ? 2 : 1;
            if (t->finishes) {
                finish_foresee(p, y + at - job->y, rows, job->places);
            }
            tile_direct(rows, vectors, t->channels, &t->a, &b, start, job->streamed, from, y + at, job->places, &t->next);
        }
    }
    if (t->end == job->places && job->rest) {
        add_rest(t, channel, rows, from);
    }
    for (int64_t n = 0; n < t->images && t->finishes; n++) {
        finish(p, job->y, y_plane(t, t->image + n, channel) - job->y + t->begin, rows, t->end - t->begin, job->places);
    }
}

/* ---- tasks ---- */

/* Panel number k of the task's: where its weights are, or will be. */
static void use_weights(direct_task *t, int64_t k)
{
    const direct_job *job = t->job;
    const conv_plan *p = job->plan;
    int64_t panel = t->panel + k;
    if (k % PACK_PANELS == 0 && job->units == 1) {
        t->next = foresee_weights(t, panel + PACK_PANELS, PACK_PANELS);
    }
    if (job->along) {
        t->a = (tile_operand){ job->weight + t->group * p->weight_group + panel * job->panel_rows * p->weight_out + t->channel,
                               p->weight_out, 1, NULL };
    } else if (packs_before(job)) {
        int64_t at = (t->group * job->panels + panel) * p->in_channels + t->channel;
        t->a = (tile_operand){ job->packed + at * ROW, 1, ROW, NULL };
    } else {
        int64_t step = t->channels * ROW;
        if (k % PACK_PANELS == 0) {
            pack_weights(job, t->group, panel, least(PACK_PANELS, t->panels - k), t->channel, t->channels, t->weights, step);
        }
        t->a = (tile_operand){ t->weights + k % PACK_PANELS * step, 1, ROW, NULL };
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
    t.weights = t.rest + rest_size(job);
    for (; t.channel < p->in_channels; t.channel += job->depth) {
        t.channels = least(job->depth, p->in_channels - t.channel);
        if (t.end == job->places) {
            pack_rest(&t);
        }
        t.next = foresee_x(&t);
        t.finishes = plan_finishes(p) && t.channel + t.channels == p->in_channels;
        for (int64_t k = 0; k < t.panels; k++) {
            use_weights(&t, k);
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
    job.streamed = p->in_channels <= DEPTH && !plan_finishes(p) && !p->add &&
                   streams(y, p->batch * job.places * p->groups * p->out_channels, job.places);
    if (packs_before(&job)) {
        cnn__pool_run(pool, p->groups * divide_up(job.panels, PACK_PANELS), (double)(p->groups * p->weight_group), pack_panels,
                      &job);
    }
    cnn__pool_run(pool, job.units * p->groups * job.blocks, plan_work(p), multiply_unit, &job);
}
