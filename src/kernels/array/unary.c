/* Elementwise operations with one operand. Reals have all of them; integers have those that ops.h promises, and
 * wrap. */
#include "kernels/array/array.h"
#include "kernels/array/nest.h"

#include "kernels/array/convert.h"
#include "kernels/array/math.h"

/* The standard normal distribution function: erfc(y) / 2 for y = |x| / √2, from the other side for a positive x. The
 * polynomial in t = (y − 3.75) / (y + 3.75), of which all y ≥ 0 make −1 ≤ t < 1 (Schonfelder 1978, "Chebyshev
 * Expansions for the Error and Related Functions"), interpolates exp(y²) · erfc(y) at Chebyshev nodes: its error is
 * below 5e-15. */
static __attribute__((noinline)) double normal_of(double x)
{
    static const double terms[] = { 0.14558972127503828,     -0.2734219314954322,     0.22600806691664982,
                                    -0.16357189552349596,    0.10260431203087034,     -0.05480232670534253,
                                    0.024143223999254317,    -0.008220621033806238,   0.0018029621386995132,
                                    -2.5536115786053408e-05, -0.0001524610018873318,  4.79019145905113e-05,
                                    3.5775388028014274e-06,  -6.19146431745321e-06,   7.634139728907029e-07,
                                    6.729357119183988e-07,   -2.0701412722701207e-07, -8.734867151360959e-08,
                                    5.6063727242872113e-08,  1.9238214008510112e-08,  -2.103508450090885e-08,
                                    -5.197944119572639e-09,  6.726477295160293e-09,   7.962808012962341e-10,
                                    -1.0523945093154906e-09 };
    const double root_half = 0.70710678118654752440;
    double y = fabs(x) * root_half, sum = 0;
    y = y > 30 ? 30 : y;
    double t = (y - 3.75) / (y + 3.75);
    for (int i = (int)(sizeof terms / sizeof terms[0]) - 1; i >= 0; i--) {
        sum = sum * t + terms[i];
    }
    double side = cnn__exp_f64(-y * y) * sum / 2;
    return x > 0 ? 1 - side : side;
}

/* tanh of GELU's approximation. */
static __attribute__((noinline)) double gelu_tanh(double x)
{
    return cnn__tanh_f64(0.79788456080286535588 * (x + 0.044715 * x * x * x));
}

static __attribute__((noinline)) double gelu_of(double x, bool approximate)
{
    return x * (approximate ? (1 + gelu_tanh(x)) / 2 : normal_of(x));
}

/* Φ(x) + x · Φ'(x), or the derivative of the approximation. */
static __attribute__((noinline)) double gelu_slope_of(double x, bool approximate)
{
    if (!approximate) {
        return normal_of(x) + x * 0.39894228040143267794 * cnn__exp_f64(-x * x / 2);
    }
    double t = gelu_tanh(x);
    return (1 + t) / 2 + x / 2 * (1 - t * t) * 0.79788456080286535588 * (1 + 0.134145 * x * x);
}

#define X float
#define MATH(name) name##f
#define OWN(name) cnn__##name##_f32
#define FN(name) CNN__JOIN(name, f32)
#include "kernels/array/unary_real_impl.h"

#define X double
#define MATH(name) name
#define OWN(name) cnn__##name##_f64
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/unary_real_impl.h"

#define X int64_t
#define U uint64_t
#define PARAMETER(v) cnn__i64_of_real(v)
#define FN(name) CNN__JOIN(name, i64)
#include "kernels/array/unary_integer_impl.h"

#define X int32_t
#define U uint32_t
#define PARAMETER(v) cnn__i32_of_real(v)
#define FN(name) CNN__JOIN(name, i32)
#include "kernels/array/unary_integer_impl.h"

#define X uint8_t
#define U uint32_t
#define PARAMETER(v) cnn__u8_of_real(v)
#define FN(name) CNN__JOIN(name, u8)
#include "kernels/array/unary_integer_impl.h"

static const cnn__run_fn *const unary_tables[] = {
    [CNN_F32] = unary_f32, [CNN_F64] = unary_f64, [CNN_I64] = unary_i64, [CNN_I32] = unary_i32, [CNN_U8] = unary_u8,
};

void cnn__array_unary(cnn__unary op, const cnn__nest *nest, cnn_dtype dtype, const double parameters[2], void *y,
                      const void *x, cnn__pool *pool)
{
    static const double none[2] = { 0, 0 };
    static const unsigned char costs[CNN_UNARY_COUNT] = {
#define CNN__UNARY(NAME, name, cost) [CNN_UNARY_##NAME] = cost,
#include "kernels/array/unary.def"
#undef CNN__UNARY
    };
    size_t size = cnn__array_size(dtype);
    bool power = op == CNN_UNARY_POW; /* of f32 and f64 only */
    cnn__run_fn run = !power             ? unary_tables[dtype][op]
                      : dtype == CNN_F64 ? power_f64(parameters[0])
                                         : power_f32(parameters[0]);
    bool cheap = power && run != unary_f32[op] && run != unary_f64[op];
    cnn__walk walk = {
        .nest = nest,
        .count = 2,
        .base = { y, (void *)x },
        .size = { size, size },
        .fn = run,
        .parameters = parameters ? parameters : none,
        .cost = cheap ? 1 : costs[op],
    };
    cnn__nest_walk(&walk, pool);
}
