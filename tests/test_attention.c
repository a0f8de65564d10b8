/* MultiheadAttention against PyTorch's (tools/fixtures/attention.py), dropped weights, and what is refused. The
 * operation's own cases are in src/ops/ops.def. */
#define LAYER_FIXTURE "attention.safetensors"
#include "support/layer_fixture.h"

enum { E = 6, HEADS = 2, L = 4, N = 3 };

/* ---- PyTorch ---- */

#define MHA(...) cnn_multihead_attention_new(ctx, E, HEADS, .dtype = dtype, __VA_ARGS__)
#define CASES(X)                                                                                                       \
    X(self, MHA(.kdim = 0))                                                                                            \
    X(self_weights, MHA(.batch_first = true))                                                                          \
    X(memory, MHA(.batch_first = true))                                                                                \
    X(cross, MHA(.kdim = 0))                                                                                           \
    X(dims, MHA(.kdim = 3, .vdim = 7))                                                                                 \
    X(no_bias, MHA(.no_bias = true))                                                                                   \
    X(bias_kv, MHA(.add_bias_kv = true))                                                                               \
    X(zero_attn, MHA(.add_zero_attn = true, .batch_first = true))                                                      \
    X(added, MHA(.add_zero_attn = true, .add_bias_kv = true))                                                          \
    X(padding, MHA(.batch_first = true))                                                                               \
    X(mask, MHA(.kdim = 0))                                                                                            \
    X(mask_added, MHA(.kdim = 0))                                                                                      \
    X(both, MHA(.kdim = 0))                                                                                            \
    X(both_added, MHA(.kdim = 0))                                                                                      \
    X(heads_mask, MHA(.batch_first = true))                                                                            \
    X(alone, MHA(.kdim = 0))                                                                                           \
    X(head_weights, MHA(.kdim = 0))                                                                                    \
    X(everything, MHA(.kdim = 3, .vdim = 7, .batch_first = true, .add_zero_attn = true, .add_bias_kv = true, .no_bias = true))

#include "support/layer_cases.h"

/* Asks for the weights where the fixture has a gradient for them, so that the other way runs, too. */
static void check_case(int i, cnn_dtype dtype, double tolerance)
{
    static const char *const names[] = { "q", "k", "v", "padding", "mask" };
    const char *name = cases[i].name;
    cnn_module *m = cases[i].make(dtype);
    ck_assert_msg(m != NULL, "%s", cnn_last_error(NULL));
    fixture_load(m, name, dtype);
    cnn_tensor *leaves[5], *sum = NULL, *weights = NULL, *head_weights = NULL;
    for (int k = 0; k < 5; k++) {
        leaves[k] = fixture_leaf(name, names[k], dtype);
    }
    cnn_tensor *seed = fixture_part(name, "seed_weights", CNN_F64), *head_seed = fixture_part(name, "seed_head_weights", CNN_F64);
    cnn_tensor *y = cnn_multihead_attention_forward(m, cnn_input(tape, leaves[0]), leaves[1], leaves[2], leaves[3], leaves[4],
                                                    seed ? &weights : NULL, head_seed ? &head_weights : NULL);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", name, cnn_tape_error(tape));
    fixture_result(name, "y", y, dtype, tolerance, &sum);
    if (seed) {
        fixture_result(name, "weights", weights, dtype, tolerance, &sum);
    }
    if (head_seed) {
        fixture_result(name, "head_weights", head_weights, dtype, tolerance, &sum);
    }
    ck_assert_int_eq(cnn_backward(sum), CNN_OK);
    fixture_gradients(m, name, leaves, names, 5, tolerance);
    cnn_tensor_free(seed);
    cnn_tensor_free(head_seed);
    cnn_module_free(m);
}

START_TEST(f64_agrees_with_pytorch)
{
    check_case(_i, CNN_F64, 1e-12);
}
END_TEST

START_TEST(f32_agrees_with_pytorch)
{
    check_case(_i, CNN_F32, 2e-5);
}
END_TEST

