/* An LSTM's step: a task for so many rows, each of which depends on its own elements alone. */
#include "kernels/array/lstm.h"

#include "kernels/array/math.h"
#include "kernels/array/nest.h"

#define X float
#define OWN(name) cnn__##name##_f32
#define FN(name) name##_f32
#include "kernels/array/lstm_impl.h"

#define X double
#define OWN(name) cnn__##name##_f64
#define FN(name) name##_f64
#include "kernels/array/lstm_impl.h"

enum { LSTM_TASK = 1024, LSTM_COST = 60 }; /* elements of h in a task, and what one of them costs */

typedef struct lstm_work {
    const cnn__lstm_step *s;
    const cnn__lstm_grad *grad; /* NULL: forward */
    int64_t group;              /* rows of a task */
} lstm_work;

static void lstm_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const lstm_work *w = arg;
    const bool wide = w->s->dtype == CNN_F64;
    int64_t end = cnn__min(w->s->rows, (task + 1) * w->group);
    for (int64_t row = task * w->group; row < end; row++) {
        if (w->grad) {
            (wide ? lstm_backward_f64 : lstm_backward_f32)(w->s, w->grad, row);
        } else {
            (wide ? lstm_forward_f64 : lstm_forward_f32)(w->s, row);
        }
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
