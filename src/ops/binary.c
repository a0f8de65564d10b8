/* Elementwise operations with two operands: add, sub, mul, div, pow. Each is a descriptor, its gradients and its
 * function, in that order; gradients have the broadcast shape, and cnn__grad_add() sums them to that of the operand. */
#include "ops/operation.h"

typedef struct binary {
    cnn__op op;
    cnn__binary kernel;
    bool integers; /* is it defined for them? */
    bool saves_inputs, saves_output;
} binary;

static cnn_tensor *apply(const binary *f, cnn_tensor *a, cnn_tensor *b)
{
    cnn__call call;
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    if (!cnn__call_begin(&call, &f->op, 2, (cnn_tensor *const[]){ a, b }) ||
        !(f->integers ? cnn__call_number(&call, 0) : cnn__call_real(&call, 0)) || !cnn__call_same_dtype(&call, 2) ||
        !cnn__call_broadcast(&call, 0, 1, &ndim, shape)) {
        return call.nil;
    }
    a = call.in[0];
    b = call.in[1];
    cnn_tensor *y = cnn__result(&call, a->dtype, ndim, shape);
    if (!y) {
        return call.nil;
    }
    if (y->numel) {
        cnn__nest nest;
        cnn__nest_make(&nest, ndim, shape, 3, (const cnn_tensor *const[]){ y, a, b });
        call.ctx->kernels->array->binary(f->kernel, &nest, a->dtype, cnn__data(y), cnn__data(a), cnn__data(b),
                                         call.ctx->pool);
    }
    cnn_tensor *saved[] = { f->saves_inputs ? a : NULL, f->saves_inputs ? b : NULL, f->saves_output ? y : NULL };
    return cnn__record(&call, y, NULL, 0, 3, saved);
}

/* ---- add: dy, dy ---- */

static void add_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
    cnn__grad_add(node, 1, dy);
}

static const binary add_op = { { .name = "add", .backward = add_backward }, CNN__ADD, true, false, false };

cnn_tensor *cnn_add(cnn_tensor *a, cnn_tensor *b)
{
    return apply(&add_op, a, b);
}

/* ---- sub: dy, −dy ---- */

static void sub_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
    if (cnn__wants(node, 1)) {
        cnn__grad_add(node, 1, cnn_neg(dy));
    }
}

static const binary sub_op = { { .name = "sub", .backward = sub_backward }, CNN__SUB, true, false, false };

cnn_tensor *cnn_sub(cnn_tensor *a, cnn_tensor *b)
{
    return apply(&sub_op, a, b);
}

/* ---- mul: dy · b, dy · a ---- */

static void mul_backward(cnn__node *node, cnn_tensor *dy)
{
    for (int i = 0; i < 2; i++) {
        if (cnn__wants(node, i)) {
            cnn__grad_add(node, i, cnn_mul(dy, node->saved[1 - i]));
        }
    }
}

static const cnn__reads mul_reads[] = { { NULL, 1u << 1 }, { NULL, 1u << 0 } };
static const binary mul_op = {
    { .name = "mul", .backward = mul_backward, .reads = mul_reads }, CNN__MUL, true, true, false
};

cnn_tensor *cnn_mul(cnn_tensor *a, cnn_tensor *b)
{
    return apply(&mul_op, a, b);
}

/* ---- div: dy / b, −dy · (y / b) ---- */

static void div_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *b = node->saved[1], *y = node->saved[2];
    if (cnn__wants(node, 0)) {
        cnn__grad_add(node, 0, cnn_div(dy, b));
    }
    if (cnn__wants(node, 1)) {
        cnn__grad_add(node, 1, cnn_mul(cnn_neg(dy), cnn_div(y, b)));
    }
}

static const cnn__reads div_reads[] = { { NULL, 0 }, { NULL, 3 }, { NULL, 3 } };
static const binary div_op = {
    { .name = "div", .backward = div_backward, .reads = div_reads }, CNN__DIV, true, true, true
};

cnn_tensor *cnn_div(cnn_tensor *a, cnn_tensor *b)
{
    return apply(&div_op, a, b);
}

/* ---- pow: dy · b · a^(b − 1), and 0 where b = 0; dy · y · log a, and 0 where a = 0 ≤ b ---- */

static void pow_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *a = node->saved[0], *b = node->saved[1], *y = node->saved[2];
    cnn_tensor *zero = cnn__constant(node, dy->dtype, 0);
    if (cnn__wants(node, 0)) {
        cnn_tensor *slope = cnn_mul(b, cnn_pow(a, cnn_add_scalar(b, -1)));
        cnn__grad_add(node, 0, cnn_mul(dy, cnn_where(cnn_eq(b, zero), zero, slope)));
    }
    if (cnn__wants(node, 1)) {
        cnn_tensor *slope = cnn_mul(y, cnn_log(a));
        cnn_tensor *flat = cnn_where(cnn_ge(b, zero), zero, slope);
        cnn__grad_add(node, 1, cnn_mul(dy, cnn_where(cnn_eq(a, zero), flat, slope)));
    }
}

static const binary pow_op = { { .name = "pow", .backward = pow_backward }, CNN__POW, false, true, true };

cnn_tensor *cnn_pow(cnn_tensor *a, cnn_tensor *b)
{
    return apply(&pow_op, a, b);
}