START_TEST(text_and_names_are_pytorchs)
{
    static const struct {
        const char *name;
        cnn_multihead_attention_options options;
        const char *state;
    } layers[] = {
        { "attention", { .struct_size = sizeof(cnn_multihead_attention_options) },
          "in_proj_weight[18,6] in_proj_bias[18] out_proj.weight[6,6] out_proj.bias[6]" },
        { "attention_everything",
          { .struct_size = sizeof(cnn_multihead_attention_options), .kdim = 3, .vdim = 4, .no_bias = true, .add_bias_kv = true },
          "q_proj_weight[6,6] k_proj_weight[6,3] v_proj_weight[6,4] bias_k[1,1,6] bias_v[1,1,6] out_proj.weight[6,6]" },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        cnn_module *m = cnn_multihead_attention_create(ctx, 6, 2, &layers[i].options);
        char text[512], *expected = fixture_text("attention.txt", layers[i].name);
        cnn_module_format(m, text, sizeof text);
        ck_assert_str_eq(text, expected);
        ck_assert_str_eq(state_text(m), layers[i].state);
        free(expected);
        cnn_module_free(m);
    }
}
END_TEST

/* Xavier's uniform distribution over [3·E,E], biases of 0, and Xavier's normal one. */
START_TEST(first_values_are_pytorchs)
{
    cnn_module *m = cnn_multihead_attention_new(ctx, 96, 3, .add_bias_kv = true);
    static const struct {
        const char *name;
        double bound, variance;
    } parts[] = { { "in_proj_weight", 0.125, 0.125 * 0.125 / 3 }, { "in_proj_bias", 0, 0 }, { "out_proj.bias", 0, 0 },
                  { "out_proj.weight", 0.10206208, 0.010416667 / 3 }, { "bias_k", 0.5, 1 / 96.0 } };
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        cnn_tensor *t = cnn_module_find(m, parts[k].name);
        double *x = as_doubles(t), n = (double)cnn_tensor_numel(t), square = 0;
        for (int i = 0; i < n; i++) {
            ck_assert_double_le(fabs(x[i]), parts[k].bound);
            square += x[i] * x[i] / n;
        }
        ck_assert_double_le(fabs(square - parts[k].variance), 6 * parts[k].variance / sqrt(n));
        free(x);
    }
    cnn_module_free(m);
}
END_TEST

/* ---- behaviour ---- */

static cnn_tensor *sequence(cnn_dtype dtype)
{
    return cnn_tensor_randn(ctx, dtype, CNN_SHAPE(L, N, E));
}

static cnn_tensor *run_module(cnn_tensor *const *in, int count, void *user)
{
    (void)count;
    return cnn_forward(user, in[0]);
}

