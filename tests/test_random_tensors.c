/* Random tensors of a step: the same bits for the same seed and calls, for any number of threads and kind of step; which
 * stream they take; and how they are distributed. */
#include <cnn/cnn.h>

#include "autograd/tape.h"
#include "base/random.h"
#include "support/elements.h"
#include "support/suite.h"

#include <math.h>
#include <string.h>

enum { N = 10007 };

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = cnn_context_new(.seed = 5, .threads = 3);
    tape = cnn_tape_new(ctx);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static uint64_t stream_now(const cnn_context *of)
{
    cnn_random_state state;
    ck_assert_int_eq(cnn_context_random_state(of, &state), CNN_OK);
    return state.stream;
}

/* What the library's own element-by-element draws say. */
static uint64_t key_of(uint64_t key[2], uint64_t seed, uint64_t stream, uint64_t draw)
{
    key[0] = seed;
    key[1] = stream | draw << 40;
    return key[1];
}

START_TEST(draws_are_numbered_in_the_steps_stream)
{
    const cnn_mode modes[] = { CNN_TRAIN, CNN_TRAIN_NO_GRAD, CNN_EVAL, CNN_EVAL_GRAD };
    for (uint64_t step = 0; step < 4; step++) {
        uint64_t key[2];
        cnn_tape_begin(tape, modes[step]);
        cnn_tensor *u = cnn_tape_rand(tape, CNN_F32, CNN_SHAPE(N)), *z = cnn_tape_randn(tape, CNN_F64, CNN_SHAPE(N));
        cnn_tensor *b = cnn_tape_bernoulli(tape, CNN_BOOL, 0.25, CNN_SHAPE(N));
        ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
        const float *us = host_elements(u);
        const double *zs = host_elements(z);
        const bool *bs = host_elements(b);
        for (uint64_t i = 0; i < N; i++) {
            key_of(key, 5, step, 1);
            bool same = us[i] == cnn__random_f32(key, i);
            key_of(key, 5, step, 2);
            same = same && zs[i] == cnn__random_normal(key, i);
            key_of(key, 5, step, 3);
            same = same && bs[i] == (cnn__random_u32(key, i) < 1u << 30);
            if (!same) {
                ck_abort_msg("step %llu, element %llu", (unsigned long long)step, (unsigned long long)i);
            }
        }
        ck_assert(stream_now(ctx) == step + 1);
    }
}
END_TEST

/* Evaluation without draws takes no stream; dropout in it draws nothing. */
START_TEST(evaluation_takes_a_stream_with_its_first_draw)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_dropout(cnn_input(tape, x), 0.5);
    ck_assert(stream_now(ctx) == 0);
    cnn_tape_rand(tape, CNN_F32, CNN_SHAPE(4));
    cnn_tape_rand(tape, CNN_F32, CNN_SHAPE(4));
    ck_assert(stream_now(ctx) == 1);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert(stream_now(ctx) == 2);
    cnn_tape_rand(tape, CNN_F32, CNN_SHAPE(4));
    ck_assert(stream_now(ctx) == 2);
    cnn_tensor_free(x);
}
END_TEST

static void draw_all(uint64_t seed, int threads, cnn_mode mode, float *values)
{
    cnn_context *own = cnn_context_new(.seed = seed, .threads = threads);
    cnn_tape *step = cnn_tape_new(own);
    cnn_tape_begin(step, mode);
    cnn_tensor *u = cnn_tape_rand(step, CNN_F32, CNN_SHAPE(N)), *z = cnn_tape_randn(step, CNN_F32, CNN_SHAPE(N));
    cnn_tensor *b = cnn_tape_bernoulli(step, CNN_F32, 0.5, CNN_SHAPE(N));
    cnn_tensor_read(u, values, N * sizeof *values);
    cnn_tensor_read(z, values + N, N * sizeof *values);
    cnn_tensor_read(b, values + 2 * N, N * sizeof *values);
    ck_assert_msg(cnn_tape_status(step) == CNN_OK, "%s", cnn_tape_error(step));
    cnn_tape_free(step);
    cnn_context_free(own);
}

