/* TransformerEncoderLayer and TransformerEncoder against PyTorch's (tools/fixtures/attention.py), and what is refused. */
#define LAYER_FIXTURE "attention.safetensors"
#include "support/layer_fixture.h"
#include "support/encoder_check.h"

enum { E = 6, HEADS = 2, L = 4, N = 3 };

/* ---- PyTorch ---- */

#define ENCODER(...)                                                                                                   \
    cnn_transformer_encoder_layer_new(ctx, E, HEADS, .dim_feedforward = 8, .dropout = CNN_ZERO, .dtype = dtype, __VA_ARGS__)

static cnn_module *encoder_relu(cnn_dtype dtype)
{
    return ENCODER(.gelu = false);
}

static cnn_module *encoder_gelu_first(cnn_dtype dtype)
{
    return ENCODER(.gelu = true, .norm_first = true, .batch_first = true);
}

static cnn_module *encoder_eps(cnn_dtype dtype)
{
    return ENCODER(.layer_norm_eps = 0.25);
}

static cnn_module *encoder_layers(cnn_dtype dtype)
{
    return cnn_transformer_encoder_create(ctx, ENCODER(.batch_first = true), 2,
                                          cnn_layer_norm_new(ctx, E, .dtype = dtype));
}

static const struct {
    const char *name;
    cnn_module *(*make)(cnn_dtype dtype);
} cases[] = { { "encoder_relu", encoder_relu }, { "encoder_gelu_first", encoder_gelu_first },
              { "encoder_eps", encoder_eps }, { "encoder_layers", encoder_layers } };
enum { CASE_COUNT = sizeof cases / sizeof *cases };

START_TEST(f64_agrees_with_pytorch)
{
    check_encoder(cases[_i].name, cases[_i].make(CNN_F64), CNN_F64, 1e-11);
}
END_TEST

START_TEST(f32_agrees_with_pytorch)
{
    check_encoder(cases[_i].name, cases[_i].make(CNN_F32), CNN_F32, 1e-4);
}
END_TEST

START_TEST(text_is_pytorchs)
{
    cnn_module *const layers[] = {
        cnn_transformer_encoder_layer_new(ctx, 4, 2, .dim_feedforward = 8),
        cnn_transformer_encoder_create(
            ctx, cnn_transformer_encoder_layer_new(ctx, 4, 2, .dim_feedforward = 8, .dropout = CNN_ZERO, .layer_norm_eps = 1e-3), 2,
            cnn_layer_norm_new(ctx, 4)),
    };
    static const char *const names[] = { "encoder_layer", "encoder" };
    for (int i = 0; i < 2; i++) {
        char text[2048], *expected = fixture_text("attention.txt", names[i]);
        cnn_module_format(layers[i], text, sizeof text);
        ck_assert_str_eq(text, expected);
        free(expected);
        cnn_module_free(layers[i]);
    }
}
END_TEST

/* ---- behaviour ---- */

/* As a module of one tensor it sees everything; with the option it does not see what follows. */
START_TEST(a_causal_encoder_does_not_see_what_follows)
{
    cnn_module *m = cnn_transformer_encoder_create(
        ctx, cnn_transformer_encoder_layer_new(ctx, E, HEADS, .dim_feedforward = 8, .is_causal = true), 2, NULL);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(L, N, E)), *first[2];
    for (int i = 0; i < 2; i++) {
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *x = cnn_input(tape, plain);
        first[i] = cnn_tensor_detach(cnn_slice(cnn_forward(m, i ? cnn_slice(x, 0, 0, 2, 1) : x), 0, 0, 2, 1));
    }
    tensors_agree("causal", "first", first[0], first[1], 1e-6);
    cnn_tensor_free(first[0]);
    cnn_tensor_free(first[1]);
    cnn_tensor_free(plain);
    cnn_module_free(m);
}
END_TEST

