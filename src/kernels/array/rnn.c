/* A step of recurrent networks behind its matrix products, and its gradient: LSTM (Hochreiter & Schmidhuber, "Long
 * Short-Term Memory", 1997, with the forget gate of Gers et al.), GRU (Cho et al., "Learning Phrase Representations
 * using RNN Encoder-Decoder", 2014, with the reset gate behind the product, as PyTorch and cuDNN have it) and Elman's
 * network. The formulas are cnn_rnn_cell's.
 *
 * A task has so many rows, each of which depends on its own elements alone. Activations are those of the elementwise
 * operations. */
#include "kernels/array/rnn.h"
#include "kernels/launch.h"

#include <string.h>

enum { RNN_TASK = 1024, RNN_COST = 60 }; /* elements of h in a task, and what one of them costs */

static const cnn__rnn_loops *rnn_loops_of(const cnn__rnn_step *s)
{
    return s->dtype == CNN_F32 ? s->array->maps->rnn_f32 : &cnn__rnn_loops_f64;
}

typedef struct rnn_work {
    const cnn__rnn_step *s;
    const cnn__rnn_gradient *grad; /* NULL: forward */
    int64_t group;                 /* rows of a task */
} rnn_work;

/* Columns first … first + n − 1 of rows that are `stride` long. */
typedef struct rnn_part {
    void *data;
    int64_t stride, first;
} rnn_part;

/* to = op(from) for rows begin … end − 1 and n columns. */
static void rnn_activate(const cnn__rnn_step *s, cnn_unary op, int64_t begin, int64_t end, int64_t n, rnn_part to,
                         rnn_part from)
{
    const size_t size = cnn__array_size(s->dtype);
    cnn__nest nest = { .ndim = 2, .shape = { end - begin, n }, .stride = { { to.stride, 1 }, { from.stride, 1 } } };
    s->array->unary(op, &nest, s->dtype, NULL, (char *)to.data + (size_t)(begin * to.stride + to.first) * size,
                    (const char *)from.data + (size_t)(begin * from.stride + from.first) * size, NULL);
}

/* Row `row` of an array whose rows have `width` elements; NULL for NULL. */
static void *rnn_row(const cnn__rnn_step *s, const void *array, int64_t row, int64_t width)
{
    return array ? (char *)(uintptr_t)array + (size_t)(row * width) * cnn__array_size(s->dtype) : NULL;
}

static bool rnn_takes_part(const cnn__rnn_step *s, int64_t row)
{
    return !s->lengths || s->lengths[row] > s->time;
}

/* to = from, or 0 where that is NULL. */
static void rnn_copy(const cnn__rnn_step *s, int64_t row, void *to, const void *from)
{
    const size_t bytes = (size_t)s->hidden * cnn__array_size(s->dtype);
    if (from) {
        memmove(rnn_row(s, to, row, s->hidden), rnn_row(s, from, row, s->hidden), bytes);
    } else {
        memset(rnn_row(s, to, row, s->hidden), 0, bytes);
    }
}

/* The states of sequences that have ended stay. */
static void rnn_finish(const cnn__rnn_step *s, int64_t row)
{
    bool takes_part = rnn_takes_part(s, row);
    if (!takes_part) {
        rnn_copy(s, row, s->h, s->h_before);
    }
    if (!takes_part && s->cell == CNN_RNN_LSTM) {
        rnn_copy(s, row, s->kept, s->before);
    }
    if (s->y) {
        rnn_copy(s, row, s->y, takes_part ? s->h : NULL);
    }
}

/* ---- forward ---- */

static void rnn_forward_gates(const cnn__rnn_step *s, int64_t begin, int64_t end)
{
    const cnn__rnn_loops *loops = rnn_loops_of(s);
    const int64_t n = s->hidden, stride = s->stride;
    const rnn_part first = { s->gates, stride, 0 }, third = { s->gates, stride, 2 * n },
                   last = { s->gates, stride, 3 * n };
    const bool gru = s->cell == CNN_RNN_GRU;
    for (int64_t row = begin; row < end; row++) {
        loops->add(gru ? 2 * n : s->parts * n, 0, gru ? rnn_row(s, s->before, row, stride) : NULL, s->bias,
                   rnn_row(s, s->gates, row, stride));
    }
    if (s->parts > 1) {
        rnn_activate(s, CNN_UNARY_SIGMOID, begin, end, 2 * n, first, first);
    }
    for (int64_t row = begin; gru && row < end; row++) {
        loops->reset(s, row);
    }
    if (s->parts > 1) {
        rnn_activate(s, CNN_UNARY_TANH, begin, end, n, third, third);
    }
    if (s->cell == CNN_RNN_LSTM) {
        rnn_activate(s, CNN_UNARY_SIGMOID, begin, end, n, last, last);
    }
    if (s->cell == CNN_RNN_TANH) {
        rnn_activate(s, CNN_UNARY_TANH, begin, end, n, first, first);
    }
    for (int64_t row = begin; s->cell == CNN_RNN_RELU && row < end; row++) {
        loops->relu(s, row);
    }
}

static void rnn_forward_rows(const cnn__rnn_step *s, int64_t begin, int64_t end)
{
    const cnn__rnn_loops *loops = rnn_loops_of(s);
    const bool lstm = s->cell == CNN_RNN_LSTM;
    rnn_forward_gates(s, begin, end);
    for (int64_t row = begin; lstm && row < end; row++) {
        loops->cell(s, row);
    }
    if (lstm) {
        rnn_activate(s, CNN_UNARY_TANH, begin, end, s->hidden, (rnn_part){ s->h, s->hidden, 0 },
                     (rnn_part){ s->kept, s->hidden, 0 });
    }
    for (int64_t row = begin; row < end; row++) {
        loops->output(s, row);
        rnn_finish(s, row);
    }
}

