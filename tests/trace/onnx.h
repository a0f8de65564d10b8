/* Writes the list of a traced step as an ONNX model (opset 23; https://onnx.ai/onnx/operators/), operation by operation: a table of
 * their names. What it knows of an operation is its descriptor; it reads no operation's file. */
#ifndef CNN_TESTS_TRACE_ONNX_H
#define CNN_TESTS_TRACE_ONNX_H

#include "trace/onnx_elements.h"
#include "trace/onnx_indices.h"
#include "trace/onnx_layers.h"
#include "trace/onnx_sequences.h"
#include "trace/onnx_shapes.h"

static const struct {
    const char *name;
    void (*write)(writer *w, const cnn__node *node);
    const char *plain; /* an operator of the same inputs without attributes */
} operators[] = {
    /* functions of each element */
    { "neg", NULL, "Neg" }, { "exp", NULL, "Exp" }, { "log", NULL, "Log" }, { "sqrt", NULL, "Sqrt" }, { "abs", NULL, "Abs" },
    { "tanh", NULL, "Tanh" }, { "sigmoid", NULL, "Sigmoid" }, { "relu", NULL, "Relu" }, { "erf", NULL, "Erf" },
    { "sin", NULL, "Sin" }, { "cos", NULL, "Cos" }, { "tan", NULL, "Tan" }, { "asin", NULL, "Asin" }, { "acos", NULL, "Acos" },
    { "atan", NULL, "Atan" }, { "reciprocal", NULL, "Reciprocal" }, { "floor", NULL, "Floor" }, { "ceil", NULL, "Ceil" },
    { "round", NULL, "Round" }, { "sign", NULL, "Sign" }, { "log2", write_scaled_log, NULL }, { "log10", write_scaled_log, NULL },
    { "log1p", write_log1p, NULL }, { "expm1", write_expm1, NULL }, { "exp2", write_exp2, NULL }, { "rsqrt", write_rsqrt, NULL },
    { "square", write_square, NULL }, { "trunc", write_trunc, NULL }, { "add_scalar", write_with_scalar, NULL },
    { "mul_scalar", write_with_scalar, NULL }, { "pow_scalar", write_with_scalar, NULL }, { "clamp", write_clamp, NULL },
    { "cast", write_cast, NULL },
    /* activations */
    { "leaky_relu", write_leaky_relu, NULL }, { "elu", write_elu, NULL }, { "celu", write_elu, NULL }, { "hardtanh", write_clip, NULL },
    { "relu6", write_clip, NULL }, { "softmax", write_softmax, NULL }, { "log_softmax", write_softmax, NULL },
    { "hardsigmoid", write_hardsigmoid, NULL }, { "gelu", write_gelu, NULL }, { "silu", write_silu, NULL }, { "mish", NULL, "Mish" },
    { "softplus", write_softplus, NULL }, { "logsigmoid", write_logsigmoid, NULL }, { "prelu", write_prelu, NULL },
    { "selu", NULL, "Selu" }, { "softsign", NULL, "Softsign" }, { "hardswish", NULL, "HardSwish" },
    /* two and three operands */
    { "add", NULL, "Add" }, { "sub", NULL, "Sub" }, { "mul", NULL, "Mul" }, { "div", NULL, "Div" }, { "pow", NULL, "Pow" },
    { "minimum", NULL, "Min" }, { "maximum", NULL, "Max" }, { "eq", NULL, "Equal" }, { "ne", write_ne, NULL }, { "lt", NULL, "Less" },
    { "le", NULL, "LessOrEqual" }, { "gt", NULL, "Greater" }, { "ge", NULL, "GreaterOrEqual" }, { "logical_and", write_logical, NULL },
    { "logical_or", write_logical, NULL }, { "logical_xor", write_logical, NULL }, { "logical_not", write_logical_not, NULL },
    { "isnan", NULL, "IsNaN" }, { "isinf", NULL, "IsInf" }, { "isfinite", write_isfinite, NULL }, { "where", NULL, "Where" },
    { "masked_fill", write_masked_fill, NULL }, { "matmul", NULL, "MatMul" }, { "bitwise_and", NULL, "BitwiseAnd" },
    { "bitwise_or", NULL, "BitwiseOr" }, { "bitwise_xor", NULL, "BitwiseXor" }, { "bitwise_not", NULL, "BitwiseNot" },
    /* shapes */
    { "reshape", write_reshape, NULL }, { "view", write_reshape, NULL }, { "flatten", write_reshape, NULL },
    { "unflatten", write_reshape, NULL }, { "squeeze", write_reshape, NULL }, { "unsqueeze", write_reshape, NULL },
    { "transpose", write_permute, NULL }, { "permute", write_permute, NULL }, { "slice", write_slice, NULL },
    { "expand", write_expand, NULL }, { "contiguous", NULL, "Identity" }, { "clone", NULL, "Identity" }, { "detach", NULL, "Identity" },
    { "concat", write_concat, NULL }, { "stack", write_stack, NULL }, { "pad", write_pad, NULL }, { "flip", write_flip, NULL },
    { "roll", write_roll, NULL }, { "repeat", write_repeat, NULL }, { "pixel_shuffle", write_shuffle, NULL },
    { "pixel_unshuffle", write_shuffle, NULL }, { "channel_shuffle", write_shuffle, NULL },
    /* indices, order, scans and reductions */
    { "gather", write_gather, NULL }, { "index_select", write_gather, NULL }, { "scatter", write_scatter, NULL },
    { "scatter_add", write_scatter, NULL }, { "scatter_value", write_scatter_value, NULL },
    { "index_add", write_index_add, NULL }, { "sort", write_sorted, NULL }, { "argsort", write_sorted, NULL },
    { "topk", write_sorted, NULL }, { "one_hot", write_one_hot, NULL }, { "cumsum", write_cumsum, NULL }, { "tril", write_triangle, NULL },
    { "triu", write_triangle, NULL }, { "sum", write_reduction, NULL }, { "mean", write_reduction, NULL }, { "max", write_reduction, NULL },
    { "min", write_reduction, NULL }, { "prod", write_reduction, NULL }, { "logsumexp", write_reduction, NULL },
    { "max_along", write_extremum_along, NULL }, { "min_along", write_extremum_along, NULL }, { "argmax", write_argument, NULL },
    { "argmin", write_argument, NULL }, { "any", write_any_all, NULL }, { "all", write_any_all, NULL }, { "norm", write_norm, NULL },
    { "var", write_moments, NULL }, { "std", write_moments, NULL },
    /* layers */
    { "conv1d", write_conv, NULL }, { "conv2d", write_conv, NULL }, { "conv3d", write_conv, NULL },
    { "conv_transpose1d", write_conv_transpose, NULL }, { "conv_transpose2d", write_conv_transpose, NULL },
    { "conv_transpose3d", write_conv_transpose, NULL }, { "maxpool1d", write_maxpool, NULL }, { "maxpool2d", write_maxpool, NULL },
    { "avg_pool1d", write_avg_pool, NULL }, { "avg_pool2d", write_avg_pool, NULL }, { "adaptive_avg_pool1d", write_adaptive, NULL },
    { "adaptive_avg_pool2d", write_adaptive, NULL }, { "adaptive_maxpool2d", write_adaptive, NULL },
    { "interpolate", write_interpolate, NULL }, { "batch_norm", write_batch_norm, NULL }, { "instance_norm", write_channel_norm, NULL },
    { "group_norm", write_channel_norm, NULL }, { "layer_norm", write_row_norm, NULL }, { "rms_norm", write_row_norm, NULL },
    { "local_response_norm", write_local_response_norm, NULL }, { "linear", write_linear, NULL }, { "embedding", write_embedding, NULL },
    { "lstm", write_recurrent, NULL }, { "gru", write_recurrent, NULL }, { "rnn", write_recurrent, NULL },
    { "scaled_dot_product_attention", write_attention, NULL }, { "attention_heads", write_attention_heads, NULL },
};

