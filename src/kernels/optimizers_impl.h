/* The steps of all optimizers. Each is one formula, which the reference applies to single numbers, f32 and f64, and
 * each instruction set to vectors of f32. The file that includes this one says how:
 *   REAL    float or double
 *   VALUE   what a formula computes with at once: WIDTH REALs, one or a vector
 *   NAME()  a function's or type's name
 *   READ(from), WRITE(to, value)      WIDTH REALs
 *   ROOT(x), CHOOSE(condition, a, b)  element by element
 *
 * A new optimizer is a formula, a function that takes its numbers from the launch, and a line at the end.
 * Formulas stand in the files of their families. */

/* A step and its operands: out[0] is the parameter, then come the moments. */
typedef struct NAME(step) {
    const void *numbers; /* what the formula is told */
    int64_t n;
    const REAL *grad;
    REAL *out[4];
    unsigned has; /* bit k: there is an out[k] */
} NAME(step);

/* Makes the new VALUEs of `out` from the old ones. */
typedef void NAME(formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out);

enum { NAME(STEP_CHUNK) = 1 << 14 }; /* elements a task */
enum { NAME(AHEAD) = 512 }; /* elements: enough for the time that memory takes, few enough to stay in the cache */

/* Asks for what will be read soon. A step reads up to five arrays at once between divisions and roots, which leave the
 * processor too few instructions in flight to see that far. */
CNN__INLINE void NAME(ahead)(const REAL *from)
{
    if (WIDTH > 1) {
        __builtin_prefetch(from + NAME(AHEAD), 1);
    }
}

/* Applies the formula to a chunk of whole VALUEs. Where `has` is a constant, the loop has no branches. */
CNN__INLINE void NAME(step_chunk)(const NAME(step) * step, NAME(formula) * formula, unsigned has, int64_t task)
{
    const NAME(step) s = *step; /* a copy, which no store changes */
    int64_t begin = task * NAME(STEP_CHUNK), left = s.n - begin;
    int64_t end = left < NAME(STEP_CHUNK) ? s.n : begin + NAME(STEP_CHUNK);
    for (int64_t i = begin; i < end; i += WIDTH) {
        VALUE out[4] = { 0 }; /* in registers, once the loops over it are unrolled */
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            if (has >> k & 1) {
                out[k] = READ(s.out[k] + i);
                NAME(ahead)(s.out[k] + i);
            }
        }
        formula(s.numbers, has, READ(s.grad + i), out);
        NAME(ahead)(s.grad + i);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            if (has >> k & 1) {
                WRITE(s.out[k] + i, out[k]);
            }
        }
    }
}

/* What is left behind the whole VALUEs makes one more, in a place of its own. */
static void NAME(step_rest)(const NAME(step) * s, cnn__task_fn chunk, int64_t whole)
{
    REAL grad[WIDTH] = { 0 }, out[4][WIDTH] = { { 0 } };
    size_t bytes = (size_t)(s->n - whole) * sizeof(REAL);
    NAME(step) rest = { s->numbers, WIDTH, grad, { out[0], out[1], out[2], out[3] }, s->has };
    memcpy(grad, s->grad + whole, bytes);
    for (int k = 0; k < 4; k++) {
        if (s->has >> k & 1) {
            memcpy(out[k], s->out[k] + whole, bytes);
        }
    }
    chunk(&rest, 0, 0);
    for (int k = 0; k < 4; k++) {
        if (s->has >> k & 1) {
            memcpy(s->out[k] + whole, out[k], bytes);
        }
    }
}

static void NAME(run_step)(const cnn_launch *l, const void *numbers, cnn__task_fn chunk, double cost, cnn__pool *pool)
{
    NAME(step) s = { .numbers = numbers, .n = l->count, .grad = l->in[0] };
    const int64_t whole = s.n - s.n % WIDTH;
    for (int k = 0; k < 4; k++) {
        s.out[k] = l->out[k];
        s.has |= (unsigned)(l->out[k] != NULL) << k;
    }
    if (whole < s.n) {
        NAME(step_rest)(&s, chunk, whole);
    }
    s.n = whole;
    cnn__pool_run(pool, (whole + NAME(STEP_CHUNK) - 1) / NAME(STEP_CHUNK), (double)whole * cost, chunk, &s);
}

/* ---- the formulas, by families ---- */

#include "kernels/optimizers_adam_impl.h"
#include "kernels/optimizers_sgd_impl.h"
#include "kernels/optimizers_square_impl.h"

/* ---- the list: kernel, function, and FLOPs per element of the formula, with all that may be left out ---- */

#undef CNN__OPTIMIZERS
#define CNN__OPTIMIZERS(X) \
    X(ADAM, adam, 13) \
    X(SGD, sgd, 7) \
    X(RMSPROP, rmsprop, 14) \
    X(ADAGRAD, adagrad, 8) \
    X(ADADELTA, adadelta, 16) \
    X(NADAM, nadam, 15) \
    X(RADAM, radam, 13) \
    X(ADAMAX, adamax, 10) \
    X(LION, lion, 11) \
    X(LAMB, lamb, 13) \
    X(LARS, lars, 6) \
    X(MUON, muon, 6) \
    X(COMBINE, combine, 3)

#define CNN__OPTIMIZER_STEP(NUMBER, name, flops_each) \
    case CNN_KERNEL_##NUMBER: NAME(name)(l, pool); break;

void NAME(optimizer)(const cnn_launch *l, cnn__pool *pool)
{
    switch ((int)l->kernel) {
        CNN__OPTIMIZERS(CNN__OPTIMIZER_STEP)
    }
}

#undef CNN__OPTIMIZER_STEP
