/* Elements that are written between an operation and its backward: whichever call writes them and whichever
 * operation has saved them, backward fails with a message that names them and computes no gradient. Elements that no
 * gradient reads may be written. */
#include "support/elements.h"
#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;
static cnn_module *net, *twin; /* one weight of [2,2] each */
static cnn_optimizer *sgd, *adam, *adamw;
static cnn_tensor *weight, *x, *images; /* the weight of `net`, and two inputs that want gradients: [2,2], [1,1,5,5] */

static void setup(void)
{
    folder_make();
    ctx = metered_context(1);
    net = cnn_linear_new(ctx, 2, 2, .no_bias = true);
    twin = cnn_linear_new(ctx, 2, 2, .no_bias = true);
    sgd = cnn_sgd_new(net, .lr = 0.1);
    adam = cnn_adam_new(net, .lr = 0.1);
    adamw = cnn_adamw_new(net, .lr = 0.1);
    tape = cnn_tape_new(ctx);
    x = cnn_tensor_full(ctx, CNN_F32, 0.5, CNN_SHAPE(2, 2));
    images = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 1, 5, 5));
    ck_assert(net && twin && sgd && adam && adamw && tape && x && images);
    weight = cnn_module_find(net, "weight");
    cnn_tensor_fill(weight, 2);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor_set_requires_grad(images, true);
    const cnn_checkpoint c = { .struct_size = sizeof c, .module = net, .optimizer = adam };
    ck_assert_int_eq(cnn_module_save(net, in_folder("net")), CNN_OK);
    ck_assert_int_eq(cnn_checkpoint_save(&c, in_folder("all")), CNN_OK);
    cnn_tape_begin(tape, CNN_TRAIN); /* a gradient for the optimizers */
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_input(tape, weight), CNN_ALL_DIMS, false)), CNN_OK);
    cnn_tape_begin(tape, CNN_TRAIN);
}

static void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    cnn_optimizer_free(sgd);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(adamw);
    cnn_module_free(net);
    cnn_module_free(twin);
    cnn_tensor_free(x);
    cnn_tensor_free(images);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

/* ---- who writes ---- */

static cnn_status by_write(void) { return cnn_tensor_write(weight, (float[4]){ 1, 2, 3, 4 }, 16); }
static cnn_status by_fill(void) { return cnn_tensor_fill(weight, 3); }
static cnn_status by_copy(void) { return cnn_tensor_copy_from(weight, x); }
static cnn_status by_touch(void)
{
    if (!on_device()) { /* the host cannot write there, but something else may have */
        *(float *)cnn_tensor_data(weight) = 7;
    }
    return cnn_tensor_touch(weight);
}
static cnn_status by_sgd(void) { return cnn_optimizer_step(sgd); }
static cnn_status by_adam(void) { return cnn_optimizer_step(adam); }
static cnn_status by_adamw(void) { return cnn_optimizer_step(adamw); }
static cnn_status by_module_copy(void) { return cnn_module_copy_from(net, twin); }
static cnn_status by_module_load(void) { return cnn_module_load(net, in_folder("net")); }
static cnn_status by_checkpoint_load(void)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = net, .optimizer = adam };
    return cnn_checkpoint_load(&c, in_folder("all"));
}

static cnn_status (*const writers[])(void) = { by_write, by_fill, by_copy, by_touch, by_sgd, by_adam, by_adamw,
                                               by_module_copy, by_module_load, by_checkpoint_load };
enum { WRITERS = sizeof writers / sizeof *writers };

/* ---- what saves the weight ---- */

static cnn_tensor *w(void)
{
    return cnn_input(tape, weight);
}

static cnn_tensor *w4(void)
{
    return cnn_reshape(w(), CNN_SHAPE(1, 1, 2, 2));
}

static cnn_tensor *in(void)
{
    return cnn_input(tape, x);
}

static cnn_tensor *mul_right(void) { return cnn_mul(in(), weight); }
static cnn_tensor *mul_left(void) { return cnn_mul(weight, in()); }
static cnn_tensor *divide(void) { return cnn_div(in(), weight); }
static cnn_tensor *power(void) { return cnn_pow(in(), weight); }
static cnn_tensor *exponent(void) { return cnn_pow_scalar(w(), 3); }
static cnn_tensor *logarithm(void) { return cnn_log(w()); }
static cnn_tensor *absolute(void) { return cnn_abs(w()); }
static cnn_tensor *product(void) { return cnn_matmul(in(), weight); }
static cnn_tensor *product_left(void) { return cnn_matmul(weight, in()); }
static cnn_tensor *linear(void) { return cnn_linear(in(), weight, NULL); }
static cnn_tensor *module(void) { return cnn_forward(net, in()); }
static cnn_tensor *linear_input(void) { return cnn_linear(w(), twin ? cnn_module_find(twin, "weight") : NULL, NULL); }
static cnn_tensor *conv(void) { return cnn_conv2d(cnn_input(tape, images), w4(), NULL, NULL); }
static cnn_tensor *fused(void)
{
    const cnn_maxpool2d_options two = { .struct_size = sizeof two, .kernel = 2 };
    return cnn_conv2d_relu_maxpool2d(cnn_input(tape, images), w4(), NULL, NULL, &two);
}
static cnn_tensor *largest(void) { return cnn_max(w(), CNN_DIMS(1), false); }
static cnn_tensor *logits(void)
{
    cnn_tensor *target = cnn_cast(cnn_gt(in(), in()), CNN_I64);
    return cnn_cross_entropy(w(), cnn_slice(cnn_reshape(target, CNN_SHAPE(4)), 0, 0, 2, 1));
}
static cnn_tensor *target(void) { return cnn_cross_entropy(in(), cnn_detach(w())); }

