/* The losses of one element, a part of map_impl.h. Each function returns the loss and its slopes in x, t and c;
 * <cnn/kernels/elements.h> has the formulas. No include guard: one inclusion, one dtype. */
typedef struct FN(terms) {
    X loss, dx, dt, dc;
} FN(terms);

#define TERMS static inline __attribute__((always_inline)) FN(terms)
#define HELPER static inline __attribute__((always_inline)) X

/* log(1 + exp(z)), which never overflows. */
HELPER FN(softplus)(X z)
{
    return (z > 0 ? z : 0) + OWN(log1p)(OWN(exp)(-MATH(fabs)(z)));
}

/* Neither comparison holds for a NaN, which stays. */
HELPER FN(at_least)(X least, X x)
{
    return x < least ? least : x;
}

HELPER FN(sign_of)(X d)
{
    return (X)(d > 0) - (X)(d < 0);
}

TERMS FN(squared)(X x, X t, X c, const X *v)
{
    X d = x - t;
    (void)c, (void)v;
    return (FN(terms)){ .loss = d * d, .dx = 2 * d, .dt = -2 * d };
}

TERMS FN(absolute)(X x, X t, X c, const X *v)
{
    X d = x - t;
    (void)c, (void)v;
    return (FN(terms)){ .loss = MATH(fabs)(d), .dx = FN(sign_of)(d), .dt = -FN(sign_of)(d) };
}

TERMS FN(smooth_l1)(X x, X t, X c, const X *v)
{
    X d = x - t, size = MATH(fabs)(d), square = (X)0.5 * d * d / v[0], line = size - (X)0.5 * v[0];
    X slope = d / v[0];
    slope = d <= -v[0] ? -1 : slope;
    slope = d >= v[0] ? 1 : slope;
    (void)c;
    return (FN(terms)){ .loss = size < v[0] ? square : line, .dx = slope, .dt = -slope };
}

TERMS FN(huber)(X x, X t, X c, const X *v)
{
    X d = x - t, size = MATH(fabs)(d), square = (X)0.5 * d * d, line = v[0] * (size - (X)0.5 * v[0]);
    X slope = d <= -v[0] ? -v[0] : d;
    slope = d >= v[0] ? v[0] : slope;
    (void)c;
    return (FN(terms)){ .loss = size < v[0] ? square : line, .dx = slope, .dt = -slope };
}

/* PyTorch's bound of the slope is a float, and its slope of t has no bound. */
TERMS FN(binary)(X x, X t, X c, const X *v)
{
    X yes = OWN(log)(x), no = OWN(log1p)(-x);
    (void)c, (void)v;
    return (FN(terms)){ .loss = (t - 1) * FN(at_least)(-100, no) - t * FN(at_least)(-100, yes),
                        .dx = (x - t) / FN(at_least)((X)1e-12f, (1 - x) * x),
                        .dt = no - yes };
}

/* −log σ(x) and −log(1 − σ(x)) differ by x; neither is made of the other, which would lose a small one. `rest` is
 * log(1 + exp(−|x|)), which dx does without. */
TERMS FN(logistic)(X x, X t, X c, const X *rest)
{
    X yes = c * t, below = FN(at_least)(0, -x) + *rest, above = FN(at_least)(0, x) + *rest;
    return (FN(terms)){ .loss = yes * below + (1 - t) * above,
                        .dx = (yes + 1 - t) * OWN(sigmoid)(x) - yes,
                        .dt = c * below - above };
}

TERMS FN(kl)(X x, X t, X c, const X *v)
{
    X log_t = OWN(log)(t);
    (void)c, (void)v;
    return (FN(terms)){ .loss = (t == 0 ? 0 : t * log_t) - t * x, .dx = -t, .dt = t == 0 ? (X)NAN : log_t + 1 - x };
}

TERMS FN(kl_of_logs)(X x, X t, X c, const X *v)
{
    X p = OWN(exp)(t);
    (void)c, (void)v;
    return (FN(terms)){ .loss = p * (t - x), .dx = -p, .dt = p * (t - x + 1) };
}

TERMS FN(soft_margin)(X x, X t, X c, const X *v)
{
    X z = -t * x, share = OWN(sigmoid)(z);
    (void)c, (void)v;
    return (FN(terms)){ .loss = FN(softplus)(z), .dx = -t * share, .dt = -x * share };
}

TERMS FN(hinge_embedding)(X x, X t, X c, const X *v)
{
    X gap = v[0] - x, near = t != -1 ? x : 0, far = t != 1 ? FN(at_least)(0, gap) : 0;
    (void)c;
    return (FN(terms)){ .loss = near + far, .dx = (X)(t != -1) - (X)((t != 1) & (gap >= 0)) };
}

