/* Batch normalisation folded into the convolution before it, in evaluation: values beside those of the layers one by one,
 * parameters that change, and every case in which the layers must stay apart. */
#include "autograd/tape.h"
#include "nn/fusion.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

#include <pthread.h>

static const int64_t image[] = { 3, 4, 12, 14 };

static void fill(cnn_context *c, cnn_tensor *t, double low)
{
    cnn_tensor *drawn = cnn_tensor_rand(c, cnn_tensor_dtype(t), cnn_tensor_ndim(t), cnn_tensor_shape(t));
    cnn_tensor *shift = cnn_tensor_full(c, cnn_tensor_dtype(t), low, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    cnn_tape *work = cnn_tape_new(c);
    ck_assert_int_eq(cnn_tape_begin(work, CNN_EVAL), CNN_OK);
    cnn_tensor *sum = cnn_add(cnn_input(work, drawn), cnn_input(work, shift));
    ck_assert_int_eq(cnn_tensor_copy_from(t, sum), CNN_OK);
    cnn_tape_free(work);
    cnn_tensor_free(drawn);
    cnn_tensor_free(shift);
}

/* Parameters and statistics that are neither ones nor zeros. */
static cnn_module *with_statistics(cnn_module *sequential)
{
    ck_assert_msg(sequential != NULL, "%s", cnn_last_error(NULL));
    cnn_context *c = cnn_module_context(sequential);
    for (int i = 0; i < cnn_module_state_count(sequential); i++) {
        char name[64];
        cnn_module_state_name(sequential, i, name, sizeof name);
        if (name[0] != '0' && !strstr(name, "batches")) {
            fill(c, cnn_module_state(sequential, i), strstr(name, "running_var") ? 0.1 : -0.4);
        }
    }
    return sequential;
}

static cnn_module *plain_net(cnn_context *c)
{
    return with_statistics(cnn_sequential_new(c, cnn_conv2d_new(c, 4, 6, 3, .padding = 1), cnn_batch_norm2d_new(c, 6),
                                              cnn_relu_new(c)));
}

static cnn_tensor *one_by_one(cnn_module *sequential, cnn_tensor *x)
{
    for (int i = 0; i < cnn_module_child_count(sequential); i++) {
        x = cnn_forward(cnn_module_child(sequential, i, NULL), x);
    }
    return x;
}

/* How many layers one operation takes of those from child `first` on. */
static int taken(cnn_module *sequential, cnn_tensor *x, int first)
{
    cnn_tensor *y;
    const cnn__named_list *children = &sequential->children;
    return cnn__fusion_run(children->items + first, children->count - first, x, &y);
}

static cnn_tensor *begin(cnn_mode mode, const cnn_tensor *plain)
{
    ck_assert_int_eq(cnn_tape_begin(tape, mode), CNN_OK);
    return cnn_input(tape, (cnn_tensor *)plain);
}

/* ---- values ---- */

#define OPTIONS .dtype = dtype
static cnn_module *net_of(int i, cnn_dtype dtype)
{
    cnn_context *c = ctx;
    switch (i) {
    case 0: return cnn_sequential_new(c, cnn_conv2d_new(c, 4, 6, 3, OPTIONS), cnn_batch_norm2d_new(c, 6, OPTIONS));
    case 1: return cnn_sequential_new(c, cnn_conv2d_new(c, 4, 6, 3, .groups = 2, .stride = 2, .padding = 1, .no_bias = true, OPTIONS),
                                      cnn_batch_norm2d_new(c, 6, .eps = 0.01, OPTIONS), cnn_relu_new(c));
    case 2: return cnn_sequential_new(c, cnn_conv2d_new(c, 4, 4, 3, .groups = 4, .padding_mode = CNN_PADDING_SAME, OPTIONS),
                                      cnn_batch_norm2d_new(c, 4, .no_affine = true, OPTIONS), cnn_relu_new(c), cnn_flatten_new(c));
    case 3: return cnn_sequential_new(c, cnn_conv2d_new(c, 4, 6, 3, .padding = 1, OPTIONS), cnn_batch_norm2d_new(c, 6, OPTIONS),
                                      cnn_relu_new(c), cnn_maxpool2d_new(c, 2));
    case 4: return cnn_sequential_new(c, cnn_conv2d_new(c, 4, 6, 3, .padding = 1, OPTIONS), cnn_batch_norm2d_new(c, 6, OPTIONS),
                                      cnn_relu_new(c), cnn_maxpool2d_new(c, 3, .stride = 2));
    case 5: return cnn_sequential_new(c, cnn_conv2d_new(c, 4, 6, 1, OPTIONS), cnn_batch_norm2d_new(c, 6, OPTIONS), cnn_relu6_new(c));
    default: return cnn_sequential_new(c, cnn_conv2d_new(c, 4, 4, 3, .groups = 4, .padding = 1, OPTIONS), cnn_batch_norm2d_new(c, 4, OPTIONS),
                                       cnn_relu6_new(c));
    }
}
static const int expected_taken[] = { 2, 3, 3, 4, 3, 3, 3 };

START_TEST(values_agree_with_the_layers_one_by_one)
{
    for (int d = 0; d < 2; d++) {
        cnn_dtype dtype = d ? CNN_F64 : CNN_F32;
        cnn_module *net = with_statistics(net_of(_i, dtype));
        cnn_tensor *plain = cnn_tensor_randn(ctx, dtype, 4, image);
        cnn_tensor *x = begin(CNN_EVAL, plain), *apart = one_by_one(net, x), *joined = cnn_forward(net, x);
        ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
        tensors_agree("fold", "values", joined, apart, d ? 1e-13 : 2e-6);
        bool device = strcmp(cnn_context_device(ctx), "cpu") != 0; /* where ReLU6 stays apart */
        ck_assert_int_eq(taken(net, x, 0), expected_taken[_i] - (device && _i >= 5));
        cnn_tensor_free(plain);
        cnn_module_free(net);
    }
}
END_TEST

START_TEST(changed_parameters_and_statistics_are_used)
{
    cnn_module *net = plain_net(ctx);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image);
    for (int i = -1; i < cnn_module_state_count(net); i++) {
        if (i >= 0 && cnn_tensor_dtype(cnn_module_state(net, i)) == CNN_F32) {
            fill(ctx, cnn_module_state(net, i), 0.2);
        }
        cnn_tensor *x = begin(CNN_EVAL, plain), *apart = one_by_one(net, x);
        tensors_agree("fold", "after a change", cnn_forward(net, x), apart, 2e-6);
        ck_assert_int_eq(taken(net, x, 0), 3);
    }
    cnn_tensor_free(plain);
    cnn_module_free(net);
}
END_TEST

