/* Reductions, positions of extrema and sorting: X is the type of the elements, A that of sums, JOIN and FIRST what they
 * are made with, FN(name) the dtype's name. INTEGER: sums are int64, whatever X is. No include guard: one inclusion,
 * one dtype. */

/* A result, divided where there is a divisor; the mean of nothing is a NaN. */
DEVICE void FN(reduced)(const nested_arguments *a, int64_t number, A value)
{
    const int64_t to = nest_at(&a->nest, number, 0);
#ifdef INTEGER
    if (a->size[0] == CNN_REDUCE_OF_SUM) {
        ((int64_t *)a->out[0])[to] = value;
        return;
    }
#else
    if (a->size[3]) {
        value = a->value[0] == 0 && value == 0 ? (A)NAN : value / a->value[0];
    }
#endif
    ((X *)a->out[0])[to] = (X)value;
}

/* One thread makes a result. Operand 0 of the outer nest is y, operand 1 of both is x; sizes: cnn_reduce, parts,
 * elements of a part, whether to divide; values: the divisor. */
KERNEL(FN(reduce_threads), nested_arguments)
{
    EACH (number, a->nest.count) {
        const X *x = (const X *)a->in[0] + nest_at(&a->nest, number, 1);
        A value = FIRST(a->size[0]);
        for (int64_t i = 0; i < a->inner.count; i++) {
            value = JOIN(a->size[0], value, (A)x[nest_at(&a->inner, i, 1)]);
        }
        FN(reduced)(a, number, value);
    }
}

/* A block makes a part of a result; where there are several, they go to the workspace, a double or an int64 each. */
KERNEL(FN(reduce_blocks), nested_arguments)
{
    SHARED(A, part, 256);
    const int64_t parts = a->size[1], number = BLOCK / parts, begin = BLOCK % parts * a->size[2];
    const int64_t end = smaller(begin + a->size[2], a->inner.count);
    const X *x = (const X *)a->in[0] + nest_at(&a->nest, number, 1);
    THREAD (t) {
        A value = FIRST(a->size[0]);
        for (int64_t i = begin + t; i < end; i += 256) {
            value = JOIN(a->size[0], value, (A)x[nest_at(&a->inner, i, 1)]);
        }
        part[t] = value;
    }
    BARRIER;
#define JOIN_PARTS(left, right) JOIN(a->size[0], left, right)
    TREE(part, JOIN_PARTS)
#undef JOIN_PARTS
    THREAD (t) {
        if (t == 0 && parts > 1) {
            ((A *)a->workspace)[BLOCK] = part[0];
        } else if (t == 0) {
            FN(reduced)(a, number, part[0]);
        }
    }
}

KERNEL(FN(reduce_join), nested_arguments)
{
    EACH (number, a->nest.count) {
        const A *part = (const A *)a->workspace + number * a->size[1];
        A value = FIRST(a->size[0]);
        for (int64_t i = 0; i < a->size[1]; i++) {
            value = JOIN(a->size[0], value, part[i]);
        }
        FN(reduced)(a, number, value);
    }
}

/* Whether element v at `at` wins against the best one so far: the first extremum, and a NaN above all. */
DEVICE bool FN(wins)(bool smallest_wins, X v, int64_t at, X best, int64_t best_at)
{
    if (best_at < 0 || at < 0) {
        return best_at < 0 && at >= 0;
    }
    const bool earlier = at < best_at, nan = v != v, best_nan = best != best;
    if (nan || best_nan) {
        return nan && (!best_nan || earlier);
    }
    return v == best ? earlier : smallest_wins ? v < best : v > best;
}

KERNEL(FN(argmax_threads), nested_arguments)
{
    EACH (number, a->nest.count) {
        const X *x = (const X *)a->in[0] + nest_at(&a->nest, number, 1);
        X best = 0;
        int64_t best_at = -1;
        for (int64_t i = 0; i < a->inner.count; i++) {
            const X v = x[nest_at(&a->inner, i, 1)];
            if (FN(wins)(a->size[0] != 0, v, i, best, best_at)) {
                best = v;
                best_at = i;
            }
        }
        ((int64_t *)a->out[0])[nest_at(&a->nest, number, 0)] = best_at;
    }
}