static void write_node(writer *w, const cnn__node *node)
{
    if (node->out[0] == node->in[0]) { /* as of dropout in evaluation */
        return;
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(operators[i].name, node->op->name) == 0) {
            if (operators[i].write) {
                operators[i].write(w, node);
            } else {
                write_plain(w, node, operators[i].plain);
            }
            return;
        }
    }
    refuse(w, node);
}

/* The list goes from the last node to the first. */
static void write_nodes(writer *w, const cnn__node *node)
{
    if (node) {
        write_nodes(w, node->previous);
        write_node(w, node);
    }
}

static void save_model(const char *path, writer *w)
{
    buffer model = { 0 }, opset = { 0 };
    put_int(&opset, 2, OPSET);
    put_int(&model, 1, 11);
    put_text(&model, 2, "libcnn");
    put_message(&model, 7, &w->graph);
    put_message(&model, 8, &opset);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(model.bytes, 1, model.size, file) != model.size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    free(model.bytes);
}

/* Writes a traced step to `path`: from the plain tensor `input` to `outputs`. Returns NULL, or the name of an operation that it cannot
 * write, in which case there is no file. */
static inline const char *write_onnx(const char *path, const cnn_tape *tape, const cnn_tensor *input, cnn_tensor *const *outputs,
                                     int count)
{
    writer *w = calloc(1, sizeof *w);
    w->input = input;
    w->known[w->names] = input;
    snprintf(w->name[w->names++], sizeof w->name[0], "input");
    write_nodes(w, cnn__tape_last_node(tape));
    put_text(&w->graph, 2, "traced");
    describe_value(w, 11, "input", input);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "output%d", i);
        emit(w, "Identity", name, name_of(w, outputs[i]), NULL);
        describe_value(w, 12, name, outputs[i]);
    }
    const char *refused = w->refused;
    if (!refused) {
        save_model(path, w);
    }
    free(w->graph.bytes);
    free(w);
    return refused;
}

#endif