/* ---- when the layers stay apart ---- */

static void set_requires_grad(cnn_module *net, bool wanted)
{
    for (int i = 0; i < cnn_module_parameter_count(net); i++) {
        ck_assert_int_eq(cnn_tensor_set_requires_grad(cnn_module_parameter(net, i), wanted), CNN_OK);
    }
}

START_TEST(modes_count)
{
    cnn_module *net = plain_net(ctx), *norm = cnn_module_child(net, 1, NULL);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image);
    ck_assert_int_eq(taken(net, begin(CNN_TRAIN, plain), 0), 0);
    cnn_module_set_mode(norm, CNN_MODULE_TRAINS);
    ck_assert_int_eq(taken(net, begin(CNN_EVAL, plain), 0), 0);
    cnn_module_set_mode(norm, CNN_MODULE_EVALUATES);
    ck_assert_int_eq(taken(net, begin(CNN_TRAIN, plain), 0), 0); /* gradients of the parameters are recorded */
    set_requires_grad(net, false);
    ck_assert_int_eq(taken(net, begin(CNN_TRAIN, plain), 0), 3);
    cnn_tensor_set_requires_grad(cnn_module_find(net, "1.bias"), true);
    ck_assert_int_eq(taken(net, begin(CNN_TRAIN, plain), 0), 0);
    cnn_module_set_mode(norm, CNN_MODULE_FOLLOWS_STEP);
    cnn_module_set_mode(net, CNN_MODULE_TRAINS);
    ck_assert_int_eq(taken(net, begin(CNN_EVAL, plain), 0), 0);
    cnn_tensor_free(plain);
    cnn_module_free(net);
}
END_TEST

