/* Local response normalisation has the bits of its formula in double, summed channel by channel, whatever the number of threads. */
#include "base/math.h"
#include "support/elements.h"
#include "support/suite.h"

#include <math.h>

typedef struct response_case {
    int64_t batch, channels, inner, size;
    double beta;
} response_case;

/* One position alone, less than a stretch of positions, whole stretches and more; windows that are one channel, even, odd and
 * wider than all channels; AlexNet's exponent, which takes roots, and others. */
static const response_case cases[] = {
    { 1, 1, 1, 1, 0.75 },  { 2, 3, 5, 3, 0.75 },   { 1, 7, 16, 5, 0.75 },  { 2, 20, 33, 5, 0.75 },
    { 3, 4, 100, 9, 0.75 }, { 1, 11, 169, 4, 0.75 }, { 2, 6, 50, 5, 1.25 }, { 1, 5, 19, 2, -1 },
};

static const double alpha = 0.5, k = 1.5;

/* Σ of position i of channels c − before … c + after. */
static double sum_around(const response_case *r, const double *of, int64_t c, int64_t i, int64_t before, int64_t after)
{
    double sum = 0;
    for (int64_t from = c - before; from <= c + after; from++) {
        sum += from >= 0 && from < r->channels ? of[from * r->inner + i] : 0;
    }
    return sum;
}

/* One sample: y, and dx for dy. */
static void respond(const response_case *r, const double *x, const double *dy, double *y, double *dx)
{
    const int64_t n = r->channels * r->inner, before = r->size / 2, after = (r->size - 1) / 2;
    const double factor = 2 * alpha * r->beta / (double)r->size;
    double *squares = malloc((size_t)n * sizeof *squares), *products = malloc((size_t)n * sizeof *products);
    for (int64_t at = 0; at < n; at++) {
        squares[at] = x[at] * x[at];
    }
    for (int64_t at = 0; at < n; at++) {
        double sum = sum_around(r, squares, at / r->inner, at % r->inner, before, after), d = k + alpha / (double)r->size * sum;
        double power = r->beta == 0.75 ? 1 / (sqrt(d) * sqrt(sqrt(d))) : cnn__pow_f64(d, -r->beta);
        y[at] = power * x[at];
        dx[at] = dy[at] * power;
        products[at] = dx[at] * x[at] / d;
    }
    for (int64_t at = 0; at < n; at++) {
        dx[at] = dx[at] - factor * x[at] * sum_around(r, products, at / r->inner, at % r->inner, after, before);
    }
    free(squares);
    free(products);
}

/* What a context of that many threads makes of it, and what the formula says. */
static void check_response(const response_case *r, cnn_dtype dtype, int threads)
{
    const int64_t shape[] = { r->batch, r->channels, r->inner }, n = r->channels * r->inner;
    cnn_context *ctx = cnn_context_new(.threads = threads, .seed = 7);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *given = cnn_tensor_randn(ctx, dtype, 3, shape), *gradient = cnn_tensor_randn(ctx, dtype, 3, shape);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(given, true), CNN_OK);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_local_response_norm(cnn_input(tape, given), r->size,
                                            CNN_OPTIONS(cnn_local_response_norm_options, .alpha = alpha, .beta = r->beta, .k = k));
    ck_assert_int_eq(cnn_backward_with(y, gradient, true), CNN_OK);
    double *x = elements_as_f64(given), *dy = elements_as_f64(gradient), *expected = malloc((size_t)(2 * r->batch * n) * sizeof *expected);
    for (int64_t b = 0; b < r->batch; b++) {
        respond(r, x + b * n, dy + b * n, expected + b * n, expected + (r->batch + b) * n);
    }
    cnn_tensor *values = tensor_of_f64(ctx, dtype, 3, shape, expected), *slopes = tensor_of_f64(ctx, dtype, 3, shape, expected + r->batch * n);
    ck_assert_msg(same_elements(y, values), "y of %d threads", threads);
    ck_assert_msg(same_elements(cnn_tensor_grad(given), slopes), "dx of %d threads", threads);
    free(x);
    free(dy);
    free(expected);
    cnn_tensor_free(given);
    cnn_tensor_free(gradient);
    cnn_tensor_free(values);
    cnn_tensor_free(slopes);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

START_TEST(responses_have_the_bits_of_their_formula)
{
    check_response(&cases[_i], CNN_F32, 1);
    check_response(&cases[_i], CNN_F32, 3);
    check_response(&cases[_i], CNN_F64, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("response_norm");
    TCase *tests = suite_case(suite, "bits", NULL, NULL);
    tcase_add_loop_test(tests, responses_have_the_bits_of_their_formula, 0, (int)(sizeof cases / sizeof *cases));
    return suite_run(suite);
}
