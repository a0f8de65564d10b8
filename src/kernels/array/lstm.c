/* An LSTM's step: a task for so many rows, each of which depends on its own elements alone. Activations are those of
 * the elementwise operations. */
#include "kernels/array/lstm.h"

#include "kernels/array/nest.h"

#include <string.h>

#define X float
#define FN(name) name##_f32
#include "kernels/array/lstm_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/lstm_impl.h"

enum { LSTM_TASK = 1024, LSTM_COST = 60 }; /* elements of h in a task, and what one of them costs */

typedef struct lstm_kernels {
    void (*bias)(const cnn__lstm_step *s, int64_t row);
    void (*cell)(const cnn__lstm_step *s, int64_t row);
    void (*output)(const cnn__lstm_step *s, int64_t row);
    void (*gradient)(const cnn__lstm_step *s, const cnn__lstm_grad *grad, int64_t row);
} lstm_kernels;

static const lstm_kernels lstm_table[] = {
    [CNN_F32] = { lstm_bias_f32, lstm_cell_f32, lstm_output_f32, lstm_gradient_f32 },
    [CNN_F64] = { lstm_bias_f64, lstm_cell_f64, lstm_output_f64, lstm_gradient_f64 },
};

typedef struct lstm_work {
    const cnn__lstm_step *s;
    const cnn__lstm_grad *grad; /* NULL: forward */
    int64_t group;              /* rows of a task */
} lstm_work;

/* Columns first … first + n − 1 of rows that are `stride` long. */
typedef struct lstm_part {
    void *data;
    int64_t stride, first;
} lstm_part;

/* to = op(from) for rows begin … end − 1 and n columns. */
static void lstm_activate(const cnn__lstm_step *s, cnn__unary op, int64_t begin, int64_t end, int64_t n, lstm_part to,
                          lstm_part from)
{
    const size_t size = cnn__array_size(s->dtype);
    cnn__nest nest = { .ndim = 2, .shape = { end - begin, n }, .stride = { { to.stride, 1 }, { from.stride, 1 } } };
    s->array->unary(op, &nest, s->dtype, NULL, (char *)to.data + (size_t)(begin * to.stride + to.first) * size,
                    (const char *)from.data + (size_t)(begin * from.stride + from.first) * size, NULL);
}

static void lstm_forward_rows(const cnn__lstm_step *s, int64_t begin, int64_t end)
{
    const int64_t n = s->hidden;
    const lstm_kernels *kernels = &lstm_table[s->dtype];
    const lstm_part i = { s->gates, 4 * n, 0 }, g = { s->gates, 4 * n, 2 * n }, o = { s->gates, 4 * n, 3 * n };
    for (int64_t row = begin; s->bias && row < end; row++) {
        kernels->bias(s, row);
    }
    lstm_activate(s, CNN_UNARY_SIGMOID, begin, end, 2 * n, i, i); /* f lies behind i */
    lstm_activate(s, CNN_UNARY_TANH, begin, end, n, g, g);
    lstm_activate(s, CNN_UNARY_SIGMOID, begin, end, n, o, o);
    for (int64_t row = begin; row < end; row++) {
        kernels->cell(s, row);
    }
    lstm_activate(s, CNN_UNARY_TANH, begin, end, n, (lstm_part){ s->h, n, 0 }, (lstm_part){ s->c, n, 0 });
    for (int64_t row = begin; row < end; row++) {
        kernels->output(s, row);
    }
}

static void lstm_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const lstm_work *w = arg;
    const cnn__lstm_step *s = w->s;
    const int64_t n = s->hidden, begin = task * w->group, end = cnn__min(s->rows, begin + w->group);
    if (!w->grad) {
        lstm_forward_rows(s, begin, end);
        return;
    }
    lstm_activate(s, CNN_UNARY_TANH, begin, end, n, (lstm_part){ w->grad->dgates, 4 * n, 2 * n },
                  (lstm_part){ s->c, n, 0 });
    for (int64_t row = begin; row < end; row++) {
        lstm_table[s->dtype].gradient(s, w->grad, row);
    }
}

static void lstm_run(const cnn__lstm_step *s, const cnn__lstm_grad *grad, cnn__pool *pool)
{
    lstm_work w = { s, grad, cnn__max(1, LSTM_TASK / s->hidden) };
    cnn__pool_run(pool, cnn__ceil_div(s->rows, w.group), (double)s->rows * (double)s->hidden * LSTM_COST, lstm_task,
                  &w);
}

void cnn__lstm_forward(const cnn__lstm_step *s, cnn__pool *pool)
{
    lstm_run(s, NULL, pool);
}

void cnn__lstm_backward(const cnn__lstm_step *s, const cnn__lstm_grad *grad, cnn__pool *pool)
{
    lstm_run(s, grad, pool);
}
