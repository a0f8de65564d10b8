/* Modules that cannot be frozen, bad arguments and failing allocations: the call says what is wrong and leaves nothing behind. */
#include "support/predictor_case.h"

static cnn_tensor *reads(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_mul_scalar(x, cnn_tensor_item(cnn_sum(x, 0, NULL, false)));
}

static cnn_tensor *draws(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_add(x, cnn_tape_rand(cnn_tensor_tape(x), CNN_F32, CNN_SHAPE(2)));
}

static cnn_tensor *fails(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_reshape(x, CNN_SHAPE(3));
}

static void refuses(cnn_module *m, cnn_status status, const char *text)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    ck_assert_ptr_null(frozen(m, &x, 1, 1));
    ck_assert_msg(cnn_context_status(ctx) == status && strstr(cnn_last_error(ctx), text), "%d: %s", (int)cnn_context_status(ctx),
                  cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_module_free(m);
}

START_TEST(what_cannot_be_frozen_is_refused)
{
    refuses(cnn_module_new(ctx, reads), CNN_ERROR_UNSUPPORTED, "predictor_create: the module cannot be frozen: its forward reads elements");
    refuses(cnn_module_new(ctx, draws), CNN_ERROR_UNSUPPORTED,
            "predictor_create: the module cannot be frozen: its forward draws random numbers");
    refuses(cnn_module_new(ctx, fails), CNN_ERROR_SHAPE, "reshape");
    cnn_module *dropout = cnn_dropout_new(ctx, 0.5);
    cnn_module_set_mode(dropout, CNN_MODULE_TRAINS);
    refuses(dropout, CNN_ERROR_UNSUPPORTED, "draws random numbers");
    cnn_module *norm = cnn_sequential_new(ctx, cnn_unflatten_new(ctx, 0, CNN_SHAPE(2, 1)), cnn_batch_norm1d_new(ctx, 1));
    cnn_module_set_mode(norm, CNN_MODULE_TRAINS);
    refuses(norm, CNN_ERROR_UNSUPPORTED, "changes a parameter or buffer");
}
END_TEST

START_TEST(bad_arguments)
{
    cnn_module *relu = cnn_relu_new(ctx);
    ck_assert_ptr_null(cnn_predictor_new(NULL, CNN_F32, CNN_SHAPE(2)));
    ck_assert_ptr_null(cnn_predictor_create(relu, NULL, 1, NULL));
    ck_assert_str_eq(cnn_last_error(ctx), "predictor_create: 1 inputs at NULL, expected 0 to 65536");
    ck_assert_ptr_null(cnn_predictor_new(relu, CNN_F32, CNN_SHAPE(-2)));
    ck_assert_ptr_null(cnn_predictor_new(relu, CNN_F32, CNN_SHAPE(2), .output_count = -1));
    ck_assert_ptr_null(cnn_predictor_new(relu, CNN_F32, CNN_SHAPE(2), .calls = 65));
    ck_assert_str_eq(cnn_last_error(ctx), "predictor_create: calls is 65, expected 1 to 64");
    cnn_predictor *p = cnn_predictor_new(relu, CNN_F32, CNN_SHAPE(2), .calls = 64);
    float y[2];
    ck_assert_int_eq(cnn_predictor_run(p, (const void *[]){ NULL }, (void *[]){ y }), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(ctx), "predictor_run: input 0 is NULL");
    ck_assert_int_eq(cnn_predictor_run(p, (const void *[]){ y }, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(ctx), "predictor_run: outputs is NULL");
    cnn_predictor_value value = { .struct_size = sizeof value };
    ck_assert_int_eq(cnn_predictor_input(p, 1, &value), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_predictor_input(p, 0, &value), CNN_OK);
    ck_assert(value.dtype == CNN_F32 && value.ndim == 1 && value.shape[0] == 2 && value.bytes == 8);
    cnn_predictor_free(p);
    cnn_predictor_free(NULL);
    cnn_module_free(relu);
}
END_TEST

START_TEST(any_allocation_may_fail)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3), cnn_batch_norm2d_new(ctx, 2), cnn_flatten_new(ctx));
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 1, 4, 4));
    bool failed = true;
    for (long i = 0; failed; i++) {
        atomic_store(&meter.fail_at, atomic_load(&meter.calls) + i);
        cnn_predictor *p = frozen(net, &x, 1, 1);
        failed = atomic_load(&meter.calls) > atomic_load(&meter.fail_at);
        meter_reset();
        ck_assert((p == NULL) == failed);
        ck_assert_msg(p || cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY, "allocation %ld: %s", i, cnn_last_error(ctx));
        cnn_predictor_free(p);
        ck_assert_int_lt(i, 1000);
    }
    cnn_module_free(net);
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("predictor_refused");
    TCase *refusals = suite_case(suite, "refusals", setup, teardown);
    tcase_add_test(refusals, what_cannot_be_frozen_is_refused);
    tcase_add_test(refusals, bad_arguments);
    tcase_add_test(refusals, any_allocation_may_fail);
    return suite_run(suite);
}
