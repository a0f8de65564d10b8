/* Layers of normalisation beyond their values (test_norms.c): failing steps, evaluation, copies, files, edges and messages. */
#include "support/elements.h"
#include "support/metered_tape.h"

typedef struct buffers {
    float mean[3], var[3];
    int64_t batches;
} buffers;

static buffers buffers_of(const cnn_module *module)
{
    buffers b;
    memset(&b, 0, sizeof b);
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "running_mean"), b.mean, sizeof b.mean), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "running_var"), b.var, sizeof b.var), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "num_batches_tracked"), &b.batches, sizeof b.batches), CNN_OK);
    return b;
}

static bool equal(const buffers *a, const buffers *b)
{
    return memcmp(a->mean, b->mean, sizeof a->mean) == 0 && memcmp(a->var, b->var, sizeof a->var) == 0 && a->batches == b->batches;
}

static cnn_tensor *counted(int ndim, const int64_t *shape)
{
    cnn_tensor *t = cnn_tensor_empty(ctx, CNN_F32, ndim, shape);
    int64_t n = cnn_tensor_numel(t);
    float *values = calloc((size_t)n + 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = (float)((i * 37) % 101) / 10;
    }
    set_elements(t, values);
    free(values);
    return t;
}

/* The layers that have running statistics here, each with an input. */
static cnn_module *tracking(int i)
{
    return i == 0   ? cnn_batch_norm1d_new(ctx, 3)
           : i == 1 ? cnn_batch_norm1d_new(ctx, 3, .cumulative = true)
           : i == 2 ? cnn_instance_norm1d_new(ctx, 3, .track_running_stats = true)
                    : cnn_instance_norm2d_new(ctx, 3, .affine = true, .track_running_stats = true);
}

static cnn_tensor *input_for(int i)
{
    return i < 2 ? counted(CNN_SHAPE(4, 3)) : i == 2 ? counted(CNN_SHAPE(2, 3, 7)) : counted(CNN_SHAPE(2, 3, 4, 5));
}

START_TEST(a_step_that_fails_takes_its_statistics_back)
{
    cnn_module *module = tracking(_i);
    cnn_tensor *x = input_for(_i), *other = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(7, 9));
    for (int round = 0; round < 3; round++) {
        buffers before = buffers_of(module);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *y = cnn_forward(module, cnn_forward(module, cnn_input(tape, x)));
        ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tape));
        buffers after = buffers_of(module);
        ck_assert(!equal(&after, &before)); /* visible at once */
        ck_assert_int_eq(after.batches, before.batches + (_i < 2 ? 2 : 0));
        if (round == 0) {
            cnn_add(y, other);
        } else if (round == 1) {
            ck_assert_int_ne(cnn_backward(y), CNN_OK);
        }
        ck_assert_int_eq(cnn_tape_status(tape) != CNN_OK, round < 2);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        buffers end = buffers_of(module);
        ck_assert(equal(&end, round < 2 ? &before : &after));
    }
    cnn_tensor_free(x);
    cnn_tensor_free(other);
    cnn_module_free(module);
}
END_TEST

