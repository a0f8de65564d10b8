/* Clones: equal to the bit and independent of what they were made from, for every layer, trees of any depth and modules
 * of the user's; and what a clone that fails leaves behind. */
#include "support/elements.h"
#include "support/nn.h"

/* One of every layer, nested. */
static cnn_module *every_layer(void)
{
    cnn_module *inner = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 2, 4, 3, .padding = 1, .groups = 2, .no_bias = true),
                                           cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2, .ceil_mode = true));
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3, .padding_mode = CNN_PADDING_SAME),
                              cnn_batch_norm2d_new(ctx, 2, .momentum = 0.25), inner,
                              cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.25), cnn_linear_new(ctx, 36, 3),
                              cnn_linear_new(ctx, 3, 2, .no_bias = true));
}

static void assert_equal_state(const cnn_module *a, const cnn_module *b)
{
    ck_assert_int_eq(cnn_module_state_count(a), cnn_module_state_count(b));
    for (int i = 0; i < cnn_module_state_count(a); i++) {
        cnn_tensor *x = cnn_module_state(a, i), *y = cnn_module_state(b, i);
        ck_assert(x != y && (on_device() || cnn_tensor_data(x) != cnn_tensor_data(y)));
        ck_assert_int_eq(cnn_tensor_requires_grad(x), cnn_tensor_requires_grad(y));
        ck_assert(same_elements(x, y));
    }
}

static void assert_equal_text(const cnn_module *a, const cnn_module *b)
{
    char one[2048], other[2048];
    snprintf(one, sizeof one, "%s", state_text(a));
    ck_assert_str_eq(one, state_text(b));
    cnn_module_format(a, one, sizeof one);
    cnn_module_format(b, other, sizeof other);
    ck_assert_str_eq(one, other);
}

/* Training mode, so that dropout draws: both draw from the same stream. */
static void assert_equal_results(cnn_module *a, cnn_module *b)
{
    cnn_tensor *image = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 1, 5, 5));
    float results[2][6];
    cnn_random_state random;
    cnn_context_random_state(ctx, &random);
    for (int i = 0; i < 2; i++) {
        cnn_context_set_random_state(ctx, &random);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_forward(i ? b : a, cnn_input(tape, image));
        ck_assert_msg(cnn_tensor_read(y, results[i], sizeof results[i]) == CNN_OK, "%s", cnn_last_error(ctx));
    }
    ck_assert_mem_eq(results[0], results[1], sizeof results[0]);
    cnn_tensor_free(image);
}

START_TEST(a_clone_is_equal_and_its_own)
{
    cnn_module *m = every_layer();
    cnn_tensor_set_requires_grad(cnn_module_find(m, "0.bias"), false);
    ck_assert_int_eq(cnn_module_set_mode(cnn_module_child(m, 4, NULL), CNN_MODULE_EVALUATES), CNN_OK);
    cnn_random_state before, after;
    cnn_context_random_state(ctx, &before);
    cnn_module *clone = cnn_module_clone(m);
    cnn_context_random_state(ctx, &after);
    ck_assert_msg(clone != NULL, "%s", cnn_last_error(ctx));
    ck_assert(before.stream == after.stream);
    assert_equal_text(m, clone);
    assert_equal_state(m, clone);
    ck_assert_int_eq(cnn_module_get_mode(cnn_module_child(clone, 4, NULL)), CNN_MODULE_EVALUATES);
    assert_equal_results(m, clone);
    assert_equal_state(m, clone); /* each has updated its own running statistics */
    ck_assert_ptr_null(cnn_tensor_grad(cnn_module_find(clone, "0.weight")));

    /* What one learns the other does not see, and it outlives what it was made from. */
    cnn_tensor_fill(cnn_module_find(m, "6.weight"), 7);
    ck_assert(*(const float *)host_elements(cnn_module_find(clone, "6.weight")) != 7);
    cnn_module *again = cnn_module_clone(clone);
    cnn_module_free(m);
    assert_equal_results(again, clone);
    cnn_module_free(again);
    cnn_module_free(clone);
}
END_TEST

START_TEST(a_part_is_cloned_without_its_parent)
{
    cnn_module *m = every_layer(), *part = cnn_module_child(m, 2, NULL), *clone = cnn_module_clone(part);
    assert_equal_text(part, clone);
    ck_assert_ptr_nonnull(cnn_module_add(m, "clone", clone)); /* nobody owns it yet */
    cnn_module_free(m);
}
END_TEST

