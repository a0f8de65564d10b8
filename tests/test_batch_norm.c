/* Batch normalisation against PyTorch, its running statistics within steps that fail, and modules with a mode of their own. */
#define NORM_FIXTURE(name) "batch_norm.safetensors"
#include "support/norm_fixture.h"

/* ---- PyTorch ---- */

static const struct {
    const char *name;
    cnn_batch_norm_options options;
} cases[] = {
    { "plain", { 0 } },
    { "options", { .momentum = 0.3, .eps = 0.01 } },
    { "cumulative", { .cumulative = true } },
    { "no_affine", { .no_affine = true } },
    { "no_running", { .no_running = true } },
};
enum { CASES = sizeof cases / sizeof *cases };

START_TEST(agrees_with_pytorch)
{
    const int k = _i / 2;
    cnn_batch_norm_options options = cases[k].options;
    options.struct_size = sizeof options;
    options.dtype = _i % 2 ? CNN_F32 : CNN_F64;
    norm_agrees(cnn_batch_norm2d_create(ctx, 3, &options), cases[k].name, options.dtype);
}
END_TEST

START_TEST(prints_as_pytorch)
{
    char text[256];
    cnn_module *module = cnn_batch_norm2d_new(ctx, 64);
    cnn_module_format(module, text, sizeof text);
    ck_assert_str_eq(text, "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)");
    cnn_module_free(module);
    module = cnn_batch_norm2d_new(ctx, 3, .cumulative = true, .no_affine = true, .no_running = true, .eps = CNN_ZERO);
    cnn_module_format(module, text, sizeof text);
    ck_assert_str_eq(text, "BatchNorm2d(3, eps=0.0, momentum=None, affine=False, track_running_stats=False)");
    cnn_module_free(module);
}
END_TEST

/* A clone has statistics of its own, and the modes. */
START_TEST(clones)
{
    cnn_module *module = cnn_batch_norm2d_new(ctx, 3), *copy = cnn_module_clone(module);
    ck_assert_msg(copy != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_module_set_mode(module, CNN_MODULE_EVALUATES), CNN_OK);
    cnn_module *evaluates = cnn_module_clone(module);
    ck_assert_int_eq(cnn_module_get_mode(evaluates), CNN_MODULE_EVALUATES);
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, 2, CNN_SHAPE(2, 3, 2, 2));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(copy, cnn_input(tape, x))), CNN_OK);
    ck_assert_int_eq(*(const int64_t *)host_elements(cnn_module_find(module, "num_batches_tracked")), 0);
    ck_assert_int_eq(*(const int64_t *)host_elements(cnn_module_find(copy, "num_batches_tracked")), 1);
    ck_assert_float_eq(*(const float *)host_elements(cnn_module_find(copy, "running_mean")), 0.2f);
    ck_assert_float_eq(*(const float *)host_elements(cnn_module_find(module, "running_mean")), 0);
    cnn_tensor_free(x);
    cnn_module_free(module);
    cnn_module_free(copy);
    cnn_module_free(evaluates);
}
END_TEST

/* ---- steps ---- */

typedef struct buffers {
    float mean[3], var[3];
    int64_t batches;
} buffers;

static buffers buffers_of(const cnn_module *module)
{
    buffers b;
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "running_mean"), b.mean, sizeof b.mean), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "running_var"), b.var, sizeof b.var), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "num_batches_tracked"), &b.batches, sizeof b.batches), CNN_OK);
    return b;
}

static void assert_buffers(const buffers *given, const buffers *expected, bool same)
{
    bool equal = memcmp(given->mean, expected->mean, sizeof given->mean) == 0 &&
                 memcmp(given->var, expected->var, sizeof given->var) == 0 && given->batches == expected->batches;
    ck_assert_msg(equal == same, "means %g and %g, batches %lld and %lld", (double)given->mean[0], (double)expected->mean[0],
                  (long long)given->batches, (long long)expected->batches);
}

static cnn_tensor *input_of(int64_t images)
{
    enum { MOST = 16 * 3 * 4 * 4 };
    float values[MOST];
    ck_assert_int_le(images * 3 * 4 * 4, MOST);
    for (int64_t i = 0; i < MOST; i++) {
        values[i] = (float)((i * 37) % 101) / 10;
    }
    return cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(images, 3, 4, 4), values);
}

