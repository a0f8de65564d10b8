/* The maps of a real dtype: X is its type, MATH(f) its function of <math.h>, OWN(f) that of simd/map/math.h or
 * base/math.h, FN(name) its name, MAPS their table, MAP_OF_BLOCK(name) and MAP_OF_BOTH(name) the maps of the
 * functions of unary.def for which f32 alone has a loop; with OWN_MAPS, maps of exp, log, sqrt and powers, and
 * log1p_decays(), are there already. In an expression x and b are the elements of the operands, p and q the values
 * of the launch. The maps of one operand are made of the formulas in unary.def. No include guard: one inclusion,
 * one dtype. */
#define SIGNATURE(function) void function(int64_t n, void *to, const void *const *from, const cnn__map *map)
#define MAP_BODY(LOOP, type, expression) \
    { \
        type *y = to; \
        const X *first = from[0], p = (X)map->values[0], q = (X)map->values[1]; \
        (void)p, (void)q; \
        n &= -(int64_t)CNN__MAP_STEP; /* no change, but the compiler sees that nothing is left over */ \
        LOOP for (int64_t i = 0; i < n; i++) \
        { \
            const X x = first[i]; \
            y[i] = (expression); \
        } \
    }
#define MAP(name, type, expression) static SIGNATURE(FN(map_##name)) MAP_BODY(CNN__IVDEP, type, expression)

/* Those that wait for memory. SHORT(name) is the function's name, SHORT_HEAD(name) how its definition begins, and
 * SHORT_LOOP(cost) what stands before its loop; with SHORT_ELSEWHERE another instruction set has them. */
#ifndef SHORT
#define SHORT(name) FN(name)
#define SHORT_LOOP(cost) CNN__IVDEP
#define SHORT_OPERANDS(at_x, at_b) const X x = first[at_x], b = second[at_b]
#define SHORT_HEAD(name) static SIGNATURE(FN(name))
#endif
#define MAP2_LOOP(at_x, at_b, expression) \
    SHORT_LOOP(1) \
    for (int64_t i = 0; i < n; i++) { \
        SHORT_OPERANDS(at_x, at_b); \
        y[i] = (expression); \
    }
#ifdef SHORT_ELSEWHERE
#define SHORT_MAP(name, type, cost, expression)
#define MAP2(name, expression)
#else
#define SHORT_MAP(name, type, cost, expression) SHORT_HEAD(map_##name) MAP_BODY(SHORT_LOOP(cost), type, expression)
/* One operand may be the same number for all. */
#define MAP2(name, expression) \
    SHORT_HEAD(map_##name) \
    { \
        X *y = to; \
        const X *first = from[0], *second = from[1]; \
        n &= -(int64_t)CNN__MAP_STEP; \
        if (map->same == CNN__MAP_SECOND) { \
            const X constant[1] = { *second }; \
            second = constant; \
            MAP2_LOOP(i, 0, expression) \
        } else if (map->same == CNN__MAP_FIRST) { \
            const X constant[1] = { *first }; \
            first = constant; \
            MAP2_LOOP(0, i, expression) \
        } else { \
            MAP2_LOOP(i, i, expression) \
        } \
    }
#endif

/* A NaN fails both comparisons and stays. */
static inline X FN(within)(X x, X low, X high)
{
    X y = x < low ? low : x;
    return y > high ? high : y;
}

/* y, but p where x is a NaN. */
static inline X FN(unless_nan)(X x, X y, X p)
{
    return x == x ? y : p;
}

#define CNN__UNARY(NAME, name, cost, formula) SHORT_MAP(name, X, cost, formula)
#define CNN__UNARY_LONG(NAME, name, cost, formula) MAP(name, X, formula)
#include "kernels/array/unary.def"

#ifndef OWN_MAPS
MAP(exp, X, OWN(exp)(x))
MAP(log, X, OWN(log)(x))
MAP(sqrt, X, MATH(sqrt)(x))
MAP(pow_scalar, X, OWN(pow)(x, p))
#endif

SHORT_MAP(one, X, 1, x == x ? 1 : (X)1)
SHORT_MAP(same, X, 1, x)
SHORT_MAP(square, X, 1, (x * x))
/* In f64, where x·x of an f32 is exact, so that the result is rounded like that of pow(). */
SHORT_MAP(cube, X, 5, (X)((double)x *(double)x *(double)x))
SHORT_MAP(inverse, X, 4, 1 / x)
MAP(inverse_sqrt, X, 1 / MATH(sqrt)(x))

#ifndef OWN_MAPS
/* map->block of blocks that are brought into f64. */
static void FN(map_blocks)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    X *y = to;
    const X *x = from[0];
    double block[CNN__MAP_STEP];
    for (int64_t first = 0; first < n; first += CNN__MAP_STEP) {
        for (int i = 0; i < CNN__MAP_STEP; i++) {
            block[i] = (double)x[first + i];
        }
        map->block(block, map->values);
        for (int i = 0; i < CNN__MAP_STEP; i++) {
            y[first + i] = (X)block[i];
        }
    }
}

/* log(1 + exp(−|x|)) */
static void FN(log1p_decays)(int64_t n, X *y, const X *x)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] = OWN(log1p)(OWN(exp)(-MATH(fabs)(x[i])));
    }
}
#endif

/* ---- two operands ---- */

/* The chosen one, but a NaN of the first. */
static inline X FN(chosen)(X a, X y)
{
    return a != a ? a : y;
}