static cnn_status infer(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape, void *user)
{
    (void)count, (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = 2;
    shape[0] = shape[1] = 2;
    return CNN_OK;
}

static cnn_status forward(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)count, (void)user;
    return cnn_tensor_copy_from(output, inputs[1]);
}

static cnn_status backward(const cnn_tensor *const *inputs, int count, const cnn_tensor *output, const cnn_tensor *grad,
                           cnn_tensor *const *grads, void *user)
{
    (void)inputs, (void)output, (void)user;
    for (int i = 0; i < count; i++) {
        if (grads[i]) {
            cnn_tensor_copy_from(grads[i], grad);
        }
    }
    return CNN_OK;
}

static cnn_tensor *custom(void)
{
    static const cnn_custom_op op = { .struct_size = sizeof op, .name = "own", .infer = infer, .forward = forward, .backward = backward };
    return cnn_custom(&op, (cnn_tensor *[]){ in(), weight }, 2, NULL);
}

static const struct {
    cnn_tensor *(*run)(void);
    const char *says;
} savers[] = {
    { mul_right, "mul: operand 1 of shape [2,2]" },
    { mul_left, "mul: operand 0 of shape [2,2]" },
    { divide, "div: operand 1 of shape [2,2]" },
    { power, "pow: operand 1 of shape [2,2]" },
    { exponent, "operand 0 of shape [2,2]" },
    { logarithm, "log: operand 0 of shape [2,2]" },
    { absolute, "abs: operand 0 of shape [2,2]" },
    { product, "matmul: operand 1 of shape [2,2]" },
    { product_left, "matmul: operand 0 of shape [2,2]" },
    { linear, "linear: weight of shape [2,2]" },
    { module, "linear: weight of shape [2,2]" },
    { linear_input, "linear: the input of shape [2,2]" },
    { conv, "conv2d: weight of shape [1,1,2,2]" },
    { fused, "conv2d_relu_maxpool2d: weight of shape [1,1,2,2]" },
    { largest, "max: operand 0 of shape [2,2]" },
    { logits, "cross_entropy: logits of shape [2,2]" },
    { target, "cross_entropy: target of shape [2,2]" },
    { custom, "own: operand 1 of shape [2,2]" },
};
enum { SAVERS = sizeof savers / sizeof *savers };

static cnn_tensor *loss_of(cnn_tensor *y)
{
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_last_error(NULL));
    return cnn_sum(y, CNN_ALL_DIMS, false);
}

START_TEST(backward_names_what_was_written)
{
    for (int writer = 0; writer < WRITERS; writer++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_optimizer_zero_grad(sgd); /* the failure of the last round is known */
        cnn_tensor *loss = loss_of(savers[_i].run());
        ck_assert_msg(writers[writer]() == CNN_OK, "writer %d: %s", writer, cnn_last_error(NULL));
        cnn_tensor_zero_grad(x);
        cnn_tensor_zero_grad(images);
        ck_assert_msg(cnn_backward(loss) == CNN_ERROR_STATE, "writer %d was not seen: %s", writer, savers[_i].says);
        const char *message = cnn_tape_error(tape);
        ck_assert_msg(strncmp(message, "backward: ", 10) == 0 && strstr(message, savers[_i].says) &&
                      strstr(message, " was written after the forward pass (version "), "writer %d: \"%s\"", writer, message);
        for (int i = 0; i < 25; i++) { /* no gradient came of it */
            const cnn_tensor *g = cnn_tensor_grad(i % 2 ? x : images);
            ck_assert(!g || ((const float *)host_elements(g))[i % 2 ? i % 4 : i] == 0);
        }
        ck_assert_int_ne(cnn_optimizer_step(sgd), CNN_OK);
    }
}
END_TEST

/* Without a write in between all of them run; after a write the next step runs, too. */
START_TEST(writes_between_steps_are_fine)
{
    for (int writer = 0; writer < WRITERS; writer++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = loss_of(savers[_i].run());
        ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s", cnn_last_error(NULL));
        ck_assert_msg(writers[writer]() == CNN_OK, "writer %d: %s", writer, cnn_last_error(NULL));
    }
}
END_TEST