START_TEST(a_step_that_fails_takes_its_statistics_back)
{
    cnn_module *module = cnn_batch_norm2d_new(ctx, 3);
    cnn_tensor *x = input_of(2), *other = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(7));
    for (int round = 0; round < 3; round++) {
        buffers before = buffers_of(module), after;
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *y = cnn_forward(module, cnn_forward(module, cnn_input(tape, x)));
        ck_assert_int_eq(cnn_tensor_status(y), CNN_OK);
        after = buffers_of(module);
        assert_buffers(&after, &before, false); /* visible at once */
        ck_assert_int_eq(after.batches, before.batches + 2);
        if (round == 0) { /* an operation fails */
            cnn_add(y, other);
        } else if (round == 1) { /* backward fails */
            ck_assert_int_ne(cnn_backward(y), CNN_OK);
        }
        bool failed = round < 2;
        ck_assert_int_eq(cnn_tape_status(tape) != CNN_OK, failed);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        buffers end = buffers_of(module);
        assert_buffers(&end, failed ? &before : &after, true);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(other);
    cnn_module_free(module);
}
END_TEST

START_TEST(evaluation_writes_nothing)
{
    static const cnn_mode modes[] = { CNN_EVAL, CNN_EVAL_GRAD };
    cnn_module *module = cnn_batch_norm2d_new(ctx, 3);
    cnn_tensor *x = input_of(2);
    buffers before = buffers_of(module), after;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cnn_tape_begin(tape, modes[i]), CNN_OK);
        ck_assert_int_eq(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
        after = buffers_of(module);
        assert_buffers(&after, &before, true);
    }
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN_NO_GRAD), CNN_OK);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
    after = buffers_of(module);
    assert_buffers(&after, &before, false);
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