/* Gradients are not copied, and an optimizer of the original does not move the clone. */
START_TEST(gradients_stay_behind)
{
    cnn_module *m = cnn_linear_new(ctx, 2, 1);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 2));
    cnn_optimizer *sgd = cnn_sgd_new(m, .lr = 1);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(m, cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    cnn_module *clone = cnn_module_clone(m);
    float weight = *(const float *)host_elements(cnn_module_find(m, "weight"));
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    ck_assert(*(const float *)host_elements(cnn_module_find(m, "weight")) == weight - 1);
    ck_assert(*(const float *)host_elements(cnn_module_find(clone, "weight")) == weight);
    ck_assert_ptr_null(cnn_tensor_grad(cnn_module_find(clone, "weight")));
    cnn_optimizer_free(sgd);
    cnn_tensor_free(x);
    cnn_module_free(m);
    cnn_module_free(clone);
}
END_TEST

/* Layers of sequences: the clone computes with its own tensors once what it was made from is gone. */
START_TEST(layers_of_sequences_are_cloned)
{
    float before[8], after[8];
    cnn_module *m = cnn_sequential_new(ctx, cnn_embedding_new(ctx, 5, 3), cnn_lstm_new(ctx, 3, 2));
    cnn_tensor *ids = cnn_tensor_arange(ctx, CNN_I64, 0, 4, 1);
    for (int i = 0; i < 2; i++) {
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *y = cnn_forward(m, cnn_reshape(cnn_input(tape, ids), CNN_SHAPE(4, 1)));
        ck_assert_msg(cnn_tensor_read(y, i ? after : before, sizeof before) == CNN_OK, "%s", cnn_last_error(ctx));
        cnn_module *clone = cnn_module_clone(m);
        ck_assert_msg(clone != NULL, "%s", cnn_last_error(ctx));
        cnn_tensor_fill(cnn_module_find(m, "0.weight"), 9);
        cnn_module_free(m);
        m = clone;
    }
    ck_assert_mem_eq(before, after, sizeof before);
    cnn_tensor_free(ids);
    cnn_module_free(m);
}
END_TEST

/* ---- modules of the user's ---- */

typedef struct net {
    cnn_module *first, *second;
    cnn_tensor *scale;
} net;

static long nets; /* how many are alive */

static net *net_of(cnn_module *module)
{
    net *n = malloc(sizeof *n);
    ck_assert_ptr_nonnull(n);
    nets++;
    *n = (net){ cnn_module_child(module, 0, NULL), cnn_module_child(module, 1, NULL), cnn_module_find(module, "scale") };
    return n;
}

static void net_free(void *user)
{
    nets--;
    free(user);
}

static cnn_tensor *net_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    const net *n = user;
    (void)self;
    return cnn_mul(cnn_forward(n->second, cnn_forward(n->first, x)), n->scale);
}

static cnn_status net_clone(cnn_module *clone, void *user, void **copy)
{
    ck_assert_ptr_nonnull(user);
    *copy = net_of(clone);
    return CNN_OK;
}

static cnn_status clone_fails(cnn_module *clone, void *user, void **copy)
{
    (void)user, (void)copy;
    cnn_module_find(clone, "nope");
    return CNN_ERROR_NOT_FOUND;
}

static cnn_module *module_with_user(cnn_status (*clone_user)(cnn_module *, void *, void **))
{
    /* The struct is filled once its children are there. */
    net *n = calloc(1, sizeof *n);
    ck_assert_ptr_nonnull(n);
    nets++;
    cnn_module *m = cnn_module_new(ctx, net_forward, .type = "Net", .user = n, .free_user = net_free,
                                   .clone_user = clone_user);
    n->first = cnn_module_add(m, "first", cnn_linear_new(ctx, 3, 2));
    n->second = cnn_module_add(m, "second", cnn_relu_new(ctx));
    n->scale = cnn_module_add_buffer(m, "scale", cnn_tensor_full(ctx, CNN_F32, 2, CNN_SHAPE(2)));
    return m;
}

