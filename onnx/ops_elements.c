/* Operators on each element. Integers that libcnn holds in more bits are brought back into their range. */
#include "ops.h"

#include <math.h>
#include <string.h>

bool cnn__onnx_op_unary(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, run->step->op->unary(cnn__onnx_in(run, 0)), type), type);
}

/* The second operand; before opset 7 it may be broadcast from a dimension of the first on. */
static cnn_tensor *second(cnn__onnx_run *run)
{
    cnn_tensor *a = cnn__onnx_in(run, 0), *b = cnn__onnx_in(run, 1);
    const cnn__onnx_attribute *axis = cnn__onnx_attribute_of(run->step, "axis");
    if (run->step->version >= 7 || !axis || !a || !b) {
        return b;
    }
    int at = cnn__onnx_axis(run, axis->i, cnn_tensor_ndim(a) + 1);
    return at < 0 ? NULL : cnn__onnx_with_rank(b, cnn_tensor_ndim(a) - at, -1);
}

bool cnn__onnx_op_binary(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, run->step->op->binary(cnn__onnx_in(run, 0), second(run)), type),
                         type);
}

bool cnn__onnx_op_compare(cnn__onnx_run *run)
{
    return cnn__onnx_out(run, 0, run->step->op->binary(cnn__onnx_in(run, 0), second(run)), CNN__ONNX_BOOL);
}

bool cnn__onnx_op_logic(cnn__onnx_run *run)
{
    return cnn__onnx_out(run, 0, run->step->op->unary(cnn__onnx_in(run, 0)), CNN__ONNX_BOOL);
}

/* Sinh, Cosh, Asinh, Acosh, Atanh: the code. */
bool cnn__onnx_op_hyperbolic(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0), *y;
    cnn_dtype dtype = cnn_tensor_dtype(x);
    x = cnn__onnx_to(x, CNN_F64); /* differences of large numbers */
    switch (run->step->op->code) {
    case 0: y = cnn_mul_scalar(cnn_sub(cnn_exp(x), cnn_exp(cnn_neg(x))), 0.5); break;
    case 1: y = cnn_mul_scalar(cnn_add(cnn_exp(x), cnn_exp(cnn_neg(x))), 0.5); break;
    case 2: { /* odd, so that the logarithm is of a number above 1 */
        cnn_tensor *a = cnn_abs(x);
        y = cnn_mul(cnn_sign(x), cnn_log(cnn_add(a, cnn_sqrt(cnn_add_scalar(cnn_square(x), 1)))));
        break;
    }
    case 3: y = cnn_log(cnn_add(x, cnn_sqrt(cnn_add_scalar(cnn_square(x), -1)))); break;
    default: y = cnn_mul_scalar(cnn_sub(cnn_log1p(x), cnn_log1p(cnn_neg(x))), 0.5); break;
    }
    return cnn__onnx_out(run, 0, cnn__onnx_to(y, dtype), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_relu(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    return cnn__onnx_out(run, 0, cnn__onnx_is_integer(type) ? cnn_clamp(x, 0, INFINITY) : cnn_relu(x), type);
}

bool cnn__onnx_op_pow(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0), *y = cnn__onnx_in(run, 1);
    cnn_dtype dtype = cnn_tensor_dtype(x);
    const cnn__onnx_host *known = cnn__onnx_known(run, 1);
    if (cnn__onnx_is_integer(type)) {
        return cnn__onnx_out(
            run, 0, cnn__onnx_wrap(run, cnn_cast(cnn_pow(cnn_cast(x, CNN_F64), cnn__onnx_to(y, CNN_F64)), dtype), type),
            type);
    }
    if (known && known->numel == 1 && known->ndim <= cnn_tensor_ndim(x)) {
        double exponent = known->f ? known->f[0] : (double)known->i[0];
        return cnn__onnx_out(run, 0, exponent == 2 ? cnn_square(x) : cnn_pow_scalar(x, exponent), type);
    }
    return cnn__onnx_out(run, 0, cnn_pow(x, cnn__onnx_to(y, dtype)), type);
}

/* The remainder: with fmod of the sign of a, else of that of b. */
bool cnn__onnx_op_mod(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    bool integer = cnn__onnx_is_integer(type), of_a = cnn__onnx_int(run, "fmod", 0) != 0;
    cnn_tensor *a = cnn__onnx_in(run, 0), *b = cnn__onnx_in(run, 1);
    cnn_dtype dtype = cnn_tensor_dtype(a);
    a = integer ? a : cnn__onnx_to(a, CNN_F64);
    b = integer ? b : cnn__onnx_to(b, CNN_F64);
    cnn_tensor *q = integer ? cnn_div(a, b) : cnn_trunc(cnn_div(a, b)), *zero = cnn__onnx_scalar(run, q, 0);
    cnn_tensor *r = cnn_where(cnn_eq(q, zero), a, cnn_sub(a, cnn_mul(q, b))); /* an infinite b takes nothing */
    if (!of_a) {
        cnn_tensor *other = cnn_logical_and(cnn_ne(r, zero), cnn_ne(cnn_lt(r, zero), cnn_lt(b, zero)));
        r = cnn_where(other, cnn_add(r, b), r);
    }
    return cnn__onnx_out(run, 0, cnn__onnx_to(r, dtype), type);
}