/* A frozen part evaluates within a step that trains, and a part may train within one that evaluates. */
START_TEST(modules_have_a_mode_of_their_own)
{
    cnn_module *frozen = cnn_batch_norm2d_new(ctx, 3), *free = cnn_batch_norm2d_new(ctx, 3);
    cnn_module *part = cnn_sequential_new(ctx, frozen, cnn_dropout_new(ctx, 0.5));
    cnn_module *whole = cnn_sequential_new(ctx, part, free);
    cnn_tensor *x = input_of(2);
    ck_assert_int_eq(cnn_module_set_mode(part, CNN_MODULE_EVALUATES), CNN_OK);
    ck_assert_int_eq(cnn_module_get_mode(part), CNN_MODULE_EVALUATES);
    buffers before = buffers_of(frozen), after;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *on = cnn_input(tape, x);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(whole, on)), CNN_OK);
    after = buffers_of(frozen);
    assert_buffers(&after, &before, true);
    after = buffers_of(free);
    assert_buffers(&after, &before, false);
    float first, scaled = 0;
    cnn_tensor *y = cnn_forward(part, on); /* (x − 0) / √(1 + eps), nothing dropped */
    ck_assert_int_eq(cnn_tensor_read(cnn_slice(cnn_reshape(y, CNN_SHAPE(-1)), 0, 1, 2, 1), &first, sizeof first), CNN_OK);
    scaled = 3.7f / sqrtf(1 + 1e-5f);
    ck_assert_float_eq_tol(first, scaled, 1e-6f);
    ck_assert_int_eq(cnn_module_set_mode(frozen, CNN_MODULE_TRAINS), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    before = buffers_of(frozen);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(whole, cnn_input(tape, x))), CNN_OK);
    after = buffers_of(frozen);
    assert_buffers(&after, &before, false);
    ck_assert_int_eq(cnn_module_set_mode(frozen, (cnn_module_mode)7), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tensor_free(x);
    cnn_module_free(whole);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *module = cnn_sequential_new(ctx, cnn_batch_norm2d_new(ctx, 3), cnn_relu_new(ctx), cnn_batch_norm2d_new(ctx, 3));
    cnn_tensor *x = input_of(4);
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

/* ---- writes of the user's ---- */

static cnn_tensor *counts(cnn_module *self, cnn_tensor *x, void *user)
{
    cnn_tensor *seen = cnn_module_find(self, "seen");
    (void)user;
    if (cnn_tape_training(cnn_tensor_tape(x)) && cnn_tape_protect(cnn_tensor_tape(x), seen) == CNN_OK) {
        int64_t *count = writable_elements(seen);
        *count += 1;
        elements_written(seen, count);
    }
    return x;
}

START_TEST(modules_of_the_users_write_buffers)
{
    cnn_module *module = cnn_module_new(ctx, counts);
    cnn_tensor *seen = cnn_module_add_buffer(module, "seen", cnn_tensor_zeros(ctx, CNN_I64, 0, NULL));
    cnn_tensor *x = input_of(1);
    ck_assert_int_eq(cnn_tape_protect(tape, seen), CNN_ERROR_STATE); /* no step yet */
    ck_assert_int_eq(cnn_tape_protect(NULL, seen), CNN_ERROR_INVALID_ARGUMENT);
    for (int failing = 0; failing < 2; failing++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *on = cnn_input(tape, x);
        cnn_forward(module, on);
        cnn_forward(module, on);
        ck_assert_int_eq(*(const int64_t *)host_elements(seen), failing ? 4 : 2);
        ck_assert_int_eq(cnn_tape_protect(tape, on), CNN_ERROR_STATE);
        if (failing) {
            cnn_matmul(on, NULL);
            ck_assert_int_ne(cnn_tape_status(tape), CNN_OK);
        }
        ck_assert_int_eq(*(const int64_t *)host_elements(seen), 2);
    }
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

/* ---- errors ---- */

static void expect(cnn_tensor *y, const char *message)
{
    ck_assert_int_eq(cnn_tensor_status(y) != CNN_OK, 1);
    ck_assert_str_eq(cnn_tape_error(tape), message);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}

START_TEST(messages)
{
    cnn_module *module = cnn_batch_norm2d_new(ctx, 3);
    cnn_tensor *flat = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3)), *wide = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 5, 2, 2));
    cnn_tensor *one = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 3)), *four = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4));
    cnn_tensor *three = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    expect(cnn_forward(module, cnn_input(tape, flat)), "batch_norm2d: input is [2,3], expected [N,3,H,W]");
    expect(cnn_forward(module, cnn_input(tape, wide)), "batch_norm2d: input [2,5,2,2] has 5 channels, expected 3");
    expect(cnn_batch_norm(cnn_input(tape, one), NULL, NULL, NULL, NULL, NULL),
           "batch_norm: there is one value per channel, expected two or more in training");
    expect(cnn_batch_norm(cnn_input(tape, flat), four, NULL, NULL, NULL, NULL),
           "batch_norm: weight is [4], expected [3], the input's channels");
    expect(cnn_batch_norm(cnn_input(tape, flat), NULL, NULL, three, NULL, NULL),
           "batch_norm: running variance is NULL, expected both statistics or none");
    expect(cnn_batch_norm(cnn_input(tape, flat), NULL, NULL, cnn_neg(cnn_input(tape, three)), three, NULL),
           "batch_norm: running mean is a result of an operation, expected a buffer, which training writes");
    expect(cnn_batch_norm(cnn_input(tape, flat), NULL, NULL, NULL, NULL,
                          CNN_OPTIONS(cnn_batch_norm_options, .momentum = 1.5)),
           "batch_norm: momentum is 1.5, expected 0 to 1");
    ck_assert_ptr_null(cnn_batch_norm2d_new(ctx, 0));
    ck_assert_str_eq(cnn_last_error(ctx), "batch_norm2d_create: channels is 0, expected at least 1");
    ck_assert_ptr_null(cnn_batch_norm2d_new(ctx, 2, .eps = -1));
    ck_assert_str_eq(cnn_last_error(ctx), "batch_norm2d_create: eps is -1, expected at least 0");
    cnn_tensor *all[] = { flat, wide, one, four, three };
    for (int i = 0; i < 5; i++) {
        cnn_tensor_free(all[i]);
    }
    cnn_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch_norm");
    TCase *values = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(values, agrees_with_pytorch, 0, 2 * CASES);
    tcase_add_test(values, prints_as_pytorch);
    tcase_add_test(values, clones);
    TCase *steps = suite_case(suite, "steps", setup, teardown);
    tcase_add_test(steps, a_step_that_fails_takes_its_statistics_back);
    tcase_add_test(steps, evaluation_writes_nothing);
    tcase_add_test(steps, modules_have_a_mode_of_their_own);
    tcase_add_test(steps, equal_steps_allocate_nothing);
    tcase_add_test(steps, modules_of_the_users_write_buffers);
    TCase *errors = suite_case(suite, "errors", setup, teardown);
    tcase_add_test(errors, messages);
    return suite_run(suite);
}
