/* The cross-entropy of probabilities has loops of its own for rows without weights: they give the bits of the general
 * loops, which weights of 1 ask for, and the numbers of the formula, in every kernel table and for any threads. */
#include "base/random.h"
#include "kernels/kernels.h"
#include "support/elements.h"
#include "support/suite.h"

#include <math.h>

enum { MOST_TABLES = 8, ODD_ROWS = 8 };

static const int64_t classes[] = { 1, 2, 15, 16, 17, 63, 64, 65, 127, 400, 511, 512, 513, 1030 };
enum { WIDTHS = sizeof classes / sizeof *classes };

static cnn_context *ctx;
static cnn_tape *tape;

static void begin(const char *kernels, int threads)
{
    ctx = cnn_context_new(.threads = threads, .kernels = kernels);
    tape = cnn_tape_new(ctx);
}

static void end(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static double uniform(uint64_t number)
{
    static const uint64_t key[2] = { 3, 41 };
    return cnn__random_f64(key, number);
}

/* Logits some of which are so far below the others that their exponentials are 0, and targets that are no probabilities:
 * zeros of both signs, negative ones, in every third row all of them. The last rows have what is not finite among either,
 * and targets beside which the others vanish, so that the order of their sum shows. */
static void fill(double *x, double *target, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows * columns; i++) {
        x[i] = 8 * uniform((uint64_t)i) - (i % 11 == 5 ? 200 : 0);
        target[i] = i % 7 == 1 ? 0 : i % 7 == 2 ? -0.0 : i % 13 == 4 ? -uniform((uint64_t)i + 7) : uniform((uint64_t)i + 9);
    }
    for (int64_t i = 0; i < rows * columns; i++) {
        target[i] *= i / columns % 3 == 1 ? -1 : 1;
    }
    static const double odd[] = { NAN, INFINITY, -INFINITY };
    for (int64_t r = 0; r < 6; r++) {
        (r < 3 ? x : target)[(rows - 1 - r) * columns + columns / 2] = odd[r % 3];
    }
    for (int64_t r = 6; r < ODD_ROWS; r++) {
        target[(rows - 1 - r) * columns + columns / 2] = 0x1p60;
        target[(rows - 1 - r) * columns + columns / 3] = -0x1p60;
    }
}

/* As f64, which holds every number of the other dtypes. */
typedef struct outcome {
    double *loss, *gradient;
} outcome;

/* The loss of each row, or their mean, and the gradient of the logits for the gradients dy of the losses. */
static outcome run(cnn_tensor *x, cnn_tensor *target, cnn_tensor *weight, cnn_tensor *dy)
{
    outcome o;
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *loss = cnn_cross_entropy_with(cnn_input(tape, x), target,
                                              CNN_OPTIONS(cnn_cross_entropy_options, .weight = weight, .reduction = dy ? CNN_REDUCE_NONE : CNN_REDUCE_MEAN));
    ck_assert_int_eq(cnn_backward_with(loss, dy, false), CNN_OK);
    o.loss = elements_as_f64(loss);
    o.gradient = elements_as_f64(cnn_tensor_grad(x));
    ck_assert_int_eq(cnn_tensor_zero_grad(x), CNN_OK);
    return o;
}

static void outcome_free(outcome o)
{
    free(o.loss);
    free(o.gradient);
}

/* NaN may have any sign and bits. */
static void same_numbers(int64_t n, const double *x, const double *y, const char *what, const char *run_by)
{
    for (int64_t i = 0; i < n; i++) {
        bool same = isnan(y[i]) ? isnan(x[i]) : x[i] == y[i] && !signbit(x[i]) == !signbit(y[i]);
        ck_assert_msg(same, "%s: element %d of %d of the %s is %.17g, expected %.17g", run_by, (int)i, (int)n, what, x[i], y[i]);
    }
}

static void same_outcome(outcome a, outcome b, int64_t rows, int64_t columns, const char *run_by)
{
    same_numbers(rows, a.loss, b.loss, "losses", run_by);
    same_numbers(rows * columns, a.gradient, b.gradient, "gradient", run_by);
}

