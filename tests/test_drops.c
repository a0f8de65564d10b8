/* Dropout of whole channels and alpha dropout: what stays and goes, by how much, and the same in backward. */
#include "support/elements.h"
#include "support/suite.h"

static cnn_context *contexts[2];
static cnn_tape *tapes[2];

static void setup(void)
{
    for (int i = 0; i < 2; i++) {
        contexts[i] = cnn_context_new(.threads = i ? 3 : 1, .seed = 5);
        tapes[i] = cnn_tape_new(contexts[i]);
        ck_assert_ptr_nonnull(tapes[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < 2; i++) {
        cnn_tape_free(tapes[i]);
        cnn_context_free(contexts[i]);
    }
}

typedef struct outcome {
    float *y, *dx;
} outcome;

/* y and the gradient of Σ y of a tensor filled with `value`. */
static outcome run(int i, cnn_tensor *(*drop)(cnn_tensor *x, double p), double p, double value, int ndim, const int64_t *shape)
{
    cnn_tensor *x = cnn_tensor_full(contexts[i], CNN_F32, value, ndim, shape);
    size_t bytes = (size_t)cnn_tensor_numel(x) * sizeof(float);
    outcome o = { malloc(bytes), malloc(bytes) };
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tapes[i], CNN_TRAIN), CNN_OK);
    cnn_tensor *y = drop(cnn_input(tapes[i], x), p);
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tapes[i]));
    ck_assert_int_eq(cnn_tensor_read(y, o.y, bytes), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_tensor_grad(x), o.dx, bytes), CNN_OK);
    cnn_tensor_free(x);
    return o;
}

static void outcome_free(outcome *o)
{
    free(o->y);
    free(o->dx);
}

/* A channel is 3 in all places or 0 in all, about p of them; and the same with more threads. */
static void check_channels(cnn_tensor *(*drop)(cnn_tensor *x, double p), double p, int64_t channels, int64_t inner, int ndim,
                           const int64_t *shape)
{
    outcome one = run(0, drop, p, 3, ndim, shape), three = run(1, drop, p, 3, ndim, shape);
    float scale = p < 1 ? (float)(1 / (1 - p)) : 0;
    int64_t dropped = 0;
    for (int64_t c = 0; c < channels; c++) {
        bool keep = one.y[c * inner] != 0;
        dropped += !keep;
        for (int64_t k = c * inner; k < (c + 1) * inner; k++) {
            ck_assert_float_eq(one.y[k], keep ? 3 * scale : 0);
            ck_assert_float_eq(one.dx[k], keep ? scale : 0);
        }
    }
    double spread = sqrt(p * (1 - p) / (double)channels);
    ck_assert_double_eq_tol((double)dropped / (double)channels, p, 5 * spread + 1e-12);
    ck_assert_int_eq(memcmp(one.y, three.y, (size_t)(channels * inner) * sizeof(float)), 0);
    ck_assert_int_eq(memcmp(one.dx, three.dx, (size_t)(channels * inner) * sizeof(float)), 0);
    outcome_free(&one);
    outcome_free(&three);
}

START_TEST(whole_channels_stay_or_go)
{
    static const double ps[] = { 0.1, 0.5, 0.9, 1 };
    for (int i = 0; i < 4; i++) {
        check_channels(cnn_dropout1d, ps[i], 1000, 37, CNN_SHAPE(10, 100, 37));
        check_channels(cnn_dropout1d, ps[i], 1000, 5, CNN_SHAPE(1000, 5));
        check_channels(cnn_dropout1d, ps[i], 3000, 1, CNN_SHAPE(30, 100, 1));
        check_channels(cnn_dropout2d, ps[i], 600, 63, CNN_SHAPE(10, 60, 7, 9));
    }
}
END_TEST

