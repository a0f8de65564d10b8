/* The tape and reverse mode: the life of a step, stale handles, sticky errors, modes, accumulation and graphs of all
 * shapes. */
#include "support/autograd.h"
#include "support/elements.h"

/* ---- a step ---- */

START_TEST(a_tape_begins_before_it_takes_anything)
{
    cnn_tape *fresh = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tensor_status(cnn_input(fresh, leaf)), CNN_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(cnn_tape_error(fresh), "input: the tape has no step yet"));
    ck_assert_int_eq(cnn_tape_begin(fresh, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(cnn_tensor_status(cnn_input(fresh, leaf)), CNN_OK);
    cnn_tape_free(fresh);
    ck_assert_int_eq(cnn_tape_begin(NULL, CNN_EVAL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tape_begin(tape, (cnn_mode)4), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tape_begin(tape, (cnn_mode)-1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_ptr_null(cnn_tape_new(NULL));
    ck_assert_int_eq(cnn_tape_status(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_tape_error(NULL), "");
    ck_assert_uint_eq(cnn_tape_memory(NULL), 0);
    ck_assert_int_eq(cnn_tensor_status(cnn_input(NULL, leaf)), CNN_ERROR_STATE);
    ck_assert(!cnn_tape_set_recording(NULL, true));
    cnn_tape_free(NULL);
}
END_TEST

START_TEST(handles_of_past_steps_are_recognised)
{
    cnn_tensor *x = cnn_input(tape, leaf), *old = cnn_add_scalar(x, 1);
    ELEMENTS_ARE(old, 2, 3, 4);
    for (int step = 0; step < 5; step++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        ck_assert_int_eq(cnn_tensor_status(old), CNN_ERROR_STATE);
        ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "the tensor is a result of step 1 of its tape, which is now in step"));
        ck_assert_int_eq(cnn_tensor_numel(old), 0);
        ck_assert(isnan(cnn_tensor_item(old)));
        ck_assert_ptr_null(cnn_tensor_data(old));
        ck_assert_int_eq(cnn_tape_status(tape), CNN_OK); /* asking is no error of the step */
        cnn_tensor *y = cnn_mul(cnn_input(tape, leaf), old);
        tape_failed_with(CNN_ERROR_STATE, "mul: the tensor is a result of step 1");
        ck_assert_int_eq(cnn_tensor_status(y), CNN_ERROR_STATE);
    }
    ck_assert_int_eq(cnn_backward(old), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_retain_grad(old), CNN_ERROR_STATE);
}
END_TEST

START_TEST(two_tapes_do_not_mix)
{
    cnn_tape *other = cnn_tape_new(ctx);
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_tensor *here = cnn_add_scalar(cnn_input(tape, leaf), 1), *there = cnn_add_scalar(cnn_input(other, leaf), 1);
    ck_assert_int_eq(cnn_tensor_status(cnn_add(here, there)), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "add: operand 1 is a result on another tape");
    ck_assert_int_eq(cnn_tape_status(other), CNN_ERROR_STATE); /* it has used a result of each */
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tape_begin(other, CNN_TRAIN);
    there = cnn_add_scalar(cnn_input(other, leaf), 1);
    ck_assert_int_eq(cnn_tensor_status(cnn_input(tape, there)), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "input: the tensor is a result on another tape");
    cnn_tape_begin(tape, CNN_TRAIN);
    here = cnn_add_scalar(cnn_input(tape, leaf), 1);
    ck_assert_int_eq(cnn_backward_with(here, there, false), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "backward: the gradient given is a result on another tape");
    cnn_tape_free(other);
}
END_TEST

START_TEST(two_contexts_do_not_mix)
{
    cnn_context *other = cnn_context_new(.threads = 1);
    cnn_tensor *foreign = cnn_tensor_ones(other, CNN_F64, CNN_SHAPE(3));
    ck_assert_int_eq(cnn_tensor_status(cnn_add(cnn_input(tape, leaf), foreign)), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "add: operand 1 is of another context");
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_tensor_status(cnn_input(tape, foreign)), CNN_ERROR_STATE);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward_with(cnn_add_scalar(cnn_input(tape, leaf), 1), foreign, false), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "backward: the gradient given is of another context");
    cnn_tensor_free(foreign);
    cnn_context_free(other);
}
END_TEST

START_TEST(the_first_error_of_a_step_stays)
{
    cnn_tensor *x = cnn_input(tape, leaf);
    cnn_tensor *nil = cnn_reshape(x, CNN_SHAPE(5));
    tape_failed_with(CNN_ERROR_SHAPE, "reshape: ");
    char first[512];
    snprintf(first, sizeof first, "%s", cnn_tape_error(tape));
    ck_assert_ptr_nonnull(nil);
    cnn_tensor *later = cnn_matmul(cnn_exp(nil), cnn_concat((cnn_tensor *const[]){ x, nil }, 2, 9));
    ck_assert_ptr_nonnull(later);
    ck_assert_int_eq(cnn_tensor_status(later), CNN_ERROR_SHAPE);
    ck_assert_int_eq(cnn_tensor_status(cnn_add_scalar(x, 1)), CNN_ERROR_SHAPE); /* the whole step is spoilt */
    ck_assert_int_eq(cnn_tensor_status(cnn_input(tape, leaf)), CNN_ERROR_SHAPE);
    ck_assert_int_eq(cnn_backward(later), CNN_ERROR_SHAPE);
    ck_assert_str_eq(cnn_tape_error(tape), first);
    ck_assert_str_eq(cnn_last_error(ctx), first);
    ck_assert_ptr_null(cnn_tensor_grad(leaf));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    ck_assert_str_eq(cnn_tape_error(tape), "");
    ck_assert_int_eq(cnn_backward(all(cnn_input(tape, leaf))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 1, 1, 1);
}
END_TEST

START_TEST(operations_need_a_tape)
{
    cnn_tensor *y = cnn_exp(leaf);
    ck_assert_ptr_nonnull(y);
    ck_assert_int_eq(cnn_tensor_status(y), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "exp: no operand is on a tape, expected one from cnn_input()");
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_tensor_status(cnn_add(NULL, NULL)), CNN_ERROR_INVALID_ARGUMENT);
    tape_failed_with(CNN_ERROR_INVALID_ARGUMENT, "add: operand 0 is NULL");
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(leaf), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "backward: the tensor is on no tape, expected a result");
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(NULL), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_tensor_status(cnn_add(cnn_input(tape, leaf), NULL)), CNN_ERROR_INVALID_ARGUMENT);
    tape_failed_with(CNN_ERROR_INVALID_ARGUMENT, "add: operand 1 is NULL");
}
END_TEST