KERNEL(FN(argmax_blocks), nested_arguments)
{
    SHARED(X, best, 256);
    SHARED(int64_t, best_at, 256);
    const X *x = (const X *)a->in[0] + nest_at(&a->nest, BLOCK, 1);
    THREAD (t) {
        best[t] = 0;
        best_at[t] = -1;
        for (int64_t i = t; i < a->inner.count; i += 256) {
            const X v = x[nest_at(&a->inner, i, 1)];
            if (FN(wins)(a->size[0] != 0, v, i, best[t], best_at[t])) {
                best[t] = v;
                best_at[t] = i;
            }
        }
    }
    BARRIER;
    for (int half = 128; half > 0; half /= 2) {
        THREAD (t) {
            if (t < half && FN(wins)(a->size[0] != 0, best[t + half], best_at[t + half], best[t], best_at[t])) {
                best[t] = best[t + half];
                best_at[t] = best_at[t + half];
            }
        }
        BARRIER;
    }
    THREAD (t) {
        if (t == 0) {
            ((int64_t *)a->out[0])[nest_at(&a->nest, BLOCK, 0)] = best_at[0];
        }
    }
}

/* ---- sorting: an order of numbers, which runs of 32 begin and mergers double ---- */

DEVICE bool FN(sorts_before)(X x, X y, bool descending)
{
    return descending ? x > y || (x != x && y == y) : x < y || (y != y && x == x);
}

/* sizes: before, n, after, descending; out[0]: the order, [before, after, n], int64. */
KERNEL(FN(sort_runs), plain_arguments)
{
    const int64_t n = a->size[1], after = a->size[2];
    int64_t *order = (int64_t *)a->out[0];
    EACH (i, a->size[0] * after * n) {
        const int64_t line = quotient(i, n), at = i - line * n, begin = at / 32 * 32, end = smaller(begin + 32, n);
        const X *x = (const X *)a->in[0] + quotient(line, after) * n * after + line % after;
        const X v = x[at * after];
        int64_t place = begin;
        for (int64_t k = begin; k < end; k++) {
            const X other = x[k * after];
            place += k < at ? !FN(sorts_before)(v, other, a->size[3] != 0)
                            : k > at && FN(sorts_before)(other, v, a->size[3] != 0);
        }
        order[line * n + place] = at;
    }
}

/* sizes: before, n, after, descending, the length of the runs; in[1]: the order so far. */
KERNEL(FN(sort_merge), plain_arguments)
{
    const int64_t n = a->size[1], after = a->size[2], length = a->size[4];
    EACH (i, a->size[0] * after * n) {
        const int64_t line = quotient(i, n), at = i - line * n;
        const X *x = (const X *)a->in[0] + quotient(line, after) * n * after + line % after;
        const int64_t *from = (const int64_t *)a->in[1] + line * n;
        const int64_t begin = at / (2 * length) * (2 * length), middle = smaller(begin + length, n),
                      end = smaller(begin + 2 * length, n);
        const bool left = at < middle;
        const X v = x[from[at] * after];
        int64_t low = left ? middle : begin, high = left ? end : middle;
        const int64_t first = low;
        while (low < high) { /* how many of the other run come before this element */
            const int64_t half = (low + high) / 2;
            const X other = x[from[half] * after];
            if (left ? FN(sorts_before)(other, v, a->size[3] != 0) : !FN(sorts_before)(v, other, a->size[3] != 0)) {
                low = half + 1;
            } else {
                high = half;
            }
        }
        ((int64_t *)a->out[0])[line * n + at - (left ? 0 : middle - begin) + (low - first)] = from[at];
    }
}

/* sizes: before, n, after, k; in[1]: the order; out[0]: y or NULL, out[1]: index, both [before, k, after]. */
KERNEL(FN(sort_take), plain_arguments)
{
    const int64_t n = a->size[1], after = a->size[2], wanted = a->size[3];
    EACH (i, a->size[0] * wanted * after) {
        const int64_t row = quotient(i, after), column = i - row * after, outer = quotient(row, wanted),
                      place = row - outer * wanted;
        const int64_t at = ((const int64_t *)a->in[1])[(outer * after + column) * n + place];
        ((int64_t *)a->out[1])[i] = at;
        if (a->out[0]) {
            ((X *)a->out[0])[i] = ((const X *)a->in[0])[(outer * n + at) * after + column];
        }
    }
}

/* ---- running sums and products ---- */

/* sizes: before, n, after, product, reverse */
KERNEL(FN(scan), plain_arguments)
{
    const int64_t n = a->size[1], after = a->size[2];
    EACH (line, a->size[0] * after) {
        const int64_t first = quotient(line, after) * n * after + line % after;
        const X *x = (const X *)a->in[0] + first;
        X *y = (X *)a->out[0] + first;
        A value = (A)(a->size[3] != 0);
        for (int64_t k = 0; k < n; k++) {
            const int64_t at = (a->size[4] ? n - 1 - k : k) * after;
#ifdef INTEGER
            value = (A)(a->size[3] ? (uint64_t)value * (uint64_t)x[at] : (uint64_t)value + (uint64_t)x[at]);
#else
            value = a->size[3] ? value * (A)x[at] : value + (A)x[at];
#endif
            y[at] = (X)value;
        }
    }
}
