/* Forward passes of modules: user-defined modules, values compared with a whole PyTorch network, chains that run as
 * one operation, and one model shared by many threads. */
#include "support/elements.h"
#include "support/nn.h"

#include <pthread.h>

/* ---- forward ---- */

typedef struct residual {
    cnn_module *inner;
    int calls;
} residual;

static cnn_tensor *residual_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    residual *r = user;
    r->calls++;
    ck_assert_str_eq(cnn_module_type(self), "Residual");
    return cnn_add(x, cnn_forward(r->inner, x));
}

START_TEST(modules_of_the_users_own_run_and_train)
{
    residual r = { 0 };
    cnn_module *m = cnn_module_new(ctx, residual_forward, .type = "Residual", .user = &r);
    r.inner = cnn_module_add(m, "inner", cnn_linear_new(ctx, 3, 3));
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *y = cnn_forward(m, cnn_input(tape, x));
    double *before = as_doubles(cnn_module_find(m, "inner.weight")), *bias = as_doubles(cnn_module_find(m, "inner.bias"));
    double *out = as_doubles(y);
    ck_assert_double_eq_tol(out[0], 1 + before[0] + before[1] + before[2] + bias[0], 1e-6);
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    const float *grad = host_elements(cnn_tensor_grad(cnn_module_find(m, "inner.bias")));
    ck_assert(grad[0] == 2 && grad[2] == 2);
    ck_assert_int_eq(cnn_module_zero_grad(m), CNN_OK);
    const float *zeroed = host_elements(cnn_tensor_grad(cnn_module_find(m, "inner.bias")));
    ck_assert(on_device() || zeroed == grad);
    ck_assert(zeroed[0] == 0 && zeroed[2] == 0);
    ck_assert_int_eq(r.calls, 1);
    free(before);
    free(bias);
    free(out);
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

static cnn_tensor *bad_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    switch (*(int *)user) {
    case 0: return NULL;
    case 1: return cnn_reshape(x, CNN_SHAPE(99));
    case 2: cnn_tape_begin(tape, CNN_TRAIN); return x;
    default: return *(cnn_tensor **)(void *)((char *)user + sizeof(void *));
    }
}

START_TEST(what_a_forward_may_not_return_is_an_error)
{
    struct {
        int which;
        _Alignas(void *) cnn_tensor *tensor;
    } user = { 0, NULL };
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    user.tensor = x;
    cnn_module *m = cnn_module_new(ctx, bad_forward, .type = "Bad", .user = &user);
    static const char *const messages[] = { "forward: Bad returned NULL", "reshape: ", "tape_begin: called inside the forward of Bad",
                                            "forward: Bad returned a tensor on no tape" };
    for (user.which = 0; user.which < 4; user.which++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        ck_assert_int_ne(cnn_tensor_status(cnn_forward(m, cnn_input(tape, x))), CNN_OK);
        ck_assert_msg(strstr(cnn_tape_error(tape), messages[user.which]), "%s", cnn_tape_error(tape));
    }
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *nil = cnn_forward(m, x);
    failed_with(CNN_ERROR_STATE, "forward: the input of Bad is on no tape");
    ck_assert_int_eq(cnn_tensor_status(nil), CNN_ERROR_STATE);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_ne(cnn_tensor_status(cnn_forward(NULL, cnn_input(tape, x))), CNN_OK);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

static cnn_module *small_net(void)
{
    const cnn_dtype wide = CNN_F64;
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 2, 6, 3, .padding = 1, .dtype = wide), cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 6, 6, 3, .kernel_w = 2, .padding_mode = CNN_PADDING_SAME, .groups = 3, .no_bias = true, .dtype = wide),
        cnn_relu_new(ctx), cnn_conv2d_new(ctx, 6, 4, 3, .stride = 2, .padding_h = 1, .padding_w = 2, .dilation_w = 2, .dtype = wide),
        cnn_maxpool2d_new(ctx, 2, .stride = 1), cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0),
        cnn_linear_new(ctx, 24, 7, .dtype = wide), cnn_relu_new(ctx), cnn_linear_new(ctx, 7, 5, .no_bias = true, .dtype = wide));
}