START_TEST(modules_of_the_users_say_how)
{
    cnn_module *m = cnn_sequential_new(ctx, module_with_user(net_clone)), *clone = cnn_module_clone(m);
    ck_assert_msg(clone != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(nets, 2);
    assert_equal_text(m, clone);
    assert_equal_state(m, clone);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 3)), *scale = cnn_module_find(clone, "0.scale");
    cnn_tensor_fill(cnn_module_find(clone, "0.first.weight"), 1);
    cnn_tensor_fill(cnn_module_find(clone, "0.first.bias"), 1);
    cnn_tensor_fill(scale, 10);
    cnn_module_free(m); /* the clone computes with its own tensors */
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_double_eq(cnn_tensor_item(cnn_sum(cnn_forward(clone, cnn_input(tape, x)), CNN_ALL_DIMS, false)), 80);
    cnn_tensor_free(x);
    cnn_module_free(clone);
    ck_assert_int_eq(nets, 0);
}
END_TEST

static cnn_tensor *pass_on(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

START_TEST(what_cannot_be_cloned_is_refused)
{
    cnn_module *without = cnn_sequential_new(ctx, cnn_linear_new(ctx, 2, 2), module_with_user(NULL));
    cnn_module *failing = cnn_sequential_new(ctx, module_with_user(net_clone), module_with_user(clone_fails));
    cnn_module *stateless = cnn_module_new(ctx, pass_on);
    ck_assert_ptr_null(cnn_module_clone(without));
    failed_with(CNN_ERROR_UNSUPPORTED, "module_clone: Net has a `user` and no clone_user in its options");
    ck_assert_ptr_null(cnn_module_clone(failing));
    failed_with(CNN_ERROR_CALLBACK, "module_clone: clone_user of Net returned CNN_ERROR_NOT_FOUND: module_find: this Net has "
                                    "no parameter or buffer \"nope\"");
    ck_assert_int_eq(nets, 3); /* the copies that were made are freed, and nothing twice */
    ck_assert_ptr_null(cnn_module_clone(NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_clone: module is NULL");
    cnn_module *clone = cnn_module_clone(stateless);
    ck_assert_ptr_nonnull(clone);
    cnn_module_free(clone);
    cnn_module_free(stateless);
    cnn_module_free(without);
    cnn_module_free(failing);
}
END_TEST

/* ---- size and memory ---- */

START_TEST(a_tree_of_any_depth_is_cloned)
{
    enum { DEPTH = 1000 };
    cnn_module *m = cnn_linear_new(ctx, 1, 1);
    for (int i = 1; i < DEPTH; i++) {
        m = cnn_sequential_new(ctx, m);
    }
    cnn_module *clone = cnn_module_clone(m);
    ck_assert_msg(clone != NULL, "%s", cnn_last_error(ctx));
    assert_equal_state(m, clone);
    cnn_module_free(m);
    cnn_module_free(clone);
}
END_TEST

START_TEST(failed_allocations_leave_nothing_behind)
{
    cnn_module *m = cnn_sequential_new(ctx, every_layer(), module_with_user(net_clone)), *clone = NULL;
    size_t before = atomic_load(&meter.now);
    for (long n = 0; !clone; n++) {
        ck_assert_uint_eq(atomic_load(&meter.now), before);
        ck_assert_int_eq(nets, 1);
        ck_assert_int_lt(n, 200);
        meter_reset();
        atomic_store(&meter.fail_at, n);
        clone = cnn_module_clone(m);
        meter_reset();
        ck_assert(clone || cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY);
        ck_assert(clone || strncmp(cnn_last_error(ctx), "module_clone: ", 14) == 0);
    }
    cnn_module_free(clone);
    cnn_module_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clone");
    TCase *clones = suite_case(suite, "clone", setup, teardown);
    tcase_add_test(clones, a_clone_is_equal_and_its_own);
    tcase_add_test(clones, a_part_is_cloned_without_its_parent);
    tcase_add_test(clones, gradients_stay_behind);
    tcase_add_test(clones, layers_of_sequences_are_cloned);
    tcase_add_test(clones, modules_of_the_users_say_how);
    tcase_add_test(clones, what_cannot_be_cloned_is_refused);
    tcase_add_test(clones, a_tree_of_any_depth_is_cloned);
    tcase_add_test(clones, failed_allocations_leave_nothing_behind);
    return suite_run(suite);
}
