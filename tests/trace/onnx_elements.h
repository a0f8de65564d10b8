/* Operations on each element as nodes of an ONNX graph. */
#ifndef CNN_TESTS_TRACE_ONNX_ELEMENTS_H
#define CNN_TESTS_TRACE_ONNX_ELEMENTS_H

#include "trace/onnx_graph.h"

static void write_cast(writer *w, const cnn__node *node)
{
    emit_cast(w, out_of(w, node), in_of(w, node, 0), (cnn_dtype)int_at(node, "dtype", 0));
}

/* ---- activations ---- */

/* An operator with a number whose name is `to` there and `from` here. */
static void write_number(writer *w, const cnn__node *node, const char *type, const char *to, const char *from)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_float_attribute(&out, to, float_at(node, from));
    end_node(w, &out, type);
}

static void write_leaky_relu(writer *w, const cnn__node *node)
{
    write_number(w, node, "LeakyRelu", "alpha", "negative_slope");
}

static void write_elu(writer *w, const cnn__node *node)
{
    write_number(w, node, node->op->name[0] == 'c' ? "Celu" : "Elu", "alpha", "alpha");
}

static void write_clip(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    const bool relu6 = strcmp(node->op->name, "relu6") == 0;
    const float low = relu6 ? 0 : (float)float_at(node, "min_val"), high = relu6 ? 6 : (float)float_at(node, "max_val");
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, new_constant(w, CNN_F32, 0, NULL, &low));
    put_text(&out, 1, new_constant(w, CNN_F32, 0, NULL, &high));
    put_text(&out, 2, name_of(w, node->out[0]));
    end_node(w, &out, "Clip");
}

static void write_softmax(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_int_attribute(&out, "axis", int_at(node, "dim", 0));
    end_node(w, &out, node->op->name[0] == 'l' ? "LogSoftmax" : "Softmax");
}

/* ONNX has other slopes as the default. */
static void write_hardsigmoid(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_inputs(w, &out, node, 1);
    put_text(&out, 2, name_of(w, node->out[0]));
    put_float_attribute(&out, "alpha", 1.0 / 6);
    end_node(w, &out, "HardSigmoid");
}

/* ONNX broadcasts the slopes from the last dimension on, libcnn has them along the channels. */
static void write_prelu(writer *w, const cnn__node *node)
{
    const cnn_tensor *x = node->in[0], *slopes = node->in[1];
    int64_t shape[CNN_MAX_DIMS] = { slopes->numel };
    for (int d = 1; d < x->ndim - 1; d++) {
        shape[d] = 1;
    }
    emit(w, "PRelu", out_of(w, node), name_of(w, x),
         emit_reshape(w, between(w), name_of(w, slopes), x->ndim > 2 && slopes->numel > 1 ? x->ndim - 1 : 1, shape));
}

static void write_gelu(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_text_attribute(&out, "approximate", int_at(node, "approximate_tanh", 0) ? "tanh" : "none");
    finish(w, &out, node, 1, "Gelu");
}

static void write_silu(writer *w, const cnn__node *node)
{
    const char *x = in_of(w, node, 0);
    emit(w, "Mul", out_of(w, node), x, emit(w, "Sigmoid", between(w), x, NULL));
}

/* log(1 + exp(beta · x)) / beta, to which the threshold adds nothing that f32 shows. */
static void write_softplus(writer *w, const cnn__node *node)
{
    const char *beta = number(w, node->in[0]->dtype, float_at(node, "beta"));
    const char *scaled = emit(w, "Mul", between(w), in_of(w, node, 0), beta);
    emit(w, "Div", out_of(w, node), emit(w, "Softplus", between(w), scaled, NULL), beta);
}

static void write_logsigmoid(writer *w, const cnn__node *node)
{
    const char *less = emit(w, "Neg", between(w), in_of(w, node, 0), NULL);
    emit(w, "Neg", out_of(w, node), emit(w, "Softplus", between(w), less, NULL), NULL);
}

/* ---- elementary functions of others ---- */

