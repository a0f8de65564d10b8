/* Every operation of src/ops/ops.def in bfloat16: results and gradients are those of the same numbers in f32, to the rounding of each
 * kernel's results, and views give the same bits. */
#include "support/fixtures.h"
#include "support/metered_tape.h"
#include "support/ops.h"

enum { RESULTS = MAX_OPERANDS + 1 }; /* the result and a gradient for each operand */

typedef struct outcome {
    double *values[RESULTS];
    int64_t count[RESULTS];
} outcome;

static void keep(outcome *o, int i, const cnn_tensor *t)
{
    o->values[i] = as_doubles(t);
    o->count[i] = cnn_tensor_numel(t);
}

static void outcome_free(outcome *o)
{
    for (int i = 0; i < RESULTS; i++) {
        free(o->values[i]);
    }
}

static cnn_tensor *turn(cnn_tensor *x)
{
    return cnn_tensor_ndim(x) > 1 ? cnn_transpose(x, 0, -1) : x;
}

/* Gradients come as they were stored: `turned` operands are, with the first and the last dimension exchanged. */
static outcome run(const op_entry *op, cnn_tensor *const *in, bool turned)
{
    outcome o = { { NULL }, { 0 } };
    cnn_tensor *x[MAX_OPERANDS] = { NULL };
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL_GRAD), CNN_OK);
    for (int i = 0; i < operand_count(op); i++) {
        if (differentiable(op, i) && is_real(cnn_tensor_dtype(in[i]))) {
            ck_assert_int_eq(cnn_tensor_set_requires_grad(in[i], true), CNN_OK);
        }
        x[i] = cnn_input(tape, in[i]);
        x[i] = turned ? turn(x[i]) : x[i];
    }
    cnn_tensor *y = op->call(x, operand_count(op), NULL);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", op->name, cnn_tape_error(tape));
    keep(&o, 0, y);
    if (cnn_tensor_requires_grad(y)) {
        ck_assert_msg(cnn_backward_with(y, NULL, false) == CNN_OK, "%s: %s", op->name, cnn_tape_error(tape));
    }
    cnn_tensor *grads[MAX_OPERANDS] = { NULL };
    for (int i = 0; i < operand_count(op); i++) {
        grads[i] = cnn_tensor_grad(in[i]);
        ck_assert(!grads[i] || cnn_tensor_dtype(grads[i]) == cnn_tensor_dtype(in[i]));
    }
    cnn_tape_begin(tape, CNN_EVAL);
    for (int i = 0; i < operand_count(op); i++) {
        if (grads[i]) {
            keep(&o, i + 1, turned ? turn(cnn_input(tape, grads[i])) : grads[i]);
        }
    }
    return o;
}

/* Within `tolerance` of the largest number that is compared, at least 1. */
static void compare(const op_entry *op, const char *what, const outcome *a, const outcome *b, double tolerance)
{
    for (int k = 0; k < RESULTS; k++) {
        double scale = 1;
        ck_assert_msg(a->count[k] == b->count[k] && !a->values[k] == !b->values[k], "%s: %s: result %d", op->name, what, k);
        for (int64_t i = 0; i < a->count[k]; i++) {
            scale = fmax(scale, fabs(b->values[k][i]));
        }
        for (int64_t i = 0; i < a->count[k]; i++) {
            ck_assert_msg(fabs(a->values[k][i] - b->values[k][i]) <= tolerance * scale, "%s: %s: element %lld of %d is %g, expected %g",
                          op->name, what, (long long)i, k, a->values[k][i], b->values[k][i]);
        }
    }
}

static bool is_random(const op_entry *op)
{
    return strstr(op->name, "dropout") != NULL;
}

/* A result that is rounded once is within 2^-9 of its size; one of several kernels is rounded by each. A recurrent network rounds its gates and
 * its state in every time step, of which there are three, forward and backward. */
static double tolerance_of(const op_entry *op)
{
    bool recurrent = strcmp(op->name, "lstm") == 0 || strcmp(op->name, "gru") == 0 || strcmp(op->name, "rnn") == 0;
    return recurrent ? 0x1p-5 : 0x1p-7;
}