START_TEST(clones_have_parameters_of_their_own)
{
    cnn_module *m = cnn_transformer_encoder_create(
        ctx, cnn_transformer_encoder_layer_new(ctx, E, HEADS, .dim_feedforward = 8, .no_bias = true), 2, NULL);
    cnn_module *clone = cnn_module_clone(m);
    ck_assert_msg(clone != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(L, N, E));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, plain), *y = cnn_forward(m, x);
    ck_assert(same_elements(cnn_module_find(m, "layers.0.linear1.weight"), cnn_module_find(m, "layers.1.linear1.weight")));
    ck_assert(same_elements(y, cnn_forward(clone, x)));
    cnn_tensor_fill(cnn_module_find(clone, "layers.1.linear1.weight"), 0.5);
    ck_assert(!same_elements(y, cnn_forward(clone, x)));
    cnn_tensor_free(plain);
    cnn_module_free(m);
    cnn_module_free(clone);
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *m = cnn_transformer_encoder_layer_new(ctx, E, HEADS, .dim_feedforward = 8);
    cnn_optimizer *adam = cnn_adam_new(m);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(L, N, E));
    long calls = 0;
    for (int step = 0; step < 6; step++) {
        if (step == 3) {
            calls = atomic_load(&meter.calls);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        ck_assert_int_eq(cnn_backward(cnn_mean(cnn_forward(m, cnn_input(tape, plain)), CNN_ALL_DIMS, false)), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
        cnn_optimizer_zero_grad(adam);
    }
    ck_assert_int_eq(atomic_load(&meter.calls), calls);
    cnn_tensor_free(plain);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(bad_layers_are_refused)
{
    ck_assert_ptr_null(cnn_transformer_encoder_layer_new(ctx, 4, 3));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "transformer_encoder_layer_create: num_heads is 3, expected a divisor of embed_dim 4");
    ck_assert_ptr_null(cnn_transformer_encoder_layer_new(ctx, 4, 2, .dim_feedforward = -1));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "transformer_encoder_layer_create: dim_feedforward is -1, expected at least 1");
    ck_assert_ptr_null(cnn_transformer_encoder_create(ctx, cnn_relu_new(ctx), 2, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "transformer_encoder_create: layer is of type ReLU, expected a TransformerEncoderLayer");
    ck_assert_ptr_null(cnn_transformer_encoder_create(ctx, cnn_transformer_encoder_layer_new(ctx, 4, 2), 0, cnn_relu_new(ctx)));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "transformer_encoder_create: num_layers is 0, expected 1 to 1000");
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_transformer_encoder_create(ctx, NULL, 2, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "transformer_encoder_create: layer is NULL, expected a TransformerEncoderLayer");
    ck_assert_ptr_null(cnn_transformer_encoder_create(ctx, cnn_transformer_encoder_layer_new(ctx, 4, 3), 2, NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "transformer_encoder_layer_create: num_heads is 3, expected a divisor of embed_dim 4");
    cnn_module *m = cnn_transformer_encoder_create(ctx, cnn_transformer_encoder_layer_new(ctx, E, HEADS), 1, NULL);
    cnn_tensor *plain = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(L, N, E));
    cnn_forward(cnn_module_child(m, 0, NULL), cnn_input(tape, plain));
    failed_with(CNN_ERROR_UNSUPPORTED, "forward: ModuleList has none, expected one of its layers");
    cnn_tensor_free(plain);
    cnn_module_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transformer");
    TCase *tests = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(tests, f64_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_loop_test(tests, f32_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_test(tests, text_is_pytorchs);
    tests = suite_case(suite, "behaviour", setup, teardown);
    tcase_add_test(tests, a_causal_encoder_does_not_see_what_follows);
    tcase_add_test(tests, clones_have_parameters_of_their_own);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    tests = suite_case(suite, "refused", setup, teardown);
    tcase_add_test(tests, bad_layers_are_refused);
    return suite_run(suite);
}