START_TEST(a_whole_net_agrees_with_pytorch)
{
    cnn_module *net = small_net();
    cnn_tensor *x = fixture(ctx, "nn.safetensors", "net", "in"), *target = fixture(ctx, "nn.safetensors", "net", "target");
    char name[100], part[120];
    for (int i = 0; i < cnn_module_state_count(net); i++) {
        cnn_module_state_name(net, i, name, sizeof name);
        cnn_tensor *t = cnn_module_state(net, i), *value = fixture(ctx, "nn.safetensors", "net", name);
        ck_assert_msg(value != NULL, "PyTorch's net has no %s", name);
        ck_assert_int_eq(cnn_tensor_copy_from(t, value), CNN_OK);
        cnn_tensor_free(value);
    }
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *y = cnn_forward(net, cnn_input(tape, x)), *loss = cnn_cross_entropy(y, target);
    ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s", cnn_tape_error(tape));
    cnn_tensor *out = fixture(ctx, "nn.safetensors", "net", "out"), *expected = fixture(ctx, "nn.safetensors", "net", "loss");
    tensors_agree("net", "result", y, out, 1e-12);
    tensors_agree("net", "loss", loss, expected, 1e-12);
    for (int i = -1; i < cnn_module_state_count(net); i++) {
        cnn_tensor *t = i < 0 ? x : cnn_module_state(net, i);
        if (i >= 0) {
            cnn_module_state_name(net, i, name, sizeof name);
        }
        snprintf(part, sizeof part, "grad_%s", i < 0 ? "in" : name);
        cnn_tensor *grad = fixture(ctx, "nn.safetensors", "net", part);
        tensors_agree("net", part, cnn_tensor_grad(t), grad, 1e-12);
        cnn_tensor_free(grad);
    }
    cnn_tensor *all[] = { x, target, out, expected };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
    cnn_module_free(net);
}
END_TEST

/* ---- chains that run as one operation ---- */

typedef struct chain {
    int64_t in, out, size, kernel;
    cnn_conv2d_options conv;
    cnn_maxpool2d_options pool;
} chain;

#define CHAIN(in, out, size, kernel_, pool_, ...)                                                                    \
    { in, out, size, kernel_, { .struct_size = sizeof(cnn_conv2d_options), .kernel = kernel_, __VA_ARGS__ },         \
      { .struct_size = sizeof(cnn_maxpool2d_options), .kernel = pool_ } }

static const chain chains[] = {
    CHAIN(1, 32, 28, 5, 2, .padding = 2),  CHAIN(32, 64, 14, 5, 2, .padding = 2), CHAIN(3, 5, 9, 3, 2, .padding = 1),
    CHAIN(2, 3, 8, 3, 2, .no_bias = true), CHAIN(4, 6, 11, 3, 2, .stride = 2),    CHAIN(4, 8, 12, 3, 3, .padding = 1),
    CHAIN(4, 8, 10, 3, 2, .groups = 2),    CHAIN(2, 3, 10, 3, 2, .dilation = 2),  CHAIN(2, 4, 7, 1, 2, .padding_left = 1),
};

static cnn_tensor *separate(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < cnn_module_child_count(self); i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    return x;
}

static void add_chain(cnn_module *m, const chain *c)
{
    cnn_module_add(m, "0", cnn_conv2d_create(ctx, c->in, c->out, &c->conv));
    cnn_module_add(m, "1", cnn_relu_new(ctx));
    cnn_module_add(m, "2", cnn_maxpool2d_create(ctx, &c->pool));
}

/* A parameter's gradients of the two modules, or the inputs' (name NULL). */
static void grads_agree(const char *what, cnn_tensor *a, cnn_tensor *b)
{
    tensors_agree("chain", what, cnn_tensor_grad(a), cnn_tensor_grad(b), 2e-5);
}