/* Against −Σ p · log softmax(x) and its gradient softmax(x) · Σ p − p, in f64, of rows that are finite. */
static void as_the_formula_says(outcome o, const double *x, const double *target, const double *dy, int64_t rows, int64_t columns, double precision)
{
    for (int64_t r = 0; r < rows - ODD_ROWS; r++) {
        const double *logits = x + r * columns, *p = target + r * columns;
        double most = -INFINITY, sum = 0, total = 0, size = 0, expected = 0;
        for (int64_t c = 0; c < columns; c++) {
            most = fmax(most, logits[c]);
        }
        for (int64_t c = 0; c < columns; c++) {
            sum += exp(logits[c] - most);
            total += p[c];
        }
        for (int64_t c = 0; c < columns; c++) {
            expected -= p[c] * (logits[c] - most - log(sum));
            size += fabs(p[c] * (logits[c] - most - log(sum)));
        }
        ck_assert_msg(fabs(o.loss[r] - expected) <= precision * (size + 1), "loss %d of %d classes is %.9g, expected %.9g", (int)r, (int)columns, o.loss[r], expected);
        for (int64_t c = 0; c < columns; c++) {
            const double softmax = exp(logits[c] - most - log(sum)), slope = dy[r] * (softmax * total - p[c]), got = o.gradient[r * columns + c];
            ck_assert_msg(fabs(got - slope) <= precision * (20 * fabs(softmax * total) + fabs(p[c])) * fabs(dy[r]) + 1e-30,
                          "gradient %d of %d classes is %.9g, expected %.9g", (int)c, (int)columns, got, slope);
        }
    }
}

typedef struct problem {
    cnn_tensor *x, *target, *ones, *dy;
    double *logits, *probabilities, *slopes; /* as rounded */
} problem;

static problem problem_make(cnn_dtype dtype, int64_t rows, int64_t columns)
{
    problem p;
    double *x = malloc((size_t)(rows * columns) * sizeof *x), *target = malloc((size_t)(rows * columns) * sizeof *target);
    double *slopes = malloc((size_t)rows * sizeof *slopes);
    ck_assert(x && target && slopes);
    fill(x, target, rows, columns);
    for (int64_t r = 0; r < rows; r++) {
        slopes[r] = uniform((uint64_t)r + 77) - 0.4;
    }
    p.x = tensor_of_f64(ctx, dtype, CNN_SHAPE(rows, columns), x);
    p.target = tensor_of_f64(ctx, dtype, CNN_SHAPE(rows, columns), target);
    p.dy = tensor_of_f64(ctx, dtype, CNN_SHAPE(rows), slopes);
    p.ones = cnn_tensor_full(ctx, dtype, 1, CNN_SHAPE(columns));
    free(x);
    free(target);
    free(slopes);
    p.logits = elements_as_f64(p.x);
    p.probabilities = elements_as_f64(p.target);
    p.slopes = elements_as_f64(p.dy);
    return p;
}

static void problem_free(problem p)
{
    cnn_tensor_free(p.x);
    cnn_tensor_free(p.target);
    cnn_tensor_free(p.ones);
    cnn_tensor_free(p.dy);
    free(p.logits);
    free(p.probabilities);
    free(p.slopes);
}

static const struct {
    cnn_dtype dtype;
    double precision;
} dtypes[] = { { CNN_F32, 0x1p-22 }, { CNN_F64, 0x1p-49 }, { CNN_BF16, 0x1p-8 } };

START_TEST(probabilities_have_the_bits_of_weights_of_1)
{
    const cnn__kernels *tables[MOST_TABLES];
    const int count = cnn__kernels_list(tables, MOST_TABLES);
    const int64_t rows = getenv("CNN_TEST_SHAPES") ? 13 : 67; /* set under slow instruments */
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < WIDTHS; i++) {
            begin(tables[t]->name, 1);
            problem p = problem_make(dtypes[_i].dtype, rows, classes[i]);
            outcome plain = run(p.x, p.target, NULL, p.dy), weighted = run(p.x, p.target, p.ones, p.dy);
            same_outcome(plain, weighted, rows, classes[i], tables[t]->name);
            as_the_formula_says(plain, p.logits, p.probabilities, p.slopes, rows, classes[i], dtypes[_i].precision);
            outcome_free(plain);
            outcome_free(weighted);
            problem_free(p);
            end();
        }
    }
}
END_TEST

START_TEST(threads_change_no_bit)
{
    enum { ROWS = 211, CLASSES = 401 };
    outcome each[2], mean[2];
    for (int i = 0; i < 2; i++) {
        begin(NULL, i ? 3 : 1);
        problem p = problem_make(CNN_F32, ROWS, CLASSES);
        each[i] = run(p.x, p.target, NULL, p.dy);
        mean[i] = run(p.x, p.target, NULL, NULL);
        problem_free(p);
        end();
    }
    same_outcome(each[1], each[0], ROWS, CLASSES, "3 threads");
    same_numbers(1, mean[1].loss, mean[0].loss, "mean", "3 threads");
    same_numbers(ROWS * CLASSES, mean[1].gradient, mean[0].gradient, "gradient of the mean", "3 threads");
    for (int i = 0; i < 2; i++) {
        outcome_free(each[i]);
        outcome_free(mean[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("row losses");
    TCase *tests = suite_case(suite, "probabilities", NULL, NULL);
    tcase_add_loop_test(tests, probabilities_have_the_bits_of_weights_of_1, 0, 3);
    tcase_add_test(tests, threads_change_no_bit);
    return suite_run(suite);
}
