/* cnn_forward_recomputed(): the bits of cnn_forward(), also with dropout and batch normalisation, in less memory. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

enum { BATCH = 64, WIDTH = 96, BLOCKS = 12, STEPS = 3 };

static cnn_module *block_new(cnn_context *c)
{
    return cnn_sequential_new(c, cnn_linear_new(c, WIDTH, WIDTH), cnn_tanh_new(c), cnn_dropout_new(c, 0.3),
                              cnn_linear_new(c, WIDTH, WIDTH), cnn_tanh_new(c), cnn_dropout_new(c, 0.3),
                              cnn_linear_new(c, WIDTH, WIDTH), cnn_relu_new(c));
}

/* Convolution and batch normalisation first, so that there are statistics to move. */
static cnn_module *net_new(cnn_context *c)
{
    cnn_module *stem = cnn_sequential_new(c, cnn_conv2d_new(c, 1, 6, 3, .padding = 1), cnn_batch_norm2d_new(c, 6),
                                          cnn_relu_new(c), cnn_dropout_new(c, 0.2), cnn_flatten_new(c));
    cnn_module *children[BLOCKS + 2] = { stem };
    for (int i = 1; i <= BLOCKS; i++) {
        children[i] = block_new(c);
    }
    children[BLOCKS + 1] = cnn_linear_new(c, WIDTH, 3);
    return cnn_sequential_create(c, children, BLOCKS + 2);
}

static cnn_tensor *loss_of(cnn_module *net, cnn_tensor *x, bool recomputed)
{
    cnn_tensor *y = x;
    for (int i = 0; i < cnn_module_child_count(net); i++) {
        cnn_module *child = cnn_module_child(net, i, NULL);
        y = recomputed ? cnn_forward_recomputed(child, y) : cnn_forward(child, y);
    }
    return cnn_mean(cnn_mul(y, y), CNN_ALL_DIMS, false);
}

typedef struct result {
    cnn_context *ctx;
    cnn_module *net;
    cnn_tensor *images;
    double losses[STEPS];
    size_t memory;
    long calls; /* allocations of the last step */
} result;

static result train(bool recomputed)
{
    result r = { .ctx = metered_context(5) };
    r.net = net_new(r.ctx);
    r.images = cnn_tensor_randn(r.ctx, CNN_F32, CNN_SHAPE(BATCH, 1, 4, 4));
    cnn_tape *on = cnn_tape_new(r.ctx);
    cnn_optimizer *o = cnn_sgd_new(r.net, .lr = 0.1);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(r.images, true), CNN_OK);
    for (int step = 0; step < STEPS; step++) {
        long before = atomic_load(&meter.calls);
        ck_assert_int_eq(cnn_tape_begin(on, CNN_TRAIN), CNN_OK);
        cnn_tensor *loss = loss_of(r.net, cnn_input(on, r.images), recomputed);
        ck_assert_int_eq(cnn_optimizer_zero_grad(o), CNN_OK);
        ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s", cnn_last_error(r.ctx));
        ck_assert_int_eq(cnn_optimizer_step(o), CNN_OK);
        r.losses[step] = cnn_tensor_item(loss);
        r.calls = atomic_load(&meter.calls) - before;
    }
    r.memory = cnn_tape_memory(on);
    cnn_optimizer_free(o);
    cnn_tape_free(on);
    return r;
}

static void equal_bits(const cnn_tensor *a, const cnn_tensor *b)
{
    double *x = as_doubles(a), *y = as_doubles(b);
    ck_assert_mem_eq(x, y, (size_t)cnn_tensor_numel(a) * sizeof *x);
    free(x), free(y);
}

START_TEST(steps_are_the_same_in_less_memory)
{
    result plain = train(false), recomputed = train(true);
    for (int i = 0; i < STEPS; i++) {
        ck_assert_double_eq(plain.losses[i], recomputed.losses[i]);
    }
    for (int i = 0; i < cnn_module_state_count(plain.net); i++) { /* weights, statistics and the count of batches */
        equal_bits(cnn_module_state(plain.net, i), cnn_module_state(recomputed.net, i));
    }
    equal_bits(cnn_tensor_grad(plain.images), cnn_tensor_grad(recomputed.images));
    ck_assert_msg(recomputed.memory < plain.memory * 6 / 10, "%zu bytes, %zu without", recomputed.memory, plain.memory);
    ck_assert_int_eq(recomputed.calls, 0);
    cnn_module_free(plain.net), cnn_module_free(recomputed.net);
    cnn_tensor_free(plain.images), cnn_tensor_free(recomputed.images);
    cnn_context_free(plain.ctx), cnn_context_free(recomputed.ctx);
}
END_TEST

/* A recomputed part within a recomputed part, and one that computes nothing. */
static cnn_tensor *nested_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_forward_recomputed(cnn_module_child(self, 0, NULL), x);
}

START_TEST(parts_nest)
{
    cnn_module *inner = block_new(ctx), *outer = cnn_module_new(ctx, nested_forward),
               *nothing = cnn_sequential_create(ctx, NULL, 0);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(4, WIDTH)), *grads[2];
    ck_assert_ptr_nonnull(cnn_module_add(outer, "inner", inner));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL_GRAD), CNN_OK);
        cnn_tensor *on = cnn_input(tape, x);
        cnn_tensor *y = i ? cnn_forward_recomputed(nothing, cnn_forward_recomputed(outer, on)) : cnn_forward(outer, on);
        ck_assert_int_eq(cnn_tensor_zero_grad(x), CNN_OK);
        ck_assert_msg(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)) == CNN_OK, "%s", cnn_last_error(ctx));
        grads[i] = cnn_tensor_empty(ctx, CNN_F32, CNN_SHAPE(4, WIDTH));
        ck_assert_int_eq(cnn_tensor_copy_from(grads[i], cnn_tensor_grad(x)), CNN_OK);
    }
    equal_bits(grads[0], grads[1]);
    cnn_tensor *loss, *grad;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    loss = cnn_sum(cnn_forward_recomputed(outer, cnn_input(tape, x)), CNN_ALL_DIMS, false);
    ck_assert_int_eq(cnn_grad(&loss, 1, &x, 1, &grad, NULL), CNN_ERROR_UNSUPPORTED);
    ck_assert_int_eq(cnn_module_zero_grad(outer), CNN_OK);
    ck_assert_int_eq(cnn_tensor_zero_grad(x), CNN_OK);
    cnn_context_clear_error(ctx);
    cnn_tensor_free(grads[0]), cnn_tensor_free(grads[1]), cnn_tensor_free(x);
    cnn_module_free(outer), cnn_module_free(nothing);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recompute");
    TCase *tests = suite_case(suite, "recompute", setup, teardown);
    tcase_add_test(tests, steps_are_the_same_in_less_memory);
    tcase_add_test(tests, parts_nest);
    return suite_run(suite);
}
