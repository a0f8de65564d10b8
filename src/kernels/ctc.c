/* The connectionist temporal classification loss (Graves et al., "Connectionist Temporal Classification", 2006), in f32
 * and f64, summed in double.
 *
 * The states of a sequence of labels l1 … lS are blank, l1, blank, l2, …, lS, blank. A path begins in one of the first
 * two, ends in one of the last two, and goes on by 0 or 1 states in each step, or by 2 where the labels of both ends
 * differ. alpha[t,s] is the logarithm of the probability of all paths up to state s at step t, beta[t,s] that of all
 * from there on; both have the step's own probability. Rows of them are made in place: alpha's from its last state
 * down, beta's from its first one up. */
#include "base/math.h"
#include "kernels/launch.h"

typedef cnn_ctc_parameters ctc;

typedef struct ctc_job {
    const ctc *p;
    bool f64;
    const void *x, *targets;
    const int64_t *steps, *lengths; /* each sequence's number of steps of x, and of labels */
    double *losses;                 /* forward: of each sequence */
    double *alpha;                  /* NULL: not kept */
    const void *dy;
    void *dx; /* NULL: forward */
    char *workspace;
    size_t each; /* bytes of a worker */
} ctc_job;

/* One sequence. */
typedef struct ctc_sequence {
    const ctc_job *job;
    int64_t n, steps, length, states;
    int64_t *label;  /* the label of each state */
    double *row;     /* a row of alpha or beta */
    double *classes; /* the probability that a step is in a state of a class */
    double *alpha;   /* [steps, states] */
} ctc_sequence;

/* ---- operands ---- */

static int64_t ctc_label(const ctc_job *job, int64_t i)
{
    switch (job->p->target_dtype) {
    case CNN_I64: return ((const int64_t *)job->targets)[i];
    case CNN_I32: return ((const int32_t *)job->targets)[i];
    default: return ((const uint8_t *)job->targets)[i];
    }
}

/* Where the labels of sequence n begin. */
static int64_t ctc_begin(const ctc_job *job, int64_t n)
{
    int64_t begin = job->p->concatenated ? 0 : n * job->p->width;
    for (int64_t i = 0; job->p->concatenated && i < n; i++) {
        begin += job->lengths[i];
    }
    return begin;
}

