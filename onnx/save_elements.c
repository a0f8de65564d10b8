/* Operations on each element as operators of ONNX. */
#include "save.h"

#include <string.h>

void cnn__export_write_cast(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_cast(s, cnn__export_out(s, node), cnn__export_in(s, node, 0), cnn__export_dtype(s, node->outputs[0]));
}

/* A constant scalar of the dtype that operand 0 has. */
static const char *number(cnn__export *s, const cnn_trace_node *node, double value)
{
    return cnn__export_number(s, cnn__export_dtype(s, node->inputs[0]), value);
}

static const char *between(cnn__export *s, const char *type, const char *a, const char *b)
{
    return cnn__export_emit(s, type, cnn__export_between(s), a, b);
}

/* ---- activations ---- */

/* An operator with a number whose name is `to` there and `from` here. */
static void write_real(cnn__export *s, const cnn_trace_node *node, const char *type, const char *to, const char *from)
{
    cnn__export_buffer op = { 0 };
    cnn__export_float(&op, to, cnn__export_real_at(s, node, from));
    cnn__export_finish(s, &op, node, 1, type);
}

void cnn__export_write_leaky_relu(cnn__export *s, const cnn_trace_node *node)
{
    write_real(s, node, "LeakyRelu", "alpha", "negative_slope");
}

void cnn__export_write_elu(cnn__export *s, const cnn_trace_node *node)
{
    write_real(s, node, node->op[0] == 'c' ? "Celu" : "Elu", "alpha", "alpha");
}

void cnn__export_write_clip(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const bool relu6 = strcmp(node->op, "relu6") == 0;
    cnn__export_operands(s, &op, node, 1);
    cnn__export_operand(&op, number(s, node, relu6 ? 0 : cnn__export_real_at(s, node, "min_val")));
    cnn__export_operand(&op, number(s, node, relu6 ? 6 : cnn__export_real_at(s, node, "max_val")));
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_end(s, &op, "Clip");
}

/* ONNX has other slopes as the default. */
void cnn__export_write_hardsigmoid(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    cnn__export_float(&op, "alpha", 1.0 / 6);
    cnn__export_finish(s, &op, node, 1, "HardSigmoid");
}

/* ONNX broadcasts the slopes from the last dimension on, libcnn has them along the channels. */
void cnn__export_write_prelu(cnn__export *s, const cnn_trace_node *node)
{
    const int ndim = cnn__export_ndim(s, node->inputs[0]);
    int64_t sizes[CNN_MAX_DIMS] = { cnn__export_size(s, node->inputs[1], 0) };
    for (int d = 1; d < ndim - 1; d++) {
        sizes[d] = 1;
    }
    cnn__export_shape shape = cnn__export_fixed(ndim > 2 && sizes[0] > 1 ? ndim - 1 : 1, sizes);
    const char *slopes = cnn__export_reshape(s, cnn__export_between(s), cnn__export_in(s, node, 1), &shape);
    cnn__export_emit(s, "PRelu", cnn__export_out(s, node), cnn__export_in(s, node, 0), slopes);
}

/* x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2, or x · (1 + erf(x / √2)) / 2; an operator since opset 20. */
void cnn__export_write_gelu(cnn__export *s, const cnn_trace_node *node)
{
    const bool tanh = cnn__export_int_at(s, node, "approximate_tanh", 0);
    const char *x = cnn__export_in(s, node, 0);
    cnn__export_buffer op = { 0 };
    if (s->options.opset >= 20) {
        cnn__export_text(&op, "approximate", tanh ? "tanh" : "none");
        cnn__export_finish(s, &op, node, 1, "Gelu");
        return;
    }
    const char *inner;
    if (tanh) {
        const char *cube = between(s, "Mul", between(s, "Mul", x, x), x);
        const char *sum = between(s, "Add", x, between(s, "Mul", cube, number(s, node, 0.044715)));
        inner = between(s, "Tanh", between(s, "Mul", sum, number(s, node, 0.7978845608028654)), NULL);
    } else {
        inner = between(s, "Erf", between(s, "Mul", x, number(s, node, 0.7071067811865476)), NULL);
    }
    const char *more = between(s, "Add", inner, number(s, node, 1)), *half = between(s, "Mul", x, number(s, node, 0.5));
    cnn__export_emit(s, "Mul", cnn__export_out(s, node), half, more);
}

void cnn__export_write_silu(cnn__export *s, const cnn_trace_node *node)
{
    const char *x = cnn__export_in(s, node, 0);
    cnn__export_emit(s, "Mul", cnn__export_out(s, node), x, between(s, "Sigmoid", x, NULL));
}