/* ---- backward ---- */

/* The gradient of h behind the step is brought to the last gate; of what precedes it only a GRU's slopes say more than
 * 0. */
static void rnn_backward_row(const cnn__rnn_step *s, const cnn__rnn_gradient *grad, int64_t row)
{
    const cnn__rnn_loops *loops = rnn_loops_of(s);
    const int64_t n = s->hidden, width = s->parts * n;
    const size_t size = cnn__array_size(s->dtype), row_size = (size_t)s->stride * size;
    char *dgates = rnn_row(s, grad->dgates, row, s->stride), *dh = rnn_row(s, grad->dh, row, n),
         *more = s->cell == CNN_RNN_GRU ? rnn_row(s, grad->more, row, s->stride) : NULL;
    char *last = dgates + (size_t)(width - n) * size;
    const size_t kept = rnn_takes_part(s, row) ? (size_t)width * size : 0; /* what the slopes write */
    memset(dgates + kept, 0, row_size - kept);
    if (more) {
        memset(more + kept, 0, row_size - kept);
    }
    if (!kept) {
        return;
    }
    memcpy(last, dh, (size_t)n * size);
    loops->add(n, 0, rnn_row(s, grad->dy, row, n), NULL, last);
    memset(dh, 0, (size_t)n * size);
    loops->slopes[s->cell](s, grad, row);
}

static void rnn_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const rnn_work *w = arg;
    const cnn__rnn_step *s = w->s;
    const int64_t n = s->hidden, begin = task * w->group, end = cnn__min(s->rows, begin + w->group);
    if (!w->grad) {
        rnn_forward_rows(s, begin, end);
        return;
    }
    if (s->cell == CNN_RNN_LSTM) {
        rnn_activate(s, CNN_UNARY_TANH, begin, end, n, (rnn_part){ w->grad->dgates, s->stride, 2 * n },
                     (rnn_part){ s->kept, n, 0 });
    }
    for (int64_t row = begin; row < end; row++) {
        rnn_backward_row(s, w->grad, row);
    }
}

/* ---- launches ---- */

static bool rnn_run(cnn__cpu_call *j, const cnn__rnn_step *s, const cnn__rnn_gradient *grad)
{
    rnn_work w = { s, grad, cnn__max(1, RNN_TASK / s->hidden) };
    cnn__pool_run(j->pool, cnn__ceil_div(s->rows, w.group), (double)s->rows * (double)s->hidden * RNN_COST, rnn_task,
                  &w);
    return true;
}

static int64_t rnn_parts(const cnn_rnn_parameters *p)
{
    return p->cell == CNN_RNN_LSTM ? 4 : p->cell == CNN_RNN_GRU ? 3 : 1;
}

static cnn__rnn_step rnn_describe(const cnn__cpu_call *j)
{
    const cnn_rnn_parameters *p = j->l->parameters;
    return (cnn__rnn_step){ .dtype = j->l->dtype,
                            .cell = p->cell,
                            .rows = p->rows,
                            .hidden = p->hidden,
                            .time = p->time,
                            .parts = rnn_parts(p),
                            .stride = p->hidden * rnn_parts(p) + p->gap,
                            .array = j->kernels->array };
}

static bool rnn_run_forward(cnn__cpu_call *j)
{
    cnn__rnn_step s = rnn_describe(j);
    s.bias = j->l->in[0];
    s.before = j->l->in[1];
    s.h_before = j->l->in[2];
    s.lengths = j->l->in[3];
    s.gates = j->l->out[0];
    s.kept = j->l->out[1];
    s.h = j->l->out[2];
    s.y = j->l->out[3];
    return rnn_run(j, &s, NULL);
}

static bool rnn_run_backward(cnn__cpu_call *j)
{
    const cnn__rnn_gradient grad = { j->l->in[0], j->l->out[0], j->l->out[1], j->l->out[2] };
    cnn__rnn_step s = rnn_describe(j);
    s.gates = (void *)(uintptr_t)j->l->in[1];
    s.kept = (void *)(uintptr_t)j->l->in[2];
    s.before = j->l->in[3];
    s.lengths = j->l->in[4];
    return rnn_run(j, &s, &grad);
}

/* The bias, the gates, their rows with what lies between these, what precedes a step or what else there is a gradient
 * of, h and the like. */
static int64_t rnn_measure(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_rnn_parameters *p = l->parameters;
    const int64_t parts = rnn_parts(p), stride = p->hidden * parts + p->gap;
    *updates = true;
    switch (letter) {
    case 'b': return p->hidden * parts;
    case 'g': return p->hidden * p->rows * parts;
    case 's': return p->rows * stride;
    case 'p': return p->rows * (p->cell == CNN_RNN_GRU ? stride : p->hidden);
    default: return p->hidden * p->rows;
    }
}

const cnn__cpu_kernel cnn__cpu_rnn_forward = {
    .run = rnn_run_forward, .flops = 4, .unit = 'g', .measure = rnn_measure, .in = "bph", .out = "shhh"
};
const cnn__cpu_kernel cnn__cpu_rnn_backward = {
    .run = rnn_run_backward, .flops = 8, .unit = 'g', .measure = rnn_measure, .in = "hshh", .out = "shp"
};