START_TEST(gradients_agree_with_finite_differences)
{
    cnn_module *m = cnn_multihead_attention_new(ctx, E, HEADS, .dtype = CNN_F64, .is_causal = true, .add_zero_attn = true);
    cnn_tensor *x = sequence(CNN_F64);
    cnn_tensor_set_requires_grad(x, true);
    ck_assert_msg(cnn_gradcheck(ctx, run_module, m, &x, 1, NULL) == CNN_OK, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

/* As a module of one tensor it attends to itself, and a mask of the future is the option is_causal. */
START_TEST(the_future_is_hidden_by_option_and_by_mask)
{
    cnn_module *causal = cnn_multihead_attention_new(ctx, E, HEADS, .is_causal = true), *m = cnn_multihead_attention_new(ctx, E, HEADS);
    bool future[L * L];
    for (int i = 0; i < L * L; i++) {
        future[i] = i % L > i / L;
    }
    cnn_tensor *mask = cnn_tensor_empty(ctx, CNN_BOOL, CNN_SHAPE(L, L)), *plain = sequence(CNN_F32);
    ck_assert_int_eq(cnn_tensor_write(mask, future, sizeof future), CNN_OK);
    ck_assert_int_eq(cnn_module_copy_from(m, causal), CNN_OK);
    cnn_tensor *x = cnn_input(tape, plain), *y = cnn_forward(causal, x);
    tensors_agree("causal", "y", cnn_multihead_attention_forward(m, x, NULL, NULL, NULL, mask, NULL, NULL), y, 1e-6);
    ck_assert(!same_elements(cnn_forward(m, x), y));
    cnn_tensor_free(mask);
    cnn_tensor_free(plain);
    cnn_module_free(causal);
    cnn_module_free(m);
}
END_TEST

/* The weights come out behind the dropout, and are those that the result is made of; evaluation drops none. */
/* Without a mask rows are made together, unless the scores of one overflow. */
START_TEST(a_row_of_which_nothing_is_left_gives_zeros)
{
    const float queries[] = { 1e-30f, 1e30f, 3e-30f }, keys[] = { -1e30f, -2e30f }, values[] = { 1, 3 };
    float all[3], alone;
    cnn_tensor *q = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(3, 1), queries), *y;
    cnn_tensor *k = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 1), keys);
    cnn_tensor *v = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 1), values);
    cnn_tape_begin(tape, CNN_EVAL);
    y = cnn_scaled_dot_product_attention(cnn_input(tape, q), k, v, NULL, NULL, NULL);
    ck_assert_int_eq(cnn_tensor_read(y, all, sizeof all), CNN_OK);
    ck_assert_float_eq(all[1], 0);
    for (int i = 0; i < 3; i += 2) { /* the others are what they are by themselves */
        y = cnn_scaled_dot_product_attention(cnn_slice(cnn_input(tape, q), 0, i, i + 1, 1), k, v, NULL, NULL, NULL);
        ck_assert_int_eq(cnn_tensor_read(y, &alone, sizeof alone), CNN_OK);
        ck_assert_float_eq(all[i], alone);
        ck_assert_float_eq_tol(alone, 1 + 2 / (1 + expf(i ? 3 : 1)), 1e-6f);
    }
    cnn_tensor_free(q);
    cnn_tensor_free(k);
    cnn_tensor_free(v);
}
END_TEST

START_TEST(weights_are_dropped_in_training)
{
    cnn_tensor *ones = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(40, 50)), *values = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(50, 1));
    for (int training = 0; training < 2; training++) {
        cnn_tape_begin(tape, training ? CNN_TRAIN : CNN_EVAL);
        cnn_tensor *q = cnn_input(tape, ones), *v = cnn_input(tape, values), *weights;
        cnn_tensor *k = cnn_concat((cnn_tensor *const[]){ q, cnn_slice(q, 0, 0, 10, 1) }, 2, 0);
        cnn_tensor *y = cnn_scaled_dot_product_attention(
            q, k, v, NULL, CNN_OPTIONS(cnn_scaled_dot_product_attention_options, .dropout_p = 0.4), &weights);
        double *w = as_doubles(weights), *sums = as_doubles(y);
        int dropped = 0;
        for (int i = 0; i < 40; i++) {
            double sum = 0;
            for (int j = 0; j < 50; j++) {
                double kept = training ? 1 / 30.0 : 1 / 50.0;
                dropped += w[i * 50 + j] == 0;
                sum += w[i * 50 + j];
                ck_assert(w[i * 50 + j] == 0 || fabs(w[i * 50 + j] - kept) < 1e-7);
            }
            ck_assert_double_lt(fabs(sum - sums[i]), 1e-5);
        }
        ck_assert_int_ge(dropped, training ? 700 : 0); /* 2000 weights are dropped with a probability of 0.4 */
        ck_assert_int_le(dropped, training ? 900 : 0);
        free(w);
        free(sums);
    }
    cnn_tensor_free(ones);
    cnn_tensor_free(values);
}
END_TEST

/* Backward drops what forward dropped: with value = 1 and uniform weights, the gradient of a value is the sum of its column. */
START_TEST(gradients_see_what_was_dropped)
{
    cnn_tensor *ones = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(300, 2)), *values = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(300, 1));
    cnn_tensor_set_requires_grad(values, true);
    cnn_tensor *q = cnn_input(tape, ones), *weights;
    cnn_tensor *y = cnn_scaled_dot_product_attention(
        q, q, values, NULL, CNN_OPTIONS(cnn_scaled_dot_product_attention_options, .dropout_p = 0.5), &weights);
    cnn_tensor *columns = cnn_sum(weights, CNN_DIMS(0), false);
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    tensors_agree("dropped", "gradient", cnn_reshape(cnn_input(tape, cnn_tensor_grad(values)), CNN_SHAPE(300)), columns, 1e-12);
    cnn_tensor_free(ones);
    cnn_tensor_free(values);
}
END_TEST

