/* Weights that are packed once for each version of their elements: the bits are those of packing in each launch, every
 * way of writing a weight is seen, and the memory is counted, bounded and given back. */
#include "support/elements.h"
#include "support/files.h"
#include "support/metered_tape.h"

#include <pthread.h>

/* Every kernel that has a form of its own: Winograd's tiles with kernels for all tasks and with a task's own, alone and
 * behind pooling, the fused direct sum, and products; with a normalisation that is folded. */
enum { NETS = 9 };
static cnn_module *net_of(cnn_context *c, int i)
{
    switch (i) {
    case 0: return cnn_sequential_new(c, cnn_conv2d_new(c, 16, 24, 3, .padding = 1));
    case 1: return cnn_sequential_new(c, cnn_conv2d_new(c, 16, 300, 3, .padding = 1));
    case 2: return cnn_sequential_new(c, cnn_conv2d_new(c, 16, 20, 5, .padding = 2), cnn_relu_new(c), cnn_maxpool2d_new(c, 2));
    case 3: return cnn_sequential_new(c, cnn_conv2d_new(c, 16, 20, 3, .padding = 1), cnn_relu_new(c), cnn_maxpool2d_new(c, 2));
    case 4: return cnn_sequential_new(c, cnn_conv2d_new(c, 16, 20, 2), cnn_relu_new(c), cnn_maxpool2d_new(c, 2));
    case 5: return cnn_sequential_new(c, cnn_conv2d_new(c, 16, 70, 3, .padding = 1, .groups = 1), cnn_batch_norm2d_new(c, 70),
                                      cnn_relu_new(c), cnn_conv2d_new(c, 70, 30, 3), cnn_batch_norm2d_new(c, 30));
    case 6: return cnn_sequential_new(c, cnn_linear_new(c, 24, 100), cnn_relu_new(c), cnn_linear_new(c, 100, 33));
    case 7: return cnn_sequential_new(c, cnn_conv2d_new(c, 16, 40, 7, .stride = 6), cnn_sigmoid_new(c), cnn_conv2d_new(c, 40, 20, 3));
    default: return cnn_sequential_new(c, cnn_flatten_new(c), cnn_linear_new(c, 16 * 24 * 24, 20));
    }
}

static cnn_tensor *images(cnn_context *c, int64_t batch)
{
    return cnn_tensor_randn(c, CNN_F32, CNN_SHAPE(batch, 16, 24, 24));
}

/* The result as a plain tensor. */
static cnn_tensor *evaluate(cnn_module *net, cnn_tensor *x)
{
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *y = cnn_tensor_detach(cnn_forward(net, cnn_input(tape, x)));
    ck_assert_msg(y != NULL, "%s", cnn_last_error(ctx));
    return y;
}

static void agree(const char *what, cnn_tensor *a, cnn_tensor *b, bool equal)
{
    ck_assert_msg(same_elements(a, b) == equal, "%s", what);
    cnn_tensor_free(a);
    cnn_tensor_free(b);
}

/* What a clone computes, whose weights have never been packed. */
static cnn_tensor *evaluate_fresh(const cnn_module *net, cnn_tensor *x)
{
    cnn_module *fresh = cnn_module_clone(net);
    cnn_tensor *y = evaluate(fresh, x);
    cnn_module_free(fresh);
    return y;
}

static bool packs(void)
{
    return strcmp(cnn_context_device(ctx), "cpu") == 0 && strcmp(cnn_context_kernels(ctx), "reference") != 0;
}

/* ---- bits and memory ---- */

/* A step that records a gradient of the weights packs in each launch. */
START_TEST(bits_are_those_of_packing_in_each_launch)
{
    for (int64_t batch = 1; batch <= 9; batch += 4) {
        cnn_module *net = net_of(ctx, _i);
        cnn_tensor *x = images(ctx, batch);
        cnn_tensor *first = evaluate(net, x), *second = evaluate(net, x);
        cnn_tape *other = cnn_tape_new(ctx);
        ck_assert_int_eq(cnn_tape_begin(other, CNN_TRAIN), CNN_OK);
        for (int i = 0; i < cnn_module_child_count(net); i++) {
            cnn_module_set_mode(cnn_module_child(net, i, NULL), CNN_MODULE_EVALUATES);
        }
        if (_i != 5) { /* which a recorded gradient keeps apart */
            cnn_tensor *trained = cnn_tensor_detach(cnn_forward(net, cnn_input(other, x)));
            ck_assert_int_eq(same_elements(first, trained), 1);
            cnn_tensor_free(trained);
        }
        cnn_tape_free(other);
        agree("the second run", first, second, true);
        cnn_tensor_free(x);
        cnn_module_free(net);
        ck_assert_uint_eq(cnn_context_packed_memory(ctx), 0);
    }
}
END_TEST