/* ---- recording ---- */

START_TEST(modes_say_whether_gradients_are_recorded)
{
    static const struct {
        cnn_mode mode;
        bool records, drops;
    } cases[] = { { CNN_EVAL, false, false }, { CNN_TRAIN, true, true }, { CNN_TRAIN_NO_GRAD, false, true },
                  { CNN_EVAL_GRAD, true, false } };
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(cnn_tape_begin(tape, cases[i].mode), CNN_OK);
        cnn_tensor *y = all(cnn_exp(cnn_input(tape, leaf)));
        ck_assert_int_eq(cnn_tensor_requires_grad(y), cases[i].records);
        ck_assert_int_eq(cnn_tensor_item(cnn_dropout(y, 1)) == 0, cases[i].drops);
        ck_assert_int_eq(cnn_backward(y), cases[i].records ? CNN_OK : CNN_ERROR_STATE);
    }
}
END_TEST

START_TEST(recording_can_be_turned_off_within_a_step)
{
    cnn_tensor *x = cnn_input(tape, leaf), *a = cnn_mul(x, x);
    ck_assert(cnn_tape_set_recording(tape, false));
    cnn_tensor *b = cnn_mul(x, x);
    ck_assert(!cnn_tensor_requires_grad(b));
    ck_assert(!cnn_tape_set_recording(tape, true));
    ck_assert_int_eq(cnn_backward(all(cnn_add(a, cnn_mul(b, x)))), CNN_OK); /* b counts as a constant */
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 2 + 1, 4 + 4, 6 + 9);
}
END_TEST

START_TEST(detach_stops_gradients)
{
    cnn_tensor *x = cnn_input(tape, leaf), *square = cnn_mul(x, x), *constant = cnn_detach(square);
    ck_assert(!cnn_tensor_requires_grad(constant));
    ck_assert(on_device() || cnn_tensor_data(constant) == cnn_tensor_data(square));
    cnn_tensor *copy = cnn_tensor_detach(square);
    ck_assert_int_eq(cnn_backward(all(cnn_mul(cnn_mul(constant, copy), x))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 1, 16, 81);
    cnn_tensor_free(copy);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward(all(cnn_detach(cnn_input(tape, leaf)))), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "backward: the tensor depends on none that requires a gradient");
}
END_TEST

