/* Local response normalisation (Krizhevsky et al., "ImageNet classification with deep convolutional neural networks",
 * 2012) over the channels, in f32 and f64: y = x · d^−beta, d = k + alpha / size · Σ x² over a window of channels. A
 * task computes a stretch of positions of one sample, all channels of it, in double. Its gradient is
 *
 *     dx[c] = dy[c] · d[c]^−beta − 2 · alpha · beta / size · x[c] · Σ dy · x · d^(−beta − 1)
 *
 * over the channels whose windows have c in them. */
#include "base/math.h"
#include "kernels/launch.h"

#include <string.h>

enum { RESPONSE_STRETCH = 16, RESPONSE_KEPT = 4 };

typedef cnn_local_response_norm_parameters response_norm;

typedef struct stretch {
    double at[RESPONSE_STRETCH];
} stretch;

typedef struct response_job {
    const response_norm *g;
    bool f64;
    const void *x, *dy;
    void *out;
    stretch *workspace; /* RESPONSE_KEPT · channels per worker */
    int64_t per_sample; /* tasks */
} response_job;

/* `width` elements from number `at` on, in double, and zeros behind them. */
static void response_read(const response_job *job, const void *from, int64_t at, int64_t width, stretch *s)
{
    const double *wide = from;
    const float *narrow = from;
    if (!job->f64 && width == RESPONSE_STRETCH) { /* the usual case, which is vectorised */
        for (int i = 0; i < RESPONSE_STRETCH; i++) {
            s->at[i] = (double)narrow[at + i];
        }
        return;
    }
    for (int i = 0; i < RESPONSE_STRETCH; i++) {
        s->at[i] = i >= width ? 0 : job->f64 ? wide[at + i] : (double)narrow[at + i];
    }
}

static void response_write(const response_job *job, int64_t at, int64_t width, const stretch *s)
{
    double *wide = job->out;
    float *narrow = job->out;
    if (!job->f64 && width == RESPONSE_STRETCH) {
        for (int i = 0; i < RESPONSE_STRETCH; i++) {
            narrow[at + i] = (float)s->at[i];
        }
        return;
    }
    for (int i = 0; i < width; i++) {
        if (job->f64) {
            wide[at + i] = s->at[i];
        } else {
            narrow[at + i] = (float)s->at[i];
        }
    }
}

/* Σ of channels c − before … c + after, as far as there are such, eight positions at a time in registers. */
static void sum_window(const response_norm *g, const stretch *of, int64_t c, int64_t before, int64_t after,
                       stretch *sum)
{
    typedef double two __attribute__((vector_size(16), aligned(8), may_alias));
    int64_t first = c > before ? c - before : 0, last = g->channels - 1 - c > after ? c + after : g->channels - 1;
    for (int i = 0; i < RESPONSE_STRETCH; i += 8) {
        two sums[4] = { { 0 } };
        for (int64_t k = first; k <= last; k++) {
            const two *terms = (const two *)(of[k].at + i);
            sums[0] += terms[0];
            sums[1] += terms[1];
            sums[2] += terms[2];
            sums[3] += terms[3];
        }
        memcpy(sum->at + i, sums, sizeof sums);
    }
}

/* What a task knows: its positions begin at `at` in channel 0, and what it keeps of each channel. */
typedef struct response_part {
    int64_t at, width;
    stretch *x, *squares, *powers, *products; /* x, x², dy · d^−beta, dy · x · d^(−beta − 1) */
} response_part;

static void response_squares(const response_job *job, const response_part *p)
{
    for (int64_t c = 0; c < job->g->channels; c++) {
        stretch *x = &p->x[c];
        response_read(job, job->x, p->at + c * job->g->inner, p->width, x);
        for (int i = 0; i < RESPONSE_STRETCH; i++) {
            p->squares[c].at[i] = x->at[i] * x->at[i];
        }
    }
}

/* d^−beta. AlexNet's exponent takes two roots. */
static void response_raise(const stretch *d, double beta, stretch *power)
{
    for (int i = 0; i < RESPONSE_STRETCH && beta == 0.75; i++) {
        double root = sqrt(d->at[i]);
        power->at[i] = 1 / (root * sqrt(root));
    }
    for (int i = 0; i < RESPONSE_STRETCH && beta != 0.75; i++) {
        power->at[i] = cnn__pow_f64(d->at[i], -beta);
    }
}