/* A weight has a form for each way in which images of some size are convolved: small ones by products of windows, without
 * the taps that see padding alone, larger ones by tiles. */
START_TEST(images_of_any_size_in_turns)
{
    static const int64_t sizes[] = { 4, 24, 1, 2, 8, 4, 1, 24, 3 };
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 32, 64, 3, .padding = 1), cnn_relu_new(ctx),
                                         cnn_conv2d_new(ctx, 64, 40, 3, .padding = 1, .stride = 2));
    for (int i = 0; i < 18; i++) {
        cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(i % 2 ? 1 : 3, 32, sizes[i % 9], sizes[i % 9]));
        agree("a size after another", evaluate(net, x), evaluate_fresh(net, x), true);
        cnn_tensor_free(x);
    }
    cnn_module_free(net);
}
END_TEST

START_TEST(refused_memory_packs_in_each_launch)
{
    cnn_module *net = net_of(ctx, _i);
    cnn_tensor *x = images(ctx, 9);
    cnn_tensor *expected = evaluate_fresh(net, x);
    long calls = 0;
    for (bool failed = true; failed; calls++) {
        cnn_tape_free(tape);
        tape = cnn_tape_new(ctx);
        cnn_module *fresh = cnn_module_clone(net);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        meter_reset();
        atomic_store(&meter.fail_at, calls);
        cnn_tensor *y = cnn_forward(fresh, cnn_input(tape, x));
        failed = atomic_load(&meter.calls) > calls;
        meter_reset();
        if (cnn_tape_status(tape) == CNN_OK) {
            cnn_tensor *copy = cnn_tensor_detach(y);
            ck_assert_msg(same_elements(copy, expected), "without allocation %ld", calls);
            cnn_tensor_free(copy);
        } else {
            ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_NO_MEMORY);
        }
        cnn_module_free(fresh);
    }
    ck_assert_int_gt(calls, 1);
    cnn_tensor_free(expected);
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

