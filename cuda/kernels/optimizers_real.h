/* Optimizers: X is the type, FN(name) its name. A kernel makes the steps of all rows of its table, which are those of a
 * parameter each: in: gradient, (totals); out: parameter, moments. No include guard: one inclusion, one dtype. */

#define NUMBER(i) ((X)a->value[i])
#define OUT(k) ((X *)row->out[k])
#define GRADIENT(i) (((const X *)row->in[0])[i])

/* (1 − take) · m + take · g, from take = 0.5 on from the other side. */
DEVICE X FN(lerp)(X m, X g, X take, X toward)
{
    return (take >= (X)0.5 ? g : m) + (g - m) * toward;
}

/* sign, decay, l2, take1, toward, keep2, take2, step, root, eps */
KERNEL_OF_STEPS(FN(adam), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        const X p = OUT(0)[i], g = NUMBER(0) * GRADIENT(i) + NUMBER(2) * p;
        const X m = FN(lerp)(OUT(1)[i], g, NUMBER(3), NUMBER(4)), v = NUMBER(5) * OUT(2)[i] + NUMBER(6) * g * g;
        X second = v;
        if (row->out[3]) {
            const X most = OUT(3)[i];
            second = (most > v) | (most != most) ? most : v;
            OUT(3)[i] = second;
        }
        OUT(0)[i] = p * NUMBER(1) - NUMBER(7) * (m / (ROOT(second) / NUMBER(8) + NUMBER(9)));
        OUT(1)[i] = m;
        OUT(2)[i] = v;
    }
}

/* NAdam, RAdam, LAMB. flag: whether out[3] is LAMB's direction; values: sign, decay, l2, take1, toward, keep2,
 * take2, scale, eps, step: the step is (own · g + step · m) / (scale · √v + eps), or without the divisor where scale
 * is 0. NAdam has the product of all mu in in[1], and in place of step lr, mu, mu_next. */
KERNEL_OF_STEPS(FN(moments), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    const double *product = (const double *)row->in[1], lr = a->value[9], mu = a->value[10], next = a->value[11];
    const X own = product ? (X)(lr * (1 - mu) / (1 - *product)) : 0;
    const X forward = product ? (X)(lr * next / (1 - *product * next)) : NUMBER(9);
    EACH_OF(i, row)
    {
        const X p = OUT(0)[i], g = a->flag ? NUMBER(0) * GRADIENT(i) : NUMBER(0) * GRADIENT(i) + NUMBER(2) * p;
        const X m = FN(lerp)(OUT(1)[i], g, NUMBER(3), NUMBER(4)), v = NUMBER(5) * OUT(2)[i] + NUMBER(6) * g * g;
        X step = own * g + forward * m;
        if (NUMBER(7) != 0) {
            step = step / (NUMBER(7) * ROOT(v) + NUMBER(8));
        }
        OUT(1)[i] = m;
        OUT(2)[i] = v;
        if (a->flag) {
            OUT(3)[i] = step + NUMBER(2) * p;
        } else {
            OUT(0)[i] = p * NUMBER(1) - step;
        }
    }
}

/* Rows of one element; values: mu. out[0]: the product of all mu. */
KERNEL_OF_STEPS(FN(nadam_product), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        ((double *)row->out[0])[i] *= a->value[0];
    }
}

/* sign, l2, take1, toward, keep2, eps, step */
KERNEL_OF_STEPS(FN(adamax), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        const X g = NUMBER(0) * GRADIENT(i) + NUMBER(1) * OUT(0)[i], kept = NUMBER(4) * OUT(2)[i];
        const X size = (g < 0 ? -g : g) + NUMBER(5), m = FN(lerp)(OUT(1)[i], g, NUMBER(2), NUMBER(3));
        const X norm = (kept > size) | (kept != kept) ? kept : size; /* a NaN stays */
        OUT(1)[i] = m;
        OUT(2)[i] = norm;
        OUT(0)[i] -= NUMBER(6) * (m / norm);
    }
}

/* sign, l2, keep, take, lr, ahead, own; flag: whether it is the first step */
KERNEL_OF_STEPS(FN(sgd), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        const X p = OUT(0)[i];
        X g = NUMBER(0) * GRADIENT(i) + NUMBER(1) * p;
        if (row->out[1]) {
            const X buffer = a->flag ? g : NUMBER(2) * OUT(1)[i] + NUMBER(3) * g;
            OUT(1)[i] = buffer;
            g = NUMBER(6) * g + NUMBER(5) * buffer;
        }
        OUT(0)[i] = p - NUMBER(4) * g;
    }
}

/* sign, decay, keep1, take1, keep2, take2, lr */
KERNEL_OF_STEPS(FN(lion), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        const X g = NUMBER(0) * GRADIENT(i), m = OUT(1)[i];
        X c = NUMBER(2) * m + NUMBER(3) * g;
        c = c > 0 ? 1 : c < 0 ? -1 : c;
        OUT(1)[i] = NUMBER(4) * m + NUMBER(5) * g;
        OUT(0)[i] = OUT(0)[i] * NUMBER(1) - NUMBER(6) * c;
    }
}

/* ---- norms, for clipping too ---- */

/* What an element adds to a norm. */
DEVICE double FN(norm_term)(double x, double p)
{
    return p == 2 ? x * x : p == 1 || p > 1e300 ? fabs(x) : pow(fabs(x), p);
}

DEVICE double FN(norm_joined)(double a, double b, double p)
{
    return p > 1e300 ? larger_real(a, b) : a + b;
}