START_TEST(results_and_gradients_are_those_of_f32)
{
    const op_entry *op = &op_table[_i];
    cnn_tensor *narrow[MAX_OPERANDS] = { NULL }, *wide[MAX_OPERANDS] = { NULL };
    for (int i = 0; i < operand_count(op); i++) {
        narrow[i] = sample(ctx, op, i, CNN_BF16);
        wide[i] = cnn_tensor_empty(ctx, operand_dtype(op, i, CNN_F32), cnn_tensor_ndim(narrow[i]), cnn_tensor_shape(narrow[i]));
        ck_assert_int_eq(cnn_tensor_copy_from(wide[i], narrow[i]), CNN_OK);
    }
    outcome a = run(op, narrow, false), b = run(op, wide, false);
    if (!is_random(op)) {
        compare(op, "bfloat16", &a, &b, tolerance_of(op));
    }
    outcome_free(&a);
    outcome_free(&b);
    for (int i = 0; i < operand_count(op); i++) {
        cnn_tensor_free(narrow[i]);
        cnn_tensor_free(wide[i]);
    }
}
END_TEST

START_TEST(views_give_the_same_bits)
{
    const op_entry *op = &op_table[_i];
    cnn_tensor *plain[MAX_OPERANDS] = { NULL }, *turned[MAX_OPERANDS] = { NULL };
    if (strcmp(op->name, "view") == 0 || is_random(op)) {
        return; /* the one refuses some views, the other draws anew */
    }
    for (int i = 0; i < operand_count(op); i++) {
        plain[i] = sample(ctx, op, i, CNN_BF16);
        cnn_tape_begin(tape, CNN_EVAL);
        turned[i] = cnn_tensor_detach(cnn_contiguous(turn(cnn_input(tape, plain[i]))));
        ck_assert_ptr_nonnull(turned[i]);
    }
    outcome a = run(op, plain, false), b = run(op, turned, true);
    compare(op, "a transposed view", &b, &a, 0);
    outcome_free(&a);
    outcome_free(&b);
    for (int i = 0; i < operand_count(op); i++) {
        cnn_tensor_free(plain[i]);
        cnn_tensor_free(turned[i]);
    }
}
END_TEST

/* What stays is twice its value, exactly; the rest and its gradient are 0. */
START_TEST(dropout_keeps_or_drops)
{
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_BF16, 0.1, CNN_SHAPE(1000));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_dropout(cnn_input(tape, x), 0.5);
    double *values = as_doubles(y), kept = 0;
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_OK);
    double *slopes = as_doubles(cnn_tensor_grad(x));
    for (int i = 0; i < 1000; i++) {
        ck_assert(values[i] == 0 ? slopes[i] == 0 : values[i] == 2 * 0.10009765625 && slopes[i] == 2);
        kept += values[i] != 0;
    }
    ck_assert(kept > 400 && kept < 600);
    free(values);
    free(slopes);
    cnn_tensor_free(x);
}
END_TEST

/* Equal steps find all memory where the first one left it. */
START_TEST(equal_steps_allocate_nothing)
{
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_BF16, 0.1, CNN_SHAPE(64, 96)), *w = cnn_tensor_full(ctx, CNN_BF16, 0.2, CNN_SHAPE(80, 96));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(w, true), CNN_OK);
    for (int step = 0; step < 6; step++) {
        atomic_store(&meter.calls, 0);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor_zero_grad(w);
        cnn_tensor *y = cnn_relu(cnn_linear(cnn_input(tape, x), cnn_input(tape, w), NULL));
        ck_assert_int_eq(cnn_backward(cnn_mean(y, 0, NULL, false)), CNN_OK);
        ck_assert_msg(step < 3 || atomic_load(&meter.calls) == 0, "step %d allocates %ld times", step, (long)atomic_load(&meter.calls));
    }
    cnn_tensor_free(x);
    cnn_tensor_free(w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops, bfloat16");
    TCase *tests = suite_case(suite, "bfloat16", setup, teardown);
    tcase_add_loop_test(tests, results_and_gradients_are_those_of_f32, 0, OP_COUNT);
    tcase_add_loop_test(tests, views_give_the_same_bits, 0, OP_COUNT);
    tcase_add_test(tests, dropout_keeps_or_drops);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    return suite_run(suite);
}