START_TEST(the_statistics_of_a_training_step_are_the_batchs)
{
    cnn_module *net = plain_net(ctx), *same = cnn_module_clone(net);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image);
    cnn_tensor *x = begin(CNN_TRAIN, plain);
    tensors_agree("fold", "training", cnn_forward(net, x), one_by_one(same, x), 0);
    tensors_agree("fold", "running", cnn_module_find(net, "1.running_var"), cnn_module_find(same, "1.running_var"), 0);
    cnn_tensor_free(plain);
    cnn_module_free(net);
    cnn_module_free(same);
}
END_TEST

START_TEST(a_frozen_part_passes_the_gradient_on)
{
    cnn_module *net = plain_net(ctx);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image), *grads[2];
    cnn_module_set_mode(net, CNN_MODULE_EVALUATES);
    set_requires_grad(net, false);
    cnn_tensor_set_requires_grad(plain, true);
    for (int joined = 0; joined < 2; joined++) {
        cnn_tensor_zero_grad(plain);
        cnn_tensor *x = begin(CNN_TRAIN, plain), *y = joined ? cnn_forward(net, x) : one_by_one(net, x);
        ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)), CNN_OK);
        grads[joined] = cnn_tensor_empty(ctx, CNN_F32, 4, image);
        ck_assert_int_eq(cnn_tensor_copy_from(grads[joined], cnn_tensor_grad(plain)), CNN_OK);
    }
    ck_assert_int_eq(taken(net, begin(CNN_TRAIN, plain), 0), 3);
    tensors_agree("fold", "gradient", grads[1], grads[0], 5e-6);
    cnn_tensor_free(grads[0]);
    cnn_tensor_free(grads[1]);
    cnn_tensor_free(plain);
    cnn_module_free(net);
}
END_TEST

START_TEST(what_does_not_fit_stays_apart)
{
    cnn_module *net = plain_net(ctx);
    const int64_t small[] = { 1, 4, 8, 8 };
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image), *tiny = cnn_tensor_randn(ctx, CNN_F32, 4, small);
    ck_assert_int_eq(cnn__tape_begin_trace(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(taken(net, cnn_input(tape, plain), 0), 0);
    ck_assert_int_eq(taken(net, begin(CNN_EVAL, tiny), 0), 3); /* as small as the weight: the product is kept */
    bool device = strcmp(cnn_context_device(ctx), "cpu") != 0;
    ck_assert_int_eq(taken(net, begin(CNN_EVAL, plain), 1), device ? 0 : 2); /* no folding, but ReLU within the normalisation */
    cnn_module *nets[] = {
        cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 4, 6, 3), cnn_batch_norm2d_new(ctx, 6, .no_running = true)),
        cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 4, 6, 3), cnn_batch_norm2d_new(ctx, 6, .eps = CNN_ZERO)),
        cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 4, 6, 3), cnn_batch_norm2d_new(ctx, 6, .dtype = CNN_F64)),
        cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 4, 6, 3), cnn_batch_norm2d_new(ctx, 5)),
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        ck_assert_int_eq(taken(nets[i], begin(CNN_EVAL, plain), 0), 0);
    }
    cnn_forward(nets[3], begin(CNN_EVAL, plain));
    ck_assert_msg(strstr(cnn_last_error(ctx), "1: batch_norm2d: input [3,6,10,12] has 6 channels, expected 5"), "%s",
                  cnn_last_error(ctx));
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        cnn_module_free(nets[i]);
    }
    cnn_tensor_free(plain);
    cnn_tensor_free(tiny);
    cnn_module_free(net);
}
END_TEST

