/* Modules of several inputs and outputs, or of none. */
#include "support/elements.h"
#include "support/metered_tape.h"

#include <string.h>

static cnn_tensor *between;

/* (a · w + b, a − b), where b may be left out. */
static cnn_status sum_and_difference(cnn_module *self, cnn_tensor *const *in, int in_count, cnn_tensor **out, int out_count,
                                     void *user)
{
    (void)user;
    if (in_count != 2 || out_count != 2) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    between = cnn_mul(in[0], cnn_module_find(self, "w"));
    out[0] = in[1] ? cnn_add(between, in[1]) : between;
    out[1] = in[1] ? cnn_sub(in[0], in[1]) : cnn_neg(in[0]);
    return CNN_OK;
}

static cnn_tensor *full(double value, bool wants)
{
    cnn_tensor *t = cnn_tensor_full(ctx, CNN_F32, value, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(t, wants), CNN_OK);
    return t;
}

static cnn_module *make_pair(void)
{
    cnn_module *module = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .type = "Pair", .forward_many = sum_and_difference));
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    ck_assert_ptr_nonnull(cnn_module_add_parameter(module, "w", full(3, true)));
    return module;
}

static float first(const cnn_tensor *t)
{
    ck_assert_ptr_nonnull(t);
    return *(const float *)host_elements((cnn_tensor *)(uintptr_t)t);
}

START_TEST(two_in_and_two_out)
{
    cnn_module *module = make_pair();
    cnn_tensor *a = full(5, true), *b = full(2, true), *out[2];
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_forward_many(tape, module, (cnn_tensor *[]){ cnn_input(tape, a), b }, 2, out, 2), CNN_OK);
    ck_assert_float_eq(first(out[0]), 17);
    ck_assert_float_eq(first(out[1]), 3);
    ck_assert_int_ne(cnn_tensor_status(between), CNN_OK); /* dropped when the forward returned */
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(out[0], out[1]), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_float_eq(first(cnn_tensor_grad(a)), 3 * 3 + 17);
    ck_assert_float_eq(first(cnn_tensor_grad(b)), 3 - 17);
    ck_assert_float_eq(first(cnn_tensor_grad(cnn_module_find(module, "w"))), 3 * 5);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(cnn_forward_many(tape, module, (cnn_tensor *[]){ a, NULL }, 2, out, 2), CNN_OK);
    ck_assert_float_eq(first(out[0]), 15);
    ck_assert_float_eq(first(out[1]), -5);
    cnn_module *copy = cnn_module_clone(module);
    ck_assert_int_eq(cnn_forward_many(tape, copy, (cnn_tensor *[]){ a, b }, 2, out, 2), CNN_OK);
    ck_assert_float_eq(first(out[0]), 17);
    cnn_tensor_free(a);
    cnn_tensor_free(b);
    cnn_module_free(copy);
    cnn_module_free(module);
}
END_TEST

static cnn_status own_parameter(cnn_module *self, cnn_tensor *const *in, int in_count, cnn_tensor **out, int out_count, void *user)
{
    (void)in, (void)user;
    if (in_count == 0 && out_count == 1) {
        out[0] = cnn_exp(cnn_module_find(self, "w"));
    }
    return CNN_OK;
}

START_TEST(no_input_at_all)
{
    cnn_module *module = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .forward_many = own_parameter));
    cnn_tensor *w = cnn_module_add_parameter(module, "w", full(0, true)), *out;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_forward_many(tape, module, NULL, 0, &out, 1), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(out, CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_float_eq(first(cnn_tensor_grad(w)), 1);
    cnn_module_free(module);
}
END_TEST

START_TEST(one_form_serves_the_other)
{
    cnn_module *relu = cnn_relu_new(ctx), *pair = make_pair();
    cnn_tensor *a = full(-1, false), *out;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(cnn_forward_many(tape, relu, &a, 1, &out, 1), CNN_OK);
    ck_assert_float_eq(first(out), 0);
    ck_assert_int_ne(cnn_tensor_status(cnn_forward(pair, cnn_input(tape, a))), CNN_OK);
    ck_assert_str_eq(cnn_tape_error(tape), "forward: Pair returned CNN_ERROR_INVALID_ARGUMENT");
    cnn_tensor_free(a);
    cnn_module_free(relu);
    cnn_module_free(pair);
}
END_TEST

static cnn_status fails(cnn_module *self, cnn_tensor *const *in, int in_count, cnn_tensor **out, int out_count, void *user)
{
    (void)self, (void)in_count, (void)out_count, (void)user;
    out[0] = in[0];
    out[1] = NULL;
    return CNN_OK;
}