START_TEST(evaluation_writes_nothing)
{
    cnn_module *module = tracking(_i);
    cnn_tensor *x = input_for(_i);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN_NO_GRAD), CNN_OK);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
    buffers before = buffers_of(module);
    for (int mode = 0; mode < 2; mode++) {
        ck_assert_int_eq(cnn_tape_begin(tape, mode ? CNN_EVAL : CNN_EVAL_GRAD), CNN_OK);
        ck_assert_int_eq(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
        buffers after = buffers_of(module);
        ck_assert(equal(&after, &before));
    }
    ck_assert_int_eq(cnn_module_set_mode(module, CNN_MODULE_EVALUATES), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
    buffers frozen = buffers_of(module);
    ck_assert(equal(&frozen, &before));
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *module =
        cnn_sequential_new(ctx, cnn_instance_norm1d_new(ctx, 3, .track_running_stats = true), cnn_group_norm_new(ctx, 3, 3),
                           cnn_layer_norm_new(ctx, 7), cnn_batch_norm1d_new(ctx, 3), cnn_rms_norm_new(ctx, 7),
                           cnn_local_response_norm_new(ctx, 3), cnn_dropout1d_new(ctx, 0.5), cnn_alpha_dropout_new(ctx, 0.5));
    cnn_tensor *x = input_for(2);
    long calls = 0;
    for (int i = 0; i < 5; i++) {
        long before = atomic_load(&meter.calls);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        ck_assert_int_eq(cnn_backward(cnn_mean(cnn_forward(module, cnn_input(tape, x)), 0, NULL, false)), CNN_OK);
        calls = i ? calls + atomic_load(&meter.calls) - before : 0;
    }
    ck_assert_int_eq(calls, 0);
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

/* ---- copies and files ---- */

static cnn_module *every_layer(void)
{
    return cnn_sequential_new(ctx, cnn_instance_norm1d_new(ctx, 3, .affine = true, .track_running_stats = true),
                              cnn_layer_norm_new(ctx, 7), cnn_layer_norm_new(ctx, 7, .no_bias = true), cnn_group_norm_new(ctx, 3, 3),
                              cnn_rms_norm_new(ctx, 7), cnn_batch_norm1d_new(ctx, 3), cnn_local_response_norm_new(ctx, 3, .k = 2));
}

static void evaluate(cnn_module *module, const cnn_tensor *x, float result[42])
{
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *y = cnn_forward(module, cnn_input(tape, (cnn_tensor *)(uintptr_t)x));
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tape));
    ck_assert_int_eq(cnn_tensor_read(y, result, 42 * sizeof *result), CNN_OK);
}

START_TEST(copies_and_files_have_the_state)
{
    static const char *const keys[] = { "0.weight", "0.bias", "0.running_mean", "0.running_var", "0.num_batches_tracked", "1.weight",
                                        "1.bias", "2.weight", "3.weight", "3.bias", "4.weight", "5.weight", "5.bias",
                                        "5.running_mean", "5.running_var", "5.num_batches_tracked" };
    enum { KEYS = sizeof keys / sizeof *keys };
    cnn_module *module = every_layer(), *loaded = every_layer();
    cnn_tensor *x = input_for(2);
    float expected[42], copied[42], read[42], fresh[42];
    char path[sizeof test_folder + 32], name[64];
    ck_assert_int_eq(cnn_module_state_count(module), KEYS);
    for (int i = 0; i < KEYS; i++) {
        cnn_module_state_name(module, i, name, sizeof name);
        ck_assert_str_eq(name, keys[i]);
    }
    ck_assert_int_eq(cnn_tensor_fill(cnn_module_find(module, "1.weight"), 1.5), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
    evaluate(module, x, expected);
    cnn_module *copy = cnn_module_clone(module);
    ck_assert_msg(copy != NULL, "%s", cnn_last_error(ctx));
    evaluate(copy, x, copied);
    ck_assert_int_eq(memcmp(copied, expected, sizeof expected), 0);
    folder_make();
    snprintf(path, sizeof path, "%s/norms.safetensors", test_folder);
    ck_assert_msg(cnn_module_save(module, path) == CNN_OK, "%s", cnn_last_error(ctx));
    evaluate(loaded, x, fresh);
    ck_assert_int_ne(memcmp(fresh, expected, sizeof expected), 0);
    ck_assert_msg(cnn_module_load(loaded, path) == CNN_OK, "%s", cnn_last_error(ctx));
    evaluate(loaded, x, read);
    ck_assert_int_eq(memcmp(read, expected, sizeof expected), 0);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK); /* the copy's statistics are its own */
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(copy, cnn_input(tape, x))), CNN_OK);
    evaluate(module, x, read);
    ck_assert_int_eq(memcmp(read, expected, sizeof expected), 0);
    cnn_module_free(module);
    cnn_module_free(copy);
    cnn_module_free(loaded);
    cnn_tensor_free(x);
    ck_assert_int_eq(folder_count(false), 1);
    folder_remove();
}
END_TEST