/* ---- what backward does not read ---- */

static cnn_tensor *still(void) { return cnn_detach(in()); }
static cnn_tensor *adds(void) { return cnn_add(in(), weight); }
static cnn_tensor *subtracts(void) { return cnn_sub(weight, in()); }
static cnn_tensor *scales(void) { return cnn_mul_scalar(w(), 3); }
static cnn_tensor *numerator(void) { return cnn_div(weight, in()); }
static cnn_tensor *no_gradient_for_the_other(void) { return cnn_mul(still(), weight); }
static cnn_tensor *first_layer(void) { return cnn_linear(still(), weight, NULL); }
static cnn_tensor *first_conv(void) { return cnn_conv2d(cnn_detach(cnn_input(tape, images)), w4(), NULL, NULL); }
static cnn_tensor *from_output(void) { return cnn_tanh(w()); }
static cnn_tensor *relu(void) { return cnn_relu(w()); }
static cnn_tensor *moves(void) { return cnn_concat((cnn_tensor *[]){ cnn_transpose(w(), 0, 1), in() }, 2, 0); }

static cnn_tensor *(*const careless[])(void) = { adds, subtracts, scales, numerator, no_gradient_for_the_other, first_layer,
                                                 first_conv, from_output, relu, moves };
enum { CARELESS = sizeof careless / sizeof *careless };

START_TEST(what_no_gradient_reads_may_be_written)
{
    cnn_tensor *loss = loss_of(careless[_i]());
    ck_assert_int_eq(cnn_tensor_fill(weight, 9), CNN_OK);
    ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s", cnn_tape_error(tape));
}
END_TEST

/* ---- storages that are written by others ---- */

/* A loader fills the buffers of a batch again two calls later. */
START_TEST(a_batch_that_was_refilled_is_recognised)
{
    cnn_tensor *samples = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(12, 2));
    cnn_loader *loader = cnn_loader_new(cnn_dataset_from_tensors(samples, NULL), 2, .no_background = _i);
    cnn_batch batch;
    ck_assert_msg(loader != NULL, "%s", cnn_last_error(NULL));
    ck_assert(cnn_loader_next(loader, &batch));
    cnn_tensor *loss = loss_of(cnn_forward(net, cnn_input(tape, batch.images)));
    for (int i = 0; i < 5; i++) {
        ck_assert(cnn_loader_next(loader, &batch));
    }
    ck_assert_int_eq(cnn_backward(loss), CNN_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(cnn_tape_error(tape), "linear: the input of shape [2,2] was written"));
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(loss_of(cnn_forward(net, cnn_input(tape, batch.images)))), CNN_OK);
    cnn_loader_free(loader);
    cnn_tensor_free(samples);
}
END_TEST

/* A gradient that is an operand itself changes when it is added to, and when it is zeroed. */
START_TEST(a_gradient_that_was_saved_is_recognised)
{
    cnn_tensor *grad = cnn_tensor_grad(weight);
    cnn_tensor *loss = loss_of(cnn_mul(in(), grad));
    if (_i) {
        cnn_tensor_zero_grad(weight);
    } else {
        ck_assert_int_eq(cnn_backward(loss_of(w())), CNN_OK);
    }
    ck_assert_int_eq(cnn_backward(loss), CNN_ERROR_STATE);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(loss_of(cnn_mul(in(), cnn_tensor_grad(weight)))), CNN_OK);
}
END_TEST

/* Both walks over a graph that is kept, and a write between them. */
START_TEST(a_kept_graph_is_checked_each_time)
{
    cnn_tensor *loss = loss_of(cnn_mul(in(), weight));
    ck_assert_int_eq(cnn_backward_with(loss, NULL, true), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(loss, NULL, true), CNN_OK);
    ck_assert_int_eq(cnn_tensor_fill(weight, 1), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(loss, NULL, true), CNN_ERROR_STATE);
    ck_assert_str_eq(cnn_tape_error(tape), cnn_last_error(ctx));
}
END_TEST

START_TEST(results_cannot_be_touched)
{
    ck_assert_int_eq(cnn_tensor_touch(cnn_tanh(w())), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_tensor_touch(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tensor_touch(x), CNN_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("written");
    TCase *tests = suite_case(suite, "written", setup, teardown);
    tcase_add_loop_test(tests, backward_names_what_was_written, 0, SAVERS);
    tcase_add_loop_test(tests, writes_between_steps_are_fine, 0, SAVERS);
    tcase_add_loop_test(tests, what_no_gradient_reads_may_be_written, 0, CARELESS);
    tcase_add_loop_test(tests, a_batch_that_was_refilled_is_recognised, 0, 2);
    tcase_add_loop_test(tests, a_gradient_that_was_saved_is_recognised, 0, 2);
    tcase_add_test(tests, a_kept_graph_is_checked_each_time);
    tcase_add_test(tests, results_cannot_be_touched);
    return suite_run(suite);
}