static double ctc_real(const ctc_job *job, const void *x, int64_t i)
{
    return job->f64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static void ctc_set(const ctc_job *job, void *y, int64_t i, double value)
{
    if (job->f64) {
        ((double *)y)[i] = value;
    } else {
        ((float *)y)[i] = (float)value;
    }
}

/* Whether lengths and labels are within their bounds; what is not is noted as <cnn/kernels/layers.h> says. */
static bool ctc_check(cnn__cpu_call *j, const ctc_job *job)
{
    const ctc *p = job->p;
    int64_t total = 0, at = 0;
    for (; at < 2 * p->batch; at++) {
        j->value = at < p->batch ? job->steps[at] : job->lengths[at - p->batch];
        if (j->value < 0 || j->value > (at < p->batch ? p->steps : p->width)) {
            j->position = at;
            return false;
        }
        total += at < p->batch ? 0 : j->value;
    }
    for (int64_t n = 0; n < p->batch; n++) {
        int64_t begin = ctc_begin(job, n);
        bool whole = !p->concatenated || total == p->targets;
        for (int64_t i = begin; whole && i < begin + job->lengths[n]; i++) {
            j->value = ctc_label(job, i);
            if (j->value < 0 || j->value >= p->classes) {
                j->position = at + i;
                return false;
            }
        }
    }
    j->position = at + p->targets;
    j->value = total;
    return !p->concatenated || total == p->targets;
}

static ctc_sequence ctc_sequence_of(const ctc_job *job, int64_t n, int worker)
{
    const ctc *p = job->p;
    const int64_t begin = ctc_begin(job, n), most = 2 * p->width + 1;
    char *memory = job->workspace + (size_t)worker * job->each;
    ctc_sequence s = { .job = job, .n = n, .steps = job->steps[n], .length = job->lengths[n] };
    s.states = 2 * s.length + 1;
    s.row = (double *)(void *)memory;
    s.label = (int64_t *)(void *)(s.row + most);
    s.classes = (double *)(void *)(s.label + most);
    s.alpha = job->alpha ? job->alpha + p->steps * (2 * begin + n) : NULL;
    for (int64_t i = 0; i < s.states; i++) {
        s.label[i] = i % 2 ? ctc_label(job, begin + i / 2) : p->blank;
        s.row[i] = -INFINITY;
    }
    return s;
}

/* ---- both passes ---- */

/* log(exp a + exp b + exp c); a NaN passes. */
static double ctc_add(double a, double b, double c)
{
    double most = a > b ? a : b;
    most = most > c ? most : c;
    if (most == -INFINITY) {
        return a + b + c;
    }
    return most + cnn__log_f64(cnn__exp_f64(a - most) + cnn__exp_f64(b - most) + cnn__exp_f64(c - most));
}

static double ctc_log_probability(const ctc_sequence *s, int64_t t, int64_t state)
{
    const ctc *p = s->job->p;
    return ctc_real(s->job, s->job->x, (t * p->batch + s->n) * p->classes + s->label[state]);
}

/* The row of step t of the one before it (by −1) or behind it (by 1). */
static void ctc_step(const ctc_sequence *s, int64_t t, int64_t by)
{
    const int64_t last = s->states - 1;
    double *row = s->row;
    for (int64_t i = 0; i <= last; i++) {
        int64_t to = by < 0 ? last - i : i, next = to + by, skip = next + by;
        bool skips = skip >= 0 && skip <= last && s->label[skip] != s->label[to];
        row[to] = ctc_log_probability(s, t, to) +
                  ctc_add(row[to], next >= 0 && next <= last ? row[next] : -INFINITY, skips ? row[skip] : -INFINITY);
    }
}

static double ctc_loss_of(const ctc_sequence *s, const double *row)
{
    return 0 - ctc_add(row[s->states - 1], s->length ? row[s->states - 2] : -INFINITY, -INFINITY);
}

static void ctc_forward_task(void *arg, int64_t n, int worker)
{
    const ctc_job *job = arg;
    ctc_sequence s = ctc_sequence_of(job, n, worker);
    s.row[0] = 0;
    for (int64_t t = 0; t < s.steps; t++) {
        ctc_step(&s, t, -1);
        if (s.alpha) {
            memcpy(s.alpha + t * s.states, s.row, (size_t)s.states * sizeof *s.row);
        }
    }
    double loss = ctc_loss_of(&s, s.row);
    job->losses[n] = job->p->zero_infinity && loss == INFINITY ? 0 : loss;
}

/* What dx of step t is: (exp x − the probability of the class's states) · scale, as of a log-softmax. */
static void ctc_slopes(const ctc_sequence *s, int64_t t, double loss, double scale)
{
    const ctc_job *job = s->job;
    const int64_t classes = job->p->classes, at = (t * job->p->batch + s->n) * classes;
    const double *alpha = s->alpha + t * s->states;
    for (int64_t c = 0; c < classes; c++) {
        s->classes[c] = 0;
    }
    for (int64_t i = 0; i < s->states; i++) {
        double both = alpha[i] + s->row[i];
        s->classes[s->label[i]] += both == -INFINITY ? 0 : cnn__exp_f64(both + loss - ctc_log_probability(s, t, i));
    }
    for (int64_t c = 0; c < classes; c++) {
        ctc_set(job, job->dx, at + c, (cnn__exp_f64(ctc_real(job, job->x, at + c)) - s->classes[c]) * scale);
    }
}

/* dx of steps begin … end − 1. */
static void ctc_fill(const ctc_sequence *s, int64_t begin, int64_t end, double value)
{
    const ctc *p = s->job->p;
    for (int64_t t = begin; t < end; t++) {
        for (int64_t c = 0; c < p->classes; c++) {
            ctc_set(s->job, s->job->dx, (t * p->batch + s->n) * p->classes + c, value);
        }
    }
}

static void ctc_backward_task(void *arg, int64_t n, int worker)
{
    const ctc_job *job = arg;
    const ctc *p = job->p;
    const ctc_sequence s = ctc_sequence_of(job, n, worker);
    double scale = ctc_real(job, job->dy, p->reduction == (int)CNN_REDUCE_NONE ? n : 0);
    if (p->reduction == (int)CNN_REDUCE_MEAN) {
        scale /= (double)p->batch * (double)(s.length ? s.length : 1);
    }
    ctc_fill(&s, s.steps, p->steps, 0);
    double loss = s.steps ? ctc_loss_of(&s, s.alpha + (s.steps - 1) * s.states) : 0;
    if (!(loss < INFINITY)) { /* infinite or NaN */
        ctc_fill(&s, 0, s.steps, p->zero_infinity && loss == INFINITY ? 0 : NAN);
        return;
    }
    s.row[s.states - 1] = 0;
    for (int64_t t = s.steps - 1; t >= 0; t--) {
        ctc_step(&s, t, 1);
        ctc_slopes(&s, t, loss, scale);
    }
}

/* ---- launches ---- */

static size_t ctc_losses_bytes(const ctc *p)
{
    return (size_t)p->batch * sizeof(double);
}

/* Bytes of a worker: a row, the labels of its states, and the classes. */
static size_t ctc_each(const ctc *p)
{
    return (size_t)(2 * (2 * p->width + 1) + p->classes) * sizeof(double);
}

static size_t ctc_workspace(cnn__cpu_call *j)
{
    return ctc_losses_bytes(j->l->parameters) + ctc_each(j->l->parameters) * (size_t)j->workers;
}

static ctc_job ctc_job_of(const cnn__cpu_call *j)
{
    const ctc *p = j->l->parameters;
    return (ctc_job){ .p = p,
                      .f64 = j->l->dtype == CNN_F64,
                      .x = j->l->in[0],
                      .targets = j->l->in[1],
                      .steps = j->l->in[2],
                      .lengths = j->l->in[3],
                      .losses = j->l->workspace,
                      .workspace = (char *)j->l->workspace + ctc_losses_bytes(p),
                      .each = ctc_each(p) };
}

static double ctc_work(const ctc *p)
{
    enum { CTC_COST = 60 }; /* the cost of a state in a step */
    double width = p->concatenated ? (double)p->targets : (double)p->batch * (double)p->width;
    return (double)p->steps * ((2 * width + (double)p->batch) * CTC_COST + (double)p->batch * (double)p->classes);
}

static bool run_ctc_forward(cnn__cpu_call *j)
{
    ctc_job job = ctc_job_of(j);
    const ctc *p = job.p;
    job.alpha = j->l->out[1];
    if (!ctc_check(j, &job)) {
        return false;
    }
    cnn__pool_run(j->pool, p->batch, ctc_work(p), ctc_forward_task, &job);
    double sum = 0;
    for (int64_t n = 0; n < p->batch; n++) {
        double length = (double)(p->reduction == (int)CNN_REDUCE_MEAN && job.lengths[n] ? job.lengths[n] : 1);
        sum += job.losses[n] / length;
        if (p->reduction == (int)CNN_REDUCE_NONE) {
            ctc_set(&job, j->l->out[0], n, job.losses[n]);
        }
    }
    if (p->reduction != (int)CNN_REDUCE_NONE) {
        ctc_set(&job, j->l->out[0], 0, p->reduction == (int)CNN_REDUCE_MEAN ? sum / (double)p->batch : sum);
    }
    return true;
}

static bool run_ctc_backward(cnn__cpu_call *j)
{
    ctc_job job = ctc_job_of(j);
    job.alpha = (void *)(uintptr_t)j->l->in[4];
    job.dy = j->l->in[5];
    job.dx = j->l->out[0];
    cnn__pool_run(j->pool, job.p->batch, ctc_work(job.p), ctc_backward_task, &job);
    return true;
}

/* x and the result y. */
static int64_t ctc_measure(const cnn_launch *l, char letter, bool *updates)
{
    const ctc *p = l->parameters;
    (void)updates;
    return letter == 'x' ? p->steps * p->batch * p->classes : p->reduction == (int)CNN_REDUCE_NONE ? p->batch : 1;
}

const cnn__cpu_kernel cnn__cpu_ctc_forward = {
    .run = run_ctc_forward, .flops = 4, .workspace = ctc_workspace, .measure = ctc_measure, .in = "x---", .out = "y"
};
const cnn__cpu_kernel cnn__cpu_ctc_backward = {
    .run = run_ctc_backward, .flops = 4, .workspace = ctc_workspace, .measure = ctc_measure, .in = "x----y", .out = "x"
};
