/* The steps of all optimizers. Each is one formula, which the reference applies to single numbers, f32 and f64, and
 * each instruction set to vectors of f32. The file that includes this one says how:
 *   REAL    float or double
 *   VALUE   what a formula computes with at once: WIDTH REALs, one or a vector
 *   NAME()  a function's or type's name
 *   READ(from), WRITE(to, value)      WIDTH REALs
 *   ROOT(x), CHOOSE(condition, a, b)  element by element
 *
 * A new optimizer is a formula, a function that takes its numbers from the launch, and a line at the end. */

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

/* Applies the formula to a chunk of whole VALUEs. Where `has` is a constant, the loop has no branches. */
CNN__INLINE void NAME(step_chunk)(const NAME(step) * step, NAME(formula) * formula, unsigned has, int64_t task)
{
    const NAME(step) s = *step; /* which no store changes */
    int64_t begin = task * NAME(STEP_CHUNK), left = s.n - begin;
    int64_t end = left < NAME(STEP_CHUNK) ? s.n : begin + NAME(STEP_CHUNK);
    for (int64_t i = begin; i < end; i += WIDTH) {
        VALUE out[4] = { 0 }; /* in registers, once the loops over it are unrolled */
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            if (has >> k & 1) {
                out[k] = READ(s.out[k] + i);
            }
        }
        formula(s.numbers, has, READ(s.grad + i), out);
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

/* ---- Adam, AdamW: out is the parameter, m, v, (vmax) ---- */

/* A coefficient of 0 or 1 stands for a term that is absent, so that one formula serves all options. */
typedef struct NAME(adam_numbers) {
    REAL sign, decay, l2, take1, toward, keep2, take2, step, root, eps;
} NAME(adam_numbers);

CNN__INLINE void NAME(adam_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NAME(adam_numbers) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0], m = out[1], v = out[2];
    /* From 1 - beta1 = 0.5 on, the first moment starts from the gradient: `toward` goes from there to the other. */
    const VALUE take1 = j->take1 - (VALUE){ 0 };
    m = CHOOSE(take1 >= (REAL)0.5, g, m) + (g - m) * j->toward;
    v = j->keep2 * v + j->take2 * g * g;
    VALUE second = v;
    if (has & 8) {
        second = out[3] = CHOOSE((out[3] > v) | (out[3] != out[3]), out[3], v);
    }
    out[0] = out[0] * j->decay - j->step * (m / (ROOT(second) / j->root + j->eps));
    out[1] = m;
    out[2] = v;
}

static void NAME(adam_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(adam_formula), 7, task);
}

static void NAME(amsgrad_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(adam_formula), 15, task);
}

static void NAME(adam)(const cnn_launch *l, cnn__pool *pool)
{
    const cnn_adam_parameters *p = l->parameters;
    const REAL take1 = (REAL)(1 - p->beta1);
    const NAME(adam_numbers) numbers = {
        .sign = p->maximize ? -1 : 1,
        .decay = p->decoupled ? (REAL)(1 - p->lr * p->weight_decay) : 1,
        .l2 = p->decoupled ? 0 : (REAL)p->weight_decay,
        .take1 = take1,
        .toward = take1 >= (REAL)0.5 ? -(REAL)p->beta1 : take1,
        .keep2 = (REAL)p->beta2,
        .take2 = (REAL)(1 - p->beta2),
        .step = (REAL)(p->lr / p->bias1),
        .root = (REAL)sqrt(p->bias2),
        .eps = (REAL)p->eps,
    };
    NAME(run_step)(l, &numbers, l->out[3] ? NAME(amsgrad_chunk) : NAME(adam_chunk), 1, pool);
}

/* ---- SGD: out is the parameter, (momentum buffer) ---- */

typedef struct NAME(sgd_numbers) {
    REAL sign, l2, keep, take, lr;
    REAL ahead; /* how much of the buffer is added to the gradient: momentum for Nesterov's */
    REAL own;   /* and how much of the gradient itself stays */
    bool first;
} NAME(sgd_numbers);

CNN__INLINE void NAME(sgd_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NAME(sgd_numbers) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0];
    if (has & 2) {
        VALUE kept = j->keep * out[1] + j->take * g;
        out[1] = j->first ? g : kept;
        g = j->own * g + j->ahead * out[1];
    }
    out[0] -= j->lr * g;
}

static void NAME(sgd_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(sgd_formula), ((const NAME(step) *)step)->has, task);
}

static void NAME(sgd)(const cnn_launch *l, cnn__pool *pool)
{
    const cnn_sgd_parameters *p = l->parameters;
    const NAME(sgd_numbers) numbers = {
        .sign = p->maximize ? -1 : 1,
        .l2 = (REAL)p->weight_decay,
        .keep = (REAL)p->momentum,
        .take = (REAL)(1 - p->dampening),
        .lr = (REAL)p->lr,
        .ahead = p->nesterov ? (REAL)p->momentum : 1,
        .own = p->nesterov ? 1 : 0,
        .first = p->first,
    };
    NAME(run_step)(l, &numbers, NAME(sgd_chunk), 0.5, pool);
}

/* ---- RMSprop: out is the parameter, square, (momentum buffer), (mean) ---- */

typedef struct NAME(rmsprop_numbers) {
    REAL sign, l2, keep, take, eps, momentum, lr;
} NAME(rmsprop_numbers);

CNN__INLINE void NAME(rmsprop_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NAME(rmsprop_numbers) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0];
    VALUE spread = out[1] = j->keep * out[1] + j->take * g * g;
    if (has & 8) {
        out[3] = j->keep * out[3] + j->take * g;
        spread = out[1] - out[3] * out[3];
    }
    g = g / (ROOT(spread) + j->eps);
    if (has & 4) {
        g = out[2] = j->momentum * out[2] + g;
    }
    out[0] -= j->lr * g;
}

static void NAME(rmsprop_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(rmsprop_formula), ((const NAME(step) *)step)->has, task);
}

static void NAME(rmsprop)(const cnn_launch *l, cnn__pool *pool)
{
    const cnn_rmsprop_parameters *p = l->parameters;
    const NAME(rmsprop_numbers) numbers = {
        .sign = p->maximize ? -1 : 1,
        .l2 = (REAL)p->weight_decay,
        .keep = (REAL)p->alpha,
        .take = (REAL)(1 - p->alpha),
        .eps = (REAL)p->eps,
        .momentum = (REAL)p->momentum,
        .lr = (REAL)p->lr,
    };
    NAME(run_step)(l, &numbers, NAME(rmsprop_chunk), 1, pool);
}

/* ---- the list ---- */

#undef CNN__OPTIMIZERS
#define CNN__OPTIMIZERS(X) \
    X(ADAM, adam) \
    X(SGD, sgd) \
    X(RMSPROP, rmsprop)

#define CNN__OPTIMIZER_STEP(NUMBER, name) \
    case CNN_KERNEL_##NUMBER: NAME(name)(l, pool); break;

void NAME(optimizer)(const cnn_launch *l, cnn__pool *pool)
{
    switch ((int)l->kernel) {
        CNN__OPTIMIZERS(CNN__OPTIMIZER_STEP)
    }
}

#undef CNN__OPTIMIZER_STEP
