/* Bits of integers and bool: and, or, xor, not, and shifts of integers. They have no gradient. */
#include "ops/operation.h"

typedef struct bitwise {
    cnn__op op;
    cnn_binary kernel;
} bitwise;

static bool bitwise_check(cnn__call *call, bool takes_bool)
{
    const cnn_dtype dtype = call->in[0]->dtype;
    bool good = !cnn__dtype_is_real(dtype) && (takes_bool || dtype != CNN_BOOL);
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "operand 0 is %s, expected int64, int32%s", cnn_dtype_name(dtype),
                       takes_bool ? ", uint8 or bool" : " or uint8");
    }
    return good;
}

static bool bitwise_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    return bitwise_check(call, true) && cnn__call_same_dtype(call, 2) &&
           cnn__call_out_broadcast(call, call->in[0]->dtype);
}

static bool shift_infer(cnn__call *call, void *attributes)
{
    return bitwise_check(call, false) && bitwise_infer(call, attributes);
}

static bool bitwise_not_infer(cnn__call *call, void *attributes)
{
    (void)attributes;
    cnn__out_like(call, 0, 0);
    return bitwise_check(call, true);
}

static bool bitwise_run(cnn__call *call, const cnn_tensor *other)
{
    const bitwise *f = (const bitwise *)(const void *)call->op; /* the descriptor is its first member */
    return cnn__run_elementwise(call->tape, call->op->name, CNN_KERNEL_BINARY, (int)f->kernel, NULL, 3,
                                (const cnn_tensor *const[]){ call->out[0], call->x[0], other });
}

static bool bitwise_forward(cnn__call *call, void *attributes)
{
    (void)attributes;
    return bitwise_run(call, call->x[1]);
}

/* x ^ all bits that its dtype has */
static bool bitwise_not_forward(cnn__call *call, void *attributes)
{
    const cnn_dtype dtype = call->out[0]->dtype;
    cnn_tensor *ones = cnn__result(call, dtype, 0, NULL);
    (void)attributes;
    return ones &&
           cnn__run_fill(call->tape, call->op->name, ones,
                         dtype == CNN_BOOL ? 1
                         : dtype == CNN_U8 ? 255
                                           : -1) &&
           bitwise_run(call, ones);
}

/* What the descriptors have in common. */
#define BITWISE(function, rule, compute, KERNEL) \
    { \
        { .name = #function, .infer = (rule), .forward = (compute) }, CNN_BINARY_##KERNEL \
    }

static const bitwise bit_and_op = BITWISE(bitwise_and, bitwise_infer, bitwise_forward, BIT_AND);
static const bitwise bit_or_op = BITWISE(bitwise_or, bitwise_infer, bitwise_forward, BIT_OR);
static const bitwise bit_xor_op = BITWISE(bitwise_xor, bitwise_infer, bitwise_forward, BIT_XOR);
static const bitwise bit_not_op = BITWISE(bitwise_not, bitwise_not_infer, bitwise_not_forward, BIT_XOR);
static const bitwise left_op = BITWISE(bitwise_left_shift, shift_infer, bitwise_forward, LEFT_SHIFT);
static const bitwise right_op = BITWISE(bitwise_right_shift, shift_infer, bitwise_forward, RIGHT_SHIFT);

static cnn_tensor *bitwise_apply(const bitwise *f, cnn_tensor *a, cnn_tensor *b)
{
    return cnn__apply(&f->op, (cnn_tensor *const[]){ a, b }, 2, NULL);
}

cnn_tensor *cnn_bitwise_and(cnn_tensor *a, cnn_tensor *b)
{
    return bitwise_apply(&bit_and_op, a, b);
}

cnn_tensor *cnn_bitwise_or(cnn_tensor *a, cnn_tensor *b)
{
    return bitwise_apply(&bit_or_op, a, b);
}

cnn_tensor *cnn_bitwise_xor(cnn_tensor *a, cnn_tensor *b)
{
    return bitwise_apply(&bit_xor_op, a, b);
}

cnn_tensor *cnn_bitwise_not(cnn_tensor *x)
{
    return cnn__apply(&bit_not_op.op, &x, 1, NULL);
}

cnn_tensor *cnn_bitwise_left_shift(cnn_tensor *a, cnn_tensor *b)
{
    return bitwise_apply(&left_op, a, b);
}

cnn_tensor *cnn_bitwise_right_shift(cnn_tensor *a, cnn_tensor *b)
{
    return bitwise_apply(&right_op, a, b);
}