START_TEST(equal_seeds_give_equal_bits)
{
    static float one[3 * N], other[3 * N];
    draw_all(9, 1, CNN_TRAIN, one);
    draw_all(9, 4, CNN_EVAL, other);
    ck_assert_mem_eq(one, other, sizeof one);
    draw_all(10, 1, CNN_TRAIN, other);
    ck_assert(memcmp(one, other, sizeof one) != 0);
}
END_TEST

/* Means and variances within five standard errors; and no draw is another's. */
START_TEST(draws_are_distributed_as_they_say)
{
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *all[] = { cnn_tape_rand(tape, CNN_F64, CNN_SHAPE(N)), cnn_tape_randn(tape, CNN_F32, CNN_SHAPE(N)),
                          cnn_tape_bernoulli(tape, CNN_F64, 0.3, CNN_SHAPE(N)), cnn_tape_rand(tape, CNN_F64, CNN_SHAPE(N)) };
    const double mean[] = { 0.5, 0, 0.3, 0.5 }, variance[] = { 1.0 / 12, 1, 0.21, 1.0 / 12 };
    const double fourth[] = { 1.0 / 80, 3, 0.3 * 0.7 * (1 - 3 * 0.21), 1.0 / 80 }; /* central moments */
    for (int k = 0; k < 4; k++) {
        double sum = 0, squares = 0;
        const void *values = host_elements(all[k]);
        for (int i = 0; i < N; i++) {
            double x = cnn_tensor_dtype(all[k]) == CNN_F32 ? ((const float *)values)[i] : ((const double *)values)[i];
            sum += x - mean[k];
            squares += (x - mean[k]) * (x - mean[k]) - variance[k];
        }
        ck_assert_double_lt(fabs(sum / N), 5 * sqrt(variance[k] / N));
        ck_assert_double_lt(fabs(squares / N), 5 * sqrt((fourth[k] - variance[k] * variance[k]) / N));
    }
    ck_assert(!same_elements(all[0], all[3]));
}
END_TEST

START_TEST(the_ends_of_bernoulli_are_certain)
{
    const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_BOOL };
    for (int k = 0; k < 3; k++) {
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *never = cnn_sum(cnn_tape_bernoulli(tape, dtypes[k], 0, CNN_SHAPE(N)), CNN_ALL_DIMS, false);
        cnn_tensor *zero = cnn_sum(cnn_tape_bernoulli(tape, dtypes[k], CNN_ZERO, CNN_SHAPE(N)), CNN_ALL_DIMS, false);
        cnn_tensor *always = cnn_sum(cnn_tape_bernoulli(tape, dtypes[k], 1, CNN_SHAPE(N)), CNN_ALL_DIMS, false);
        ck_assert(cnn_tensor_item(never) == 0 && cnn_tensor_item(zero) == 0 && cnn_tensor_item(always) == N);
    }
}
END_TEST

/* Noise that a module's forward adds: no gradient of its own, and operations go on from it. */
START_TEST(gradients_pass_noise_by)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *in = cnn_input(tape, x), *noise = cnn_tape_randn(cnn_tensor_tape(in), CNN_F32, CNN_SHAPE(3));
    ck_assert(!cnn_tensor_requires_grad(noise));
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(in, noise), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_mem_eq(host_elements(cnn_tensor_grad(x)), host_elements(noise), 3 * sizeof(float));
    cnn_tensor_free(x);
}
END_TEST

static void step_fails(cnn_tensor *nil, cnn_status status, const char *message)
{
    ck_assert_ptr_nonnull(nil);
    ck_assert_int_eq(cnn_tensor_status(nil), status);
    ck_assert_msg(strstr(cnn_last_error(NULL), message), "\"%s\" does not say \"%s\"", cnn_last_error(NULL), message);
    cnn_context_clear_error(NULL);
    cnn_tape_begin(tape, CNN_TRAIN);
}