START_TEST(memory_is_counted_and_stays_the_same)
{
    cnn_module *net = net_of(ctx, 6);
    cnn_tensor *x = images(ctx, 2);
    ck_assert_uint_eq(cnn_context_packed_memory(ctx), 0);
    cnn_tensor_free(evaluate(net, x));
    size_t bytes = cnn_context_packed_memory(ctx);
    ck_assert_int_eq(bytes > 0, packs());
    for (int i = 0; i < 3; i++) {
        cnn_tensor_fill(cnn_module_find(net, "0.weight"), i);
        cnn_tensor_free(evaluate(net, x));
        ck_assert_uint_eq(cnn_context_packed_memory(ctx), bytes);
    }
    cnn_module_free(net);
    ck_assert_uint_eq(cnn_context_packed_memory(ctx), 0);
    ck_assert_uint_eq(cnn_context_packed_memory(NULL), 0);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(steps_that_train_keep_nothing)
{
    cnn_module *net = net_of(ctx, _i);
    cnn_tensor *x = images(ctx, 2);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *y = cnn_forward(net, cnn_input(tape, x));
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_uint_eq(cnn_context_packed_memory(ctx), 0);
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

/* ---- what is written is seen ---- */

static void by_fill(cnn_module *net, cnn_tensor *t) { (void)net; cnn_tensor_fill(t, 0.5); }
static void by_copy(cnn_module *net, cnn_tensor *t)
{
    cnn_tensor *drawn = cnn_tensor_rand(ctx, CNN_F32, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    (void)net;
    cnn_tensor_copy_from(t, drawn);
    cnn_tensor_free(drawn);
}
static void by_state(cnn_module *net, cnn_tensor *t)
{
    cnn_module *clone = cnn_module_clone(net);
    for (int i = 0; i < cnn_module_parameter_count(clone); i++) {
        cnn_tensor_fill(cnn_module_parameter(clone, i), 0.25);
    }
    (void)t;
    ck_assert_int_eq(cnn_module_copy_from(net, clone), CNN_OK);
    cnn_module_free(clone);
}
static void by_address(cnn_module *net, cnn_tensor *t)
{
    float *elements = cnn_tensor_data(t);
    (void)net;
    if (elements) {
        elements[3] += 1;
    } else { /* on a device */
        by_fill(net, t);
    }
}
static void by_step(cnn_module *net, cnn_tensor *t)
{
    cnn_optimizer *sgd = cnn_sgd_new(net, .lr = 0.1);
    cnn_tensor *x = images(ctx, 2);
    (void)t;
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_forward(net, cnn_input(tape, x));
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    cnn_optimizer_free(sgd);
    cnn_tensor_free(x);
}
static void (*const writers[])(cnn_module *net, cnn_tensor *t) = { by_fill, by_copy, by_state, by_address, by_step };
enum { WRITERS = sizeof writers / sizeof *writers };

START_TEST(writes_are_seen)
{
    cnn_module *net = net_of(ctx, _i / WRITERS);
    cnn_tensor *x = images(ctx, 2);
    for (int i = 0; i < cnn_module_parameter_count(net); i++) {
        cnn_tensor *before = evaluate(net, x);
        writers[_i % WRITERS](net, cnn_module_parameter(net, i));
        cnn_tensor *after = evaluate(net, x);
        ck_assert_int_eq(same_elements(after, before), 0);
        cnn_tensor_free(before);
        agree("beside a clone", after, evaluate_fresh(net, x), true);
        if (writers[_i % WRITERS] == by_state) {
            break; /* all of them are written */
        }
    }
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

START_TEST(a_kept_address_is_seen_after_a_touch)
{
    cnn_module *net = net_of(ctx, 6);
    cnn_tensor *x = images(ctx, 2), *weight = cnn_module_find(net, "0.weight");
    float *elements = cnn_tensor_data(weight);
    if (elements) {
        cnn_tensor *before = evaluate(net, x);
        elements[5] += 1;
        ck_assert_int_eq(cnn_tensor_touch(weight), CNN_OK);
        agree("touched", before, evaluate(net, x), false);
    }
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

START_TEST(memory_of_the_caller_is_not_packed)
{
    static float elements[64 * 16];
    cnn_tensor *weight = cnn_tensor_from_borrowed(ctx, CNN_F32, CNN_SHAPE(64, 16), NULL, elements, NULL, NULL);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(9, 16));
    for (int i = 0; weight && i < 3; i++) {
        elements[0] = (float)i;
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *y = cnn_tensor_detach(cnn_linear(cnn_input(tape, x), weight, NULL));
        ck_assert_double_eq(((const float *)host_elements(y))[0], i);
        cnn_tensor_free(y);
    }
    cnn_tensor_free(weight);
    cnn_tensor_free(x);
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 4, RUNS = 12 };

typedef struct runner {
    cnn_module *net;
    cnn_tensor *x, *expected;
    bool good;
} runner;

/* Reads both, because only one thread at a time may look at elements of a device by same_elements(). */
static bool same_read(const cnn_tensor *a, const cnn_tensor *b)
{
    size_t size = (size_t)cnn_tensor_numel(a) * sizeof(float);
    float *x = malloc(size), *y = malloc(size);
    bool same = x && y && cnn_tensor_read(a, x, size) == CNN_OK && cnn_tensor_read(b, y, size) == CNN_OK &&
                memcmp(x, y, size) == 0;
    free(x);
    free(y);
    return same;
}

static void *run_often(void *arg)
{
    runner *r = arg;
    cnn_tape *own = cnn_tape_new(ctx);
    r->good = own != NULL;
    for (int i = 0; i < RUNS && r->good; i++) {
        cnn_tape_begin(own, CNN_EVAL);
        cnn_tensor *y = cnn_tensor_detach(cnn_forward(r->net, cnn_input(own, r->x)));
        r->good = y && same_read(y, r->expected);
        cnn_tensor_free(y);
    }
    cnn_tape_free(own);
    return NULL;
}

START_TEST(threads_share_a_module)
{
    cnn_module *net = net_of(ctx, _i);
    cnn_tensor *x = images(ctx, 3);
    for (int round = 0; round < 3; round++) {
        runner runners[THREADS];
        pthread_t threads[THREADS];
        cnn_tensor_fill(cnn_module_parameter(net, 0), 0.1 * round);
        cnn_tensor *expected = evaluate_fresh(net, x);
        for (int i = 0; i < THREADS; i++) {
            runners[i] = (runner){ net, x, expected, false };
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, &runners[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            ck_assert(runners[i].good);
        }
        cnn_tensor_free(expected);
    }
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

/* ---- chains ---- */

static cnn_tensor *by_chain(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_module *const layers[] = { cnn_module_child(self, 0, NULL), cnn_module_child(self, 1, NULL), cnn_module_child(self, 2, NULL) };
    return cnn_forward_chain(layers, 3, x);
}

START_TEST(a_chain_is_a_sequential)
{
    cnn_module *layers[3] = { cnn_conv2d_new(ctx, 16, 32, 3), cnn_batch_norm2d_new(ctx, 32), cnn_relu_new(ctx) };
    static const char *const names[] = { "conv1", "bn1", "relu" };
    cnn_module *block = cnn_module_new(ctx, by_chain, .type = "Block"), *twin;
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(cnn_module_add(block, names[i], layers[i]));
    }
    cnn_tensor_fill(cnn_module_find(block, "bn1.running_mean"), 0.3);
    cnn_tensor_fill(cnn_module_find(block, "bn1.running_var"), 0.7);
    twin = cnn_sequential_new(ctx, cnn_module_clone(layers[0]), cnn_module_clone(layers[1]), cnn_relu_new(ctx));
    cnn_tensor *x = images(ctx, 2);
    agree("evaluation", evaluate(block, x), evaluate(twin, x), true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_tensor_detach(cnn_forward(block, cnn_input(tape, x))),
               *z = cnn_tensor_detach(cnn_forward(twin, cnn_input(tape, x)));
    agree("training", y, z, true);
    cnn_tensor_free(x);
    cnn_module_free(block);
    cnn_module_free(twin);
}
END_TEST

START_TEST(a_chain_refuses_what_forward_refuses)
{
    cnn_module *relu = cnn_relu_new(ctx), *const broken[] = { relu, NULL, relu };
    cnn_tensor *x = images(ctx, 1);
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_int_ne(cnn_tensor_status(cnn_forward_chain(broken, 3, cnn_input(tape, x))), CNN_OK);
    ck_assert_str_eq(cnn_tape_error(tape), "forward_chain: modules[1] is NULL");
    for (int i = 0; i < 3; i++) {
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_forward_chain(i ? broken : NULL, i - 1, cnn_input(tape, x));
        ck_assert_int_eq(cnn_tape_status(tape), i == 2 ? CNN_OK : CNN_ERROR_INVALID_ARGUMENT);
    }
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_forward_chain(broken, 1, x);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "is on no tape"));
    cnn_tensor_free(x);
    cnn_module_free(relu);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packed_weights");
    TCase *tests = suite_case(suite, "packed_weights", setup, teardown);
    tcase_add_loop_test(tests, bits_are_those_of_packing_in_each_launch, 0, NETS);
    tcase_add_test(tests, images_of_any_size_in_turns);
    tcase_add_loop_test(tests, refused_memory_packs_in_each_launch, 0, NETS);
    tcase_add_test(tests, memory_is_counted_and_stays_the_same);
    tcase_add_loop_test(tests, steps_that_train_keep_nothing, 0, NETS);
    tcase_add_loop_test(tests, writes_are_seen, 0, NETS * WRITERS);
    tcase_add_test(tests, a_kept_address_is_seen_after_a_touch);
    tcase_add_test(tests, memory_of_the_caller_is_not_packed);
    tcase_add_loop_test(tests, threads_share_a_module, 0, NETS);
    tcase_add_test(tests, a_chain_is_a_sequential);
    tcase_add_test(tests, a_chain_refuses_what_forward_refuses);
    return suite_run(suite);
}