/* ---- texts ---- */

static void prints(cnn_module *module, const char *expected)
{
    char text[256];
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_module_format(module, text, sizeof text);
    ck_assert_str_eq(text, expected);
    cnn_module_free(module);
}

/* Those that PyTorch 1.13 has not, as newer ones print them, and the end of one that is longer in newer ones. */
START_TEST(prints_as_pytorch)
{
    prints(cnn_rms_norm_new(ctx, 5), "RMSNorm((5,), eps=None, elementwise_affine=True)");
    prints(cnn_rms_norm_create(ctx, CNN_SHAPE(5, 3), CNN_OPTIONS(cnn_rms_norm_options, .eps = CNN_ZERO, .no_affine = true)),
           "RMSNorm((5, 3), eps=0.0, elementwise_affine=False)");
    prints(cnn_layer_norm_new(ctx, 5, .no_bias = true), "LayerNorm((5,), eps=1e-05, elementwise_affine=True, bias=False)");
}
END_TEST

/* ---- edges ---- */

START_TEST(empty_batches_give_zero_gradients)
{
    cnn_module *module = every_layer();
    cnn_tensor *x = counted(CNN_SHAPE(0, 3, 7)), *weight = cnn_module_find(module, "1.weight");
    float gradient[7];
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *y = cnn_forward(module, cnn_input(tape, x));
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tape));
    ck_assert_int_eq(cnn_tensor_numel(y), 0);
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_tensor_grad(weight), gradient, sizeof gradient), CNN_OK);
    for (int i = 0; i < 7; i++) {
        ck_assert_float_eq(gradient[i], 0);
    }
    ck_assert_float_eq(*(const float *)host_elements(cnn_module_find(module, "0.running_var")), 1);
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

static void *allocate_nan(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *memory = cnn__system_alloc(size, alignment);
    return memory ? memset(memory, 0xff, size) : NULL;
}

static void deallocate_nan(void *memory, size_t size, void *user)
{
    (void)size, (void)user;
    cnn__system_free(memory);
}

/* There are no statistics of an empty batch, and nobody reads the memory where they would be. */
START_TEST(empty_batches_read_no_statistics)
{
    cnn_context *nan = cnn_context_new(.seed = 1, .threads = 1, .allocate = allocate_nan, .deallocate = deallocate_nan);
    cnn_tape *on = cnn_tape_new(nan);
    for (int grouped = 0; grouped < 2; grouped++) {
        cnn_module *module = grouped ? cnn_group_norm_new(nan, 2, 4) : cnn_batch_norm1d_new(nan, 4);
        cnn_tensor *x = cnn_tensor_zeros(nan, CNN_F32, CNN_SHAPE(grouped ? 2 : 0, 4, grouped ? 0 : 3));
        float gradient[4];
        ck_assert_int_eq(cnn_tape_begin(on, CNN_TRAIN), CNN_OK);
        ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(module, cnn_input(on, x)), CNN_ALL_DIMS, false)), CNN_OK);
        ck_assert_int_eq(cnn_tensor_read(cnn_tensor_grad(cnn_module_find(module, "weight")), gradient, sizeof gradient), CNN_OK);
        for (int i = 0; i < 4; i++) {
            ck_assert_float_eq(gradient[i], 0);
        }
        cnn_tensor_free(x);
        cnn_module_free(module);
    }
    cnn_tape_free(on);
    cnn_context_free(nan);
}
END_TEST

