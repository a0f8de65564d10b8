/* Frozen modules: the results are those of a step that evaluates, in any number of threads, and a call allocates nothing. */
#include "support/predictor_case.h"

#include <pthread.h>

/* Running statistics that are not those of new layers. */
static bool stir(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    (void)user;
    if (!is_parameter && cnn_tensor_dtype(tensor) == CNN_F32) {
        cnn_tensor *value = cnn_tensor_rand(ctx, CNN_F32, cnn_tensor_ndim(tensor), cnn_tensor_shape(tensor));
        cnn_tensor_write(tensor, host_elements(value), elements_size(value));
        cnn_tensor_free(value);
    }
    (void)name;
    return true;
}

START_TEST(layers_compute_what_a_step_does)
{
    cnn_module *mnist = cnn_sequential_new(
        ctx, cnn_conv2d_new(ctx, 1, 8, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 8, 16, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2), cnn_flatten_new(ctx),
        cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 784, 20), cnn_linear_new(ctx, 20, 10));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 1, 28, 28));
    check_module(mnist, x);
    cnn_module_free(mnist);
    cnn_tensor_free(x);
    cnn_module *normed = cnn_sequential_new(
        ctx, cnn_batch_norm2d_new(ctx, 4), cnn_relu_new(ctx), cnn_conv2d_new(ctx, 4, 16, 3, .padding = 1, .no_bias = true),
        cnn_batch_norm2d_new(ctx, 16), cnn_relu_new(ctx), cnn_conv2d_new(ctx, 16, 16, 1), cnn_batch_norm2d_new(ctx, 16),
        cnn_gelu_new(ctx), cnn_avg_pool2d_new(ctx, 2));
    cnn_module_visit(normed, stir, NULL);
    x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 4, 12, 12));
    check_module(normed, x);
    cnn_module_free(normed);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(sequences_compute_what_a_step_does)
{
    cnn_module *lstm = cnn_lstm_new(ctx, 6, 10, .num_layers = 2, .bidirectional = true);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(7, 3, 6));
    cnn_predictor *p = frozen(lstm, &x, 1, 3);
    ck_assert_msg(p != NULL, "%s", cnn_last_error(ctx));
    check_outputs(p, lstm, &x, 1, 3);
    cnn_predictor_free(p);
    cnn_module_free(lstm);
    cnn_tensor_free(x);
}
END_TEST

/* Indices in, and what a bad one says. */
START_TEST(bad_indices_are_told)
{
    cnn_module *embedding = cnn_embedding_new(ctx, 5, 3);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(4), (const int64_t[]){ 0, 4, 2, 2 });
    check_module(embedding, x);
    cnn_predictor *p = frozen(embedding, &x, 1, 1);
    const void *in[] = { (const int64_t[]){ 0, 1, 5, 2 } };
    float rows[12];
    void *out[] = { rows };
    ck_assert_int_eq(cnn_predictor_run(p, in, out), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_msg(strstr(cnn_last_error(ctx), "predictor_run: ") && strstr(cnn_last_error(ctx), "the index at 2 is 5"), "%s",
                  cnn_last_error(ctx));
    in[0] = host_elements(x);
    ck_assert_int_eq(cnn_predictor_run(p, in, out), CNN_OK); /* the next call is as good as ever */
    cnn_predictor_free(p);
    cnn_module_free(embedding);
    cnn_tensor_free(x);
}
END_TEST

/* Results of every kind: computed ones, an input, a view of an input, a view of a result, one result twice, a constant, one that
 * a constant was added to, and a part of a larger result. */
static cnn_status many(cnn_module *self, cnn_tensor *const *in, int inputs, cnn_tensor **out, int outputs, void *user)
{
    (void)user, (void)inputs, (void)outputs;
    cnn_tensor *w = cnn_module_find(self, "w");
    out[0] = cnn_add(in[0], in[1]);
    out[1] = in[0];
    out[2] = cnn_transpose(in[1], 0, 1);
    out[3] = cnn_transpose(out[0], 0, 1);
    out[4] = out[0];
    out[5] = cnn_exp(w);
    out[6] = cnn_mul(in[0], cnn_exp(out[5]));
    out[7] = cnn_slice(cnn_relu(in[1]), 0, 0, 2, 1);
    return CNN_OK;
}

static cnn_module *many_module(void)
{
    cnn_module *m = cnn_module_create(ctx, &(cnn_module_options){ .struct_size = sizeof(cnn_module_options), .forward_many = many });
    cnn_module_add_parameter(m, "w", cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 3)));
    return m;
}

