/* Attention against what only a current PyTorch has (tools/fixtures/attention_current.py): its function
 * scaled_dot_product_attention, with queries that see nothing, and Transformer encoders without biases. */
#define LAYER_FIXTURE "attention_current.safetensors"
#include "support/layer_fixture.h"

enum { E = 6, HEADS = 2 };

/* ---- the function ---- */

static const struct {
    const char *name;
    cnn_scaled_dot_product_attention_options options;
} calls[] = {
    { "plain", { .scale = 0 } },
    { "matrices", { .scale = -0.3 } },
    { "one_batch", { .scale = 2.5 } },
    { "causal", { .is_causal = true } },
    { "causal_more_keys", { .is_causal = true, .scale = 0.7 } },
    { "causal_more_queries", { .is_causal = true } },
    { "bool_mask", { .scale = 0 } },
    { "bool_mask_of_heads", { .scale = 0.2 } },
    { "bool_mask_of_each", { .scale = 0 } },
    { "float_mask", { .scale = 0 } },
    { "float_mask_of_heads", { .scale = 1.5 } },
    { "float_mask_of_batch", { .scale = 0 } },
    { "infinite_mask", { .scale = 0 } },
    { "unseen_bool", { .scale = 0 } },
    { "unseen_float", { .scale = 0.4 } },
    { "unseen_all", { .scale = 0 } },
    { "groups", { .enable_gqa = true } },
    { "groups_causal", { .enable_gqa = true, .is_causal = true, .scale = 0.3 } },
    { "groups_bool_mask", { .enable_gqa = true } },
    { "groups_float_mask", { .enable_gqa = true } },
    { "groups_unseen", { .enable_gqa = true } },
    { "one_key_head", { .enable_gqa = true, .is_causal = true } },
    { "blocks", { .is_causal = true } },
};
enum { CALL_COUNT = sizeof calls / sizeof *calls };

static void check_call(int i, cnn_dtype dtype, double tolerance)
{
    static const char *const names[] = { "q", "k", "v", "mask" };
    const char *name = calls[i].name;
    cnn_scaled_dot_product_attention_options options = calls[i].options;
    options.struct_size = sizeof options;
    cnn_tensor *leaves[4], *sum = NULL;
    for (int k = 0; k < 4; k++) {
        leaves[k] = fixture_leaf(name, names[k], dtype);
        ck_assert_msg(leaves[k] || k == 3, "%s: no %s", name, names[k]);
    }
    cnn_tensor *y = cnn_scaled_dot_product_attention(cnn_input(tape, leaves[0]), leaves[1], leaves[2], leaves[3], &options, NULL);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", name, cnn_tape_error(tape));
    fixture_result(name, "y", y, dtype, tolerance, &sum);
    ck_assert_int_eq(cnn_backward(sum), CNN_OK);
    fixture_gradients(NULL, name, leaves, names, 4, tolerance);
}

START_TEST(calls_agree_in_f64)
{
    check_call(_i, CNN_F64, 1e-12);
}
END_TEST

START_TEST(calls_agree_in_f32)
{
    check_call(_i, CNN_F32, 2e-5);
}
END_TEST

/* ---- encoders ---- */

#define ENCODER(...)                                                                                                   \
    cnn_transformer_encoder_layer_new(ctx, E, HEADS, .dim_feedforward = 8, .dropout = CNN_ZERO, .dtype = dtype, .no_bias = true, \
                                      __VA_ARGS__)
#define CASES(X)                                                                                                       \
    X(encoder_no_bias, ENCODER(.gelu = false))                                                                         \
    X(encoder_no_bias_first, ENCODER(.gelu = true, .norm_first = true, .batch_first = true))                           \
    X(encoder_no_bias_layers,                                                                                          \
      cnn_transformer_encoder_create(ctx, ENCODER(.batch_first = true), 2,                                             \
                                     cnn_layer_norm_new(ctx, E, .dtype = dtype, .no_bias = true)))

#include "support/encoder_check.h"
#include "support/layer_cases.h"

START_TEST(encoders_agree_in_f64)
{
    check_encoder(cases[_i].name, cases[_i].make(CNN_F64), CNN_F64, 1e-11);
}
END_TEST

START_TEST(encoders_agree_in_f32)
{
    check_encoder(cases[_i].name, cases[_i].make(CNN_F32), CNN_F32, 1e-4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attention_current");
    TCase *tests = suite_case(suite, "scaled_dot_product_attention", setup, teardown);
    tcase_add_loop_test(tests, calls_agree_in_f64, 0, CALL_COUNT);
    tcase_add_loop_test(tests, calls_agree_in_f32, 0, CALL_COUNT);
    tests = suite_case(suite, "encoders", setup, teardown);
    tcase_add_loop_test(tests, encoders_agree_in_f64, 0, CASE_COUNT);
    tcase_add_loop_test(tests, encoders_agree_in_f32, 0, CASE_COUNT);
    return suite_run(suite);
}
