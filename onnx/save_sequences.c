/* Recurrent networks and attention as operators of ONNX. */
#include "save.h"

#include <cnn/kernels/layers.h>

#include <stdlib.h>
#include <string.h>

/* ---- recurrent networks ---- */

/* What ONNX has for an operation: its gates in ONNX's order, of which PyTorch's are i, f, g, o and r, z, n. */
typedef struct recurrent {
    const char *name, *type;
    int gates;
    int64_t order[4];
} recurrent;

static const recurrent recurrents[] = { { "lstm", "LSTM", 4, { 0, 3, 1, 2 } },
                                        { "gru", "GRU", 3, { 1, 0, 2 } },
                                        { "rnn", "RNN", 1, { 0 } } };

enum { X, H0, C0, W, R, BIASES, LENGTHS = 7 };

/* Weights or a bias with the gates in ONNX's order, and a dimension for the directions in front: [1,gates·H,…]. The
 * file has them as the module has, so that they keep their names; runtimes bring constants in order once. */
static const char *gates_of(cnn__export *s, const recurrent *r, int value)
{
    const int ndim = cnn__export_ndim(s, value);
    const int64_t rows = cnn__export_size(s, value, 0), columns = ndim == 2 ? cnn__export_size(s, value, 1) : 0;
    const cnn__export_shape apart = cnn__export_fixed(ndim + 1, (int64_t[]){ r->gates, rows / r->gates, columns });
    const cnn__export_shape whole = cnn__export_fixed(ndim + 1, (int64_t[]){ 1, rows, columns });
    const char *name = cnn__export_name(s, value);
    if (r->gates > 1) {
        name = cnn__export_reshape(s, cnn__export_between(s), name, &apart);
        name = cnn__export_emit(s, "Gather", cnn__export_between(s), name, cnn__export_integers(s, r->gates, r->order));
    }
    return cnn__export_reshape(s, cnn__export_between(s), name, &whole);
}

/* Both biases behind each other; zeros for one that was left out. */
static const char *biases_of(cnn__export *s, const recurrent *r, const cnn_trace_node *node, int64_t rows)
{
    const char *both[2];
    if (!cnn__export_has(node, BIASES) && !cnn__export_has(node, BIASES + 1)) {
        return "";
    }
    for (int i = 0; i < 2; i++) {
        const cnn__export_shape whole = cnn__export_fixed(2, (int64_t[]){ 1, rows });
        both[i] = cnn__export_has(node, BIASES + i)
                      ? gates_of(s, r, node->inputs[BIASES + i])
                      : cnn__export_reshape(s, cnn__export_between(s), cnn__export_filled(s, CNN_F32, rows, 0), &whole);
    }
    return cnn__export_concat(s, cnn__export_between(s), both[0], both[1], 1);
}

/* A state [N,H] with a dimension for the directions. */
static const char *first_state(cnn__export *s, const cnn_trace_node *node, int i)
{
    const int64_t front = 0;
    return cnn__export_has(node, i) ? cnn__export_emit(s, "Unsqueeze", cnn__export_between(s),
                                                       cnn__export_in(s, node, i), cnn__export_integers(s, 1, &front))
                                    : "";
}

static bool is_f32(cnn__export *s, const cnn_trace_node *node, int i)
{
    return cnn__export_has(node, i) && cnn__export_dtype(s, node->inputs[i]) == CNN_F32;
}

static void recurrent_operands(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, const recurrent *r)
{
    cnn__export_operands(s, op, node, 1);
    cnn__export_operand(op, gates_of(s, r, node->inputs[W]));
    cnn__export_operand(op, gates_of(s, r, node->inputs[R]));
    cnn__export_operand(op, biases_of(s, r, node, cnn__export_size(s, node->inputs[W], 0)));
    cnn__export_operand(op, cnn__export_has(node, LENGTHS)
                                ? cnn__export_cast(s, cnn__export_between(s), cnn__export_in(s, node, LENGTHS), CNN_I32)
                                : "");
    cnn__export_operand(op, first_state(s, node, H0));
    if (r->gates == 4) {
        cnn__export_operand(op, first_state(s, node, C0));
    }
}

/* Each result has a dimension for the directions that libcnn's has not: behind the steps, or in front of a state. */
void cnn__export_write_recurrent(cnn__export *s, const cnn_trace_node *node)
{
    const recurrent *r = recurrents;
    cnn__export_buffer op = { 0 };
    const char *raw[3];
    while (strcmp(r->name, node->op) != 0) {
        r++;
    }
    const int results = r->gates == 4 ? 3 : 2;
    for (int i = 0; i < 3; i++) {
        static const int real[3] = { X, W, R };
        if (!is_f32(s, node, real[i])) { /* onnxruntime has no other */
            cnn__export_refuse(s, "it is written in float32 only");
            return;
        }
    }
    recurrent_operands(s, &op, node, r);
    for (int j = 0; j < results; j++) {
        cnn__export_result(&op, raw[j] = cnn__export_between(s));
    }
    cnn__export_int(&op, "hidden_size", cnn__export_int_at(s, node, "hidden", 0));
    cnn__export_text(&op, "direction", cnn__export_int_at(s, node, "reverse", 0) ? "reverse" : "forward");
    if (r->gates == 3) {
        cnn__export_int(&op, "linear_before_reset", 1);
    }
    if (r->gates == 1) {
        const char *function = cnn__export_int_at(s, node, "cell", 0) == CNN_RNN_RELU ? "Relu" : "Tanh";
        cnn__export_texts(&op, "activations", 1, &function);
    }
    cnn__export_end(s, &op, r->type);
    for (int j = 0; j < results && j < node->output_count; j++) {
        if (node->outputs[j] >= 0) {
            cnn__export_shape shape = cnn__export_shape_of(s, node->outputs[j]);
            cnn__export_reshape(s, cnn__export_name(s, node->outputs[j]), raw[j], &shape);
        }
    }
}

