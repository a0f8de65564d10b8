/* The steps of RMSprop and of its relatives, which keep an average or a sum of the gradient's square. */

/* ---- RMSprop: out is the parameter, square, (momentum buffer), (mean) ---- */

CNN__INLINE void NAME(rmsprop_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(rmsprop) *j = numbers;
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
    NAME(step_chunk)(step, NAME(rmsprop_formula), ((const cnn__optimizer_step *)step)->has, task);
}

OPTIMIZER void NAME(rmsprop)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_rmsprop_parameters *p = l->parameters;
    const NUMBERS(rmsprop) numbers = {
        .sign = p->maximize ? -1 : 1,
        .l2 = (REAL)p->weight_decay,
        .keep = (REAL)p->alpha,
        .take = (REAL)(1 - p->alpha),
        .eps = (REAL)p->eps,
        .momentum = (REAL)p->momentum,
        .lr = (REAL)p->lr,
    };
    cnn__optimizer_run(l, &numbers, loops, loops->rmsprop, 1, pool);
}

/* ---- Adagrad: out is the parameter, the sum of squares ---- */

CNN__INLINE void NAME(adagrad_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(adagrad) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0];
    (void)has;
    out[1] += g * g;
    out[0] -= j->lr * (g / (ROOT(out[1]) + j->eps));
}

static void NAME(adagrad_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(adagrad_formula), 3, task);
}

OPTIMIZER void NAME(adagrad)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_adagrad_parameters *p = l->parameters;
    const NUMBERS(adagrad) numbers = {
        .sign = p->maximize ? -1 : 1,
        .l2 = (REAL)p->weight_decay,
        .eps = (REAL)p->eps,
        .lr = (REAL)p->lr,
    };
    cnn__optimizer_run(l, &numbers, loops, loops->adagrad, 0.5, pool);
}

/* ---- Adadelta: out is the parameter, square, delta ---- */

CNN__INLINE void NAME(adadelta_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(adadelta) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0];
    (void)has;
    out[1] = j->keep * out[1] + j->take * g * g;
    g = ROOT(out[2] + j->eps) / ROOT(out[1] + j->eps) * g;
    out[2] = j->keep * out[2] + j->take * g * g;
    out[0] -= j->lr * g;
}

static void NAME(adadelta_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(adadelta_formula), 7, task);
}

OPTIMIZER void NAME(adadelta)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_adadelta_parameters *p = l->parameters;
    const NUMBERS(adadelta) numbers = {
        .sign = p->maximize ? -1 : 1,
        .l2 = (REAL)p->weight_decay,
        .keep = (REAL)p->rho,
        .take = (REAL)(1 - p->rho),
        .eps = (REAL)p->eps,
        .lr = (REAL)p->lr,
    };
    cnn__optimizer_run(l, &numbers, loops, loops->adadelta, 1, pool);
}