MAP2(add, x + b)
MAP2(sub, x - b)
MAP2(mul, (x * b))
MAP2(div, x / b)
#ifndef OWN_MAPS
MAP2(pow, OWN(pow)(x, b))
#endif
MAP2(minimum, FN(chosen)(x, x < b ? x : b))
MAP2(maximum, FN(chosen)(x, x > b ? x : b))
MAP2(prelu, x > 0 ? x : x * b)

#ifndef COMPARE_LOOP
#define COMPARE_LOOP(expression) MAP2_LOOP(i, i, expression)
#define EQ(a, b) ((a) == (b))
#define NE(a, b) ((a) != (b))
#define LT(a, b) ((a) < (b))
#define LE(a, b) ((a) <= (b))
#define ZERO 0
#endif
#define COMPARE(name, expression) \
    static SIGNATURE(FN(map_##name)) \
    { \
        uint8_t *y = to; \
        const X *first = from[0], *second = from[1]; \
        (void)map; \
        n &= -(int64_t)CNN__MAP_STEP; \
        COMPARE_LOOP(expression) \
    }

COMPARE(eq, EQ(x, b))
COMPARE(ne, NE(x, b))
COMPARE(lt, LT(x, b))
COMPARE(le, LE(x, b))
COMPARE(gt, LT(b, x))
COMPARE(ge, LE(b, x))
COMPARE(and, NE(x, ZERO) & NE(b, ZERO))
COMPARE(or, NE(x, ZERO) | NE(b, ZERO))
COMPARE(xor, NE(x, ZERO) ^ NE(b, ZERO))
/* The difference of an infinity or a NaN to itself is a NaN. Both operands are the same one. */
COMPARE(not, EQ(x, ZERO) & EQ(b, ZERO))
COMPARE(isinf, EQ(x, b) & NE(x - b, ZERO))
COMPARE(isfinite, EQ(x - b, ZERO))

#include "kernels/array/element_loss_impl.h"

#undef SIGNATURE
#undef MAP_BODY
#undef MAP
#undef SHORT_MAP
#undef MAP2
#undef MAP2_LOOP
#undef COMPARE
#undef COMPARE_LOOP
#undef EQ
#undef NE
#undef LT
#undef LE
#undef ZERO

const cnn__maps MAPS = {
    .unary = {
#define CNN__UNARY(NAME, name, cost, formula) [CNN_UNARY_##NAME] = SHORT(map_##name),
#define CNN__UNARY_LONG(NAME, name, cost, formula) [CNN_UNARY_##NAME] = FN(map_##name),
#define CNN__UNARY_MAP(NAME, name, cost) [CNN_UNARY_##NAME] = FN(map_##name),
#define CNN__UNARY_BLOCK(NAME, name, cost) [CNN_UNARY_##NAME] = MAP_OF_BLOCK(name),
#define CNN__UNARY_BOTH(NAME, name, cost) [CNN_UNARY_##NAME] = MAP_OF_BOTH(name),
#include "kernels/array/unary.def"
    },
    .binary = {
        [CNN_BINARY_ADD] = SHORT(map_add),
        [CNN_BINARY_SUB] = SHORT(map_sub),
        [CNN_BINARY_MUL] = SHORT(map_mul),
        [CNN_BINARY_DIV] = SHORT(map_div),
        [CNN_BINARY_POW] = FN(map_pow),
        [CNN_BINARY_MINIMUM] = SHORT(map_minimum),
        [CNN_BINARY_MAXIMUM] = SHORT(map_maximum),
        [CNN_BINARY_PRELU] = SHORT(map_prelu),
    },
    .compare = {
        [CNN_COMPARE_EQ] = FN(map_eq),       [CNN_COMPARE_NE] = FN(map_ne),       [CNN_COMPARE_LT] = FN(map_lt),
        [CNN_COMPARE_LE] = FN(map_le),       [CNN_COMPARE_GT] = FN(map_gt),       [CNN_COMPARE_GE] = FN(map_ge),
        [CNN_COMPARE_AND] = FN(map_and),     [CNN_COMPARE_OR] = FN(map_or),       [CNN_COMPARE_XOR] = FN(map_xor),
        [CNN_COMPARE_NOT] = FN(map_not),     [CNN_COMPARE_ISNAN] = FN(map_ne),
        [CNN_COMPARE_ISINF] = FN(map_isinf), [CNN_COMPARE_ISFINITE] = FN(map_isfinite),
    },
    .loss = {
#define CNN__ELEMENT_LOSS(NAME, name, cost) \
    [CNN_LOSS_##NAME] = { FN(name##_loss), FN(name##_dx), FN(name##_dt), FN(name##_dc) },
#include "kernels/array/element_loss.def"
#undef CNN__ELEMENT_LOSS
    },
    .power = {
        [CNN__POWER_0] = SHORT(map_one),
        [CNN__POWER_1] = SHORT(map_same),
        [CNN__POWER_2] = SHORT(map_square),
        [CNN__POWER_3] = sizeof(X) < sizeof(double) ? SHORT(map_cube) : NULL,
        [CNN__POWER_OF_1] = SHORT(map_inverse),
        [CNN__POWER_OF_HALF] = FN(map_inverse_sqrt),
    },
};
#undef X
#undef MATH
#undef OWN
#undef FN
#undef MAP_OF_BLOCK
#undef MAP_OF_BOTH
#undef OWN_MAPS
#undef SHORT
#undef SHORT_HEAD
#undef SHORT_LOOP
#undef SHORT_OPERANDS
#undef SHORT_ELSEWHERE
#undef MAPS