bool cnn__onnx_op_bit_shift(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    bool left = cnn__onnx_text_is(cnn__onnx_string(run, "direction", ""), "LEFT");
    cnn_tensor *a = cnn__onnx_in(run, 0), *b = cnn__onnx_in(run, 1);
    return cnn__onnx_out(
        run, 0, cnn__onnx_wrap(run, left ? cnn_bitwise_left_shift(a, b) : cnn_bitwise_right_shift(a, b), type), type);
}

bool cnn__onnx_op_where(cnn__onnx_run *run)
{
    return cnn__onnx_out(run, 0, cnn_where(cnn__onnx_in(run, 0), cnn__onnx_in(run, 1), cnn__onnx_in(run, 2)),
                         cnn__onnx_type(run, 1));
}

bool cnn__onnx_op_clip(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    bool attributes = run->step->version < 11;
    double low = attributes ? cnn__onnx_float(run, "min", -INFINITY) : -INFINITY;
    double high = attributes ? cnn__onnx_float(run, "max", INFINITY) : INFINITY;
    bool known =
        (!cnn__onnx_has(run, 1) || cnn__onnx_known(run, 1)) && (!cnn__onnx_has(run, 2) || cnn__onnx_known(run, 2));
    if (known) {
        low = cnn__onnx_in_number(run, 1, low);
        high = cnn__onnx_in_number(run, 2, high);
        if (low <= high) {
            return cnn__onnx_out(run, 0, cnn_clamp(x, low, high), type);
        }
    }
    x = cnn__onnx_has(run, 1) ? cnn_maximum(x, cnn__onnx_in(run, 1)) : x;
    x = cnn__onnx_has(run, 2) ? cnn_minimum(x, cnn__onnx_in(run, 2)) : x;
    return cnn__onnx_out(run, 0, x, type);
}

/* The slope is broadcast to x from its last dimension on; libcnn's has one per channel. */
bool cnn__onnx_op_prelu(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0), rank = cnn__onnx_rank(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0), *slope = cnn__onnx_in(run, 1);
    int64_t numel = cnn_tensor_numel(slope);
    bool channels = run->step->version < 7 && rank > 1 && cnn_tensor_ndim(slope) == 1 && numel == cnn_tensor_size(x, 1);
    if (!cnn__onnx_is_integer(type) && (numel == 1 || channels ||
                                        (rank > 1 && cnn_tensor_ndim(slope) == rank - 1 &&
                                         cnn_tensor_size(slope, 0) == numel && numel == cnn_tensor_size(x, 1)))) {
        return cnn__onnx_out(run, 0, cnn_prelu(x, cnn_reshape(slope, 1, &numel)), type);
    }
    cnn_tensor *y = cnn_where(cnn_lt(x, cnn__onnx_scalar(run, x, 0)), cnn_mul(x, slope), x);
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, y, type), type);
}

