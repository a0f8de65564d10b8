/* Rows of attention: X is the type, FN(name) its name, OWN(f) its function. No include guard: one inclusion, one
 * dtype. */

DEVICE X FN(masked)(const nested_arguments *a, int64_t matrix, int64_t query, int64_t key, X score)
{
    const int64_t at =
        a->in[1] ? nest_at(&a->nest, matrix, 0) + query * a->size[MASK_ROW] + key * a->size[MASK_COLUMN] : 0;
    score *= (X)a->value[SCALE];
    if (!a->in[1]) {
        return score;
    }
    return a->size[MASK_IS_BOOL] ? (((const uint8_t *)a->in[1])[at] ? score : (X)-INFINITY)
                                 : score + ((const X *)a->in[1])[at];
}

/* in: scores, (mask); out: weights, which may be the scores, and (the weights after elements were dropped). */
KERNEL(FN(attention_weights), nested_arguments)
{
    SHARED(double, part, 256);
    SHARED(double, row, 2);
    const int64_t keys = a->size[KEYS], matrix = BLOCK / a->size[QUERIES], query = BLOCK % a->size[QUERIES],
                  seen = seen_by(a, query);
    const X *scores = (const X *)a->in[0] + BLOCK * keys;
    X *weights = (X *)a->out[0] + BLOCK * keys;
    THREAD (t) {
        double most = (double)-INFINITY;
        for (int64_t i = t; i < seen; i += 256) {
            weights[i] = FN(masked)(a, matrix, query, i, scores[i]);
            most = larger_of(most, (double)weights[i]);
        }
        part[t] = most;
    }
    BARRIER;
    TREE(part, larger_of)
    THREAD (t) {
        if (t == 0) {
            row[0] = part[0];
        }
    }
    BARRIER;
    THREAD (t) {
        double sum = 0;
        for (int64_t i = t; i < seen && row[0] != (double)-INFINITY; i += 256) {
            weights[i] = OWN(exp)(weights[i] - (X)row[0]);
            sum += (double)weights[i];
        }
        part[t] = sum;
    }
    BARRIER;
    TREE(part, SUM_OF)
    THREAD (t) {
        if (t == 0) {
            row[1] = part[0];
        }
    }
    BARRIER;
    THREAD (t) {
        for (int64_t i = t; i < keys; i += 256) {
            const X w = i < seen && row[0] != (double)-INFINITY ? weights[i] * (X)(1 / row[1]) : 0;
            weights[i] = w;
            if (a->out[1]) {
                ((X *)a->out[1])[BLOCK * keys + i] = w * (X)keep_of(a, BLOCK * keys + i);
            }
        }
    }
}

/* in: weights, nothing, (their gradient from y), (their own gradient); out: the gradient of the scores before their
 * scale, and the same scaled, which may be in[2]. */
KERNEL(FN(attention_slopes), nested_arguments)
{
    SHARED(double, part, 256);
    const int64_t keys = a->size[KEYS], first = BLOCK * keys, seen = seen_by(a, BLOCK % a->size[QUERIES]);
    const X *weights = (const X *)a->in[0] + first, *from_y = a->in[2] ? (const X *)a->in[2] + first : 0,
            *own = a->in[3] ? (const X *)a->in[3] + first : 0;
    X *mask = a->out[0] ? (X *)a->out[0] + first : 0, *scaled = (X *)a->out[1] + first;
    THREAD (t) {
        double sum = 0;
        for (int64_t i = t; i < seen; i += 256) {
            const X d = ((from_y ? from_y[i] : 0) + (own ? own[i] : 0)) * (X)keep_of(a, first + i);
            sum += (double)d * (double)weights[i];
        }
        part[t] = sum;
    }
    BARRIER;
    TREE(part, SUM_OF)
    THREAD (t) {
        for (int64_t i = t; i < keys; i += 256) {
            X slope = 0;
            if (i < seen) {
                const X d = ((from_y ? from_y[i] : 0) + (own ? own[i] : 0)) * (X)keep_of(a, first + i);
                slope = weights[i] * (d - (X)part[0]);
            }
            if (mask) {
                mask[i] = slope;
            }
            scaled[i] = slope * (X)a->value[SCALE];
        }
    }
}
