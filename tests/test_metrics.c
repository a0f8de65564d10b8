/* Metrics of classification: scikit-learn's values (tools/fixtures/metrics.py), in batches, from any tensor, and what is refused. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

#include <math.h>

enum { MOST = 5 };

static const char *const cases[] = { "five", "two", "never" };

static cnn_tensor *of(const char *name, const char *part)
{
    cnn_tensor *t = fixture(ctx, "metrics.safetensors", name, part);
    ck_assert_msg(t != NULL, "%s/%s", name, part);
    return t;
}

static double *numbers(const char *name, const char *part)
{
    cnn_tensor *t = of(name, part);
    double *values = as_doubles(t);
    cnn_tensor_free(t);
    return values;
}

/* Rows `begin` to `end` as another tensor. */
static cnn_tensor *rows_of(cnn_tensor *t, int64_t begin, int64_t end)
{
    return cnn_slice(cnn_input(tape, t), 0, begin, end, 1);
}

static void agrees(const cnn_class_scores *given, const double *expected, int64_t stride)
{
    ck_assert_double_eq_tol(given->precision, expected[0], 1e-14);
    ck_assert_double_eq_tol(given->recall, expected[stride], 1e-14);
    ck_assert_double_eq_tol(given->f1, expected[2 * stride], 1e-14);
}

START_TEST(values_are_scikit_learns)
{
    const char *name = cases[_i];
    cnn_tensor *scores = of(name, "scores"), *labels = of(name, "labels");
    int64_t n = cnn_tensor_size(scores, 0), classes = cnn_tensor_size(scores, 1), counts[MOST * MOST] = { 0 };
    double *top = numbers(name, "top"), *confusion = numbers(name, "confusion"), *each = numbers(name, "classes"),
           *area = numbers(name, "auc"), auc;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    for (int64_t begin = 0; begin < n; begin += 64) { /* batches, the last one short */
        int64_t end = begin + 64 < n ? begin + 64 : n;
        ck_assert_int_eq(
            cnn_confusion_matrix(rows_of(scores, begin, end), rows_of(labels, begin, end), classes, counts), CNN_OK);
    }
    for (int64_t i = 0; i < classes * classes; i++) {
        ck_assert_int_eq(counts[i], (int64_t)confusion[i]);
    }
    for (int64_t k = 1; k <= classes; k++) {
        int64_t correct = 0;
        ck_assert_int_eq(cnn_top_k_correct(scores, labels, k, &correct), CNN_OK);
        ck_assert_int_eq(correct, (int64_t)top[k - 1]);
    }
    cnn_class_scores found[MOST], mean;
    ck_assert_int_eq(cnn_scores_of_classes(counts, classes, found), CNN_OK);
    for (int64_t i = 0; i < classes; i++) {
        agrees(&found[i], each + i, classes);
        ck_assert_int_eq(found[i].support, (int64_t)each[3 * classes + i]);
    }
    static const char *const averages[] = { "macro", "micro", "weighted" };
    for (int a = 0; a < 3; a++) {
        double *expected = numbers(name, averages[a]);
        ck_assert_int_eq(cnn_average_scores(counts, classes, (cnn_average)a, &mean), CNN_OK);
        agrees(&mean, expected, 1);
        ck_assert_int_eq(mean.support, n);
        free(expected);
    }
    ck_assert_int_eq(cnn_roc_auc(scores, labels, &auc), CNN_OK);
    ck_assert_double_eq_tol(auc, *area, 1e-14);
    if (classes == 2) {
        double *binary = numbers(name, "binary_auc");
        ck_assert_int_eq(cnn_roc_auc(cnn_squeeze(cnn_slice(cnn_input(tape, scores), 1, 1, 2, 1), 1), labels, &auc),
                         CNN_OK);
        ck_assert_double_eq_tol(auc, *binary, 1e-14);
        free(binary);
    }
    free(top), free(confusion), free(each), free(area);
    cnn_tensor_free(scores), cnn_tensor_free(labels);
}
END_TEST