START_TEST(outputs_of_every_kind)
{
    cnn_module *m = many_module();
    cnn_tensor *in[2] = { cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 3)), cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 3)) };
    cnn_predictor *p = frozen(m, in, 2, 8);
    ck_assert_msg(p != NULL, "%s", cnn_last_error(ctx));
    check_outputs(p, m, in, 2, 8);
    check_outputs(p, m, in, 2, 8);
    ck_assert_int_eq(cnn_predictor_input_count(p), 2);
    ck_assert_int_eq(cnn_predictor_output_count(p), 8);
    cnn_predictor_free(p);
    cnn_module_free(m);
    cnn_tensor_free(in[0]);
    cnn_tensor_free(in[1]);
}
END_TEST

/* One convolution on two images whose borders leave different taps of its filter dead: 64 channels, so that its weights are packed. */
static cnn_tensor *both_ways(cnn_module *self, cnn_tensor *x, void *user)
{
    cnn_module *conv = cnn_module_child(self, 0, NULL);
    cnn_tensor *wide = cnn_forward(conv, x), *high = cnn_forward(conv, cnn_contiguous(cnn_transpose(x, 2, 3)));
    (void)user;
    return cnn_add(wide, cnn_transpose(high, 2, 3));
}

START_TEST(shapes_of_one_filter_are_kept_apart)
{
    cnn_module *m = cnn_module_new(ctx, both_ways), *conv = cnn_module_add(m, "conv", cnn_conv2d_new(ctx, 64, 64, 3, .padding = 1));
    cnn_module *fresh = cnn_module_clone(conv);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(1, 64, 1, 8));
    cnn_tensor *y = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(1, 64, 8, 1));
    check_module(m, x);
    cnn_tape *tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *first = cnn_tensor_detach(cnn_forward(conv, cnn_input(tape, y))), *second = NULL;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK); /* a convolution that has seen no other shape */
    second = cnn_tensor_detach(cnn_forward(fresh, cnn_input(tape, y)));
    ck_assert(same_elements(first, second));
    cnn_tensor_free(first);
    cnn_tensor_free(second);
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    cnn_module_free(m);
    cnn_module_free(fresh);
}
END_TEST

/* Indices that are computed from an input and are none where it is 0: the weights behind them are packed nevertheless. */
static cnn_tensor *from_one_on(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_tensor *index = cnn_cast(cnn_add_scalar(x, -1), CNN_I64);
    return cnn_forward(cnn_module_child(self, 1, NULL), cnn_forward(cnn_module_child(self, 0, NULL), index));
}

START_TEST(weights_behind_bad_indices_are_packed)
{
    cnn_module *m = cnn_module_new(ctx, from_one_on);
    cnn_module_add(m, "embedding", cnn_embedding_new(ctx, 5, 64));
    cnn_module_add(m, "linear", cnn_linear_new(ctx, 64, 64));
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, 3, CNN_SHAPE(128));
    check_module(m, x);
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

/* An LSTM without its states: the module gets NULL for both, and a call has nothing for them. */
START_TEST(inputs_may_be_left_out)
{
    cnn_module *lstm = cnn_lstm_new(ctx, 4, 3);
    cnn_tensor *in[3] = { cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, 2, 4)), NULL, NULL };
    const cnn_trace_input like[3] = { { .shape = cnn_tensor_shape(in[0]), .ndim = 3 }, { .left_out = true }, { .left_out = true } };
    cnn_predictor *p = cnn_predictor_create(
        lstm, like, 3, &(cnn_predictor_options){ .struct_size = sizeof(cnn_predictor_options), .output_count = 3 });
    ck_assert_msg(p != NULL, "%s", cnn_last_error(ctx));
    check_outputs(p, lstm, in, 3, 3);
    cnn_predictor_free(p);
    cnn_module_free(lstm);
    cnn_tensor_free(in[0]);
}
END_TEST

/* What happens to the module afterwards does not matter, nor that it is gone. */
START_TEST(weights_are_frozen)
{
    cnn_module *linear = cnn_linear_new(ctx, 4, 3);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 4));
    cnn_predictor *p = frozen(linear, &x, 1, 1);
    float before[3], after[3];
    const void *in[] = { host_elements(x) };
    ck_assert_int_eq(cnn_predictor_run(p, in, (void *[]){ before }), CNN_OK);
    cnn_tensor_fill(cnn_module_find(linear, "weight"), 7);
    cnn_module_free(linear);
    ck_assert_int_eq(cnn_predictor_run(p, in, (void *[]){ after }), CNN_OK);
    ck_assert_mem_eq(before, after, sizeof before);
    cnn_predictor_free(p);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(calls_allocate_nothing)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 8, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 8), cnn_relu_new(ctx),
                                         cnn_flatten_new(ctx), cnn_linear_new(ctx, 512, 10));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 3, 8, 8));
    cnn_predictor *p = frozen(net, &x, 1, 1);
    float y[20];
    size_t memory = cnn_predictor_memory(p);
    ck_assert_uint_ge(memory, (512 * 10 + 10) * sizeof(float));
    long before = atomic_load(&meter.calls);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cnn_predictor_run(p, (const void *[]){ host_elements(x) }, (void *[]){ y }), CNN_OK);
    }
    ck_assert_int_eq(atomic_load(&meter.calls), before);
    ck_assert_uint_eq(cnn_predictor_memory(p), memory);
    cnn_predictor_free(p);
    cnn_module_free(net);
    cnn_tensor_free(x);
}
END_TEST