/* Channel c: the result, or what its gradient is made of. */
static void response_powers(const response_job *job, const response_part *p, int64_t c)
{
    const response_norm *g = job->g;
    const int64_t at = p->at + c * g->inner;
    const double factor = g->alpha / (double)g->size;
    const stretch *x = &p->x[c];
    stretch d, dy, power;
    sum_window(g, p->squares, c, g->size / 2, (g->size - 1) / 2, &d);
    for (int i = 0; i < RESPONSE_STRETCH; i++) {
        d.at[i] = g->k + factor * d.at[i];
    }
    response_raise(&d, g->beta, &power);
    if (!job->dy) {
        for (int i = 0; i < RESPONSE_STRETCH; i++) {
            power.at[i] *= x->at[i];
        }
        response_write(job, at, p->width, &power);
        return;
    }
    response_read(job, job->dy, at, p->width, &dy);
    stretch *powers = &p->powers[c], *products = &p->products[c];
    for (int i = 0; i < RESPONSE_STRETCH; i++) {
        powers->at[i] = dy.at[i] * power.at[i];
        products->at[i] = powers->at[i] * x->at[i] / d.at[i];
    }
    for (int64_t i = p->width; i < RESPONSE_STRETCH; i++) { /* where d may be 0 */
        products->at[i] = 0;
    }
}

static void response_gradient(const response_job *job, const response_part *p, int64_t c)
{
    const response_norm *g = job->g;
    const double factor = 2 * g->alpha * g->beta / (double)g->size;
    const stretch *x = &p->x[c], *powers = &p->powers[c];
    stretch sum;
    sum_window(g, p->products, c, (g->size - 1) / 2, g->size / 2, &sum);
    for (int i = 0; i < RESPONSE_STRETCH; i++) {
        sum.at[i] = powers->at[i] - factor * x->at[i] * sum.at[i];
    }
    response_write(job, p->at + c * g->inner, p->width, &sum);
}

static void response_task(void *arg, int64_t task, int worker)
{
    const response_job *job = arg;
    int64_t channels = job->g->channels, first = task % job->per_sample * RESPONSE_STRETCH;
    int64_t left = job->g->inner - first;
    stretch *workspace = job->workspace + RESPONSE_KEPT * channels * worker;
    response_part p = { .at = task / job->per_sample * channels * job->g->inner + first,
                        .width = left < RESPONSE_STRETCH ? left : RESPONSE_STRETCH,
                        .x = workspace,
                        .squares = workspace + channels,
                        .powers = workspace + 2 * channels,
                        .products = workspace + 3 * channels };
    response_squares(job, &p);
    for (int64_t c = 0; c < channels; c++) {
        response_powers(job, &p, c);
    }
    for (int64_t c = 0; c < channels && job->dy; c++) {
        response_gradient(job, &p, c);
    }
}

static bool run_response_norm(cnn__cpu_call *j)
{
    const response_norm *g = j->l->parameters;
    response_job job = { .g = g,
                         .f64 = j->l->dtype == CNN_F64,
                         .x = j->l->in[0],
                         .dy = j->l->in[1],
                         .out = j->l->out[0],
                         .workspace = j->l->workspace,
                         .per_sample = (g->inner + RESPONSE_STRETCH - 1) / RESPONSE_STRETCH };
    cnn__pool_run(j->pool, g->batch * job.per_sample, 64 * (double)g->batch * (double)g->channels * (double)g->inner,
                  response_task, &job);
    return true;
}

static size_t response_workspace(cnn__cpu_call *j)
{
    const response_norm *g = j->l->parameters;
    return (size_t)j->workers * RESPONSE_KEPT * (size_t)g->channels * sizeof(stretch);
}

static int64_t response_measure(const cnn_launch *l, char letter, bool *updates)
{
    const response_norm *g = l->parameters;
    int64_t each = letter != '*' ? 1 : l->kernel == CNN_KERNEL_LOCAL_RESPONSE_NORM ? g->size + 4 : 2 * g->size + 8;
    (void)updates;
    return each * g->batch * g->channels * g->inner;
}

const cnn__cpu_kernel cnn__cpu_local_response_norm = { .run = run_response_norm,
                                                       .unit = '*',
                                                       .workspace = response_workspace,
                                                       .measure = response_measure,
                                                       .in = "x",
                                                       .out = "x" };
const cnn__cpu_kernel cnn__cpu_local_response_norm_backward = { .run = run_response_norm,
                                                                .unit = '*',
                                                                .workspace = response_workspace,
                                                                .measure = response_measure,
                                                                .in = "xx",
                                                                .out = "x" };