/* Classes instead of scores, of any dtype; ties as argmax; a NaN first; equal scores count one half. */
START_TEST(ties_and_dtypes)
{
    const float rows[] = { 1, 1, 0, NAN, 2, 3, 0, 5, 5 };
    const int64_t classes_of[] = { 1, 0, 2 };
    const int32_t taken[] = { 0, 0, 1 };
    const uint8_t small[] = { 1, 0, 2 };
    int64_t correct[3] = { 0 }, counts[9] = { 0 }, more[9] = { 0 };
    cnn_tensor *scores = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(3, 3), rows),
               *labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(3), classes_of);
    cnn_tensor *predictions = cnn_tensor_from_data(ctx, CNN_I32, CNN_SHAPE(3), taken),
               *bytes = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(3), small);
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(cnn_top_k_correct(scores, labels, k + 1, &correct[k]), CNN_OK);
    }
    ck_assert(correct[0] == 1 && correct[1] == 3 && correct[2] == 3);
    ck_assert_int_eq(cnn_confusion_matrix(scores, bytes, 3, counts), CNN_OK);
    ck_assert_int_eq(cnn_confusion_matrix(predictions, labels, 3, more), CNN_OK);
    const int64_t expected[9] = { 1, 0, 0, 1, 0, 0, 0, 1, 0 };
    ck_assert_mem_eq(counts, expected, sizeof counts);
    ck_assert_mem_eq(more, expected, sizeof more);
    const double equal[] = { 1, 1, 1, 2 };
    const int64_t binary[] = { 0, 1, 1, 0 };
    cnn_tensor *column = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(4), equal),
               *two = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(4), binary);
    double auc;
    ck_assert_int_eq(cnn_roc_auc(column, two, &auc), CNN_OK);
    ck_assert_double_eq(auc, 0.25);
    cnn_tensor *all[] = { scores, labels, predictions, bytes, column, two };
    for (int i = 0; i < 6; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

static void failed_with(cnn_status status, cnn_status expected, const char *message)
{
    ck_assert_int_eq(status, expected);
    ck_assert_str_eq(cnn_last_error(ctx), message);
    cnn_context_clear_error(ctx);
}

START_TEST(wrong_calls_are_refused)
{
    const int64_t outside[] = { 0, 3 }, good[] = { 0, 1 };
    int64_t correct = 7, counts[9] = { 0 };
    double auc = 7;
    cnn_tensor *scores = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3)),
               *labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), good);
    cnn_tensor *wrong = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), outside),
               *real = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2));
    cnn_tensor *nan = cnn_tensor_full(ctx, CNN_F32, NAN, CNN_SHAPE(2)),
               *three = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(3));
    failed_with(cnn_top_k_correct(scores, wrong, 1, &correct), CNN_ERROR_INVALID_ARGUMENT,
                "top_k_correct: labels[1] is 3, expected a class from 0 to 2");
    failed_with(cnn_top_k_correct(scores, labels, 4, &correct), CNN_ERROR_INVALID_ARGUMENT,
                "top_k_correct: k is 4, expected 1 to 3, the classes");
    failed_with(cnn_top_k_correct(scores, three, 1, &correct), CNN_ERROR_SHAPE,
                "top_k_correct: shapes are [2,3] and [3], expected [N,C] and [N]");
    failed_with(cnn_top_k_correct(real, labels, 1, &correct), CNN_ERROR_SHAPE,
                "top_k_correct: scores have one dimension, expected [N,C]");
    failed_with(cnn_confusion_matrix(scores, real, 3, counts), CNN_ERROR_DTYPE,
                "confusion_matrix: labels are float32, expected int64, int32 or uint8");
    failed_with(cnn_confusion_matrix(scores, labels, 2, counts), CNN_ERROR_SHAPE,
                "confusion_matrix: predictions are float32 [2,3], expected scores [N,2] or classes [N]");
    failed_with(cnn_confusion_matrix(wrong, labels, 2, counts), CNN_ERROR_INVALID_ARGUMENT,
                "confusion_matrix: predictions[1] is 3, expected a class from 0 to 1");
    failed_with(cnn_roc_auc(nan, labels, &auc), CNN_ERROR_INVALID_ARGUMENT, "roc_auc: a score of sample 0 is NaN");
    failed_with(cnn_roc_auc(scores, labels, &auc), CNN_ERROR_INVALID_ARGUMENT,
                "roc_auc: 0 of 2 samples are of class 2, expected some of it and some of others");
    ck_assert(correct == 7 && auc == 7 && counts[0] == 0);
    cnn_tensor *all[] = { scores, labels, wrong, real, nan, three };
    for (int i = 0; i < 6; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

START_TEST(any_allocation_may_fail)
{
    const int64_t good[] = { 0, 1, 1 };
    cnn_tensor *scores = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 2)),
               *labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(3), good);
    for (int which = 0; which < 3; which++) {
        bool done = false;
        for (long n = 0; !done; n++) {
            int64_t numbers_of[4] = { 0 };
            double auc;
            size_t before = atomic_load(&meter.now);
            ck_assert_int_lt(n, 20);
            meter_reset();
            atomic_store(&meter.fail_at, n);
            cnn_status status = which == 0   ? cnn_top_k_correct(scores, labels, 1, numbers_of)
                                : which == 1 ? cnn_confusion_matrix(scores, labels, 2, numbers_of)
                                             : cnn_roc_auc(scores, labels, &auc);
            meter_reset();
            ck_assert(status == CNN_OK || status == CNN_ERROR_NO_MEMORY);
            ck_assert_uint_eq(atomic_load(&meter.now), before);
            done = status == CNN_OK;
            ck_assert(done || numbers_of[0] + numbers_of[1] + numbers_of[2] + numbers_of[3] == 0);
        }
    }
    cnn_tensor_free(scores), cnn_tensor_free(labels);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = suite_case(suite, "metrics", setup, teardown);
    tcase_add_loop_test(tests, values_are_scikit_learns, 0, 3);
    tcase_add_test(tests, ties_and_dtypes);
    tcase_add_test(tests, wrong_calls_are_refused);
    tcase_add_test(tests, any_allocation_may_fail);
    return suite_run(suite);
}
