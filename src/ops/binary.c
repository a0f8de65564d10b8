/* Elementwise operations with two operands: add, sub, mul, div, pow, minimum, maximum. Each is a descriptor, its
 * gradients and its function, in that order; gradients have the broadcast shape, and cnn__grad_add() sums them to that
 * of the operand. */
#include "ops/operation.h"

typedef struct binary {
    cnn__op op;
    cnn__binary kernel;
    bool integers; /* is it defined for them? */
} binary;

/* The descriptor is the first member of its `binary`. */
static const binary *binary_of(const cnn__call *call)
{
    return (const binary *)(const void *)call->op;
}

static bool binary_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    return (binary_of(call)->integers ? cnn__call_number(call, 0) : cnn__call_real(call, 0)) &&
           cnn__call_same_dtype(call, 2) && cnn__call_out_broadcast(call, call->in[0]->dtype);
}

static bool binary_forward(cnn__call *call, void *attributes)
{
    (void)attributes;
    return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_BINARY, (int)binary_of(call)->kernel, NULL, 3,
                                (const cnn_tensor *const[]){ call->out[0], call->x[0], call->x[1] });
}

enum { BINARY_INPUTS = 3, OUTPUT = CNN__OUTPUT(0) }; /* what may be saved */

/* What the descriptors have in common; `...` are further members. */
#define BINARY(function, gradient, ...) \
    { \
        .name = #function, .infer = binary_infer, .forward = binary_forward, .backward = (gradient), \
        .saves = __VA_ARGS__ \
    }

static cnn_tensor *binary_apply(const binary *f, cnn_tensor *a, cnn_tensor *b)
{
    return cnn__apply(&f->op, (cnn_tensor *const[]){ a, b }, 2, NULL);
}

/* Adds dy · other or dy / other to the gradient of an operand: into its place, unless the operand was broadcast. */
static void binary_add(cnn__node *node, int operand, cnn_binary function, cnn_tensor *dy, cnn_tensor *other)
{
    if (dy->kind == CNN__TENSOR_NIL || other->kind == CNN__TENSOR_NIL) { /* what made it has failed */
        return;
    }
    if (!cnn__same_shape(dy, node->in[operand])) {
        cnn__grad_add(node, operand, function == CNN_BINARY_MUL ? cnn_mul(dy, other) : cnn_div(dy, other));
        return;
    }
    cnn_tensor *dx = cnn__grad_empty(node, operand);
    if (dx && cnn__run_elementwise(node->tape, node->op->name, CNN_KERNEL_BINARY, (int)function, NULL, 3,
                                   (const cnn_tensor *const[]){ dx, dy, other })) {
        cnn__grad_add(node, operand, dx);
    }
}

/* ---- add: dy, dy ---- */

static void add_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
    cnn__grad_add(node, 1, dy);
}

static const binary add_op = { BINARY(add, add_backward, 0), CNN_BINARY_ADD, true };

cnn_tensor *cnn_add(cnn_tensor *a, cnn_tensor *b)
{
    return binary_apply(&add_op, a, b);
}

/* ---- sub: dy, −dy ---- */

static void sub_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, dy);
    if (cnn__wants(node, 1)) {
        cnn__grad_add(node, 1, cnn_neg(dy));
    }
}

static const binary sub_op = { BINARY(sub, sub_backward, 0), CNN_BINARY_SUB, true };

cnn_tensor *cnn_sub(cnn_tensor *a, cnn_tensor *b)
{
    return binary_apply(&sub_op, a, b);
}

/* ---- mul: dy · b, dy · a ---- */

static void mul_backward(cnn__node *node, cnn_tensor *dy)
{
    if (cnn__grad_products(node, dy)) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (cnn__wants(node, i)) {
            binary_add(node, i, CNN_BINARY_MUL, dy, node->saved[1 - i]);
        }
    }
}

static const cnn__reads mul_reads[] = { { NULL, 1u << 1 }, { NULL, 1u << 0 } };
static const binary mul_op = { BINARY(mul, mul_backward, BINARY_INPUTS, .reads = mul_reads, .saves_read = true,
                                      .chains = true),
                               CNN_BINARY_MUL, true };

cnn_tensor *cnn_mul(cnn_tensor *a, cnn_tensor *b)
{
    return binary_apply(&mul_op, a, b);
}

/* ---- div: dy / b, −dy · (y / b) ---- */

static void div_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *b = node->saved[1], *y = node->saved[2];
    if (cnn__wants(node, 0)) {
        binary_add(node, 0, CNN_BINARY_DIV, dy, b);
    }
    if (cnn__wants(node, 1)) {
        binary_add(node, 1, CNN_BINARY_MUL, cnn_neg(dy), cnn_div(y, b));
    }
}

static const cnn__reads div_reads[] = { { NULL, 0 }, { NULL, 3 }, { NULL, 3 } };
static const binary div_op = { BINARY(div, div_backward, BINARY_INPUTS | OUTPUT, .reads = div_reads), CNN_BINARY_DIV,
                               true };

cnn_tensor *cnn_div(cnn_tensor *a, cnn_tensor *b)
{
    return binary_apply(&div_op, a, b);
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

static const binary pow_op = { BINARY(pow, pow_backward, BINARY_INPUTS | OUTPUT), CNN_BINARY_POW, false };

cnn_tensor *cnn_pow(cnn_tensor *a, cnn_tensor *b)
{
    return binary_apply(&pow_op, a, b);
}

/* ---- minimum, maximum: dy to the operand that is the result, half of it to each of equal ones, and all of it to both
 * where one is a NaN ---- */

/* The gradient of one operand, given where it lost. */
static void add_chosen(cnn__node *node, cnn_tensor *dy, int operand, cnn_tensor *lost)
{
    cnn_tensor *equal = cnn_eq(node->saved[0], node->saved[1]);
    cnn_tensor *shared = cnn_where(equal, cnn_mul_scalar(dy, 0.5), dy);
    cnn__grad_add(node, operand, cnn_where(lost, cnn__constant(node, dy->dtype, 0), shared));
}

static void minimum_backward(cnn__node *node, cnn_tensor *dy)
{
    for (int i = 0; i < 2; i++) {
        if (cnn__wants(node, i)) {
            add_chosen(node, dy, i, cnn_gt(node->saved[i], node->saved[1 - i]));
        }
    }
}

static void maximum_backward(cnn__node *node, cnn_tensor *dy)
{
    for (int i = 0; i < 2; i++) {
        if (cnn__wants(node, i)) {
            add_chosen(node, dy, i, cnn_lt(node->saved[i], node->saved[1 - i]));
        }
    }
}

static const binary minimum_op = { BINARY(minimum, minimum_backward, BINARY_INPUTS), CNN_BINARY_MINIMUM, true };
static const binary maximum_op = { BINARY(maximum, maximum_backward, BINARY_INPUTS), CNN_BINARY_MAXIMUM, true };

cnn_tensor *cnn_minimum(cnn_tensor *a, cnn_tensor *b)
{
    return binary_apply(&minimum_op, a, b);
}

cnn_tensor *cnn_maximum(cnn_tensor *a, cnn_tensor *b)
{
    return binary_apply(&maximum_op, a, b);
}
