/* Connectionist temporal classification as the CPU computes it (src/kernels/ctc.c): one thread has a sequence. X is the
 * type, FN(name) its name. No include guard: one inclusion, one dtype. in: x, targets, input lengths, target lengths.
 * */

DEVICE int64_t FN(ctc_begin)(const plain_arguments *a, int64_t n)
{
    const int64_t *lengths = (const int64_t *)a->in[3];
    int64_t begin = a->size[CONCATENATED] ? 0 : n * a->size[WIDTH];
    for (int64_t i = 0; a->size[CONCATENATED] && i < n; i++) {
        begin += lengths[i];
    }
    return begin;
}

/* Fails the launch at the first length or label that is out of its bounds. One thread. */
KERNEL(FN(ctc_check), plain_arguments)
{
    const int64_t *s = a->size, *steps = (const int64_t *)a->in[2], *lengths = (const int64_t *)a->in[3];
    EACH (only, 1) {
        int64_t total = only, bad = -1, value = 0;
        for (int64_t at = 0; at < 2 * s[SEQUENCES] && bad < 0; at++) {
            const bool first = at < s[SEQUENCES];
            value = first ? steps[at] : lengths[at - s[SEQUENCES]];
            bad = value < 0 || value > (first ? s[STEPS] : s[WIDTH]) ? at : -1;
            total += first ? 0 : value;
        }
        const bool whole = !s[CONCATENATED] || total == s[TARGETS];
        for (int64_t n = 0; n < s[SEQUENCES] && bad < 0 && whole; n++) {
            const int64_t begin = FN(ctc_begin)(a, n);
            for (int64_t i = begin; i < begin + lengths[n] && bad < 0; i++) {
                value = load_integer(s[LABEL_DTYPE], a->in[1], i);
                bad = value < 0 || value >= s[CTC_CLASSES] ? 2 * s[SEQUENCES] + i : -1;
            }
        }
        if (bad < 0 && !whole) {
            bad = 2 * s[SEQUENCES] + s[TARGETS];
            value = total;
        }
        if (bad >= 0) {
            a->status->position = (uint64_t)bad;
            a->status->value = value;
            a->status->kernel = s[KERNEL_NUMBER];
            a->status->failed = (uint64_t)s[NUMBER];
        }
    }
}

/* log(exp a + exp b + exp c); a NaN passes. */
DEVICE double FN(ctc_add)(double x, double y, double z)
{
    double most = x > y ? x : y;
    most = most > z ? most : z;
    if (most == (double)-INFINITY) {
        return x + y + z;
    }
    return most + cnn__log_f64(cnn__exp_f64(x - most) + cnn__exp_f64(y - most) + cnn__exp_f64(z - most));
}

/* The row of step t of the one before it (by −1) or behind it (by 1), in place. */
DEVICE void FN(ctc_step)(const plain_arguments *a, int64_t n, int64_t states, const int64_t *label, double *row,
                         int64_t t, int64_t by)
{
    const X *x = (const X *)a->in[0] + (t * a->size[SEQUENCES] + n) * a->size[CTC_CLASSES];
    for (int64_t i = 0; i < states; i++) {
        const int64_t to = by < 0 ? states - 1 - i : i, next = to + by, skip = next + by;
        const bool skips = skip >= 0 && skip < states && label[skip] != label[to];
        row[to] =
            (double)x[label[to]] + FN(ctc_add)(row[to], next >= 0 && next < states ? row[next] : (double)-INFINITY,
                                               skips ? row[skip] : (double)-INFINITY);
    }
}

DEVICE double FN(ctc_loss_of)(const double *row, int64_t states)
{
    return 0 - FN(ctc_add)(row[states - 1], states > 1 ? row[states - 2] : (double)-INFINITY, (double)-INFINITY);
}

/* A sequence's part of the workspace: the losses of all come first, then row, labels and classes of each. */
DEVICE double *FN(ctc_memory)(const plain_arguments *a, int64_t n)
{
    return (double *)((char *)a->workspace + a->size[SEQUENCES] * (int64_t)sizeof(double) + n * a->size[EACH_BYTES]);
}

DEVICE int64_t FN(ctc_begin_row)(const plain_arguments *a, int64_t n, int64_t *label, double *row)
{
    const int64_t states = 2 * ((const int64_t *)a->in[3])[n] + 1, begin = FN(ctc_begin)(a, n);
    for (int64_t i = 0; i < states; i++) {
        label[i] = i % 2 ? load_integer(a->size[LABEL_DTYPE], a->in[1], begin + i / 2) : a->size[BLANK];
        row[i] = (double)-INFINITY;
    }
    return states;
}