START_TEST(bad_draws_fail_the_step)
{
    const int64_t negative[] = { -1 };
    cnn_tape *fresh = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tensor_status(cnn_tape_rand(fresh, CNN_F32, CNN_SHAPE(2))), CNN_ERROR_STATE);
    ck_assert_str_eq(cnn_last_error(ctx), "tape_rand: the tape has no step yet, expected cnn_tape_begin() first");
    cnn_tape_free(fresh);
    cnn_tape_begin(tape, CNN_TRAIN);
    step_fails(cnn_tape_rand(tape, CNN_I64, CNN_SHAPE(2)), CNN_ERROR_DTYPE,
               "tape_rand: dtype is int64, expected float32 or float64");
    step_fails(cnn_tape_randn(tape, CNN_F32, 1, negative), CNN_ERROR_SHAPE, "tape_randn: ");
    step_fails(cnn_tape_bernoulli(tape, CNN_F32, 1.5, CNN_SHAPE(2)), CNN_ERROR_INVALID_ARGUMENT,
               "tape_bernoulli: p is 1.5, expected 0 to 1");
    step_fails(cnn_tape_bernoulli(tape, CNN_F32, NAN, CNN_SHAPE(2)), CNN_ERROR_INVALID_ARGUMENT, "p is nan");
    step_fails(cnn_tape_bernoulli(tape, CNN_I32, 0.5, CNN_SHAPE(2)), CNN_ERROR_DTYPE,
               "dtype is int32, expected float32, float64 or bool");
    cnn_tape_rand(NULL, CNN_F32, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
    uint64_t before = stream_now(ctx);
    ck_assert_int_eq(cnn_tensor_status(cnn_tape_rand(tape, CNN_F32, CNN_SHAPE(2))), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert(stream_now(ctx) == before);
}
END_TEST

/* A module that trains within an evaluation step: its dropout takes the step's own stream, a new one for each step. */
START_TEST(dropout_in_evaluation_draws_anew_in_each_step)
{
    float values[2][64];
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(64));
    cnn_module *dropout = cnn_dropout_new(ctx, 0.5);
    cnn_module_set_mode(dropout, CNN_MODULE_TRAINS);
    for (int i = 0; i < 2; i++) {
        cnn_tape_begin(tape, CNN_EVAL);
        ck_assert_int_eq(cnn_tensor_read(cnn_forward(dropout, cnn_input(tape, x)), values[i], sizeof values[i]), CNN_OK);
        ck_assert(stream_now(ctx) == (uint64_t)i + 1);
    }
    ck_assert(memcmp(values[0], values[1], sizeof values[0]) != 0);
    cnn_module_free(dropout);
    cnn_tensor_free(x);
}
END_TEST

/* A trace has the draw's shape and its place in the graph, and takes no numbers. */
START_TEST(a_trace_draws_nothing)
{
    ck_assert_int_eq(cnn__tape_begin_trace(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *z = cnn_tape_randn(tape, CNN_F32, CNN_SHAPE(2, 3));
    const cnn__node *node = cnn__tape_last_node(tape);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    ck_assert(z->ndim == 2 && z->shape[1] == 3);
    ck_assert(node && node->count == 0 && node->out[0] == z);
    ck_assert_str_eq(node->op->name, "tape_randn");
    ck_assert(stream_now(ctx) == 0);
}
END_TEST

START_TEST(a_random_state_with_reserved_bytes_set_is_refused)
{
    cnn_random_state state;
    ck_assert_int_eq(cnn_context_random_state(ctx, &state), CNN_OK);
    ck_assert(state.reserved[0] == 0 && state.reserved[1] == 0);
    state.reserved[1] = 1;
    ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_ERROR_UNSUPPORTED);
    ck_assert(stream_now(ctx) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random tensors");
    TCase *tests = suite_case(suite, "random tensors", setup, teardown);
    tcase_add_test(tests, draws_are_numbered_in_the_steps_stream);
    tcase_add_test(tests, evaluation_takes_a_stream_with_its_first_draw);
    tcase_add_test(tests, equal_seeds_give_equal_bits);
    tcase_add_test(tests, draws_are_distributed_as_they_say);
    tcase_add_test(tests, the_ends_of_bernoulli_are_certain);
    tcase_add_test(tests, gradients_pass_noise_by);
    tcase_add_test(tests, bad_draws_fail_the_step);
    tcase_add_test(tests, dropout_in_evaluation_draws_anew_in_each_step);
    tcase_add_test(tests, a_trace_draws_nothing);
    tcase_add_test(tests, a_random_state_with_reserved_bytes_set_is_refused);
    return suite_run(suite);
}