/* Operands that the kernel cuts into blocks, with all threads that there are and with one. */
START_TEST(results_do_not_depend_on_threads)
{
    cnn_tensor *grads[2], *results[2];
    for (int i = 0; i < 2; i++) {
        cnn_context *own = cnn_context_new(.threads = 1 + 2 * i, .seed = 5);
        cnn_tape *steps = cnn_tape_new(own);
        cnn_tensor *x = cnn_tensor_randn(own, CNN_F32, CNN_SHAPE(2, 3, 400, 8));
        cnn_tensor_set_requires_grad(x, true);
        cnn_tape_begin(steps, CNN_TRAIN);
        cnn_tensor *in = cnn_input(steps, x);
        cnn_tensor *y = cnn_scaled_dot_product_attention(
            in, in, in, NULL, CNN_OPTIONS(cnn_scaled_dot_product_attention_options, .dropout_p = 0.1, .is_causal = true), NULL);
        ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(y, y), CNN_ALL_DIMS, false)), CNN_OK);
        results[i] = cnn_tensor_to(y, ctx);
        grads[i] = cnn_tensor_to(cnn_tensor_grad(x), ctx);
        cnn_tape_free(steps);
        cnn_tensor_free(x);
        cnn_context_free(own);
    }
    ck_assert(same_elements(results[0], results[1]) && same_elements(grads[0], grads[1]));
    for (int i = 0; i < 2; i++) {
        cnn_tensor_free(results[i]);
        cnn_tensor_free(grads[i]);
    }
}
END_TEST

START_TEST(a_clone_and_a_file_have_the_parameters)
{
    cnn_module *m = cnn_multihead_attention_new(ctx, E, HEADS, .kdim = 3, .vdim = 2, .add_bias_kv = true), *clone = cnn_module_clone(m);
    cnn_module *loaded = cnn_multihead_attention_new(ctx, E, HEADS, .kdim = 3, .vdim = 2, .add_bias_kv = true);
    folder_make();
    ck_assert_int_eq(cnn_module_save(m, in_folder("m.safetensors")), CNN_OK);
    ck_assert_int_eq(cnn_module_load(loaded, in_folder("m.safetensors")), CNN_OK);
    folder_remove();
    cnn_tensor *q = sequence(CNN_F32), *k = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, N, 3)),
               *v = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, N, 2)), *y[3];
    cnn_module *const all[] = { m, clone, loaded };
    for (int i = 0; i < 3; i++) {
        y[i] = cnn_multihead_attention_forward(all[i], cnn_input(tape, q), k, v, NULL, NULL, NULL, NULL);
    }
    ck_assert(same_elements(y[0], y[1]) && same_elements(y[0], y[2]));
    cnn_tensor_fill(cnn_module_find(clone, "bias_v"), 9);
    ck_assert(!same_elements(y[0], cnn_multihead_attention_forward(clone, cnn_input(tape, q), k, v, NULL, NULL, NULL, NULL)));
    cnn_tensor_free(q);
    cnn_tensor_free(k);
    cnn_tensor_free(v);
    for (int i = 0; i < 3; i++) {
        cnn_module_free(all[i]);
    }
}
END_TEST

