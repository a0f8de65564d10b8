/* How each operation of libcnn is written: by a function, or by an operator of the same operands without attributes. */
#include "save.h"

#include <string.h>

#define BY(name) .write = cnn__export_write_##name
#define AS(type) .plain = type
#define NOT(reason) .why = reason

static const struct {
    const char *name;
    cnn__export_write_fn *write;
    const char *plain;
    const char *why; /* it is not written */
} operations[] = {
    /* functions of each element */
    { "neg", AS("Neg") },
    { "exp", AS("Exp") },
    { "log", AS("Log") },
    { "sqrt", AS("Sqrt") },
    { "abs", AS("Abs") },
    { "tanh", AS("Tanh") },
    { "sigmoid", AS("Sigmoid") },
    { "relu", AS("Relu") },
    { "erf", AS("Erf") },
    { "erfc", BY(erfc) },
    { "sin", AS("Sin") },
    { "cos", AS("Cos") },
    { "tan", AS("Tan") },
    { "asin", AS("Asin") },
    { "acos", AS("Acos") },
    { "atan", AS("Atan") },
    { "reciprocal", AS("Reciprocal") },
    { "floor", AS("Floor") },
    { "ceil", AS("Ceil") },
    { "round", AS("Round") },
    { "sign", AS("Sign") },
    { "log2", BY(scaled_log) },
    { "log10", BY(scaled_log) },
    { "log1p", BY(log1p) },
    { "expm1", BY(expm1) },
    { "exp2", BY(exp2) },
    { "rsqrt", BY(rsqrt) },
    { "square", BY(square) },
    { "trunc", BY(trunc) },
    { "add_scalar", BY(with_scalar) },
    { "mul_scalar", BY(with_scalar) },
    { "pow_scalar", BY(with_scalar) },
    { "clamp", BY(clamp) },
    { "nan_to_num", BY(nan_to_num) },
    { "cast", BY(cast) },
    /* activations */
    { "leaky_relu", BY(leaky_relu) },
    { "elu", BY(elu) },
    { "celu", BY(elu) },
    { "hardtanh", BY(clip) },
    { "relu6", BY(clip) },
    { "softmax", BY(softmax) },
    { "log_softmax", BY(softmax) },
    { "hardsigmoid", BY(hardsigmoid) },
    { "gelu", BY(gelu) },
    { "silu", BY(silu) },
    { "mish", BY(mish) },
    { "softplus", BY(softplus) },
    { "logsigmoid", BY(logsigmoid) },
    { "prelu", BY(prelu) },
    { "selu", AS("Selu") },
    { "softsign", AS("Softsign") },
    { "hardswish", AS("HardSwish") },
    /* two and three operands */
    { "add", AS("Add") },
    { "sub", AS("Sub") },
    { "mul", AS("Mul") },
    { "div", AS("Div") },
    { "pow", AS("Pow") },
    { "minimum", AS("Min") },
    { "maximum", AS("Max") },
    { "eq", AS("Equal") },
    { "ne", BY(ne) },
    { "lt", AS("Less") },
    { "le", AS("LessOrEqual") },
    { "gt", AS("Greater") },
    { "ge", AS("GreaterOrEqual") },
    { "logical_and", BY(logical) },
    { "logical_or", BY(logical) },
    { "logical_xor", BY(logical) },
    { "logical_not", BY(logical_not) },
    { "isnan", AS("IsNaN") },
    { "isinf", AS("IsInf") },
    { "isfinite", BY(isfinite) },
    { "where", AS("Where") },
    { "masked_fill", BY(masked_fill) },
    { "matmul", AS("MatMul") },
    { "bitwise_and", BY(bitwise) },
    { "bitwise_or", BY(bitwise) },
    { "bitwise_xor", BY(bitwise) },
    { "bitwise_not", BY(bitwise) },
    { "bitwise_left_shift", BY(shift) },
    { "bitwise_right_shift", BY(shift) },
    /* shapes */
    { "reshape", BY(reshape) },
    { "view", BY(reshape) },
    { "flatten", BY(reshape) },
    { "unflatten", BY(reshape) },
    { "squeeze", BY(reshape) },
    { "unsqueeze", BY(reshape) },
    { "transpose", BY(permute) },
    { "permute", BY(permute) },
    { "slice", BY(slice) },
    { "expand", BY(expand) },
    { "contiguous", AS("Identity") },
    { "clone", AS("Identity") },
    { "detach", AS("Identity") },
    { "concat", BY(concat) },
    { "stack", BY(stack) },
    { "pad", BY(pad) },
    { "flip", BY(flip) },
    { "roll", BY(roll) },
    { "repeat", BY(repeat) },
    { "pixel_shuffle", BY(shuffle) },
    { "pixel_unshuffle", BY(shuffle) },
    { "channel_shuffle", BY(shuffle) },
    /* indices, order, scans and reductions */
    { "gather", BY(gather) },
    { "index_select", BY(gather) },
    { "scatter", BY(scatter) },
    { "scatter_add", BY(scatter) },
    { "scatter_value", BY(scatter_value) },
    { "index_add", BY(index_add) },
    { "sort", BY(sorted) },
    { "argsort", BY(sorted) },
    { "topk", BY(sorted) },
    { "one_hot", BY(one_hot) },
    { "cumsum", BY(cumsum) },
    { "cumprod", NOT("ONNX has an operator for it since opset 26 only") },
    { "tril", BY(triangle) },
    { "triu", BY(triangle) },
    { "sum", BY(reduction) },
    { "mean", BY(reduction) },
    { "max", BY(reduction) },
    { "min", BY(reduction) },
    { "prod", BY(reduction) },
    { "logsumexp", BY(reduction) },
    { "max_along", BY(extremum_along) },
    { "min_along", BY(extremum_along) },
    { "argmax", BY(argument) },
    { "argmin", BY(argument) },
    { "any", BY(any_all) },
    { "all", BY(any_all) },
    { "norm", BY(norm) },
    { "var", BY(moments) },
    { "std", BY(moments) },
    /* layers */
    { "conv1d", BY(conv) },
    { "conv2d", BY(conv) },
    { "conv3d", BY(conv) },
    { "conv_transpose1d", BY(conv_transpose) },
    { "conv_transpose2d", BY(conv_transpose) },
    { "conv_transpose3d", BY(conv_transpose) },
    { "maxpool1d", BY(maxpool) },
    { "maxpool2d", BY(maxpool) },
    { "maxpool2d_with_indices", BY(maxpool) },
    { "fold", BY(fold) },
    { "avg_pool1d", BY(avg_pool) },
    { "avg_pool2d", BY(avg_pool) },
    { "adaptive_avg_pool1d", BY(adaptive) },
    { "adaptive_avg_pool2d", BY(adaptive) },
    { "adaptive_maxpool2d", BY(adaptive) },
    { "interpolate", BY(interpolate) },
    { "batch_norm", BY(batch_norm) },
    { "instance_norm", BY(channel_norm) },
    { "group_norm", BY(channel_norm) },
    { "layer_norm", BY(row_norm) },
    { "rms_norm", BY(row_norm) },
    { "local_response_norm", BY(local_response_norm) },
    { "linear", BY(linear) },
    { "embedding", BY(embedding) },
    { "cross_entropy", BY(class_loss) },
    { "nll_loss", BY(class_loss) },
    { "lstm", BY(recurrent) },
    { "gru", BY(recurrent) },
    { "rnn", BY(recurrent) },
    { "scaled_dot_product_attention", BY(attention) },
    { "attention_heads", BY(attention_heads) },
};

void cnn__export_write(cnn__export *s, const cnn_trace_node *node)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, node->op) == 0) {
            cnn__export_buffer op = { 0 };
            if (operations[i].why) {
                cnn__export_refuse(s, operations[i].why);
            } else if (operations[i].write) {
                operations[i].write(s, node);
            } else {
                cnn__export_finish(s, &op, node, node->input_count, operations[i].plain);
            }
            return;
        }
    }
    cnn__export_refuse(s, "ONNX has no operator for it");
}

void cnn__export_refuse(cnn__export *s, const char *why)
{
    s->more += s->refused != 0 && s->refused != s->now + 1;
    s->why = s->refused ? s->why : why;
    s->refused = s->refused ? s->refused : s->now + 1;
}