TERMS FN(cosine_embedding)(X x, X t, X c, const X *v)
{
    X gap = x - v[0], near = t == 1 ? 1 - x : 0, far = t == -1 ? FN(at_least)(0, gap) : 0;
    (void)c;
    return (FN(terms)){ .loss = near + far, .dx = (X)((t == -1) & (gap >= 0)) - (X)(t == 1) };
}

TERMS FN(ranking)(X x, X t, X c, const X *v)
{
    X gap = v[0] - c * (x - t);
    return (FN(terms)){
        .loss = FN(at_least)(0, gap), .dx = gap >= 0 ? -c : 0, .dt = gap >= 0 ? c : 0, .dc = gap >= 0 ? t - x : 0
    };
}

/* Stirling's approximation of log t! and its slope. */
HELPER FN(stirling)(X t, const X *v)
{
    X sum = t * OWN(log)(t) - t + (X)0.5 * OWN(log)((X)6.283185307179586 * t);
    return ((v[1] != 0) & (t > 1)) ? sum : 0;
}

HELPER FN(stirling_slope)(X t, const X *v)
{
    return ((v[1] != 0) & (t > 1)) ? OWN(log)(t) + (X)0.5 / t : 0;
}

TERMS FN(poisson)(X x, X t, X c, const X *v)
{
    X log_x = OWN(log)(x + v[0]);
    (void)c;
    return (FN(terms)){ .loss = x - t * log_x + FN(stirling)(t, v),
                        .dx = 1 - t / (x + v[0]),
                        .dt = FN(stirling_slope)(t, v) - log_x };
}

TERMS FN(poisson_of_logs)(X x, X t, X c, const X *v)
{
    X rate = OWN(exp)(x);
    (void)c;
    return (FN(terms)){ .loss = rate - t * x + FN(stirling)(t, v), .dx = rate - t, .dt = FN(stirling_slope)(t, v) - x };
}

TERMS FN(gaussian)(X x, X t, X c, const X *v)
{
    X variance = FN(at_least)(v[0], c), d = x - t, slope = d / variance;
    return (FN(terms)){ .loss = (X)0.5 * (OWN(log)(variance) + d * slope) + v[1],
                        .dx = slope,
                        .dt = -slope,
                        .dc = (X)0.5 * (1 / variance - slope * slope) };
}

/* F returns the loss and its slopes, of which a loop writes one; the compiler drops the rest. */
#define PART(name, cost, part) \
    static void FN(name##_##part)(int64_t n, void *to, const void *const *from, const cnn__map *map) \
    { \
        X *y = to; \
        const X *x = from[0], *t = from[1], *c = from[2], v[2] = { (X)map->values[0], (X)map->values[1] }; \
        n &= -(int64_t)CNN__MAP_STEP; \
        SHORT_LOOP(cost) \
        for (int64_t i = 0; i < n; i++) { \
            y[i] = FN(name)(x[i], t[i], c[i], v).part; \
        } \
    }
/* The same for a loss of decays, a piece of which is made before. */
#define PART_OF_DECAYS(name, part) \
    static void FN(name##_##part)(int64_t n, void *to, const void *const *from, const cnn__map *map) \
    { \
        X decays[CNN__DECAY_PIECE]; \
        (void)map; \
        for (int64_t first = 0; first < n; first += CNN__DECAY_PIECE) { \
            X *y = (X *)to + first; \
            const X *x = (const X *)from[0] + first, *t = (const X *)from[1] + first, *c = (const X *)from[2] + first; \
            const int64_t count = cnn__min(CNN__DECAY_PIECE, n - first) & -(int64_t)CNN__MAP_STEP; \
            FN(log1p_decays)(count, decays, x); \
            CNN__IVDEP \
            for (int64_t i = 0; i < count; i++) { \
                y[i] = FN(name)(x[i], t[i], c[i], decays + i).part; \
            } \
        } \
    }
#define CNN__ELEMENT_LOSS(NAME, name, cost) \
    PART(name, cost, loss) PART(name, cost, dx) PART(name, cost, dt) PART(name, cost, dc)
#define CNN__LOSS_OF_DECAYS(NAME, name, cost) \
    PART_OF_DECAYS(name, loss) PART(name, cost, dx) PART_OF_DECAYS(name, dt) PART(name, cost, dc)
#include "kernels/array/element_loss.def"
#undef CNN__ELEMENT_LOSS
#undef PART
#undef PART_OF_DECAYS
#undef TERMS
#undef HELPER