/* x · tanh(log(1 + exp(x))); an operator since opset 18. */
void cnn__export_write_mish(cnn__export *s, const cnn_trace_node *node)
{
    const char *x = cnn__export_in(s, node, 0);
    if (s->options.opset >= 18) {
        cnn__export_emit(s, "Mish", cnn__export_out(s, node), x, NULL);
    } else {
        const char *inner = between(s, "Tanh", between(s, "Softplus", x, NULL), NULL);
        cnn__export_emit(s, "Mul", cnn__export_out(s, node), x, inner);
    }
}

/* log(1 + exp(beta · x)) / beta, to which the threshold adds nothing that f32 shows. */
void cnn__export_write_softplus(cnn__export *s, const cnn_trace_node *node)
{
    const char *beta = number(s, node, cnn__export_real_at(s, node, "beta"));
    const char *scaled = between(s, "Mul", cnn__export_in(s, node, 0), beta);
    cnn__export_emit(s, "Div", cnn__export_out(s, node), between(s, "Softplus", scaled, NULL), beta);
}

void cnn__export_write_logsigmoid(cnn__export *s, const cnn_trace_node *node)
{
    const char *less = between(s, "Neg", cnn__export_in(s, node, 0), NULL);
    cnn__export_emit(s, "Neg", cnn__export_out(s, node), between(s, "Softplus", less, NULL), NULL);
}

/* ---- elementary functions of others ---- */

void cnn__export_write_scaled_log(cnn__export *s, const cnn_trace_node *node)
{
    const double factor = strcmp(node->op, "log2") == 0 ? 1.4426950408889634 : 0.4342944819032518;
    const char *log = between(s, "Log", cnn__export_in(s, node, 0), NULL);
    cnn__export_emit(s, "Mul", cnn__export_out(s, node), log, number(s, node, factor));
}

/* 1 − erf(x), of which little is left where erf(x) is close to 1. */
void cnn__export_write_erfc(cnn__export *s, const cnn_trace_node *node)
{
    const char *erf = between(s, "Erf", cnn__export_in(s, node, 0), NULL);
    cnn__export_emit(s, "Sub", cnn__export_out(s, node), number(s, node, 1), erf);
}

void cnn__export_write_log1p(cnn__export *s, const cnn_trace_node *node)
{
    const char *more = between(s, "Add", cnn__export_in(s, node, 0), number(s, node, 1));
    cnn__export_emit(s, "Log", cnn__export_out(s, node), more, NULL);
}

void cnn__export_write_expm1(cnn__export *s, const cnn_trace_node *node)
{
    const char *exp = between(s, "Exp", cnn__export_in(s, node, 0), NULL);
    cnn__export_emit(s, "Sub", cnn__export_out(s, node), exp, number(s, node, 1));
}

void cnn__export_write_exp2(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_emit(s, "Pow", cnn__export_out(s, node), number(s, node, 2), cnn__export_in(s, node, 0));
}

void cnn__export_write_rsqrt(cnn__export *s, const cnn_trace_node *node)
{
    const char *root = between(s, "Sqrt", cnn__export_in(s, node, 0), NULL);
    cnn__export_emit(s, "Reciprocal", cnn__export_out(s, node), root, NULL);
}

void cnn__export_write_square(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_emit(s, "Mul", cnn__export_out(s, node), cnn__export_in(s, node, 0), cnn__export_in(s, node, 0));
}

/* Towards 0. */
void cnn__export_write_trunc(cnn__export *s, const cnn_trace_node *node)
{
    const char *x = cnn__export_in(s, node, 0), *size = between(s, "Floor", between(s, "Abs", x, NULL), NULL);
    cnn__export_emit(s, "Mul", cnn__export_out(s, node), size, between(s, "Sign", x, NULL));
}

/* ---- with a number ---- */

void cnn__export_write_with_scalar(cnn__export *s, const cnn_trace_node *node)
{
    const char first = node->op[0];
    const char *value = number(s, node, cnn__export_real_at(s, node, first == 'p' ? "exponent" : "value"));
    cnn__export_emit(s,
                     first == 'p'   ? "Pow"
                     : first == 'a' ? "Add"
                                    : "Mul",
                     cnn__export_out(s, node), cnn__export_in(s, node, 0), value);
}

void cnn__export_write_clamp(cnn__export *s, const cnn_trace_node *node)
{
    const char *low = number(s, node, cnn__export_real_at(s, node, "low"));
    const char *raised = between(s, "Max", cnn__export_in(s, node, 0), low);
    cnn__export_emit(s, "Min", cnn__export_out(s, node), raised, number(s, node, cnn__export_real_at(s, node, "high")));
}

