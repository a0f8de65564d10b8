/* Layers of normalisation against PyTorch (tools/fixtures/norms.py): results, gradients and buffers of steps that train and of one
 * that evaluates, in f64 and f32. */
#define NORM_FIXTURE(name) \
    (strncmp(name, "rms", 3) == 0 || strstr(name, "_no_bias") ? "rms_norm.safetensors" : "norms.safetensors")
#include "support/norm_fixture.h"

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
    X(layer_norm_no_bias, cnn_layer_norm_create(ctx, CNN_SHAPE(3, 5), NORM(.no_bias = true)))                         \
    X(group_norm_no_bias, cnn_group_norm_create(ctx, 2, 6, NORM(.no_bias = true)))                                    \
    X(rms_norm, cnn_rms_norm_create(ctx, CNN_SHAPE(6), NORM(.eps = 0)))                                               \
    X(rms_norm_dims, cnn_rms_norm_create(ctx, CNN_SHAPE(3, 5), NORM(.eps = 0.01)))                                    \
    X(rms_norm_no_affine, cnn_rms_norm_create(ctx, CNN_SHAPE(6), NORM(.no_affine = true)))

#include "support/layer_cases.h"

START_TEST(agrees_with_pytorch)
{
    const cnn_dtype dtype = _i % 2 ? CNN_F32 : CNN_F64;
    norm_agrees(cases[_i / 2].make(dtype), cases[_i / 2].name, dtype);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("norms");
    TCase *tests = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(tests, agrees_with_pytorch, 0, 2 * CASE_COUNT);
    return suite_run(suite);
}