/* The mean is far larger than the spread: the sums' order and width decide. */
START_TEST(large_means_leave_the_spread)
{
    enum { N = 4096 };
    float *values = malloc(N * sizeof *values), *y = malloc(N * sizeof *y);
    for (int i = 0; i < N; i++) {
        values[i] = 4096 + (float)(i % 2);
    }
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, N), values);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *result = cnn_layer_norm(cnn_input(tape, x), CNN_SHAPE(N), NULL, NULL, CNN_OPTIONS(cnn_norm_options, .eps = CNN_ZERO));
    ck_assert_int_eq(cnn_tensor_read(result, y, N * sizeof *y), CNN_OK);
    for (int i = 0; i < N; i++) {
        ck_assert_float_eq(y[i], i % 2 ? 1 : -1);
    }
    cnn_tensor_free(x);
    free(values);
    free(y);
}
END_TEST

/* ---- messages ---- */

static void expect(cnn_tensor *y, const char *message)
{
    ck_assert_int_ne(cnn_tensor_status(y), CNN_OK);
    ck_assert_str_eq(cnn_tape_error(tape), message);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}

START_TEST(operations_say_what_is_wrong)
{
    cnn_tensor *matrix = counted(CNN_SHAPE(4, 6)), *row = counted(CNN_SHAPE(1, 2)), *four = counted(CNN_SHAPE(4));
    cnn_tensor *lines = counted(CNN_SHAPE(2, 4, 3)), *single = counted(CNN_SHAPE(2, 4, 1));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
#define ON(t) cnn_input(tape, t)
    expect(cnn_layer_norm(ON(matrix), CNN_SHAPE(5), NULL, NULL, NULL), "layer_norm: input is [4,6], expected its last dimensions to be [5]");
    expect(cnn_layer_norm(ON(matrix), CNN_SHAPE(2, 4, 6), NULL, NULL, NULL),
           "layer_norm: input is [4,6], expected its last dimensions to be [2,4,6]");
    expect(cnn_layer_norm(ON(matrix), 0, NULL, NULL, NULL, NULL), "layer_norm: normalized_shape has 0 dimensions, expected 1 to 8");
    expect(cnn_layer_norm(ON(matrix), CNN_SHAPE(6), ON(four), NULL, NULL), "layer_norm: weight is [4], expected [6]");
    expect(cnn_rms_norm(ON(matrix), CNN_SHAPE(6), NULL, CNN_OPTIONS(cnn_norm_options, .eps = -1)), "rms_norm: eps is -1, expected at least 0");
    expect(cnn_group_norm(ON(four), 2, NULL, NULL, NULL), "group_norm: input is [4], expected [N,C] or [N,C,...]");
    expect(cnn_group_norm(ON(matrix), 4, NULL, NULL, NULL), "group_norm: num_groups is 4, expected a divisor of the 6 channels");
    expect(cnn_group_norm(ON(matrix), 0, NULL, NULL, NULL), "group_norm: num_groups is 0, expected a divisor of the 6 channels");
    expect(cnn_group_norm(ON(row), 2, NULL, NULL, NULL), "group_norm: there is one value per group, expected two or more");
    expect(cnn_group_norm(ON(matrix), 2, NULL, ON(four), NULL), "group_norm: bias is [4], expected [6]");
    expect(cnn_instance_norm(ON(matrix), NULL, NULL, NULL, NULL, NULL), "instance_norm: input is [4,6], expected [N,C,...]");
    expect(cnn_instance_norm(ON(single), NULL, NULL, NULL, NULL, NULL), "instance_norm: there is one value per channel, expected two or more");
    expect(cnn_instance_norm(ON(lines), NULL, NULL, NULL, four, NULL),
           "instance_norm: running mean is NULL, expected both statistics or none");
    expect(cnn_local_response_norm(ON(matrix), 3, NULL), "local_response_norm: input is [4,6], expected [N,C,...]");
    expect(cnn_local_response_norm(ON(lines), 0, NULL), "local_response_norm: size is 0, expected at least 1");
    expect(cnn_dropout1d(ON(four), 0.5), "dropout1d: input is [4], expected [N,C,L] or [C,L]");
    expect(cnn_dropout2d(ON(lines), 0.5), "dropout2d: input is [2,4,3], expected [N,C,H,W]");
    expect(cnn_alpha_dropout(ON(lines), 1.5), "alpha_dropout: p is 1.5, expected 0 to 1");
#undef ON
    cnn_tensor_free(matrix);
    cnn_tensor_free(row);
    cnn_tensor_free(four);
    cnn_tensor_free(lines);
    cnn_tensor_free(single);
}
END_TEST

