/* Recurrent networks and attention as nodes of an ONNX graph. */
#ifndef CNN_TESTS_TRACE_ONNX_SEQUENCES_H
#define CNN_TESTS_TRACE_ONNX_SEQUENCES_H

#include "trace/onnx_graph.h"

/* ---- recurrent networks ---- */

/* What ONNX has for an operation: its gates in ONNX's order, of which PyTorch's are i, f, g, o and r, z, n. */
typedef struct recurrent {
    const char *name, *type;
    int gates, order[4];
} recurrent;

static const recurrent recurrents[] = { { "lstm", "LSTM", 4, { 0, 3, 1, 2 } },
                                        { "gru", "GRU", 3, { 1, 0, 2 } },
                                        { "rnn", "RNN", 1, { 0 } } };

static const char *gates_constant(writer *w, const recurrent *r, const cnn_tensor *weight, const cnn_tensor *more)
{
    const cnn_tensor *parts[2] = { weight, more };
    int64_t hidden = weight->shape[0] / r->gates, columns = weight->ndim == 2 ? weight->shape[1] : 1, rows = 0;
    float *all = malloc(2 * (size_t)(weight->shape[0] * columns) * sizeof *all);
    for (int p = 0; p < 2 && parts[p]; p++) {
        const float *from = cnn__data(parts[p]->leaf);
        for (int g = 0; g < r->gates; g++, rows += hidden) {
            memcpy(all + rows * columns, from + r->order[g] * hidden * columns, (size_t)(hidden * columns) * sizeof *all);
        }
    }
    const int64_t shape[3] = { 1, rows, columns };
    const char *name = new_constant(w, CNN_F32, weight->ndim + 1, shape, all);
    free(all);
    return name;
}

/* A state [N,H] with a dimension for the directions. */
static const char *first_state(writer *w, const cnn_tensor *state)
{
    return state ? emit_reshape(w, between(w), name_of(w, state), 3, (const int64_t[]){ 1, state->shape[0], state->shape[1] }) : "";
}

/* The names of the activations, which are a list. */
static void put_activation(buffer *node, const char *name)
{
    buffer a = { 0 };
    put_text(&a, 1, "activations");
    put_text(&a, 9, name);
    put_int(&a, 20, 8);
    put_message(node, 5, &a);
}

/* Each result has a dimension for the directions that libcnn's has not. */
static void write_recurrent(writer *w, const cnn__node *node)
{
    enum { X, H0, C0, W, R, BIAS, BIAS_R, LENGTHS };
    const recurrent *r = recurrents;
    buffer out = { 0 };
    const char *raw[3];
    while (strcmp(r->name, node->op->name) != 0) {
        r++;
    }
    if (!node->in[W]->leaf || !node->in[R]->leaf || node->in[X]->dtype != CNN_F32 || (node->in[BIAS] && !node->in[BIAS_R])) {
        refuse(w, node); /* weights that are computed */
        return;
    }
    put_inputs(w, &out, node, 1);
    put_text(&out, 1, gates_constant(w, r, node->in[W], NULL));
    put_text(&out, 1, gates_constant(w, r, node->in[R], NULL));
    put_text(&out, 1, node->in[BIAS] ? gates_constant(w, r, node->in[BIAS], node->in[BIAS_R]) : "");
    put_text(&out, 1, node->in[LENGTHS] ? emit_cast(w, between(w), in_of(w, node, LENGTHS), CNN_I32) : "");
    put_text(&out, 1, first_state(w, node->in[H0]));
    if (node->in[C0]) {
        put_text(&out, 1, first_state(w, node->in[C0]));
    }
    for (int j = 0; j < (r->gates == 4 ? 3 : 2); j++) {
        put_text(&out, 2, raw[j] = between(w));
    }
    put_int_attribute(&out, "hidden_size", int_at(node, "hidden", 0));
    put_text_attribute(&out, "direction", int_at(node, "reverse", 0) ? "reverse" : "forward");
    if (r->gates == 3) {
        put_int_attribute(&out, "linear_before_reset", 1);
    }
    if (r->gates == 1) {
        put_activation(&out, int_at(node, "cell", 0) == CNN_RNN_RELU ? "Relu" : "Tanh");
    }
    end_node(w, &out, r->type);
    for (int j = 0; j < 3 && node->out[j]; j++) {
        emit_reshape(w, name_of(w, node->out[j]), raw[j], node->out[j]->ndim, node->out[j]->shape);
    }
}

