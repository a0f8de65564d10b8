/* The steps of SGD and of its relatives, which keep an average of the gradient alone. */

/* ---- SGD: out is the parameter, (momentum buffer) ---- */

CNN__INLINE void NAME(sgd_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(sgd) *j = numbers;
    VALUE g = j->sign * grad + j->l2 * out[0];
    if (has & 2) {
        if (__builtin_expect(j->first, 0)) {
            out[1] = g;
        } else {
            const VALUE taken = j->take * g;
            out[1] = j->keep * out[1] + taken;
        }
        g = j->own * g + j->ahead * out[1];
    }
    out[0] -= j->lr * g;
}

static void NAME(sgd_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    if (((const cnn__optimizer_step *)step)->has & 2) {
        NAME(step_chunk)(step, NAME(sgd_formula), 3, task);
    } else {
        NAME(step_chunk)(step, NAME(sgd_formula), 1, task);
    }
}

OPTIMIZER void NAME(sgd)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_sgd_parameters *p = l->parameters;
    const NUMBERS(sgd) numbers = {
        .sign = p->maximize ? -1 : 1,
        .l2 = (REAL)p->weight_decay,
        .keep = (REAL)p->momentum,
        .take = (REAL)(1 - p->dampening),
        .lr = (REAL)p->lr,
        .ahead = p->nesterov ? (REAL)p->momentum : 1,
        .own = p->nesterov ? 1 : 0,
        .first = p->first,
    };
    cnn__optimizer_run(l, &numbers, loops, loops->sgd, 0.5, pool);
}

/* ---- Lion: out is the parameter, the average ---- */

CNN__INLINE void NAME(lion_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(lion) *j = numbers;
    const VALUE zero = { 0 };
    VALUE g = j->sign * grad, c = j->keep1 * out[1] + j->take1 * g;
    (void)has;
    c = CHOOSE(c > 0, zero + 1, CHOOSE(c < 0, zero - 1, c));
    out[1] = j->keep2 * out[1] + j->take2 * g;
    out[0] = out[0] * j->decay - j->lr * c;
}

static void NAME(lion_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(lion_formula), 3, task);
}

OPTIMIZER void NAME(lion)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_lion_parameters *p = l->parameters;
    const NUMBERS(lion) numbers = {
        .sign = p->maximize ? -1 : 1,
        .decay = (REAL)(1 - p->lr * p->weight_decay),
        .keep1 = (REAL)p->beta1,
        .take1 = (REAL)(1 - p->beta1),
        .keep2 = (REAL)p->beta2,
        .take2 = (REAL)(1 - p->beta2),
        .lr = (REAL)p->lr,
    };
    cnn__optimizer_run(l, &numbers, loops, loops->lion, 0.5, pool);
}

/* ---- LARS: out is the parameter, (momentum buffer); in[1] are two totals of squares ---- */

CNN__INLINE void NAME(lars_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(lars) *j = numbers;
    VALUE step = j->rate * grad + j->l2 * out[0];
    if (has & 2) {
        step = out[1] = j->momentum * out[1] + step;
    }
    out[0] -= step;
}

static void NAME(lars_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(lars_formula), ((const cnn__optimizer_step *)step)->has, task);
}

OPTIMIZER void NAME(lars)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_lars_parameters *p = l->parameters;
    const double *total = l->in[1];
    double weight = sqrt(total[0]), grad = sqrt(total[1]);
    double trust = weight == 0 || grad == 0 ? 1 : p->trust_coefficient * weight / (grad + p->weight_decay * weight);
    const NUMBERS(lars) numbers = {
        .rate = (REAL)(p->maximize ? -p->lr * trust : p->lr * trust),
        .l2 = (REAL)(p->lr * trust * p->weight_decay),
        .momentum = (REAL)p->momentum,
    };
    cnn__optimizer_run(l, &numbers, loops, loops->lars, 0.5, pool);
}

/* ---- Muon before it makes the matrix orthogonal: out is the update, the momentum buffer ---- */

CNN__INLINE void NAME(muon_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NUMBERS(muon) *j = numbers;
    (void)has;
    out[0] = out[1] = j->keep * out[1] + j->take * grad;
    if (j->nesterov) {
        out[0] = j->keep * out[1] + j->take * grad;
    }
}

static void NAME(muon_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(muon_formula), 3, task);
}

OPTIMIZER void NAME(muon)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_muon_parameters *p = l->parameters;
    const NUMBERS(muon) numbers = { (REAL)p->momentum, (REAL)(1 - p->momentum), p->nesterov };
    cnn__optimizer_run(l, &numbers, loops, loops->muon, 0.5, pool);
}

/* ---- combinations: out is y, in[1] is a total of squares or NULL ---- */

CNN__INLINE void NAME(combine_formula)(const void *numbers, unsigned has, VALUE x, VALUE *out)
{
    const NUMBERS(combine) *j = numbers;
    (void)has;
    VALUE y = j->alpha * x;
    if (j->beta != 0) { /* otherwise what y holds may be NaN */
        y += j->beta * out[0];
    }
    out[0] = y;
}

static void NAME(combine_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(combine_formula), 1, task);
}

OPTIMIZER void NAME(combine)(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    const cnn_combine_parameters *p = l->parameters;
    const double *total = l->in[1];
    double norm = total ? sqrt(*total) : 1;
    const NUMBERS(combine) numbers = { (REAL)(p->alpha / (norm < p->eps ? p->eps : norm)), (REAL)p->beta };
    cnn__optimizer_run(l, &numbers, loops, loops->combine, 0.5, pool);
}
