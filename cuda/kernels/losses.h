/* Losses of one element and their slopes (cnn_element_loss of <cnn/kernels/elements.h>), for the names of functions.h.
 * No include guard: one inclusion, one dtype. */

/* Neither comparison holds for a NaN, which stays. */
DEVICE X FN(at_least)(X least, X x)
{
    return x < least ? least : x;
}

DEVICE X FN(sign_of)(X d)
{
    return (X)(d > 0) - (X)(d < 0);
}

/* Stirling's approximation of log t!, or its slope. */
DEVICE X FN(stirling)(X t, bool slope)
{
    if (!(t > 1)) {
        return 0;
    }
    return slope ? OWN(log)(t) + (X)0.5 / t : t * OWN(log)(t) - t + (X)0.5 * OWN(log)((X)6.283185307179586 * t);
}

/* log(1 + x) as the CPU's losses have it. */
DEVICE X FN(log1p_of)(X x)
{
    return MATH(log1p)(x);
}

DEVICE X FN(squares)(int64_t function, int part, X d, X v0)
{
    const X size = MATH(fabs)(d);
    X slope;
    if (function == CNN_LOSS_SQUARED) {
        return part == 0 ? d * d : part == 1 ? 2 * d : -2 * d;
    }
    if (function == CNN_LOSS_ABSOLUTE) {
        return part == 0 ? size : part == 1 ? FN(sign_of)(d) : -FN(sign_of)(d);
    }
    if (function == CNN_LOSS_SMOOTH_L1) {
        if (part == 0) {
            return size < v0 ? (X)0.5 * d * d / v0 : size - (X)0.5 * v0;
        }
        slope = d / v0;
        slope = d <= -v0 ? -1 : slope;
        slope = d >= v0 ? 1 : slope;
        return part == 1 ? slope : -slope;
    }
    if (part == 0) { /* Huber */
        return size < v0 ? (X)0.5 * d * d : v0 * (size - (X)0.5 * v0);
    }
    slope = d <= -v0 ? -v0 : d;
    slope = d >= v0 ? v0 : slope;
    return part == 1 ? slope : -slope;
}

/* Losses of probabilities and of their logits. */
DEVICE X FN(likelihoods)(int64_t function, int part, X x, X t, X c)
{
    if (function == CNN_LOSS_BINARY) {
        const X yes = OWN(log)(x), no = FN(log1p_of)(-x);
        return part == 0   ? (t - 1) * FN(at_least)(-100, no) - t * FN(at_least)(-100, yes)
               : part == 1 ? (x - t) / FN(at_least)((X)1e-12f, (1 - x) * x)
                           : no - yes;
    }
    if (function == CNN_LOSS_LOGISTIC) {
        const X rest = FN(log1p_of)(OWN(exp)(-MATH(fabs)(x))), yes = c * t;
        const X below = FN(at_least)(0, -x) + rest, above = FN(at_least)(0, x) + rest;
        return part == 0   ? yes * below + (1 - t) * above
               : part == 1 ? (yes + 1 - t) * OWN(sigmoid)(x) - yes
                           : c * below - above;
    }
    if (function == CNN_LOSS_KL) {
        const X log_t = OWN(log)(t);
        return part == 0 ? (t == 0 ? 0 : t * log_t) - t * x : part == 1 ? -t : t == 0 ? (X)NAN : log_t + 1 - x;
    }
    if (function == CNN_LOSS_KL_OF_LOGS) {
        const X p = OWN(exp)(t);
        return part == 0 ? p * (t - x) : part == 1 ? -p : p * (t - x + 1);
    }
    /* soft margin */
    const X z = -t * x, share = OWN(sigmoid)(z);
    return part == 0 ? (z > 0 ? z : 0) + FN(log1p_of)(OWN(exp)(-MATH(fabs)(z))) : part == 1 ? -t * share : -x * share;
}

DEVICE X FN(margins)(int64_t function, int part, X x, X t, X c, X v0)
{
    if (function == CNN_LOSS_HINGE_EMBEDDING) {
        const X gap = v0 - x;
        return part == 0   ? (t != -1 ? x : 0) + (t != 1 ? FN(at_least)(0, gap) : 0)
               : part == 1 ? (X)(t != -1) - (X)((t != 1) & (gap >= 0))
                           : 0;
    }
    if (function == CNN_LOSS_COSINE_EMBEDDING) {
        const X gap = x - v0;
        return part == 0   ? (t == 1 ? 1 - x : 0) + (t == -1 ? FN(at_least)(0, gap) : 0)
               : part == 1 ? (X)((t == -1) & (gap >= 0)) - (X)(t == 1)
                           : 0;
    }
    const X gap = v0 - c * (x - t); /* ranking */
    return part == 0 ? FN(at_least)(0, gap) : !(gap >= 0) ? 0 : part == 1 ? -c : part == 2 ? c : t - x;
}

/* `part` 0 is the loss, 1 to 3 its slopes in x, t and c. */
DEVICE X FN(loss_of)(int64_t function, int part, X x, X t, X c, X v0, X v1)
{
    if (function <= CNN_LOSS_HUBER) {
        return part == 3 ? 0 : FN(squares)(function, part, x - t, v0);
    }
    if (function <= CNN_LOSS_SOFT_MARGIN) {
        return part == 3 ? 0 : FN(likelihoods)(function, part, x, t, c);
    }
    if (function <= CNN_LOSS_RANKING) {
        return FN(margins)(function, part, x, t, c, v0);
    }
    if (function == CNN_LOSS_POISSON) {
        const X log_x = OWN(log)(x + v0);
        return part == 0   ? x - t * log_x + (v1 != 0 ? FN(stirling)(t, false) : 0)
               : part == 1 ? 1 - t / (x + v0)
               : part == 2 ? (v1 != 0 ? FN(stirling)(t, true) : 0) - log_x
                           : 0;
    }
    if (function == CNN_LOSS_POISSON_OF_LOGS) {
        const X rate = OWN(exp)(x);
        return part == 0   ? rate - t * x + (v1 != 0 ? FN(stirling)(t, false) : 0)
               : part == 1 ? rate - t
               : part == 2 ? (v1 != 0 ? FN(stirling)(t, true) : 0) - x
                           : 0;
    }
    const X variance = FN(at_least)(v0, c), d = x - t, slope = d / variance; /* Gaussian */
    return part == 0   ? (X)0.5 * (OWN(log)(variance) + d * slope) + v1
           : part == 1 ? slope
           : part == 2 ? -slope
                       : (X)0.5 * (1 / variance - slope * slope);
}