/* The result is `value` where `mask` is true, else `otherwise`. */
static void write_masked(cnn__export *s, const cnn_trace_node *node, const char *mask, double value,
                         const char *otherwise)
{
    cnn__export_buffer op = { 0 };
    cnn__export_operand(&op, mask);
    cnn__export_operand(&op, number(s, node, value));
    cnn__export_operand(&op, otherwise);
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_end(s, &op, "Where");
}

void cnn__export_write_nan_to_num(cnn__export *s, const cnn_trace_node *node)
{
    const char *x = cnn__export_in(s, node, 0), *mask = between(s, "IsNaN", x, NULL);
    const double limit = cnn__export_real_at(s, node, "limit");
    const char *raised = between(s, "Max", x, number(s, node, -limit));
    const char *finite = between(s, "Min", raised, number(s, node, limit));
    write_masked(s, node, mask, cnn__export_real_at(s, node, "nan"), finite);
}

void cnn__export_write_masked_fill(cnn__export *s, const cnn_trace_node *node)
{
    write_masked(s, node, cnn__export_in(s, node, 1), cnn__export_real_at(s, node, "value"),
                 cnn__export_in(s, node, 0));
}

/* ---- truth ---- */

static const char *truth_of(cnn__export *s, const cnn_trace_node *node, int i)
{
    const char *x = cnn__export_in(s, node, i);
    bool is_bool = cnn__export_dtype(s, node->inputs[i]) == CNN_BOOL;
    return is_bool ? x : cnn__export_cast(s, cnn__export_between(s), x, CNN_BOOL);
}

/* The name of the operator stands behind "logical_" or "bitwise_". */
static const char *logical_type(const cnn_trace_node *node)
{
    const char first = node->op[sizeof "logical_" - 1];
    return first == 'a' ? "And" : first == 'o' ? "Or" : first == 'x' ? "Xor" : "Not";
}

void cnn__export_write_logical(cnn__export *s, const cnn_trace_node *node)
{
    const char *a = truth_of(s, node, 0);
    cnn__export_emit(s, logical_type(node), cnn__export_out(s, node), a, truth_of(s, node, 1));
}

void cnn__export_write_logical_not(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_emit(s, "Not", cnn__export_out(s, node), truth_of(s, node, 0), NULL);
}

/* Integers have operators since opset 18. */
void cnn__export_write_bitwise(cnn__export *s, const cnn_trace_node *node)
{
    const bool truth = cnn__export_dtype(s, node->inputs[0]) == CNN_BOOL;
    cnn__export_buffer op = { 0 };
    if (!truth && s->options.opset < 18) {
        cnn__export_refuse(s, "ONNX has no operator for it before opset 18");
        return;
    }
    cnn__export_finish(s, &op, node, node->input_count,
                       cnn__export_string(s, "%s%s", truth ? "" : "Bitwise", logical_type(node)));
}

/* ONNX shifts unsigned integers, of which libcnn has those of 8 bits; shifts by 8 and more leave nothing. */
void cnn__export_write_shift(cnn__export *s, const cnn_trace_node *node)
{
    cnn__export_buffer op = { 0 };
    const char *by = cnn__export_in(s, node, 1), *shifted = cnn__export_between(s);
    if (cnn__export_dtype(s, node->inputs[0]) != CNN_U8) {
        cnn__export_refuse(s, "ONNX shifts unsigned integers only");
        return;
    }
    cnn__export_operand(&op, cnn__export_in(s, node, 0));
    cnn__export_operand(&op, by);
    cnn__export_result(&op, shifted);
    cnn__export_text(&op, "direction", strcmp(node->op, "bitwise_left_shift") == 0 ? "LEFT" : "RIGHT");
    cnn__export_end(s, &op, "BitShift");
    op = (cnn__export_buffer){ 0 };
    const char *wide = cnn__export_cast(s, cnn__export_between(s), by, CNN_I32);
    cnn__export_operand(&op, between(s, "Less", wide, cnn__export_number(s, CNN_I32, 8)));
    cnn__export_operand(&op, shifted);
    cnn__export_operand(&op, cnn__export_number(s, CNN_U8, 0));
    cnn__export_result(&op, cnn__export_out(s, node));
    cnn__export_end(s, &op, "Where");
}

void cnn__export_write_ne(cnn__export *s, const cnn_trace_node *node)
{
    const char *same = between(s, "Equal", cnn__export_in(s, node, 0), cnn__export_in(s, node, 1));
    cnn__export_emit(s, "Not", cnn__export_out(s, node), same, NULL);
}

void cnn__export_write_isfinite(cnn__export *s, const cnn_trace_node *node)
{
    const char *x = cnn__export_in(s, node, 0), *nan = between(s, "IsNaN", x, NULL);
    cnn__export_emit(s, "Not", cnn__export_out(s, node), between(s, "Or", nan, between(s, "IsInf", x, NULL)), NULL);
}