/* The weight of a product that is packed is not held beside it; that of one which is read as it is stays. Results are those of the
 * module, in every call's memory, also where two layers share a weight. */
START_TEST(packed_weights_are_held_once)
{
    enum { WIDE = 256, ROWS = 64 };
    cnn_module *net = cnn_sequential_new(ctx, cnn_linear_new(ctx, WIDE, WIDE), cnn_relu_new(ctx), cnn_linear_new(ctx, WIDE, WIDE));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(ROWS, WIDE));
    size_t before = atomic_load(&meter.now);
    cnn_predictor *p = frozen(net, &x, 1, 1);
    const size_t weights = 2 * sizeof(float) * WIDE * WIDE, values = 4 * sizeof(float) * ROWS * WIDE;
    size_t memory = cnn_predictor_memory(p);
    ck_assert_uint_ge(memory, weights);
    /* The reference packs nothing; the others would have twice the weights. */
    ck_assert_msg(memory < weights + weights / 2 + values, "%zu bytes, expected less than %zu", memory, weights + weights / 2 + values);
    ck_assert_uint_lt(atomic_load(&meter.now) - before, weights + weights / 2 + 2 * values);
    for (int i = 0; i < 2; i++) {
        check_outputs(p, net, &x, 1, 1);
    }
    cnn_predictor_free(p);
    cnn_module_free(net);
    cnn_tensor_free(x);
}
END_TEST

/* ---- many threads ---- */

typedef struct shared {
    cnn_predictor *p;
    const float *x, *expected;
    bool differs;
} shared;

static void *call_often(void *user)
{
    shared *s = user;
    float y[20];
    for (int i = 0; i < 50; i++) {
        cnn_status status = cnn_predictor_run(s->p, (const void *[]){ s->x }, (void *[]){ y });
        s->differs = s->differs || status != CNN_OK || memcmp(y, s->expected, sizeof y) != 0;
    }
    return NULL;
}

START_TEST(threads_share_it)
{
    enum { THREADS = 5 };
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 8, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                                         cnn_flatten_new(ctx), cnn_linear_new(ctx, 8 * 14 * 14, 10));
    cnn_tensor *x[THREADS];
    shared all[THREADS];
    float expected[THREADS][20];
    pthread_t threads[THREADS];
    x[0] = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 1, 28, 28));
    cnn_predictor *p = cnn_predictor_new(net, CNN_F32, CNN_SHAPE(2, 1, 28, 28), .calls = 2);
    for (int i = 0; i < THREADS; i++) {
        x[i] = i ? cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 1, 28, 28)) : x[0];
        ck_assert_int_eq(cnn_predictor_run(p, (const void *[]){ host_elements(x[i]) }, (void *[]){ expected[i] }), CNN_OK);
        all[i] = (shared){ p, host_elements(x[i]), expected[i], false };
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, &all[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!all[i].differs);
        cnn_tensor_free(x[i]);
    }
    cnn_predictor_free(p);
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("predictor");
    TCase *results = suite_case(suite, "results", setup, teardown);
    tcase_add_test(results, layers_compute_what_a_step_does);
    tcase_add_test(results, sequences_compute_what_a_step_does);
    tcase_add_test(results, bad_indices_are_told);
    tcase_add_test(results, outputs_of_every_kind);
    tcase_add_test(results, inputs_may_be_left_out);
    tcase_add_test(results, shapes_of_one_filter_are_kept_apart);
    tcase_add_test(results, weights_behind_bad_indices_are_packed);
    TCase *calls = suite_case(suite, "calls", setup, teardown);
    tcase_add_test(calls, weights_are_frozen);
    tcase_add_test(calls, calls_allocate_nothing);
    tcase_add_test(calls, packed_weights_are_held_once);
    tcase_add_test(calls, threads_share_it);
    return suite_run(suite);
}
