/** @file
 * Operations on each element: arithmetic, comparisons, choice, dropout. What ops.h says about every operation holds
 * here. */
#ifndef CNN_OPS_ELEMENTWISE_H
#define CNN_OPS_ELEMENTWISE_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Elementwise, one operand
 * f32, f64 and bf16; cnn_neg(), cnn_abs() and cnn_clamp() also the integers. Any shape, which stays. Outside its domain
 * a function gives what C's <math.h> gives: NaN or an infinity, and no error.
 * @since 0.1
 * @{ */
CNN_API cnn_tensor *cnn_neg(cnn_tensor *x);  /**< −x */
CNN_API cnn_tensor *cnn_exp(cnn_tensor *x);  /**< exp(x) */
CNN_API cnn_tensor *cnn_log(cnn_tensor *x);  /**< The natural logarithm. */
CNN_API cnn_tensor *cnn_sqrt(cnn_tensor *x); /**< √x */
/** The gradient at 0 is 0. */
CNN_API cnn_tensor *cnn_abs(cnn_tensor *x);
CNN_API cnn_tensor *cnn_tanh(cnn_tensor *x); /**< tanh(x) */
/** 1 / (1 + exp(−x)) */
CNN_API cnn_tensor *cnn_sigmoid(cnn_tensor *x);
/** Options of cnn_gelu() and cnn_gelu_create(); zero means the default. */
typedef struct cnn_gelu_options {
    size_t struct_size;    /**< sizeof(cnn_gelu_options) */
    bool approximate_tanh; /**< PyTorch's approximate='tanh': x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_gelu_options;
/** x · Φ(x), Φ being the standard normal distribution function (Hendrycks & Gimpel 2016, "Gaussian Error Linear
 * Units"). x is f32, f64 or bf16, of any shape; so is the result. `options` may be NULL. @since 0.2 */
CNN_API cnn_tensor *cnn_gelu(cnn_tensor *x, const cnn_gelu_options *options);
/** max(x, 0); NaN stays NaN; the gradient at 0 is 0. */
CNN_API cnn_tensor *cnn_relu(cnn_tensor *x);
/** min(max(x, low), high); pass -INFINITY or INFINITY for an open side. The gradient passes where low ≤ x ≤ high. */
CNN_API cnn_tensor *cnn_clamp(cnn_tensor *x, double low, double high);
/** x ^ exponent */
CNN_API cnn_tensor *cnn_pow_scalar(cnn_tensor *x, double exponent);
CNN_API cnn_tensor *cnn_add_scalar(cnn_tensor *x, double value); /**< x + value */
CNN_API cnn_tensor *cnn_mul_scalar(cnn_tensor *x, double value); /**< x · value */
/** @} */

/** @name Elementary functions and rounding
 * f32, f64 and bf16, cnn_sign() also the integers. Any shape, which stays. Outside its domain a function gives NaN or
 * an infinity, as C's <math.h> does, and no error. Errors stay below 3 units in the last place of f64 and of f32, those
 * of cnn_tan() below 5 and 4, for arguments of any size. Results are the same on every CPU.
 * @since 0.2
 * @{ */
CNN_API cnn_tensor *cnn_erf(cnn_tensor *x); /**< 2/√π · ∫₀ˣ exp(−t²) dt, the error function */
/** 1 − cnn_erf(x), as accurate where that is close to 0. ONNX files have it as this difference, which is 0 from about
 * x = 4 on in f32. */
CNN_API cnn_tensor *cnn_erfc(cnn_tensor *x);
CNN_API cnn_tensor *cnn_sin(cnn_tensor *x);        /**< the sine of x radians */
CNN_API cnn_tensor *cnn_cos(cnn_tensor *x);        /**< the cosine of x radians */
CNN_API cnn_tensor *cnn_tan(cnn_tensor *x);        /**< the tangent of x radians */
CNN_API cnn_tensor *cnn_asin(cnn_tensor *x);       /**< the inverse of the sine, in [−π/2, π/2] */
CNN_API cnn_tensor *cnn_acos(cnn_tensor *x);       /**< the inverse of the cosine, in [0, π] */
CNN_API cnn_tensor *cnn_atan(cnn_tensor *x);       /**< the inverse of the tangent, in [−π/2, π/2] */
CNN_API cnn_tensor *cnn_log2(cnn_tensor *x);       /**< the logarithm to base 2; exact for powers of 2 */
CNN_API cnn_tensor *cnn_log10(cnn_tensor *x);      /**< the logarithm to base 10; exact for powers of 10 */
CNN_API cnn_tensor *cnn_log1p(cnn_tensor *x);      /**< log(1 + x), accurate for a small x */
CNN_API cnn_tensor *cnn_exp2(cnn_tensor *x);       /**< 2 ^ x; exact for integers */
CNN_API cnn_tensor *cnn_expm1(cnn_tensor *x);      /**< exp(x) − 1, accurate for a small x */
CNN_API cnn_tensor *cnn_reciprocal(cnn_tensor *x); /**< 1 / x */
CNN_API cnn_tensor *cnn_rsqrt(cnn_tensor *x);      /**< 1 / √x */
CNN_API cnn_tensor *cnn_square(cnn_tensor *x);     /**< x · x */
CNN_API cnn_tensor *cnn_floor(cnn_tensor *x);      /**< the largest integer that is not above x; its gradient is 0 */
CNN_API cnn_tensor *cnn_ceil(cnn_tensor *x);       /**< the smallest integer that is not below x; its gradient is 0 */
CNN_API cnn_tensor *cnn_round(cnn_tensor *x); /**< the nearest integer, halves to the even one; its gradient is 0 */
CNN_API cnn_tensor *cnn_trunc(cnn_tensor *x); /**< x without its fraction; its gradient is 0 */
CNN_API cnn_tensor *cnn_sign(cnn_tensor *x);  /**< −1, 0 or 1, and 0 for a NaN; its gradient is 0 */
/** @} */

/** @name Hyperbolic functions
 * f32, f64 and bf16. Any shape, which stays. Each consists of several of the functions above, so that errors reach 8
 * units in the last place of f32 and f64. Outside its domain a function gives NaN or an infinity; cnn_asinh() and
 * cnn_acosh() give an infinity from half of the largest number of the dtype on. Results are the same on every CPU.
 * @since 0.2
 * @{ */
CNN_API cnn_tensor *cnn_sinh(cnn_tensor *x);  /**< (exp(x) − exp(−x)) / 2, accurate for a small x */
CNN_API cnn_tensor *cnn_cosh(cnn_tensor *x);  /**< (exp(x) + exp(−x)) / 2 */
CNN_API cnn_tensor *cnn_asinh(cnn_tensor *x); /**< the inverse of cnn_sinh() */
CNN_API cnn_tensor *cnn_acosh(cnn_tensor *x); /**< the inverse of cnn_cosh(), at least 0 */
CNN_API cnn_tensor *cnn_atanh(cnn_tensor *x); /**< the inverse of cnn_tanh() */
CNN_API cnn_tensor *cnn_frac(cnn_tensor *x);  /**< x − cnn_trunc(x), of the sign of x; exact; its gradient is 1 */
/** @} */

/** @name Elementwise, two operands, broadcast
 * f32, f64, bf16 and the integers; both operands of one dtype, which is the result's. The shape is the broadcast of
 * both.
 * Integers wrap around; integer division truncates toward zero, and by zero it gives 0.
 * @since 0.1
 * @{ */
CNN_API cnn_tensor *cnn_add(cnn_tensor *a, cnn_tensor *b); /**< a + b */
CNN_API cnn_tensor *cnn_sub(cnn_tensor *a, cnn_tensor *b); /**< a − b */
CNN_API cnn_tensor *cnn_mul(cnn_tensor *a, cnn_tensor *b); /**< a · b */
CNN_API cnn_tensor *cnn_div(cnn_tensor *a, cnn_tensor *b); /**< a / b */
/** a ^ b; f32, f64 and bf16. */
CNN_API cnn_tensor *cnn_pow(cnn_tensor *a, cnn_tensor *b);
/** The smaller of a and b; a NaN wins. Equal operands get half of the gradient each. @since 0.2 */
CNN_API cnn_tensor *cnn_minimum(cnn_tensor *a, cnn_tensor *b);
/** The larger of a and b; a NaN wins. Equal operands get half of the gradient each. @since 0.2 */
CNN_API cnn_tensor *cnn_maximum(cnn_tensor *a, cnn_tensor *b);
/** @} */

/** @name Comparisons and choice
 * Any dtype, the same of both operands; broadcast; the result is bool and has no gradient. NaN equals nothing.
 * @since 0.1
 * @{ */
CNN_API cnn_tensor *cnn_eq(cnn_tensor *a, cnn_tensor *b); /**< a = b */
CNN_API cnn_tensor *cnn_ne(cnn_tensor *a, cnn_tensor *b); /**< a ≠ b */
CNN_API cnn_tensor *cnn_lt(cnn_tensor *a, cnn_tensor *b); /**< a < b */
CNN_API cnn_tensor *cnn_le(cnn_tensor *a, cnn_tensor *b); /**< a ≤ b */
CNN_API cnn_tensor *cnn_gt(cnn_tensor *a, cnn_tensor *b); /**< a > b */
CNN_API cnn_tensor *cnn_ge(cnn_tensor *a, cnn_tensor *b); /**< a ≥ b */
/** condition ? a : b; `condition` is bool, `a` and `b` share a dtype; all three are broadcast. Differentiable in a, b.
 */
CNN_API cnn_tensor *cnn_where(cnn_tensor *condition, cnn_tensor *a, cnn_tensor *b);
/** @} */

/** @name Logic and numbers that are not finite
 * The result is bool and has no gradient. Logic takes any dtype, the same of both operands, which are broadcast; every
 * number but 0 is true. cnn_isnan(), cnn_isinf() and cnn_isfinite() take f32, f64 and bf16, the other tests any dtype.
 * @since 0.2
 * @{ */
CNN_API cnn_tensor *cnn_logical_and(cnn_tensor *a, cnn_tensor *b); /**< whether both are true */
CNN_API cnn_tensor *cnn_logical_or(cnn_tensor *a, cnn_tensor *b);  /**< whether one is true, or both are */
CNN_API cnn_tensor *cnn_logical_xor(cnn_tensor *a, cnn_tensor *b); /**< whether exactly one is true */
CNN_API cnn_tensor *cnn_logical_not(cnn_tensor *x);                /**< whether x is 0 */
CNN_API cnn_tensor *cnn_isnan(cnn_tensor *x);                      /**< whether x is a NaN */
CNN_API cnn_tensor *cnn_isinf(cnn_tensor *x);                      /**< whether x is an infinity */
CNN_API cnn_tensor *cnn_isfinite(cnn_tensor *x);                   /**< whether x is neither */
CNN_API cnn_tensor *cnn_isposinf(cnn_tensor *x); /**< whether x is +infinity; false for an integer and a bool */
CNN_API cnn_tensor *cnn_isneginf(cnn_tensor *x); /**< whether x is −infinity; false for an integer and a bool */
/** @} */

/** Options of cnn_nan_to_num(); zero means the default, CNN_ZERO means 0. Numbers are converted as cnn_tensor_fill()
 * says. */
typedef struct cnn_nan_to_num_options {
    size_t struct_size;        /**< sizeof(cnn_nan_to_num_options) */
    double nan;                /**< what a NaN becomes; default 0 */
    double posinf;             /**< what +infinity becomes; default: the largest finite number of the dtype */
    double neginf;             /**< what −infinity becomes; default: the lowest finite number of the dtype */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_nan_to_num_options;
/** torch.nan_to_num: x with numbers in place of what is not finite. f32, f64 and bf16, of any shape, which stays; of an
 * integer or bool dtype the result is x itself. The gradient is 0 where an element was replaced, if that of the result
 * is finite. `options` may be NULL.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_nan_to_num(cnn_tensor *x, const cnn_nan_to_num_options *options);

/** @name Bits
 * i64, i32, u8 and, but for shifts, bool; both operands have one dtype and are broadcast. No gradient.
 * @since 0.2
 * @{ */
CNN_API cnn_tensor *cnn_bitwise_and(cnn_tensor *a, cnn_tensor *b); /**< bits that both have */
CNN_API cnn_tensor *cnn_bitwise_or(cnn_tensor *a, cnn_tensor *b);  /**< bits that one has, or both have */
CNN_API cnn_tensor *cnn_bitwise_xor(cnn_tensor *a, cnn_tensor *b); /**< bits that exactly one has */
CNN_API cnn_tensor *cnn_bitwise_not(cnn_tensor *x); /**< every bit inverted; of bool: whether x is false */
/** a · 2^b as far as bits have room; 0 where b is negative or at least the number of bits. */
CNN_API cnn_tensor *cnn_bitwise_left_shift(cnn_tensor *a, cnn_tensor *b);
/** ⌊a / 2^b⌋; for such b −1 where a is negative, else 0. */
CNN_API cnn_tensor *cnn_bitwise_right_shift(cnn_tensor *a, cnn_tensor *b);
/** @} */

/** @name Dropout
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */
/** In training steps: each element is multiplied by 0 with probability p in [0, 1], which hides no NaN, and the
 * others by 1/(1 − p). In evaluation: x. Draws come from the step's random stream. */
CNN_API cnn_tensor *cnn_dropout(cnn_tensor *x, double p);
/** cnn_dropout() of whole channels of x [N,C,L] or [C,L], each with one draw. @since 0.2 */
CNN_API cnn_tensor *cnn_dropout1d(cnn_tensor *x, double p);
/** cnn_dropout() of whole channels of x [N,C,H,W], each with one draw. @since 0.2 */
CNN_API cnn_tensor *cnn_dropout2d(cnn_tensor *x, double p);
/** Alpha dropout (Klambauer et al., 2017; torch.nn.functional.alpha_dropout), for networks of cnn_selu(): in training
 * steps an element becomes −1.7580993408473766 with probability p in [0, 1], and then a · x + b keeps mean 0 and
 * variance 1. In evaluation: x. @since 0.2 */
CNN_API cnn_tensor *cnn_alpha_dropout(cnn_tensor *x, double p);
/** @} */

CNN_END_DECLS

#endif