/* ---- attention ---- */

/* [...,rows,columns] as [1 or N,heads,rows,columns]. */
static const char *as_heads(writer *w, const cnn_tensor *t)
{
    int64_t shape[4] = { 1, 1, t->shape[t->ndim - 2], t->shape[t->ndim - 1] };
    for (int d = 0; d < t->ndim - 2; d++) {
        shape[d == t->ndim - 3] *= t->shape[d];
    }
    return emit_reshape(w, between(w), name_of(w, t), 4, shape);
}

/* A mask, whose dimensions before the last two are those of the query or fewer. */
static const char *mask_as_heads(writer *w, const cnn__node *node, const cnn_tensor *mask)
{
    const cnn_tensor *q = node->in[0];
    int64_t shape[CNN_MAX_DIMS], heads[4] = { 1, 1, q->shape[q->ndim - 2], node->in[1]->shape[q->ndim - 2] };
    if (mask->ndim == 2 && mask->shape[0] == heads[2] && mask->shape[1] == heads[3]) {
        return name_of(w, mask);
    }
    for (int d = 0; d < q->ndim; d++) {
        shape[d] = d < q->ndim - 2 ? q->shape[d] : heads[d - q->ndim + 4];
        heads[d == q->ndim - 3] *= d < q->ndim - 2 ? shape[d] : 1;
    }
    const char *whole = emit(w, "Expand", between(w), name_of(w, mask), integers(w, q->ndim, shape));
    return emit_reshape(w, between(w), whole, 4, heads);
}

/* ONNX's rows whose mask leaves nothing are NaN, libcnn's are 0. */
static void write_attention(writer *w, const cnn__node *node)
{
    enum { Q, K, V, MASK };
    buffer out = { 0 };
    const cnn_tensor *y = node->out[0], *weights = node->out[1];
    for (int i = Q; i <= V; i++) {
        put_text(&out, 1, as_heads(w, node->in[i]));
    }
    put_text(&out, 1, node->in[MASK] ? mask_as_heads(w, node, node->in[MASK]) : "");
    const char *raw = between(w), *raw_weights = between(w);
    put_text(&out, 2, raw);
    if (weights) {
        put_text(&out, 2, "");
        put_text(&out, 2, "");
        put_text(&out, 2, raw_weights);
        put_int_attribute(&out, "qk_matmul_output_mode", 3); /* behind the softmax */
    }
    put_int_attribute(&out, "is_causal", int_at(node, "is_causal", 0));
    put_float_attribute(&out, "scale", float_at(node, "scale"));
    end_node(w, &out, "Attention");
    emit_reshape(w, name_of(w, y), raw, y->ndim, y->shape);
    if (weights) {
        emit_reshape(w, name_of(w, weights), raw_weights, weights->ndim, weights->shape);
    }
}

/* Parts of a projection as heads: [N,L,parts·heads·D] or [L,N,…] as [N,heads,L,D] each. */
static void write_attention_heads(writer *w, const cnn__node *node)
{
    const cnn_tensor *x = node->in[0];
    const int64_t parts = int_at(node, "parts", 0), heads = int_at(node, "heads", 0);
    const bool batch_first = int_at(node, "batch_first", 0);
    const int64_t shape[5] = { x->shape[0], x->shape[1], parts, heads, x->shape[2] / (parts * heads) };
    const int64_t order[2][5] = { { 2, 1, 3, 0, 4 }, { 2, 0, 3, 1, 4 } };
    const char *apart = emit_reshape(w, between(w), name_of(w, x), 5, shape), *turned = between(w);
    buffer out = { 0 };
    put_text(&out, 1, apart);
    put_text(&out, 2, turned);
    put_ints_attribute(&out, "perm", order[batch_first], 5);
    end_node(w, &out, "Transpose");
    for (int64_t j = 0; j < parts; j++) { /* a scalar as the index takes the dimension away */
        emit(w, "Gather", name_of(w, node->out[j]), turned, number(w, CNN_I64, (double)j));
    }
}

#endif
