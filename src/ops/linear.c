/* y = x · Wᵀ + b over the last dimension of x. Leading dimensions are rows; the bias is added by the matrix product. */
#include "ops/operation.h"

#include <string.h>

/* x is rows × in, weight out × in. */
typedef struct linear_sizes {
    int64_t rows, in, out;
} linear_sizes;

static bool linear_infer(cnn__call *call, void *attributes)
{
    linear_sizes *s = attributes;
    const cnn_tensor *x = call->in[0], *weight = call->in[1], *bias = call->in[2];
    char given[CNN__SHAPE_TEXT], text[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, 0) || !cnn__call_same_dtype(call, 3)) {
        return false;
    }
    cnn__shape_text(given, x->ndim, x->shape);
    cnn__shape_text(text, weight->ndim, weight->shape);
    if (weight->ndim != 2) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight is %s, expected [out,in]", text);
        return false;
    }
    if (x->ndim < 1 || x->shape[x->ndim - 1] != weight->shape[1]) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, weight %s expects [...,%lld]", given, text,
                       (long long)weight->shape[1]);
        return false;
    }
    if (bias && (bias->ndim != 1 || bias->shape[0] != weight->shape[0])) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "bias is %s, weight %s expects [%lld]",
                       cnn__shape_text(given, bias->ndim, bias->shape), text, (long long)weight->shape[0]);
        return false;
    }
    *s = (linear_sizes){ 1, weight->shape[1], weight->shape[0] };
    for (int i = 0; i < x->ndim - 1; i++) {
        s->rows *= x->shape[i];
    }
    cnn__out_like(call, 0, 0);
    call->spec[0].shape[x->ndim - 1] = s->out;
    return true;
}

static bool linear_multiply(cnn_tape *tape, const cnn__gemm *g, const cnn_tensor *a, const cnn_tensor *b,
                            const cnn_tensor *bias, cnn_tensor *c)
{
    cnn_launch l = CNN__LAUNCH(GEMM, c->dtype, CNN__PARAMETERS(*g),
                               .in = { cnn__data(a), cnn__data(b), cnn__data_or_null(bias) }, .out = { cnn__data(c) });
    /* The gradient of the data, for which the weight is not transposed, would keep it for one launch per step. */
    return !c->numel || cnn__run_weighted(tape, "linear", &l, g->trans_b ? b : NULL);
}

static bool linear_forward(cnn__call *call, void *attributes)
{
    const linear_sizes *s = attributes;
    cnn_tensor *y = call->out[0];
    cnn__gemm g = { .trans_b = true,
                    .reversed = cnn__tape_odd(call->tape),
                    .m = s->rows,
                    .n = s->out,
                    .k = s->in,
                    .lda = s->in,
                    .ldb = s->in,
                    .ldc = s->out };
    return linear_multiply(call->tape, &g, call->x[0], call->x[1], call->x[2], y);
}

/* Input i's gradient, the product a · b. */
static void linear_backward_product(cnn__node *node, int i, const cnn__gemm *g, const cnn_tensor *a,
                                    const cnn_tensor *b)
{
    cnn_tensor *gradient = cnn__grad_empty(node, i);
    if (gradient && linear_multiply(node->tape, g, a, b, NULL, gradient)) {
        cnn__grad_add(node, i, gradient);
    }
}

static void linear_backward_bias(cnn__node *node, const linear_sizes *s, const cnn_tensor *dy)
{
    const cnn_matrix rows = { s->rows, s->out };
    cnn_tensor *dbias = cnn__grad_empty(node, 2);
    if (dbias) {
        cnn_launch l = CNN__LAUNCH(SUM_ROWS, dy->dtype, CNN__PARAMETERS(rows), .in = { cnn__data(dy) },
                                   .out = { cnn__data(dbias) });
        cnn__grad_add(node, 2, cnn__run(node->tape, node->op->name, &l) ? dbias : NULL);
    }
}

static void linear_backward(cnn__node *node, cnn_tensor *dy)
{
    const linear_sizes *s = node->attributes;
    if (cnn__wants(node, 0)) {
        cnn__gemm g = { .m = s->rows, .n = s->in, .k = s->out, .lda = s->out, .ldb = s->in, .ldc = s->in };
        linear_backward_product(node, 0, &g, dy, node->saved[1]);
    }
    if (cnn__wants(node, 1)) {
        cnn__gemm g = {
            .trans_a = true, .m = s->out, .n = s->in, .k = s->rows, .lda = s->out, .ldb = s->in, .ldc = s->in
        };
        linear_backward_product(node, 1, &g, dy, node->saved[0]);
    }
    if (cnn__wants(node, 2)) {
        linear_backward_bias(node, s, dy);
    }
}

static const cnn__reads linear_reads[] = { { "the input", 1u << 1 }, { "weight", 1u << 0 } };
static const cnn__op linear_op = {
    .name = "linear",
    .optional = 1u << 2,
    .dense = 7,
    .saves = 3,
    .size = sizeof(linear_sizes),
    .infer = linear_infer,
    .forward = linear_forward,
    .backward = linear_backward,
    .reads = linear_reads,
    .saves_read = true,
};

cnn_tensor *cnn_linear(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias)
{
    linear_sizes s;
    return cnn__apply(&linear_op, (cnn_tensor *const[]){ x, weight, bias }, 3, &s);
}
