/* Every operation of src/ops/ops.def in a step that traces: what infer says of the result is what a step that computes gives. */
#include "autograd/tape.h"
#include "support/metered_tape.h"
#include "support/ops.h"

static cnn_tensor *in[MAX_OPERANDS];

static cnn_tensor *call(const op_entry *op)
{
    cnn_tensor *x[MAX_OPERANDS] = { NULL };
    for (int i = 0; i < operand_count(op); i++) {
        x[i] = cnn_input(tape, in[i]);
    }
    cnn_tensor *y = op->call(x, operand_count(op), NULL);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", op->name, cnn_tape_error(tape));
    return y;
}

START_TEST(a_trace_has_the_shape_that_is_computed)
{
    const op_entry *op = &op_table[_i];
    for (int i = 0; i < operand_count(op); i++) {
        in[i] = sample(ctx, op, i, CNN_F32);
    }
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    const cnn_tensor computed = *call(op);
    ck_assert_int_eq(cnn__tape_begin_trace(tape, CNN_TRAIN), CNN_OK);
    const cnn_tensor *traced = call(op);
    ck_assert_msg(traced->dtype == computed.dtype, "%s: %s, computed %s", op->name, cnn_dtype_name(traced->dtype),
                  cnn_dtype_name(computed.dtype));
    ck_assert_int_eq(traced->ndim, computed.ndim);
    for (int d = 0; d < traced->ndim; d++) {
        ck_assert_int_eq(traced->shape[d], computed.shape[d]);
    }
    ck_assert_int_eq(traced->numel, computed.numel);
    const cnn__node *node = cnn__tape_last_node(tape);
    ck_assert_msg(!traced->traced || (traced->node && node), "%s is not on the list", op->name);
    for (int i = 0; i < operand_count(op); i++) {
        cnn_tensor_free(in[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops, traced");
    TCase *tests = suite_case(suite, "trace", setup, teardown);
    tcase_add_loop_test(tests, a_trace_has_the_shape_that_is_computed, 0, OP_COUNT);
    return suite_run(suite);
}