/* ---- attention ---- */

/* Which keys [S] each query [L] may see: those up to its own place. */
static const char *causal_mask(cnn__export *s, int64_t queries, int64_t keys)
{
    const int64_t shape[2] = { queries, keys };
    const char *name = cnn__export_between(s);
    unsigned char *mask = malloc((size_t)(queries * keys) + 1);
    for (int64_t i = 0; mask && i < queries * keys; i++) {
        mask[i] = i % keys <= i / keys;
    }
    cnn__export_add_constant(s, name, CNN_BOOL, 2, shape, mask);
    return name;
}

/* softmax(q · kᵀ · scale) where nothing is masked. Where a mask leaves a row nothing, its softmax is of equal numbers,
 * and what the mask is multiplied by it makes the zeros that libcnn has there. */
void cnn__export_write_attention(cnn__export *s, const cnn_trace_node *node)
{
    enum { Q, K, V, MASK };
    const int ndim = cnn__export_ndim(s, node->inputs[Q]);
    const cnn_dtype dtype = cnn__export_dtype(s, node->inputs[Q]);
    const bool causal = cnn__export_int_at(s, node, "is_causal", 0);
    int64_t order[CNN_MAX_DIMS];
    for (int d = 0; d < ndim; d++) {
        order[d] = d < ndim - 2 ? d : 2 * ndim - 3 - d;
    }
    const bool truth = cnn__export_has(node, MASK) && cnn__export_dtype(s, node->inputs[MASK]) == CNN_BOOL;
    const char *mask =
        truth    ? cnn__export_in(s, node, MASK)
        : causal ? causal_mask(s, cnn__export_size(s, node->inputs[Q], -2), cnn__export_size(s, node->inputs[K], -2))
                 : NULL;
    if (truth && causal) {
        cnn__export_refuse(s, "a mask and is_causal exclude each other");
    }
    const char *keys = cnn__export_permute(s, cnn__export_between(s), cnn__export_in(s, node, K), ndim, order);
    const char *scaled = cnn__export_emit(s, "Mul", cnn__export_between(s), cnn__export_in(s, node, Q),
                                          cnn__export_number(s, dtype, cnn__export_real_at(s, node, "scale")));
    const char *scores = cnn__export_emit(s, "MatMul", cnn__export_between(s), scaled, keys);
    if (cnn__export_has(node, MASK) && !truth) {
        scores = cnn__export_emit(s, "Add", cnn__export_between(s), scores, cnn__export_in(s, node, MASK));
    }
    if (mask) {
        cnn__export_buffer op = { 0 };
        const char *masked = cnn__export_between(s);
        cnn__export_operand(&op, mask);
        cnn__export_operand(&op, scores);
        cnn__export_operand(&op, cnn__export_number(s, dtype, -1e38));
        cnn__export_result(&op, masked);
        cnn__export_end(s, &op, "Where");
        scores = masked;
    }
    const bool wanted = node->output_count > 1 && node->outputs[1] >= 0;
    const char *weights = wanted ? cnn__export_name(s, node->outputs[1]) : cnn__export_between(s);
    cnn__export_buffer op = { 0 };
    const char *soft = mask ? cnn__export_between(s) : weights;
    cnn__export_operand(&op, scores);
    cnn__export_result(&op, soft);
    cnn__export_int(&op, "axis", -1);
    cnn__export_end(s, &op, "Softmax");
    if (mask) {
        cnn__export_emit(s, "Mul", weights, soft, cnn__export_cast(s, cnn__export_between(s), mask, dtype));
    }
    cnn__export_emit(s, "MatMul", cnn__export_out(s, node), weights, cnn__export_in(s, node, V));
}

/* Parts of a projection as heads: [N,L,parts·heads·D] or [L,N,…] as [N,heads,L,D] each. */
void cnn__export_write_attention_heads(cnn__export *s, const cnn_trace_node *node)
{
    static const int64_t order[2][5] = { { 2, 1, 3, 0, 4 }, { 2, 0, 3, 1, 4 } };
    const int64_t parts = cnn__export_int_at(s, node, "parts", 0), heads = cnn__export_int_at(s, node, "heads", 0);
    const bool batch_first = cnn__export_int_at(s, node, "batch_first", 0);
    cnn__export_shape x = cnn__export_shape_of(s, node->inputs[0]);
    const cnn__export_shape split = {
        5, { x.dim[0], x.dim[1], { .size = parts }, { .size = heads }, { .size = x.dim[2].size / (parts * heads) } }
    };
    const char *apart = cnn__export_reshape(s, cnn__export_between(s), cnn__export_in(s, node, 0), &split);
    const char *exchanged = cnn__export_permute(s, cnn__export_between(s), apart, 5, order[batch_first]);
    for (int j = 0; j < parts && j < node->output_count; j++) { /* a scalar as the index takes the dimension away */
        cnn__export_emit(s, "Gather", cnn__export_name(s, node->outputs[j]), exchanged,
                         cnn__export_number(s, CNN_I64, (double)j));
    }
}