START_TEST(only_leaves_that_ask_get_a_gradient)
{
    cnn_tensor *other = cnn_tensor_full(ctx, CNN_F64, 5, CNN_SHAPE(3));
    cnn_tensor *x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_backward(all(cnn_mul(x, other))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 5, 5, 5);
    ck_assert_ptr_null(cnn_tensor_grad(other));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(leaf, false), CNN_OK);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert(!cnn_tensor_requires_grad(cnn_mul(cnn_input(tape, leaf), other)));
    cnn_tensor_free(other);
}
END_TEST

/* ---- gradients ---- */

START_TEST(gradients_add_up_over_steps)
{
    for (int step = 1; step <= 3; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *x = cnn_input(tape, leaf);
        ck_assert_int_eq(cnn_backward(all(cnn_mul(x, x))), CNN_OK);
        ELEMENTS_ARE(cnn_tensor_grad(leaf), 2 * step, 4 * step, 6 * step);
    }
    cnn_tensor *grad = cnn_tensor_grad(leaf);
    ck_assert_int_eq(cnn_tensor_zero_grad(leaf), CNN_OK);
    ck_assert_ptr_eq(cnn_tensor_grad(leaf), grad);
    ELEMENTS_ARE(grad, 0, 0, 0);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(all(cnn_input(tape, leaf))), CNN_OK);
    ELEMENTS_ARE(grad, 1, 1, 1);
    cnn_tensor_free(grad);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_STATE); /* it belongs to the leaf */
}
END_TEST

START_TEST(two_losses_of_one_step_add_up)
{
    cnn_tensor *x = cnn_input(tape, leaf), *y = cnn_exp(x);
    ck_assert_int_eq(cnn_backward(all(cnn_mul_scalar(x, 2))), CNN_OK);
    ck_assert_int_eq(cnn_backward(all(y)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 2 + exp(1), 2 + exp(2), 2 + exp(3));
}
END_TEST

START_TEST(a_graph_is_walked_once_unless_retained)
{
    cnn_tensor *x = cnn_input(tape, leaf), *y = cnn_mul(x, x);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(cnn_backward_with(y, NULL, true), CNN_OK);
        ELEMENTS_ARE(cnn_tensor_grad(leaf), 2 * i, 4 * i, 6 * i);
    }
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_ERROR_STATE);
    tape_failed_with(CNN_ERROR_STATE, "backward: ");
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 8, 16, 24);
}
END_TEST

START_TEST(backward_takes_a_gradient_of_the_results_shape)
{
    const double seeds[3] = { 10, 0, -1 };
    cnn_tensor *seed = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(3), seeds);
    cnn_tensor *x = cnn_input(tape, leaf), *y = cnn_mul(x, x);
    ck_assert_int_eq(cnn_backward_with(y, seed, true), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 20, 0, -6);
    ck_assert_int_eq(cnn_backward_with(y, cnn_detach(y), true), CNN_OK); /* a result of the tape will do */
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 22, 16, 48);
    ELEMENTS_ARE(seed, 10, 0, -1);
    cnn_tensor *wrong = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(1)), *narrow = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3));
    ck_assert_int_eq(cnn_backward_with(y, wrong, false), CNN_ERROR_SHAPE);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward_with(cnn_exp(cnn_input(tape, leaf)), narrow, false), CNN_ERROR_SHAPE);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(cnn_exp(cnn_input(tape, leaf))), CNN_ERROR_SHAPE);
    tape_failed_with(CNN_ERROR_SHAPE, "backward: the loss has shape [3], expected one element");
    cnn_tensor_free(seed);
    cnn_tensor_free(wrong);
    cnn_tensor_free(narrow);
}
END_TEST

/* The leaf's own gradient as the seed: it is read before it is added to. */
START_TEST(a_gradient_may_be_the_seed)
{
    cnn_tensor *x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_backward(all(x)), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(cnn_add_scalar(x, 1), cnn_tensor_grad(leaf), false), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 2, 2, 2);
    ck_assert_int_eq(cnn_backward_with(x, cnn_tensor_grad(leaf), false), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 4, 4, 4);
    ck_assert_int_eq(cnn_backward_with(cnn_mul(x, x), cnn_tensor_grad(leaf), false), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 4 + 8, 4 + 16, 4 + 24);
}
END_TEST