START_TEST(strict_mathematics_stays_apart)
{
    cnn_context *strict = cnn_context_new(.seed = 5, .threads = 1, .math = CNN_MATH_STRICT);
    cnn_tape *t = cnn_tape_new(strict);
    cnn_module *net = plain_net(strict);
    cnn_tensor *plain = cnn_tensor_randn(strict, CNN_F32, 4, image);
    ck_assert_int_eq(cnn_tape_begin(t, CNN_EVAL), CNN_OK);
    cnn_tensor *x = cnn_input(t, plain);
    ck_assert_int_eq(taken(net, x, 0), 0);
    tensors_agree("fold", "strict", cnn_forward(net, x), one_by_one(net, x), 0);
    cnn_tape_free(t);
    cnn_tensor_free(plain);
    cnn_module_free(net);
    cnn_context_free(strict);
}
END_TEST

/* ---- memory and threads ---- */

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *net = plain_net(ctx);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image);
    for (int i = 0; i < 4; i++) {
        if (i == 2) {
            meter_reset();
        }
        cnn_forward(net, begin(CNN_EVAL, plain));
        ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    }
    ck_assert_int_eq(atomic_load(&meter.calls), 0);
    cnn_tensor_free(plain);
    cnn_module_free(net);
}
END_TEST

START_TEST(failed_allocations_fail_the_step)
{
    cnn_module *net = plain_net(ctx);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image);
    cnn_status status = CNN_ERROR_NO_MEMORY;
    for (long n = 0; status != CNN_OK; n++) {
        ck_assert_int_lt(n, 60);
        cnn_tape_free(tape);
        tape = cnn_tape_new(ctx);
        cnn_tensor *x = begin(CNN_EVAL, plain);
        meter_reset();
        atomic_store(&meter.fail_at, n);
        cnn_forward(net, x);
        meter_reset();
        status = cnn_tape_status(tape);
        ck_assert(status == CNN_OK || status == CNN_ERROR_NO_MEMORY);
    }
    cnn_tensor_free(plain);
    cnn_module_free(net);
}
END_TEST

typedef struct job {
    cnn_module *net;
    cnn_tensor *x, *y;
} job;

static void *infer(void *arg)
{
    const job *j = arg;
    cnn_tape *t = cnn_tape_new(cnn_module_context(j->net));
    for (int i = 0; i < 20; i++) {
        cnn_tape_begin(t, CNN_EVAL);
        cnn_tensor_copy_from(j->y, cnn_forward(j->net, cnn_input(t, j->x)));
    }
    cnn_tape_free(t);
    return NULL;
}

START_TEST(threads_share_a_module)
{
    cnn_module *net = plain_net(ctx);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, 4, image);
    cnn_tensor *expected = cnn_forward(net, begin(CNN_EVAL, plain));
    job jobs[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        jobs[i] = (job){ net, plain, cnn_tensor_zeros(ctx, CNN_F32, 4, cnn_tensor_shape(expected)) };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, infer, &jobs[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        tensors_agree("fold", "in a thread", jobs[i].y, expected, 0);
        cnn_tensor_free(jobs[i].y);
    }
    cnn_tensor_free(plain);
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("folding");
    TCase *values = suite_case(suite, "values", setup, teardown);
    tcase_add_loop_test(values, values_agree_with_the_layers_one_by_one, 0, 7);
    tcase_add_test(values, changed_parameters_and_statistics_are_used);
    tcase_add_test(values, a_frozen_part_passes_the_gradient_on);
    TCase *apart = suite_case(suite, "apart", setup, teardown);
    tcase_add_test(apart, modes_count);
    tcase_add_test(apart, the_statistics_of_a_training_step_are_the_batchs);
    tcase_add_test(apart, what_does_not_fit_stays_apart);
    tcase_add_test(apart, strict_mathematics_stays_apart);
    TCase *memory = suite_case(suite, "memory and threads", setup, teardown);
    tcase_add_test(memory, equal_steps_allocate_nothing);
    tcase_add_test(memory, failed_allocations_fail_the_step);
    tcase_add_test(memory, threads_share_a_module);
    return suite_run(suite);
}
