/* The steps of Adam and of its relatives, which keep an average of the gradient and one of its size. */

/* ---- Adam, AdamW: out is the parameter, m, v, (vmax) ---- */

/* (1 - take) · m + take · g. From take = 0.5 on it starts from g: `toward` goes from there to the other. */
CNN__INLINE VALUE NAME(lerp)(VALUE m, VALUE g, REAL take, REAL toward)
{
    const VALUE taken = take - (VALUE){ 0 };
    return CHOOSE(taken >= (REAL)0.5, g, m) + (g - m) * toward;
}

CNN__INLINE REAL NAME(toward)(REAL take, double beta)
{
    return take >= (REAL)0.5 ? -(REAL)beta : take;
}

CNN__INLINE void NAME(adam_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(adam) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0], m = out[1], v = out[2];
    m = NAME(lerp)(m, g, j->take1, j->toward);
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

OPTIMIZER void NAME(adam)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_adam_parameters *p = l->parameters;
    const REAL take1 = (REAL)(1 - p->beta1);
    const NUMBERS(adam) numbers = {
        .sign = p->maximize ? -1 : 1,
        .decay = p->decoupled ? (REAL)(1 - p->lr * p->weight_decay) : 1,
        .l2 = p->decoupled ? 0 : (REAL)p->weight_decay,
        .take1 = take1,
        .toward = NAME(toward)(take1, p->beta1),
        .keep2 = (REAL)p->beta2,
        .take2 = (REAL)(1 - p->beta2),
        .step = (REAL)(p->lr / p->bias1),
        .root = (REAL)sqrt(p->bias2),
        .eps = (REAL)p->eps,
    };
    cnn__optimizer_run(l, &numbers, loops, l->out[3] ? loops->amsgrad : loops->adam, 1, pool);
}

/* ---- NAdam, RAdam, LAMB: out is the parameter, m, v, (LAMB's direction) ---- */

CNN__INLINE void NAME(moments_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(moments) *j = numbers;
    bool direction = has & 8;
    VALUE g = direction ? j->sign * grad : j->sign * grad + j->l2 * out[0];
    out[1] = NAME(lerp)(out[1], g, j->take1, j->toward);
    out[2] = j->keep2 * out[2] + j->take2 * g * g;
    VALUE step = j->own * g + j->step * out[1];
    if (j->scale != 0) {
        step = step / (j->scale * ROOT(out[2]) + j->eps);
    }
    if (direction) {
        out[3] = step + j->l2 * out[0];
    } else {
        out[0] = out[0] * j->decay - step;
    }
}

static void NAME(moments_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(moments_formula), ((const cnn__optimizer_step *)step)->has, task);
}

/* The numbers that all three have. */
OPTIMIZER NUMBERS(moments) NAME(moments)(double beta1, double beta2, double weight_decay, double eps, bool maximize)
{
    const REAL take1 = (REAL)(1 - beta1);
    return (NUMBERS(moments)){ .sign = maximize ? -1 : 1,
                               .decay = 1,
                               .l2 = (REAL)weight_decay,
                               .take1 = take1,
                               .toward = NAME(toward)(take1, beta1),
                               .keep2 = (REAL)beta2,
                               .take2 = (REAL)(1 - beta2),
                               .eps = (REAL)eps };
}

/* Weight decay is no part of the gradient. */
OPTIMIZER void NAME(decouple)(NUMBERS(moments) * j, double lr, double weight_decay)
{
    j->decay = (REAL)(1 - lr * weight_decay);
    j->l2 = 0;
}

/* The product of all mu so far is a number on the device, so that a step that is lost leaves it as it was. */
OPTIMIZER void NAME(nadam)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_nadam_parameters *p = l->parameters;
    double *product = l->out[3];
    cnn_launch elements = *l;
    NUMBERS(moments) numbers = NAME(moments)(p->beta1, p->beta2, p->weight_decay, p->eps, p->maximize);
    *product *= p->mu;
    numbers.own = (REAL)(p->lr * (1 - p->mu) / (1 - *product));
    numbers.step = (REAL)(p->lr * p->mu_next / (1 - *product * p->mu_next));
    numbers.scale = (REAL)(1 / sqrt(p->bias2));
    if (p->decoupled) {
        NAME(decouple)(&numbers, p->lr, p->weight_decay);
    }
    elements.out[3] = NULL;
    cnn__optimizer_run(&elements, &numbers, loops, loops->moments, 1, pool);
}

OPTIMIZER void NAME(radam)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_radam_parameters *p = l->parameters;
    NUMBERS(moments) numbers = NAME(moments)(p->beta1, p->beta2, p->weight_decay, p->eps, p->maximize);
    bool rectified = p->rectification != 0;
    numbers.step = (REAL)(p->lr / p->bias1 * (rectified ? p->rectification * sqrt(p->bias2) : 1));
    numbers.scale = rectified ? 1 : 0;
    if (p->decoupled) {
        NAME(decouple)(&numbers, p->lr, p->weight_decay);
    }
    cnn__optimizer_run(l, &numbers, loops, loops->moments, 1, pool);
}

OPTIMIZER void NAME(lamb)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_lamb_parameters *p = l->parameters;
    NUMBERS(moments) numbers = NAME(moments)(p->beta1, p->beta2, p->weight_decay, p->eps, p->maximize);
    numbers.step = (REAL)(1 / p->bias1);
    numbers.scale = (REAL)(1 / sqrt(p->bias2));
    cnn__optimizer_run(l, &numbers, loops, loops->moments, 1, pool);
}

/* ---- Adamax: out is the parameter, m, the infinity norm ---- */

CNN__INLINE void NAME(adamax_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(adamax) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0], kept = j->keep2 * out[2];
    VALUE size = CHOOSE(g < 0, -g, g) + j->eps;
    (void)has;
    out[1] = NAME(lerp)(out[1], g, j->take1, j->toward);
    out[2] = CHOOSE((kept > size) | (kept != kept), kept, size); /* a NaN stays */
    out[0] -= j->step * (out[1] / out[2]);
}

static void NAME(adamax_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(adamax_formula), 7, task);
}

OPTIMIZER void NAME(adamax)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_adamax_parameters *p = l->parameters;
    const REAL take1 = (REAL)(1 - p->beta1);
    const NUMBERS(adamax) numbers = {
        .sign = p->maximize ? -1 : 1,
        .l2 = (REAL)p->weight_decay,
        .take1 = take1,
        .toward = NAME(toward)(take1, p->beta1),
        .keep2 = (REAL)p->beta2,
        .eps = (REAL)p->eps,
        .step = (REAL)(p->lr / p->bias1),
    };
    cnn__optimizer_run(l, &numbers, loops, loops->adamax, 1, pool);
}