START_TEST(a_leaf_may_be_the_loss)
{
    cnn_tensor *one = cnn_tensor_full(ctx, CNN_F32, 4, CNN_SCALAR);
    cnn_tensor_set_requires_grad(one, true);
    ck_assert_int_eq(cnn_backward(cnn_input(tape, one)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(one), 1);
    cnn_tensor_free(one);
}
END_TEST

START_TEST(a_leaf_used_in_many_places_gets_the_sum)
{
    cnn_tensor *x = cnn_input(tape, leaf), *again = cnn_input(tape, leaf);
    cnn_tensor *y = cnn_add(cnn_mul(x, again), cnn_mul(leaf, cnn_add_scalar(x, 1))); /* x² + x(x + 1) */
    ck_assert_int_eq(cnn_backward(all(y)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 5, 9, 13);
    cnn_tape_begin(tape, CNN_TRAIN);
    x = cnn_input(tape, leaf);
    cnn_tensor_zero_grad(leaf);
    ck_assert_int_eq(cnn_backward(all(cnn_concat((cnn_tensor *const[]){ x, x, x, x }, 4, 0))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 4, 4, 4);
}
END_TEST

START_TEST(diamonds_are_passed_once_complete)
{
    /* Each level doubles: y = 2^20 x by 20 diamonds. Were a path walked each time, this would be a million passes. */
    cnn_tensor *y = cnn_input(tape, leaf);
    for (int i = 0; i < 20; i++) {
        y = cnn_add(cnn_mul_scalar(y, 3), cnn_neg(cnn_add(cnn_mul_scalar(y, 0.5), cnn_mul_scalar(y, 0.5))));
    }
    ck_assert_int_eq(cnn_backward(all(y)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 1048576, 1048576, 1048576);
}
END_TEST

START_TEST(branches_that_lead_nowhere_cost_nothing)
{
    cnn_tensor *x = cnn_input(tape, leaf), *unused = cnn_log(cnn_neg(cnn_exp(x))); /* NaN: its gradient must not leak */
    ck_assert(isnan(cnn_tensor_item(cnn_slice(unused, 0, 0, 1, 1))));
    ck_assert_int_eq(cnn_backward(all(cnn_mul(x, x))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 2, 4, 6);
}
END_TEST

START_TEST(deep_graphs_use_no_stack)
{
    enum { DEPTH = 100000 };
    cnn_tensor *y = cnn_input(tape, leaf);
    for (int i = 0; i < DEPTH; i++) {
        y = i % 2 ? cnn_add_scalar(y, -1) : cnn_add_scalar(y, 1);
    }
    ck_assert_int_eq(cnn_backward(all(y)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 1, 1, 1);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}
END_TEST

START_TEST(views_hand_gradients_to_what_they_show)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F64, 0, 12, 1);
    cnn_tensor_set_requires_grad(t, true);
    cnn_tensor *x = cnn_view(cnn_input(tape, t), CNN_SHAPE(3, 4));
    cnn_tensor *corner = cnn_slice(cnn_slice(x, 0, 1, 3, 1), 1, 0, 4, 2);  /* rows 1, 2, columns 0, 2 */
    cnn_tensor *column = cnn_expand(cnn_slice(x, 1, 1, 2, 1), CNN_SHAPE(3, 5)); /* column 1, five times */
    cnn_tensor *turned = cnn_permute(x, CNN_DIMS(1, 0));
    cnn_tensor *last = cnn_squeeze(cnn_slice(cnn_unsqueeze(turned, 0), 1, 3, 4, 1), 1); /* column 3 */
    cnn_tensor *y = cnn_add(cnn_add(all(corner), all(column)), all(cnn_mul(last, last)));
    ck_assert_int_eq(cnn_backward(y), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(t), 0, 5, 0, 6, 1, 5, 1, 14, 1, 5, 1, 22);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(results_keep_their_gradient_when_asked)
{
    cnn_tensor *x = cnn_input(tape, leaf), *square = cnn_mul(x, x), *y = cnn_exp(cnn_neg(square));
    ck_assert_int_eq(cnn_retain_grad(square), CNN_OK);
    ck_assert_ptr_null(cnn_tensor_grad(square));
    ck_assert_int_eq(cnn_backward_with(all(y), NULL, true), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(square), -exp(-1), -exp(-4), -exp(-9));
    ck_assert_ptr_null(cnn_tensor_grad(y));
    ELEMENTS_ARE(cnn_tensor_grad(x), -2 * exp(-1), -4 * exp(-4), -6 * exp(-9)); /* the leaf's */
    ck_assert_int_eq(cnn_backward(all(square)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(square), 1 - exp(-1), 1 - exp(-4), 1 - exp(-9));
    ck_assert_int_eq(cnn_retain_grad(cnn_detach(x)), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_retain_grad(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_retain_grad(leaf), CNN_OK); /* a leaf has it anyway */
}
END_TEST

START_TEST(casts_carry_gradients_between_precisions)
{
    cnn_tensor *x = cnn_cast(cnn_input(tape, leaf), CNN_F32);
    ck_assert_int_eq(cnn_backward(all(cnn_mul(x, x))), CNN_OK);
    ck_assert_int_eq(cnn_tensor_dtype(cnn_tensor_grad(leaf)), CNN_F64);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 2, 4, 6);
    ck_assert(!cnn_tensor_requires_grad(cnn_cast(x, CNN_I32)));
}
END_TEST

START_TEST(empty_tensors_have_empty_gradients)
{
    cnn_tensor *none = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(0, 2));
    cnn_tensor_set_requires_grad(none, true);
    ck_assert_int_eq(cnn_backward(all(cnn_exp(cnn_input(tape, none)))), CNN_OK);
    ck_assert_int_eq(cnn_tensor_numel(cnn_tensor_grad(none)), 0);
    ck_assert_int_eq(cnn_tensor_size(cnn_tensor_grad(none), 1), 2);
    cnn_tensor_free(none);
}
END_TEST

START_TEST(a_leaf_may_be_freed_before_backward)
{
    cnn_tensor *gone = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(3));
    cnn_tensor_set_requires_grad(gone, true);
    cnn_tensor *y = cnn_mul(cnn_input(tape, gone), cnn_input(tape, leaf));
    cnn_tensor_free(gone);
    ck_assert_int_eq(cnn_backward(all(y)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 1, 1, 1);
}
END_TEST

/* What dropout drops is drawn anew in each call, and its gradient passes where the element passed. */
START_TEST(dropout_passes_gradients_where_it_passes_elements)
{
    enum { N = 20000 };
    const double p = 0.3;
    cnn_dtype dtype = _i ? CNN_F64 : CNN_F32;
    cnn_tensor *t = cnn_tensor_full(ctx, dtype, 2, CNN_SHAPE(N));
    cnn_tensor_set_requires_grad(t, true);
    cnn_tensor *x = cnn_input(tape, t), *first = cnn_dropout(x, p), *second = cnn_dropout(x, p);
    double *a = as_doubles(first), *b = as_doubles(second);
    ck_assert_int_eq(cnn_backward(all(cnn_mul_scalar(first, 5))), CNN_OK);
    double *grad = as_doubles(cnn_tensor_grad(t));
    int dropped = 0, different = 0;
    for (int i = 0; i < N; i++) {
        dropped += a[i] == 0;
        different += (a[i] == 0) != (b[i] == 0);
        double factor = a[i] == 0 ? 0 : 1 / (1 - p);
        if (fabs(a[i] - 2 * factor) > 1e-6 || fabs(grad[i] - 5 * factor) > 1e-5) {
            ck_abort_msg("element %d is %g and its gradient %g, expected %g and %g", i, a[i], grad[i], 2 * factor, 5 * factor);
        }
    }
    ck_assert_double_lt(fabs(dropped / (double)N - p), 5 * sqrt(p * (1 - p) / N));
    ck_assert_double_lt(fabs(different / (double)N - 2 * p * (1 - p)), 5 * sqrt(0.25 / N));
    cnn_tape_begin(tape, CNN_TRAIN);
    double *later = as_doubles(cnn_dropout(cnn_input(tape, t), p));
    ck_assert_int_ne(memcmp(later, a, N * sizeof *a), 0);
    cnn_tape_begin(tape, CNN_EVAL_GRAD);
    x = cnn_input(tape, t);
    x = cnn_dropout(x, p);
    ck_assert(on_device() ? same_elements(x, t) : cnn_tensor_data(x) == cnn_tensor_data(t));
    free(a);
    free(b);
    free(grad);
    free(later);
    cnn_tensor_free(t);
}
END_TEST

/* ---- memory ---- */

static void step_of_size(int64_t rows)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *big = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(rows, 3));
    cnn_tensor *x = cnn_mul(cnn_input(tape, big), leaf);
    for (int i = 0; i < 20; i++) {
        x = cnn_tanh(x);
    }
    ck_assert_int_eq(cnn_backward(all(x)), CNN_OK);
    cnn_tensor_free(big);
}

START_TEST(memory_grows_to_its_high_water_mark_and_stays)
{
    step_of_size(100);
    step_of_size(100);
    size_t small = cnn_tape_memory(tape);
    step_of_size(1000);
    size_t large = cnn_tape_memory(tape);
    ck_assert_uint_gt(small, 0);
    ck_assert_uint_gt(large, small);
    for (int i = 0; i < 3; i++) {
        step_of_size(100);
        step_of_size(1000);
        ck_assert_uint_eq(cnn_tape_memory(tape), large);
    }
}
END_TEST

START_TEST(backward_frees_as_it_passes)
{
    /* 40 saved results of 80 kB live at once before backward; in evaluation no more than a handful do. */
    enum { ROWS = 10000, BYTES = ROWS * 8 };
    cnn_tensor *big = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(ROWS));
    cnn_tape *eval = cnn_tape_new(ctx);
    cnn_tape_begin(eval, CNN_EVAL);
    cnn_tensor_set_requires_grad(big, true);
    cnn_tensor *x = cnn_input(tape, big);
    for (int i = 0; i < 40; i++) {
        x = cnn_tanh(x);
    }
    size_t forward = cnn_tape_memory(tape);
    ck_assert_int_eq(cnn_backward(all(x)), CNN_OK);
    ck_assert_uint_ge(forward, 40 * BYTES);
    ck_assert_uint_le(cnn_tape_memory(tape), forward + 6 * BYTES); /* the gradients took the place of the results */
    cnn_tensor_free(big);
    cnn_tape_free(eval);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("autograd");
    TCase *steps = suite_case(suite, "steps", setup, teardown);
    tcase_add_test(steps, a_tape_begins_before_it_takes_anything);
    tcase_add_test(steps, handles_of_past_steps_are_recognised);
    tcase_add_test(steps, two_tapes_do_not_mix);
    tcase_add_test(steps, two_contexts_do_not_mix);
    tcase_add_test(steps, the_first_error_of_a_step_stays);
    tcase_add_test(steps, operations_need_a_tape);
    TCase *recording = suite_case(suite, "recording", setup, teardown);
    tcase_add_test(recording, modes_say_whether_gradients_are_recorded);
    tcase_add_test(recording, recording_can_be_turned_off_within_a_step);
    tcase_add_test(recording, detach_stops_gradients);
    tcase_add_test(recording, only_leaves_that_ask_get_a_gradient);
    TCase *gradients = suite_case(suite, "gradients", setup, teardown);
    tcase_add_test(gradients, gradients_add_up_over_steps);
    tcase_add_test(gradients, two_losses_of_one_step_add_up);
    tcase_add_test(gradients, a_graph_is_walked_once_unless_retained);
    tcase_add_test(gradients, backward_takes_a_gradient_of_the_results_shape);
    tcase_add_test(gradients, a_gradient_may_be_the_seed);
    tcase_add_test(gradients, a_leaf_may_be_the_loss);
    tcase_add_test(gradients, a_leaf_used_in_many_places_gets_the_sum);
    tcase_add_test(gradients, diamonds_are_passed_once_complete);
    tcase_add_test(gradients, branches_that_lead_nowhere_cost_nothing);
    tcase_add_test(gradients, deep_graphs_use_no_stack);
    tcase_add_test(gradients, views_hand_gradients_to_what_they_show);
    tcase_add_test(gradients, results_keep_their_gradient_when_asked);
    tcase_add_test(gradients, casts_carry_gradients_between_precisions);
    tcase_add_test(gradients, empty_tensors_have_empty_gradients);
    tcase_add_test(gradients, a_leaf_may_be_freed_before_backward);
    tcase_add_loop_test(gradients, dropout_passes_gradients_where_it_passes_elements, 0, 2);
    TCase *memory = suite_case(suite, "memory", setup, teardown);
    tcase_add_test(memory, memory_grows_to_its_high_water_mark_and_stays);
    tcase_add_test(memory, backward_frees_as_it_passes);
    return suite_run(suite);
}
