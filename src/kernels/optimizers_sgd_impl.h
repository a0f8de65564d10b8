/* The steps of SGD and of its relatives, which keep an average of the gradient alone. */

/* ---- SGD: out is the parameter, (momentum buffer) ---- */

typedef struct NAME(sgd_numbers) {
    REAL sign, l2, keep, take, lr;
    REAL ahead; /* how much of the buffer is added to the gradient: momentum for Nesterov's */
    REAL own;   /* the part of the gradient itself that stays */
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

/* ---- Lion: out is the parameter, the average ---- */

typedef struct NAME(lion_numbers) {
    REAL sign, decay, keep1, take1, keep2, take2, lr;
} NAME(lion_numbers);

CNN__INLINE void NAME(lion_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NAME(lion_numbers) *j = numbers;
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

static void NAME(lion)(const cnn_launch *l, cnn__pool *pool)
{
    const cnn_lion_parameters *p = l->parameters;
    const NAME(lion_numbers) numbers = {
        .sign = p->maximize ? -1 : 1,
        .decay = (REAL)(1 - p->lr * p->weight_decay),
        .keep1 = (REAL)p->beta1,
        .take1 = (REAL)(1 - p->beta1),
        .keep2 = (REAL)p->beta2,
        .take2 = (REAL)(1 - p->beta2),
        .lr = (REAL)p->lr,
    };
    NAME(run_step)(l, &numbers, NAME(lion_chunk), 0.5, pool);
}

/* ---- LARS: out is the parameter, (momentum buffer); in[1] are two totals of squares ---- */

typedef struct NAME(lars_numbers) {
    REAL rate, l2, momentum; /* the rate with its sign */
} NAME(lars_numbers);

CNN__INLINE void NAME(lars_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NAME(lars_numbers) *j = numbers;
    VALUE step = j->rate * grad + j->l2 * out[0];
    if (has & 2) {
        step = out[1] = j->momentum * out[1] + step;
    }
    out[0] -= step;
}

static void NAME(lars_chunk)(void *step, int64_t task, int worker)
{
    (void)worker;
    NAME(step_chunk)(step, NAME(lars_formula), ((const NAME(step) *)step)->has, task);
}

static void NAME(lars)(const cnn_launch *l, cnn__pool *pool)
{
    const cnn_lars_parameters *p = l->parameters;
    const double *total = l->in[1];
    double weight = sqrt(total[0]), grad = sqrt(total[1]);
    double trust = weight == 0 || grad == 0 ? 1 : p->trust_coefficient * weight / (grad + p->weight_decay * weight);
    const NAME(lars_numbers) numbers = {
        .rate = (REAL)(p->maximize ? -p->lr * trust : p->lr * trust),
        .l2 = (REAL)(p->lr * trust * p->weight_decay),
        .momentum = (REAL)p->momentum,
    };
    NAME(run_step)(l, &numbers, NAME(lars_chunk), 0.5, pool);
}

/* ---- Muon before it makes the matrix orthogonal: out is the update, the momentum buffer ---- */

typedef struct NAME(muon_numbers) {
    REAL keep, take;
    bool nesterov;
} NAME(muon_numbers);

CNN__INLINE void NAME(muon_formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out)
{
    const NAME(muon_numbers) *j = numbers;
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

static void NAME(muon)(const cnn_launch *l, cnn__pool *pool)
{
    const cnn_muon_parameters *p = l->parameters;
    const NAME(muon_numbers) numbers = { (REAL)p->momentum, (REAL)(1 - p->momentum), p->nesterov };
    NAME(run_step)(l, &numbers, NAME(muon_chunk), 0.5, pool);
}

/* ---- combinations: out is y, in[1] is a total of squares or NULL ---- */

typedef struct NAME(combine_numbers) {
    REAL alpha, beta;
} NAME(combine_numbers);

CNN__INLINE void NAME(combine_formula)(const void *numbers, unsigned has, VALUE x, VALUE *out)
{
    const NAME(combine_numbers) *j = numbers;
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

static void NAME(combine)(const cnn_launch *l, cnn__pool *pool)
{
    const cnn_combine_parameters *p = l->parameters;
    const double *total = l->in[1];
    double norm = total ? sqrt(*total) : 1;
    const NAME(combine_numbers) numbers = { (REAL)(p->alpha / (norm < p->eps ? p->eps : norm)), (REAL)p->beta };
    NAME(run_step)(l, &numbers, NAME(combine_chunk), 0.5, pool);
}