bool cnn__onnx_op_leaky_relu(cnn__onnx_run *run)
{
    return cnn__onnx_out(run, 0, cnn_leaky_relu(cnn__onnx_in(run, 0), cnn__onnx_float(run, "alpha", 0.01)),
                         cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_elu(cnn__onnx_run *run)
{
    return cnn__onnx_out(run, 0, cnn_elu(cnn__onnx_in(run, 0), cnn__onnx_float(run, "alpha", 1)),
                         cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_celu(cnn__onnx_run *run)
{
    return cnn__onnx_out(run, 0, cnn_celu(cnn__onnx_in(run, 0), cnn__onnx_float(run, "alpha", 1)),
                         cnn__onnx_type(run, 0));
}

/* gamma · (x where x > 0, else alpha · (exp(x) − 1)) */
bool cnn__onnx_op_selu(cnn__onnx_run *run)
{
    double alpha = cnn__onnx_float(run, "alpha", 1.67326319217681884765625);
    double gamma = cnn__onnx_float(run, "gamma", 1.05070102214813232421875);
    return cnn__onnx_out(run, 0, cnn_mul_scalar(cnn_elu(cnn__onnx_in(run, 0), alpha), gamma), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_gelu(cnn__onnx_run *run)
{
    cnn_gelu_options options = { .struct_size = sizeof options,
                                 .approximate_tanh =
                                     cnn__onnx_text_is(cnn__onnx_string(run, "approximate", "none"), "tanh") };
    return cnn__onnx_out(run, 0, cnn_gelu(cnn__onnx_in(run, 0), &options), cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_hard_sigmoid(cnn__onnx_run *run)
{
    double alpha = cnn__onnx_float(run, "alpha", 0.2), beta = cnn__onnx_float(run, "beta", 0.5);
    cnn_tensor *y = cnn_clamp(cnn_add_scalar(cnn_mul_scalar(cnn__onnx_in(run, 0), alpha), beta), 0, 1);
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_thresholded_relu(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0);
    cnn_tensor *above = cnn_gt(x, cnn__onnx_scalar(run, x, cnn__onnx_float(run, "alpha", 1)));
    return cnn__onnx_out(run, 0, cnn_where(above, x, cnn__onnx_scalar(run, x, 0)), cnn__onnx_type(run, 0));
}

/* x + bias below −lambd, x − bias above lambd, else 0. */
bool cnn__onnx_op_shrink(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    double bias = cnn__onnx_float(run, "bias", 0), lambd = cnn__onnx_float(run, "lambd", 0.5);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    cnn_dtype dtype = cnn_tensor_dtype(x);
    x = cnn__onnx_is_integer(type) ? cnn_cast(x, CNN_F64) : x;
    cnn_tensor *zero = cnn__onnx_scalar(run, x, 0);
    cnn_tensor *low = cnn_where(cnn_lt(x, cnn__onnx_scalar(run, x, -lambd)), cnn_add_scalar(x, bias), zero);
    cnn_tensor *y = cnn_where(cnn_gt(x, cnn__onnx_scalar(run, x, lambd)), cnn_add_scalar(x, -bias), low);
    return cnn__onnx_out(run, 0, cnn__onnx_to(y, dtype), type);
}

bool cnn__onnx_op_softplus(cnn__onnx_run *run)
{
    return cnn__onnx_out(run, 0, cnn_softplus(cnn__onnx_in(run, 0), 1, 1000), cnn__onnx_type(run, 0));
}

/* x · sigmoid(alpha · x) */
bool cnn__onnx_op_swish(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0);
    double alpha = cnn__onnx_float(run, "alpha", 1);
    return cnn__onnx_out(run, 0, alpha == 1 ? cnn_silu(x) : cnn_mul(x, cnn_sigmoid(cnn_mul_scalar(x, alpha))),
                         cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_isinf(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0), *y = cnn_isinf(x), *zero = cnn__onnx_scalar(run, x, 0);
    if (!cnn__onnx_int(run, "detect_negative", 1)) {
        y = cnn_logical_and(y, cnn_gt(x, zero));
    }
    if (!cnn__onnx_int(run, "detect_positive", 1)) {
        y = cnn_logical_and(y, cnn_lt(x, zero));
    }
    return cnn__onnx_out(run, 0, y, CNN__ONNX_BOOL);
}

/* Sum, Max, Min and, divided by their number, Mean of any number of inputs. */
bool cnn__onnx_op_variadic(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0), count = run->step->in_count;
    cnn_tensor *y = cnn__onnx_in(run, 0);
    for (int i = 1; i < count; i++) {
        y = run->step->op->binary(y, cnn__onnx_in(run, i));
    }
    y = run->step->op->code ? cnn_mul_scalar(y, 1.0 / count) : y;
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, y, type), type);
}

/* In a step that trains elements are dropped with the ratio, unless an input of the model says whether. */
bool cnn__onnx_op_dropout(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0), ndim;
    int64_t shape[CNN_MAX_DIMS];
    cnn_tensor *x = cnn__onnx_in(run, 0);
    double ratio = run->step->version < 12 ? cnn__onnx_float(run, "ratio", 0.5) : cnn__onnx_in_number(run, 1, 0.5);
    bool training = cnn_tape_training(run->tape);
    if (!x ||
        (training && ratio > 0 && cnn__onnx_out(run, 0, cnn_dropout(x, ratio), type) && run->step->out_count < 2)) {
        return x != NULL;
    }
    ndim = cnn__onnx_shape_of(x, shape);
    if (!training || ratio == 0) {
        return cnn__onnx_out(run, 0, x, type) &&
               (run->step->out_count < 2 ||
                cnn__onnx_out(run, 1, cnn__onnx_full(run, CNN_BOOL, ndim, shape, 1), CNN__ONNX_BOOL));
    }
    cnn_tensor *mask = cnn_tape_bernoulli(run->tape, CNN_BOOL, ratio < 1 ? 1 - ratio : CNN_ZERO, ndim, shape);
    cnn_tensor *y = cnn_mul_scalar(cnn_where(mask, x, cnn__onnx_scalar(run, x, 0)), ratio < 1 ? 1 / (1 - ratio) : 0);
    return cnn__onnx_out(run, 0, y, type) && cnn__onnx_out(run, 1, mask, CNN__ONNX_BOOL);
}