START_TEST(a_chain_agrees_with_its_modules_to_rounding)
{
    const chain *c = &chains[_i];
    cnn_module *parts[] = { cnn_conv2d_create(ctx, c->in, c->out, &c->conv), cnn_relu_new(ctx), cnn_maxpool2d_create(ctx, &c->pool) };
    cnn_module *fused = cnn_sequential_create(ctx, parts, 3), *plain = cnn_module_new(ctx, separate);
    add_chain(plain, c);
    ck_assert_int_eq(cnn_module_copy_from(plain, fused), CNN_OK);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, c->in, c->size, c->size)), *z = cnn_tensor_detach(x);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor_set_requires_grad(z, true);
    cnn_tensor *a = cnn_forward(fused, cnn_input(tape, x)), *b = cnn_forward(plain, cnn_input(tape, z));
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    tensors_agree("chain", "result", a, b, 2e-6);
    cnn_tensor *seed = cnn_tensor_randn(ctx, CNN_F32, cnn_tensor_ndim(a), cnn_tensor_shape(a));
    ck_assert_int_eq(cnn_backward_with(a, seed, false), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(b, seed, false), CNN_OK);
    grads_agree("input", x, z);
    for (int i = 0; i < cnn_module_parameter_count(fused); i++) {
        grads_agree(i ? "bias" : "weight", cnn_module_parameter(fused, i), cnn_module_parameter(plain, i));
    }
    /* The same holds in evaluation. */
    cnn_tape_begin(tape, CNN_EVAL);
    tensors_agree("chain", "evaluation", cnn_forward(fused, cnn_input(tape, x)), cnn_forward(plain, cnn_input(tape, z)), 2e-6);
    cnn_tensor_free(x);
    cnn_tensor_free(z);
    cnn_tensor_free(seed);
    cnn_module_free(fused);
    cnn_module_free(plain);
}
END_TEST

/* ---- many tapes ---- */

enum { THREADS = 4, ROUNDS = 20 };

typedef struct server {
    cnn_module *model;
    cnn_tensor *x;
    float out[10];
    bool ok;
} server;

static void *serve(void *arg)
{
    server *s = arg;
    cnn_tape *own = cnn_tape_new(cnn_module_context(s->model));
    s->ok = own != NULL;
    for (int i = 0; i < ROUNDS && s->ok; i++) {
        cnn_tape_begin(own, CNN_EVAL);
        float out[10];
        s->ok = cnn_tensor_read(cnn_forward(s->model, cnn_input(own, s->x)), out, sizeof out) == CNN_OK &&
                (i == 0 || memcmp(out, s->out, sizeof out) == 0);
        memcpy(s->out, out, sizeof out);
    }
    cnn_tape_free(own);
    return NULL;
}

START_TEST(one_model_serves_many_threads)
{
    cnn_context *many = cnn_context_new(.seed = 2, .threads = 2);
    cnn_module *model = cnn_sequential_new(many, cnn_conv2d_new(many, 1, 8, 3, .padding = 1), cnn_relu_new(many),
        cnn_maxpool2d_new(many, 2), cnn_flatten_new(many), cnn_dropout_new(many, 0.5), cnn_linear_new(many, 8 * 49, 10));
    server servers[THREADS];
    pthread_t threads[THREADS];
    cnn_tensor *x = cnn_tensor_randn(many, CNN_F32, CNN_SHAPE(1, 1, 14, 14));
    for (int i = 0; i < THREADS; i++) {
        servers[i] = (server){ .model = model, .x = x };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, serve, &servers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(servers[i].ok);
        ck_assert_int_eq(memcmp(servers[i].out, servers[0].out, sizeof servers[0].out), 0);
    }
    cnn_tensor_free(x);
    cnn_module_free(model);
    cnn_context_free(many);
}
END_TEST

START_TEST(parameters_outlive_their_module_where_they_are_used)
{
    cnn_module *m = cnn_linear_new(ctx, 3, 2);
    cnn_optimizer *sgd = cnn_sgd_new(m, .lr = 0.1);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 3));
    cnn_tensor *loss = cnn_sum(cnn_forward(m, cnn_input(tape, x)), CNN_ALL_DIMS, false);
    cnn_module_free(m);
    ck_assert_int_eq(cnn_backward(loss), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    cnn_optimizer_free(sgd);
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forward");
    TCase *forward = suite_case(suite, "forward", setup, teardown);
    tcase_add_test(forward, modules_of_the_users_own_run_and_train);
    tcase_add_test(forward, what_a_forward_may_not_return_is_an_error);
    tcase_add_test(forward, a_whole_net_agrees_with_pytorch);
    tcase_add_loop_test(forward, a_chain_agrees_with_its_modules_to_rounding, 0, (int)(sizeof chains / sizeof *chains));
    tcase_add_test(forward, one_model_serves_many_threads);
    tcase_add_test(forward, parameters_outlive_their_module_where_they_are_used);
    return suite_run(suite);
}
