/* Layers of normalisation against PyTorch (tools/fixtures/norms.py): results, gradients and buffers of steps that train and of one
 * that evaluates, in f64 and f32. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

#define BATCH(...) CNN_OPTIONS(cnn_batch_norm_options, .dtype = dtype, __VA_ARGS__)
#define INSTANCE(...) CNN_OPTIONS(cnn_instance_norm_options, .dtype = dtype, __VA_ARGS__)
#define NORM(...) CNN_OPTIONS(cnn_norm_options, .dtype = dtype, __VA_ARGS__)

#define CASES(X)                                                                                                      \
    X(batch_norm1d, cnn_batch_norm1d_create(ctx, 3, BATCH(.eps = 0)))                                                 \
    X(batch_norm1d_lines, cnn_batch_norm1d_create(ctx, 3, BATCH(.momentum = 0.3, .eps = 0.01)))                       \
    X(batch_norm1d_cumulative, cnn_batch_norm1d_create(ctx, 3, BATCH(.cumulative = true)))                            \
    X(batch_norm1d_no_affine, cnn_batch_norm1d_create(ctx, 3, BATCH(.no_affine = true)))                              \
    X(batch_norm1d_no_running, cnn_batch_norm1d_create(ctx, 3, BATCH(.no_running = true)))                            \
    X(instance_norm1d, cnn_instance_norm1d_create(ctx, 3, INSTANCE(.affine = false)))                                 \
    X(instance_norm1d_alone, cnn_instance_norm1d_create(ctx, 3, INSTANCE(.affine = true, .track_running_stats = true))) \
    X(instance_norm1d_running,                                                                                        \
      cnn_instance_norm1d_create(ctx, 3, INSTANCE(.momentum = 0.3, .eps = 0.01, .track_running_stats = true)))        \
    X(instance_norm2d, cnn_instance_norm2d_create(ctx, 3, INSTANCE(.affine = true)))                                  \
    X(instance_norm2d_running, cnn_instance_norm2d_create(ctx, 3, INSTANCE(.affine = true, .track_running_stats = true))) \
    X(layer_norm, cnn_layer_norm_create(ctx, CNN_SHAPE(6), NORM(.eps = 0)))                                           \
    X(layer_norm_dims, cnn_layer_norm_create(ctx, CNN_SHAPE(3, 5), NORM(.eps = 0.01)))                                \
    X(layer_norm_no_affine, cnn_layer_norm_create(ctx, CNN_SHAPE(6), NORM(.no_affine = true)))                        \
    X(group_norm, cnn_group_norm_create(ctx, 2, 6, NORM(.eps = 0)))                                                   \
    X(group_norm_no_affine, cnn_group_norm_create(ctx, 3, 6, NORM(.no_affine = true)))                                \
    X(rms_norm, cnn_rms_norm_create(ctx, CNN_SHAPE(6), NORM(.eps = 0)))                                               \
    X(rms_norm_dims, cnn_rms_norm_create(ctx, CNN_SHAPE(3, 5), NORM(.eps = 0.01)))                                    \
    X(rms_norm_no_affine, cnn_rms_norm_create(ctx, CNN_SHAPE(6), NORM(.no_affine = true)))

#define X(name, create) static cnn_module *make_##name(cnn_dtype dtype) { return create; }
CASES(X)
#undef X

static const struct {
    const char *name;
    cnn_module *(*make)(cnn_dtype dtype);
} cases[] = {
#define X(name, create) { #name, make_##name },
    CASES(X)
#undef X
};
enum { CASE_COUNT = sizeof cases / sizeof *cases, STEPS = 3 };

static cnn_tensor *get(const char *name, const char *part)
{
    return fixture(ctx, strncmp(name, "rms", 3) == 0 ? "rms_norm.safetensors" : "norms.safetensors", name, part);
}

/* Sets a parameter from the case's tensor of that name; both have it or neither. */
static void take(cnn_module *module, const char *name, const char *parameter)
{
    cnn_tensor *value = get(name, parameter), *own = cnn_module_find(module, parameter);
    ck_assert_msg(!value == !own, "%s: %s is there on one side alone", name, parameter);
    if (value) {
        ck_assert_int_eq(cnn_tensor_copy_from(own, value), CNN_OK);
        cnn_tensor_free(value);
    }
}

static void compare(const char *name, const char *part, const cnn_tensor *given, double tolerance)
{
    cnn_tensor *expected = get(name, part);
    ck_assert_msg(!given == !expected, "%s: %s is there on one side alone", name, part);
    if (expected) {
        tensors_agree(name, part, given, expected, tolerance);
        cnn_tensor_free(expected);
    }
}

static cnn_tensor *as(cnn_dtype dtype, cnn_tensor *t)
{
    cnn_tensor *other = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    ck_assert_int_eq(cnn_tensor_copy_from(other, t), CNN_OK);
    cnn_tensor_free(t);
    return other;
}

static void run_step(cnn_module *module, cnn_dtype dtype, const char *step, cnn_mode mode, double tolerance)
{
    static const char *const buffers[] = { "running_mean", "running_var", "num_batches_tracked" };
    cnn_tensor *x = as(dtype, get(step, "x")), *seed = as(dtype, get(step, "seed"));
    cnn_tensor *wanted[3] = { x, cnn_module_find(module, "weight"), cnn_module_find(module, "bias") };
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    ck_assert_int_eq(cnn_module_zero_grad(module), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, mode), CNN_OK);
    cnn_tensor *y = cnn_forward(module, cnn_input(tape, x));
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tape));
    compare(step, "y", y, tolerance);
    ck_assert_int_eq(cnn_backward_with(y, seed, false), CNN_OK);
    for (int i = 0; i < 3; i++) {
        char part[16];
        snprintf(part, sizeof part, "grad%d", i);
        compare(step, part, wanted[i] ? cnn_tensor_grad(wanted[i]) : NULL, tolerance);
        compare(step, buffers[i], cnn_module_find(module, buffers[i]), tolerance);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(seed);
}

START_TEST(agrees_with_pytorch)
{
    int k = _i / 2;
    cnn_dtype dtype = _i % 2 ? CNN_F32 : CNN_F64;
    cnn_module *module = cases[k].make(dtype);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    take(module, cases[k].name, "weight");
    take(module, cases[k].name, "bias");
    for (int step = 0; step < STEPS; step++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%d", cases[k].name, step);
        run_step(module, dtype, name, step + 1 < STEPS ? CNN_TRAIN : CNN_EVAL_GRAD, dtype == CNN_F64 ? 1e-11 : 2e-5);
    }
    cnn_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("norms");
    TCase *tests = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(tests, agrees_with_pytorch, 0, 2 * CASE_COUNT);
    return suite_run(suite);
}