static void refused(cnn_module *module, const char *message)
{
    ck_assert_ptr_null(module);
    ck_assert_str_eq(cnn_last_error(ctx), message);
}

START_TEST(layers_say_what_is_wrong)
{
    cnn_tensor *wide = counted(CNN_SHAPE(2, 5, 7)), *flat = counted(CNN_SHAPE(4));
    cnn_module *norms[] = { cnn_batch_norm1d_new(ctx, 3), cnn_instance_norm1d_new(ctx, 3), cnn_instance_norm2d_new(ctx, 3),
                            cnn_group_norm_new(ctx, 3, 3) };
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    expect(cnn_forward(norms[0], cnn_input(tape, flat)), "batch_norm1d: input is [4], expected [N,3,L] or without L");
    expect(cnn_forward(norms[0], cnn_input(tape, wide)), "batch_norm1d: input [2,5,7] has 5 channels, expected 3");
    expect(cnn_forward(norms[1], cnn_input(tape, flat)), "instance_norm1d: input is [4], expected [N,3,L] or without N");
    expect(cnn_forward(norms[1], cnn_input(tape, wide)), "instance_norm1d: input [2,5,7] has 5 channels, expected 3");
    expect(cnn_forward(norms[2], cnn_input(tape, flat)), "instance_norm2d: input is [4], expected [N,3,H,W] or without N");
    expect(cnn_forward(norms[2], cnn_input(tape, wide)), "instance_norm2d: input [2,5,7] has 2 channels, expected 3");
    expect(cnn_forward(norms[3], cnn_input(tape, wide)), "group_norm: input [2,5,7] has 5 channels, expected 3");
    for (int i = 0; i < 4; i++) {
        cnn_module_free(norms[i]);
    }
    refused(cnn_layer_norm_new(ctx, 0), "layer_norm_create: dimension 0 of the shape is 0, expected at least 1");
    refused(cnn_rms_norm_create(ctx, 9, (const int64_t[9]){ 1 }, NULL), "rms_norm_create: the shape has 9 dimensions, expected 1 to 8");
    refused(cnn_layer_norm_create(ctx, 2, NULL, NULL), "layer_norm_create: the shape has 0 dimensions, expected 1 to 8");
    refused(cnn_group_norm_new(ctx, 4, 6), "group_norm_create: groups is 4 and channels is 6, expected a divisor of at least one channel");
    refused(cnn_instance_norm2d_new(ctx, 0), "instance_norm2d_create: channels is 0, expected at least 1");
    refused(cnn_batch_norm1d_new(ctx, 2, .momentum = 2), "batch_norm1d_create: momentum is 2, expected 0 to 1");
    refused(cnn_local_response_norm_new(ctx, 0), "local_response_norm_create: size is 0, expected at least 1");
    refused(cnn_dropout2d_new(ctx, -0.5), "dropout2d_create: p is -0.5, expected 0 to 1");
    cnn_tensor_free(wide);
    cnn_tensor_free(flat);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("norm_layers");
    TCase *tests = suite_case(suite, "steps", setup, teardown);
    tcase_add_loop_test(tests, a_step_that_fails_takes_its_statistics_back, 0, 4);
    tcase_add_loop_test(tests, evaluation_writes_nothing, 0, 4);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    tcase_add_test(tests, copies_and_files_have_the_state);
    tcase_add_test(tests, prints_as_pytorch);
    tcase_add_test(tests, empty_batches_give_zero_gradients);
    tcase_add_test(tests, empty_batches_read_no_statistics);
    tcase_add_test(tests, large_means_leave_the_spread);
    tcase_add_test(tests, operations_say_what_is_wrong);
    tcase_add_test(tests, layers_say_what_is_wrong);
    return suite_run(suite);
}