/* PyTorch's formula: a = 1 / √((1 − p)(1 + p·α²)), y = a·x + b, or a·α + b, with b = −a·α·p and α = −1.758… */
START_TEST(alpha_dropout_moves_what_it_drops)
{
    enum { N = 40000 };
    const double p = 0.3, alpha = -1.7580993408473766, a = 1 / sqrt((1 - p) * (1 + p * alpha * alpha)), b = -a * alpha * p;
    outcome one = run(0, cnn_alpha_dropout, p, 2, CNN_SHAPE(N)), three = run(1, cnn_alpha_dropout, p, 2, CNN_SHAPE(N));
    int dropped = 0;
    for (int i = 0; i < N; i++) {
        bool keep = one.dx[i] != 0;
        dropped += !keep;
        ck_assert_float_eq_tol(one.y[i], (float)(keep ? 2 * a + b : a * alpha + b), 1e-6f);
        ck_assert_float_eq_tol(one.dx[i], keep ? (float)a : 0, 1e-7f);
    }
    ck_assert_double_eq_tol((double)dropped / N, p, 5 * sqrt(p * (1 - p) / N));
    ck_assert_int_eq(memcmp(one.y, three.y, N * sizeof(float)), 0);
    outcome_free(&one);
    outcome_free(&three);
    outcome all = run(0, cnn_alpha_dropout, 1, 2, CNN_SHAPE(9));
    for (int i = 0; i < 9; i++) {
        ck_assert_float_eq(all.y[i], 0); /* as in PyTorch */
        ck_assert_float_eq(all.dx[i], 0);
    }
    outcome_free(&all);
}
END_TEST

/* Mean 0 and variance 1 stay. */
START_TEST(alpha_dropout_keeps_the_moments)
{
    enum { N = 100000 };
    cnn_tensor *x = cnn_tensor_randn(contexts[0], CNN_F64, CNN_SHAPE(N));
    double *y = malloc(N * sizeof *y), sum = 0, squares = 0;
    ck_assert_int_eq(cnn_tape_begin(tapes[0], CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_alpha_dropout(cnn_input(tapes[0], x), 0.4), y, N * sizeof *y), CNN_OK);
    for (int i = 0; i < N; i++) {
        sum += y[i];
        squares += y[i] * y[i];
    }
    ck_assert_double_eq_tol(sum / N, 0, 0.02);
    ck_assert_double_eq_tol(squares / N, 1, 0.03);
    cnn_tensor_free(x);
    free(y);
}
END_TEST

/* Evaluation and p = 0 give the input itself; a NaN is not hidden; each use draws anew. */
START_TEST(edges)
{
    static cnn_tensor *(*const drops[])(cnn_tensor *, double) = { cnn_dropout1d, cnn_dropout2d, cnn_alpha_dropout };
    cnn_tensor *x = cnn_tensor_full(contexts[0], CNN_F32, (double)NAN, CNN_SHAPE(8, 8, 1, 1));
    cnn_tensor *lines = cnn_tensor_full(contexts[0], CNN_F32, (double)NAN, CNN_SHAPE(8, 8, 1));
    cnn_tensor *none = cnn_tensor_ones(contexts[0], CNN_F32, CNN_SHAPE(0, 3, 2, 2));
    for (int i = 0; i < 3; i++) {
        float y[64];
        ck_assert_int_eq(cnn_tape_begin(tapes[0], CNN_EVAL), CNN_OK);
        cnn_tensor *on = cnn_input(tapes[0], i ? x : lines);
        ck_assert_ptr_eq(drops[i](on, 0.5), on);
        ck_assert_int_eq(cnn_tape_begin(tapes[0], CNN_TRAIN), CNN_OK);
        on = cnn_input(tapes[0], i ? x : lines);
        ck_assert_ptr_eq(drops[i](on, 0), on);
        ck_assert_int_eq(cnn_tensor_read(drops[i](on, 0.5), y, sizeof y), CNN_OK);
        for (int k = 0; k < 64; k++) {
            ck_assert_float_nan(y[k]);
        }
    }
    ck_assert_int_eq(cnn_tensor_status(cnn_dropout2d(cnn_input(tapes[0], none), 0.5)), CNN_OK);
    cnn_tensor *ones = cnn_tensor_ones(contexts[0], CNN_F32, CNN_SHAPE(8, 8, 1));
    float first[64], second[64];
    ck_assert_int_eq(cnn_tape_begin(tapes[0], CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_dropout1d(cnn_input(tapes[0], ones), 0.5), first, sizeof first), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_dropout1d(cnn_input(tapes[0], ones), 0.5), second, sizeof second), CNN_OK);
    ck_assert_int_ne(memcmp(first, second, sizeof first), 0);
    cnn_tensor_free(x);
    cnn_tensor_free(lines);
    cnn_tensor_free(none);
    cnn_tensor_free(ones);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drops");
    TCase *tests = suite_case(suite, "dropout", setup, teardown);
    tcase_add_test(tests, whole_channels_stay_or_go);
    tcase_add_test(tests, alpha_dropout_moves_what_it_drops);
    tcase_add_test(tests, alpha_dropout_keeps_the_moments);
    tcase_add_test(tests, edges);
    return suite_run(suite);
}
