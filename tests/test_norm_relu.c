/* BatchNorm2d and ReLU or ReLU6 that a Sequential runs as one operation: results, gradients and running statistics have the bits
 * of the layers one by one, in training and evaluation, whoever has masked the gradient. */
#include "support/elements.h"
#include "support/metered_tape.h"

#include <math.h>

enum { NETS = 7 };
static cnn_module *net_of(int i, cnn_dtype dtype)
{
    cnn_context *c = ctx;
    switch (i) {
    case 0: return cnn_sequential_new(c, cnn_batch_norm2d_new(c, 5, .dtype = dtype), cnn_relu_new(c));
    case 1: return cnn_sequential_new(c, cnn_batch_norm2d_new(c, 5, .no_affine = true, .dtype = dtype), cnn_relu_new(c));
    case 2: return cnn_sequential_new(c, cnn_batch_norm2d_new(c, 5, .dtype = dtype), cnn_relu_new(c),
                                      cnn_conv2d_new(c, 5, 4, 1, .dtype = dtype)); /* which masks the gradient of ReLU */
    case 3: return cnn_sequential_new(c, cnn_conv2d_new(c, 5, 20, 3, .dtype = dtype), cnn_batch_norm2d_new(c, 20, .dtype = dtype),
                                      cnn_relu_new(c), cnn_conv2d_new(c, 20, 18, 3, .dtype = dtype));
    case 4: return cnn_sequential_new(c, cnn_batch_norm2d_new(c, 5, .dtype = dtype), cnn_relu6_new(c));
    case 5: return cnn_sequential_new(c, cnn_batch_norm2d_new(c, 5, .dtype = dtype), cnn_relu6_new(c),
                                      cnn_conv2d_new(c, 5, 4, 1, .dtype = dtype)); /* which does not mask the gradient of ReLU6 */
    default: return cnn_sequential_new(c, cnn_batch_norm2d_new(c, 5, .no_running = true, .dtype = dtype), cnn_relu_new(c),
                                       cnn_maxpool2d_new(c, 2));
    }
}

static cnn_tensor *one_by_one(cnn_module *net, cnn_tensor *x)
{
    for (int i = 0; i < cnn_module_child_count(net); i++) {
        x = cnn_forward(cnn_module_child(net, i, NULL), x);
    }
    return x;
}

static void same(const char *what, const cnn_tensor *a, const cnn_tensor *b)
{
    ck_assert_msg(same_elements(a, b), "%s", what);
}

static cnn_tensor *forward(cnn_mode mode, cnn_module *net, cnn_tensor *x, bool apart)
{
    ck_assert_int_eq(cnn_tape_begin(tape, mode), CNN_OK);
    cnn_tensor *in = cnn_input(tape, x), *y = apart ? one_by_one(net, in) : cnn_forward(net, in);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    return y;
}

static void check(int i, cnn_dtype dtype, const int64_t *shape)
{
    cnn_module *joined = net_of(i, dtype);
    if (cnn_module_find(joined, "0.bias")) { /* so that ReLU6 cuts off on both sides */
        cnn_tensor_fill(cnn_module_find(joined, "0.bias"), i == 3 ? 0 : 0.5);
        cnn_tensor_fill(cnn_module_find(joined, "0.weight"), i == 3 ? 0.1 : 5);
    }
    cnn_module *apart = cnn_module_clone(joined), *nets[] = { joined, apart };
    cnn_tensor *x[2] = { cnn_tensor_randn(ctx, dtype, 4, shape), NULL }, *y[2];
    x[1] = cnn_tensor_detach(x[0]);
    for (int step = 0; step < 2; step++) {
        for (int k = 0; k < 2; k++) {
            cnn_tensor_set_requires_grad(x[k], true);
            cnn_tensor_zero_grad(x[k]);
            cnn_tensor *out = forward(CNN_TRAIN, nets[k], x[k], k);
            y[k] = cnn_tensor_detach(out);
            ck_assert_int_eq(cnn_backward_with(out, y[k], false), CNN_OK);
        }
        same("y", y[0], y[1]);
        same("dx", cnn_tensor_grad(x[0]), cnn_tensor_grad(x[1]));
        for (int p = 0; p < cnn_module_parameter_count(joined); p++) {
            same("a parameter's gradient", cnn_tensor_grad(cnn_module_parameter(joined, p)), cnn_tensor_grad(cnn_module_parameter(apart, p)));
        }
        for (int s = 0; s < cnn_module_state_count(joined); s++) {
            same("state", cnn_module_state(joined, s), cnn_module_state(apart, s));
        }
        cnn_tensor_free(y[0]);
        cnn_tensor_free(y[1]);
    }
    if (i != 3) { /* without a convolution before it, which evaluation folds */
        y[0] = cnn_tensor_detach(forward(CNN_EVAL, joined, x[0], false));
        y[1] = cnn_tensor_detach(forward(CNN_EVAL, apart, x[1], true));
        same("evaluation", y[0], y[1]);
        cnn_tensor_free(y[0]);
        cnn_tensor_free(y[1]);
    }
    cnn_tensor_free(x[0]);
    cnn_tensor_free(x[1]);
    cnn_module_free(joined);
    cnn_module_free(apart);
}

START_TEST(bits_are_those_of_the_layers)
{
    check(_i / 2, _i % 2 ? CNN_F64 : CNN_F32, (const int64_t[]){ 3, 5, 9, 11 });
    check(_i / 2, _i % 2 ? CNN_F64 : CNN_F32, (const int64_t[]){ 2, 5, 8, 8 });
}
END_TEST

START_TEST(a_nan_stays_one)
{
    cnn_module *net = net_of(0, CNN_F32);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 5, 2, 2));
    cnn_tensor_fill(cnn_module_find(net, "0.weight"), NAN);
    cnn_tensor *y = cnn_tensor_detach(forward(CNN_TRAIN, net, x, false));
    ck_assert(isnan(((const float *)host_elements(y))[0]));
    cnn_tensor_free(y);
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

/* On a device the two are not joined, and ReLU asks for its result alone. */
START_TEST(a_bias_that_was_written_is_recognised)
{
    cnn_module *net = net_of(0, CNN_F32);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 5, 3, 3));
    cnn_tensor *y = forward(CNN_TRAIN, net, x, false);
    cnn_tensor_fill(cnn_module_find(net, "0.bias"), 1);
    bool device = strcmp(cnn_context_device(ctx), "cpu") != 0;
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), device ? CNN_OK : CNN_ERROR_STATE);
    ck_assert(device || strstr(cnn_tape_error(tape), "bias") != NULL);
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("norm_relu");
    TCase *tests = suite_case(suite, "norm_relu", setup, teardown);
    tcase_add_loop_test(tests, bits_are_those_of_the_layers, 0, 2 * NETS);
    tcase_add_test(tests, a_nan_stays_one);
    tcase_add_test(tests, a_bias_that_was_written_is_recognised);
    return suite_run(suite);
}