START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *m = cnn_multihead_attention_new(ctx, E, HEADS, .dropout = 0.1, .add_bias_kv = true);
    cnn_optimizer *adam = cnn_adam_new(m);
    cnn_tensor *plain = sequence(CNN_F32), *padding = cnn_tensor_zeros(ctx, CNN_BOOL, CNN_SHAPE(N, L));
    long calls = 0;
    for (int step = 0; step < 6; step++) {
        cnn_tensor *weights;
        if (step == 3) {
            calls = atomic_load(&meter.calls);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_multihead_attention_forward(m, cnn_input(tape, plain), NULL, NULL, padding, NULL, &weights, NULL);
        ck_assert_int_eq(cnn_backward(cnn_add(cnn_mean(y, CNN_ALL_DIMS, false), cnn_mean(weights, CNN_ALL_DIMS, false))), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
        cnn_optimizer_zero_grad(adam);
    }
    ck_assert_int_eq(atomic_load(&meter.calls), calls);
    cnn_tensor_free(plain);
    cnn_tensor_free(padding);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(tensors_that_do_not_fit_are_named)
{
    static const struct {
        int operand, ndim;
        int64_t shape[4];
        cnn_dtype dtype;
        cnn_status status;
        const char *message;
    } bad[] = {
        { 0, 1, { 6 }, CNN_F32, CNN_ERROR_SHAPE, "query is [6], expected [L,N,6]" },
        { 0, 3, { 4, 3, 5 }, CNN_F32, CNN_ERROR_SHAPE, "query is [4,3,5], expected [L,N,6]" },
        { 1, 2, { 5, 6 }, CNN_F32, CNN_ERROR_SHAPE, "key is [5,6], expected [L,N,6]" },
        { 1, 3, { 5, 2, 6 }, CNN_F32, CNN_ERROR_SHAPE, "key is [5,2,6], expected the batch of the query" },
        { 2, 3, { 4, 3, 6 }, CNN_F32, CNN_ERROR_SHAPE, "value is [4,3,6], expected the batch and the length of the key" },
        { 3, 2, { 3, 4 }, CNN_BOOL, CNN_ERROR_SHAPE, "key_padding_mask is [3,4], expected [N,S] of the keys" },
        { 3, 0, { 0 }, CNN_BOOL, CNN_ERROR_SHAPE, "key_padding_mask is [], expected [N,S] of the keys" },
        { 3, 2, { 3, 5 }, CNN_I64, CNN_ERROR_DTYPE, "key_padding_mask is int64, expected bool or float32" },
        { 4, 1, { 5 }, CNN_BOOL, CNN_ERROR_SHAPE, "attn_mask is [5], expected [L,S] or [N*num_heads,L,S] of queries and keys" },
        { 4, 3, { 3, 4, 5 }, CNN_F32, CNN_ERROR_SHAPE, "attn_mask is [3,4,5], expected [L,S] or [N*num_heads,L,S]" },
        { 4, 2, { 4, 5 }, CNN_F64, CNN_ERROR_DTYPE, "attn_mask is float64, expected bool or float32" },
    };
    static const int64_t good[5][3] = { { 4, 3, 6 }, { 5, 3, 6 }, { 5, 3, 6 }, { 3, 5 }, { 4, 5 } };
    static const int ranks[5] = { 3, 3, 3, 2, 2 };
    cnn_module *m = cnn_multihead_attention_new(ctx, E, HEADS);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        cnn_tensor *in[5], *weights = NULL;
        for (int i = 0; i < 5; i++) {
            bool wrong = i == bad[k].operand;
            in[i] = cnn_tensor_zeros(ctx, wrong ? bad[k].dtype : i > 2 ? CNN_BOOL : CNN_F32, wrong ? bad[k].ndim : ranks[i],
                                     wrong ? bad[k].shape : good[i]);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_multihead_attention_forward(m, cnn_input(tape, in[0]), in[1], in[2], in[3], in[4], &weights, NULL);
        failed_with(bad[k].status, bad[k].message);
        ck_assert(cnn_tensor_status(y) == bad[k].status && cnn_tensor_status(weights) == bad[k].status);
        for (int i = 0; i < 5; i++) {
            cnn_tensor_free(in[i]);
        }
    }
    cnn_module_free(m);
}
END_TEST

START_TEST(operands_that_do_not_fit_are_named)
{
    static const struct {
        int64_t q[2], k[2], v[2], mask[2];
        const char *message;
    } bad[] = {
        { { 4, 3 }, { 5, 2 }, { 5, 3 }, { 4, 5 }, "query, key and value are [4,3], [5,2] and [5,3], expected [...,L,E], [...,S,E]" },
        { { 4, 3 }, { 5, 3 }, { 4, 3 }, { 4, 5 }, "query, key and value are [4,3], [5,3] and [4,3], expected" },
        { { 4, 0 }, { 5, 0 }, { 5, 3 }, { 4, 5 }, "with E and F of at least 1" },
        { { 4, 3 }, { 5, 3 }, { 5, 3 }, { 3, 5 }, "attn_mask is [3,5], expected a shape that broadcasts to [4,5]" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const int64_t *const shapes[] = { bad[i].q, bad[i].k, bad[i].v, bad[i].mask };
        cnn_tensor *in[4];
        cnn_tape_begin(tape, CNN_TRAIN);
        for (int k = 0; k < 4; k++) {
            in[k] = cnn_tensor_zeros(ctx, k == 3 ? CNN_BOOL : CNN_F32, 2, shapes[k]);
        }
        cnn_scaled_dot_product_attention(cnn_input(tape, in[0]), in[1], in[2], in[3], NULL, NULL);
        failed_with(CNN_ERROR_SHAPE, bad[i].message);
        for (int k = 0; k < 4; k++) {
            cnn_tensor_free(in[k]);
        }
    }
}
END_TEST

/* What follows a failed projection goes on with nil tensors. */
START_TEST(masks_of_a_failed_layer_are_left_alone)
{
    cnn_module *m = cnn_multihead_attention_new(ctx, 4, 2, .add_zero_attn = true);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(5, 2, 4)), *padding = cnn_tensor_zeros(ctx, CNN_BOOL, CNN_SHAPE(2, 5));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *on = cnn_input(tape, x);
    cnn_tensor *y = cnn_multihead_attention_forward(m, on, on, on, cnn_input(tape, padding), NULL, NULL, NULL);
    ck_assert_int_eq(cnn_tensor_status(y), CNN_ERROR_DTYPE);
    cnn_context_clear_error(ctx);
    cnn_tensor_free(x), cnn_tensor_free(padding);
    cnn_module_free(m);
}
END_TEST

START_TEST(bad_layers_are_refused)
{
    ck_assert_ptr_null(cnn_multihead_attention_new(ctx, 0, 1));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "multihead_attention_create: embed_dim is 0, expected 1 to 2^60");
    ck_assert_ptr_null(cnn_multihead_attention_new(ctx, 6, 4));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "multihead_attention_create: num_heads is 4, expected a divisor of embed_dim 6");
    ck_assert_ptr_null(cnn_multihead_attention_new(ctx, 6, 2, .vdim = -1));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "multihead_attention_create: vdim is -1, expected at least 1");
    cnn_module *linear = cnn_linear_new(ctx, E, E);
    cnn_tensor *plain = sequence(CNN_F32), *weights = NULL;
    cnn_multihead_attention_forward(linear, cnn_input(tape, plain), NULL, NULL, NULL, NULL, &weights, NULL);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "multihead_attention_forward: the module is of type Linear, expected MultiheadAttention");
    cnn_tensor_free(plain);
    cnn_module_free(linear);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attention");
    TCase *tests = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(tests, f64_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_loop_test(tests, f32_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_test(tests, text_and_names_are_pytorchs);
    tcase_add_test(tests, first_values_are_pytorchs);
    tests = suite_case(suite, "behaviour", setup, teardown);
    tcase_add_test(tests, gradients_agree_with_finite_differences);
    tcase_add_test(tests, the_future_is_hidden_by_option_and_by_mask);
    tcase_add_test(tests, a_row_of_which_nothing_is_left_gives_zeros);
    tcase_add_test(tests, weights_are_dropped_in_training);
    tcase_add_test(tests, gradients_see_what_was_dropped);
    tcase_add_test(tests, results_do_not_depend_on_threads);
    tcase_add_test(tests, a_clone_and_a_file_have_the_parameters);
    tcase_add_test(tests, equal_steps_allocate_nothing);
    tests = suite_case(suite, "refused", setup, teardown);
    tcase_add_test(tests, tensors_that_do_not_fit_are_named);
    tcase_add_test(tests, operands_that_do_not_fit_are_named);
    tcase_add_test(tests, bad_layers_are_refused);
    tcase_add_test(tests, masks_of_a_failed_layer_are_left_alone);
    return suite_run(suite);
}