/* out: nothing, (alpha). */
KERNEL(FN(ctc_forward), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (n, s[SEQUENCES]) {
        double *row = FN(ctc_memory)(a, n);
        int64_t *label = (int64_t *)(row + 2 * s[WIDTH] + 1);
        const int64_t states = FN(ctc_begin_row)(a, n, label, row);
        double *alpha = a->out[1] ? (double *)a->out[1] + s[STEPS] * (2 * FN(ctc_begin)(a, n) + n) : 0;
        row[0] = 0;
        for (int64_t t = 0; t < ((const int64_t *)a->in[2])[n]; t++) {
            FN(ctc_step)(a, n, states, label, row, t, -1);
            for (int64_t i = 0; alpha && i < states; i++) {
                alpha[t * states + i] = row[i];
            }
        }
        const double loss = FN(ctc_loss_of)(row, states);
        ((double *)a->workspace)[n] = s[ZERO_INFINITY] && loss == (double)INFINITY ? 0 : loss;
    }
}

/* out: the loss. One thread. */
KERNEL(FN(ctc_total), plain_arguments)
{
    const int64_t *s = a->size, *lengths = (const int64_t *)a->in[3];
    const double *losses = (const double *)a->workspace;
    X *y = (X *)a->out[0];
    EACH (only, 1) {
        double sum = 0;
        for (int64_t n = only; n < s[SEQUENCES]; n++) {
            sum += losses[n] / (double)(s[REDUCTION] == CTC_MEAN && lengths[n] ? lengths[n] : 1);
            if (s[REDUCTION] == CTC_NONE) {
                y[n] = (X)losses[n];
            }
        }
        if (s[REDUCTION] != CTC_NONE) {
            y[0] = (X)(s[REDUCTION] == CTC_MEAN ? sum / (double)s[SEQUENCES] : sum);
        }
    }
}

DEVICE void FN(ctc_fill)(const plain_arguments *a, int64_t n, int64_t begin, int64_t end, double value)
{
    for (int64_t t = begin; t < end; t++) {
        for (int64_t c = 0; c < a->size[CTC_CLASSES]; c++) {
            ((X *)a->out[0])[(t * a->size[SEQUENCES] + n) * a->size[CTC_CLASSES] + c] = (X)value;
        }
    }
}

/* What dx of step t is: (exp x − the probability of the class's states) · scale. */
DEVICE void FN(ctc_slopes)(const plain_arguments *a, int64_t n, int64_t states, const int64_t *label, const double *row,
                           const double *alpha, double *classes, int64_t t, double loss, double scale)
{
    const int64_t count = a->size[CTC_CLASSES], at = (t * a->size[SEQUENCES] + n) * count;
    const X *x = (const X *)a->in[0] + at;
    for (int64_t c = 0; c < count; c++) {
        classes[c] = 0;
    }
    for (int64_t i = 0; i < states; i++) {
        const double both = alpha[t * states + i] + row[i];
        classes[label[i]] += both == (double)-INFINITY ? 0 : cnn__exp_f64(both + loss - (double)x[label[i]]);
    }
    for (int64_t c = 0; c < count; c++) {
        ((X *)a->out[0])[at + c] = (X)((cnn__exp_f64((double)x[c]) - classes[c]) * scale);
    }
}

/* in[4]: alpha, in[5]: dy; out: dx. */
KERNEL(FN(ctc_backward), plain_arguments)
{
    const int64_t *s = a->size;
    EACH (n, s[SEQUENCES]) {
        double *row = FN(ctc_memory)(a, n), *classes = row + 2 * (2 * s[WIDTH] + 1);
        int64_t *label = (int64_t *)(row + 2 * s[WIDTH] + 1);
        const int64_t states = FN(ctc_begin_row)(a, n, label, row), steps = ((const int64_t *)a->in[2])[n];
        const double *alpha = (const double *)a->in[4] + s[STEPS] * (2 * FN(ctc_begin)(a, n) + n);
        double scale = (double)((const X *)a->in[5])[s[REDUCTION] == CTC_NONE ? n : 0];
        if (s[REDUCTION] == CTC_MEAN) {
            scale /= (double)s[SEQUENCES] * (double)(states > 1 ? states / 2 : 1);
        }
        FN(ctc_fill)(a, n, steps, s[STEPS], 0);
        const double loss = steps ? FN(ctc_loss_of)(alpha + (steps - 1) * states, states) : 0;
        if (!(loss < (double)INFINITY)) { /* infinite or a NaN */
            FN(ctc_fill)(a, n, 0, steps, s[ZERO_INFINITY] && loss == (double)INFINITY ? 0 : (double)NAN);
            continue;
        }
        row[states - 1] = 0;
        for (int64_t t = steps - 1; t >= 0; t--) {
            FN(ctc_step)(a, n, states, label, row, t, 1);
            FN(ctc_slopes)(a, n, states, label, row, alpha, classes, t, loss, scale);
        }
    }
}