static void write_scaled_log(writer *w, const cnn__node *node)
{
    const double factor = strcmp(node->op->name, "log2") == 0 ? 1.4426950408889634 : 0.4342944819032518;
    const char *log = emit(w, "Log", between(w), in_of(w, node, 0), NULL);
    emit(w, "Mul", out_of(w, node), log, number(w, node->in[0]->dtype, factor));
}

static void write_log1p(writer *w, const cnn__node *node)
{
    const char *more = emit(w, "Add", between(w), in_of(w, node, 0), number(w, node->in[0]->dtype, 1));
    emit(w, "Log", out_of(w, node), more, NULL);
}

static void write_expm1(writer *w, const cnn__node *node)
{
    const char *exp = emit(w, "Exp", between(w), in_of(w, node, 0), NULL);
    emit(w, "Sub", out_of(w, node), exp, number(w, node->in[0]->dtype, 1));
}

static void write_exp2(writer *w, const cnn__node *node)
{
    emit(w, "Pow", out_of(w, node), number(w, node->in[0]->dtype, 2), in_of(w, node, 0));
}

static void write_rsqrt(writer *w, const cnn__node *node)
{
    emit(w, "Reciprocal", out_of(w, node), emit(w, "Sqrt", between(w), in_of(w, node, 0), NULL), NULL);
}

static void write_square(writer *w, const cnn__node *node)
{
    emit(w, "Mul", out_of(w, node), in_of(w, node, 0), in_of(w, node, 0));
}

/* Towards 0. */
static void write_trunc(writer *w, const cnn__node *node)
{
    const char *x = in_of(w, node, 0), *size = emit(w, "Floor", between(w), emit(w, "Abs", between(w), x, NULL), NULL);
    emit(w, "Mul", out_of(w, node), size, emit(w, "Sign", between(w), x, NULL));
}

/* ---- with a number ---- */

static void write_with_scalar(writer *w, const cnn__node *node)
{
    const char first = node->op->name[0];
    const double value = float_at(node, first == 'p' ? "exponent" : "value");
    emit(w, first == 'p' ? "Pow" : first == 'a' ? "Add" : "Mul", out_of(w, node), in_of(w, node, 0),
         number(w, node->in[0]->dtype, value));
}

static void write_clamp(writer *w, const cnn__node *node)
{
    const cnn_dtype dtype = node->in[0]->dtype;
    const char *low = emit(w, "Max", between(w), in_of(w, node, 0), number(w, dtype, float_at(node, "low")));
    emit(w, "Min", out_of(w, node), low, number(w, dtype, float_at(node, "high")));
}

static void write_masked_fill(writer *w, const cnn__node *node)
{
    buffer out = { 0 };
    put_text(&out, 1, in_of(w, node, 1));
    put_text(&out, 1, number(w, node->in[0]->dtype, float_at(node, "value")));
    put_text(&out, 1, in_of(w, node, 0));
    put_text(&out, 2, out_of(w, node));
    end_node(w, &out, "Where");
}

/* ---- truth ---- */

static const char *truth_of(writer *w, const cnn__node *node, int i)
{
    return node->in[i]->dtype == CNN_BOOL ? in_of(w, node, i) : emit_cast(w, between(w), in_of(w, node, i), CNN_BOOL);
}

static void write_logical(writer *w, const cnn__node *node)
{
    const char *name = node->op->name + strlen("logical_");
    emit(w, name[0] == 'a' ? "And" : name[0] == 'o' ? "Or" : "Xor", out_of(w, node), truth_of(w, node, 0), truth_of(w, node, 1));
}

static void write_logical_not(writer *w, const cnn__node *node)
{
    emit(w, "Not", out_of(w, node), truth_of(w, node, 0), NULL);
}

static void write_ne(writer *w, const cnn__node *node)
{
    emit(w, "Not", out_of(w, node), emit(w, "Equal", between(w), in_of(w, node, 0), in_of(w, node, 1)), NULL);
}

static void write_isfinite(writer *w, const cnn__node *node)
{
    const char *x = in_of(w, node, 0), *nan = emit(w, "IsNaN", between(w), x, NULL);
    emit(w, "Not", out_of(w, node), emit(w, "Or", between(w), nan, emit(w, "IsInf", between(w), x, NULL)), NULL);
}

#endif