/* A block makes a part of the norm of its row. in[0]: x; out[0]: the parts, a double for each block; values: p. */
KERNEL(FN(norm_parts), table_arguments)
{
    SHARED(double, part, 256);
    const table_row *row = table_row_of(a, BLOCK);
    const int64_t number = BLOCK - row->begin, length = (row->n + row->blocks - 1) / row->blocks;
    const int64_t begin = number * length, end = smaller(begin + length, row->n);
    const X *x = (const X *)row->in[0];
    THREAD (t) {
        double sum = 0;
        for (int64_t i = begin + t; i < end; i += 256) {
            sum = FN(norm_joined)(sum, FN(norm_term)((double)x[i], a->value[0]), a->value[0]);
        }
        part[t] = sum;
    }
    BARRIER;
#define JOIN_PARTS(left, right) FN(norm_joined)(left, right, a->value[0])
    TREE(part, JOIN_PARTS)
#undef JOIN_PARTS
    THREAD (t) {
        if (t == 0) {
            ((double *)row->out[0])[number] = part[0];
        }
    }
}

/* Rows of one block. in[0]: n parts; out[0]: the total; flag: whether it is 0 before; values: p. */
KERNEL(FN(norm_join), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_AMONG(i, 1, BLOCK - row->begin, row->blocks)
    {
        double sum = a->flag ? 0 : ((const double *)row->out[0])[i];
        for (int64_t k = 0; k < row->n; k++) {
            sum = FN(norm_joined)(sum, ((const double *)row->in[0])[k], a->value[0]);
        }
        ((double *)row->out[0])[i] = sum;
    }
}

/* ---- LARS, Muon ---- */

/* lr, trust_coefficient, weight_decay, momentum; flag: whether to climb; in[1]: two totals of squares. */
KERNEL_OF_STEPS(FN(lars), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    const double *total = (const double *)row->in[1], weight = sqrt(total[0]), gradient = sqrt(total[1]);
    const double lr = a->value[0], decay = a->value[2],
                 trust = weight == 0 || gradient == 0 ? 1 : a->value[1] * weight / (gradient + decay * weight);
    const X rate = (X)(a->flag ? -lr * trust : lr * trust), l2 = (X)(lr * trust * decay);
    EACH_OF(i, row)
    {
        X step = rate * GRADIENT(i) + l2 * OUT(0)[i];
        if (row->out[1]) {
            step = NUMBER(3) * OUT(1)[i] + step;
            OUT(1)[i] = step;
        }
        OUT(0)[i] -= step;
    }
}

/* keep, take; flag: whether it is Nesterov's */
KERNEL_OF_STEPS(FN(muon), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        const X buffer = NUMBER(0) * OUT(1)[i] + NUMBER(1) * GRADIENT(i);
        OUT(1)[i] = buffer;
        OUT(0)[i] = a->flag ? NUMBER(0) * buffer + NUMBER(1) * GRADIENT(i) : buffer;
    }
}

/* alpha, beta, eps; in[1]: (a total of squares) */
KERNEL_OF_STEPS(FN(combine), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    const double norm = row->in[1] ? sqrt(*(const double *)row->in[1]) : 1;
    const X alpha = (X)(a->value[0] / (norm < a->value[2] ? a->value[2] : norm)), beta = NUMBER(1);
    EACH_OF(i, row)
    {
        X y = alpha * GRADIENT(i);
        if (beta != 0) { /* otherwise what y holds may be a NaN */
            y += beta * OUT(0)[i];
        }
        OUT(0)[i] = y;
    }
}

/* sign, l2, keep, take, eps, momentum, lr */
KERNEL_OF_STEPS(FN(rmsprop), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        const X p = OUT(0)[i];
        X g = NUMBER(0) * GRADIENT(i) + NUMBER(1) * p;
        const X square = NUMBER(2) * OUT(1)[i] + NUMBER(3) * g * g;
        X spread = square;
        OUT(1)[i] = square;
        if (row->out[3]) {
            const X mean = NUMBER(2) * OUT(3)[i] + NUMBER(3) * g;
            OUT(3)[i] = mean;
            spread = square - mean * mean;
        }
        g = g / (ROOT(spread) + NUMBER(4));
        if (row->out[2]) {
            g = NUMBER(5) * OUT(2)[i] + g;
            OUT(2)[i] = g;
        }
        OUT(0)[i] = p - NUMBER(6) * g;
    }
}

/* sign, l2, eps, lr */
KERNEL_OF_STEPS(FN(adagrad), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        const X g = NUMBER(0) * GRADIENT(i) + NUMBER(1) * OUT(0)[i], sum = OUT(1)[i] + g * g;
        OUT(1)[i] = sum;
        OUT(0)[i] -= NUMBER(3) * (g / (ROOT(sum) + NUMBER(2)));
    }
}

/* sign, l2, keep, take, eps, lr */
KERNEL_OF_STEPS(FN(adadelta), table_arguments)
{
    const table_row *row = table_row_of(a, BLOCK);
    EACH_OF(i, row)
    {
        X g = NUMBER(0) * GRADIENT(i) + NUMBER(1) * OUT(0)[i];
        const X square = NUMBER(2) * OUT(1)[i] + NUMBER(3) * g * g;
        g = ROOT(OUT(2)[i] + NUMBER(4)) / ROOT(square + NUMBER(4)) * g;
        OUT(1)[i] = square;
        OUT(2)[i] = NUMBER(2) * OUT(2)[i] + NUMBER(3) * g * g;
        OUT(0)[i] -= NUMBER(5) * g;
    }
}

#undef NUMBER
#undef OUT
#undef GRADIENT