START_TEST(errors)
{
    cnn_module *relu = cnn_relu_new(ctx);
    cnn_module *bad = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .type = "Bad", .forward_many = fails));
    cnn_tensor *a = full(1, false), *out[2];
    ck_assert_int_eq(cnn_forward_many(tape, relu, &a, 1, out, 1), CNN_ERROR_STATE);
    static const struct {
        int in, out;
        const char *message;
    } cases[] = { { 2, 1, "forward: ReLU takes one tensor and returns one, given 2 and asked for 1" },
                  { 1, 2, "forward: ReLU takes one tensor and returns one, given 1 and asked for 2" },
                  { 0, 1, "forward: ReLU takes one tensor and returns one, given 0 and asked for 1" },
                  { -1, 1, "forward: a count is negative" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        ck_assert_int_eq(cnn_forward_many(tape, relu, (cnn_tensor *[]){ a, a }, cases[i].in, out, cases[i].out),
                         CNN_ERROR_INVALID_ARGUMENT);
        ck_assert_str_eq(cnn_tape_error(tape), cases[i].message);
    }
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_forward_many(tape, relu, (cnn_tensor *[]){ NULL }, 1, out, 1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_tape_error(tape), "forward: ReLU takes one tensor and returns one, given 1 that is NULL and asked for 1");
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_forward_many(tape, bad, &a, 1, out, 2), CNN_ERROR_CALLBACK);
    ck_assert_str_eq(cnn_tape_error(tape), "forward: Bad returned NULL, expected a tensor");
    ck_assert_int_ne(cnn_tensor_status(out[0]), CNN_OK);
    ck_assert_int_ne(cnn_tensor_status(out[1]), CNN_OK);
    out[0] = a;
    ck_assert_int_eq(cnn_forward_many(NULL, relu, &a, 1, out, 1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_ne(cnn_tensor_status(out[0]), CNN_OK);
    cnn_tape *fresh = cnn_tape_new(ctx); /* it has no step */
    out[0] = a;
    ck_assert_int_eq(cnn_forward_many(fresh, relu, &a, 1, out, 1), CNN_ERROR_STATE);
    ck_assert_int_ne(cnn_tensor_status(out[0]), CNN_OK);
    cnn_tape_free(fresh);
    cnn_tensor_free(a);
    cnn_module_free(relu);
    cnn_module_free(bad);
}
END_TEST

static void count(void *user)
{
    ++*(int *)user;
}

static cnn_tensor *doubled(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_mul(cnn_mul_scalar(x, 2), cnn_module_find(self, "weight"));
}

/* A layer of a network takes another forward: what holds its tensors goes on with them. */
START_TEST(a_module_becomes_another)
{
    int freed = 0, again = 0;
    cnn_module *net = cnn_sequential_new(ctx, cnn_batch_norm1d_new(ctx, 2), cnn_relu_new(ctx)), *norm = cnn_module_child(net, 0, NULL);
    cnn_tensor *weight = cnn_module_find(net, "0.weight"), *a = full(3, false);
    cnn_module *other = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .type = "Doubled", .forward = doubled, .user = &freed, .free_user = count));
    cnn_module_add_parameter(other, "own", full(1, true));
    cnn_module_set_mode(norm, CNN_MODULE_EVALUATES);
    ck_assert_int_eq(cnn_module_become(norm, other), CNN_OK);
    ck_assert_str_eq(cnn_module_type(norm), "Doubled");
    ck_assert_ptr_eq(cnn_module_child(net, 0, NULL), norm);
    ck_assert_ptr_eq(cnn_module_find(net, "0.weight"), weight);
    ck_assert_int_eq(cnn_module_state_count(net), 5);
    ck_assert_int_eq(cnn_module_get_mode(norm), CNN_MODULE_EVALUATES);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_float_eq(first(cnn_forward(net, cnn_input(tape, a))), 6);
    ck_assert_int_eq(freed, 0);
    other = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .type = "Other", .forward_many = sum_and_difference, .user = &again, .free_user = count));
    ck_assert_int_eq(cnn_module_become(norm, other), CNN_OK);
    ck_assert_int_eq(freed, 1);
    ck_assert_ptr_eq(cnn_module_user(norm, sum_and_difference), &again);
    ck_assert_int_eq(cnn_module_become(norm, cnn_relu_new(ctx)), CNN_ERROR_STATE);
    ck_assert_str_eq(cnn_last_error(ctx), "module_become: other is a ReLU, expected one of cnn_module_create() that stands alone");
    ck_assert_int_eq(cnn_module_become(norm, norm), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_module_become(norm, NULL), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tensor_free(a);
    cnn_module_free(net);
    ck_assert_int_eq(again, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forward_many");
    TCase *tests = suite_case(suite, "forwards", setup, teardown);
    tcase_add_test(tests, two_in_and_two_out);
    tcase_add_test(tests, no_input_at_all);
    tcase_add_test(tests, one_form_serves_the_other);
    tcase_add_test(tests, errors);
    tcase_add_test(tests, a_module_becomes_another);
    return suite_run(suite);
}
