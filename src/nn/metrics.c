/* Metrics of classification, with scikit-learn's definitions. They are sums of integers, or of halves, so that no order
 * of the samples changes a result. */
#include "tensor/tensor.h"

#include <cnn/metrics.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* What a call reads: its scores, rows of `classes` numbers, and its labels. */
typedef struct metrics_call {
    const char *call;
    cnn_context *ctx;
    int64_t samples, classes;
    double *scores;
    int64_t *labels;
} metrics_call;

/* ---- reading ---- */

static bool metrics_are_classes(const cnn_tensor *t)
{
    return t->dtype == CNN_I64 || t->dtype == CNN_I32 || t->dtype == CNN_U8;
}

/* All elements in row-major order as 8-byte numbers of the dtype, in memory that the caller frees; NULL: reported. */
static void *metrics_read(const metrics_call *c, const cnn_tensor *t, cnn_dtype dtype)
{
    size_t bytes = (size_t)t->numel * cnn_dtype_size(dtype);
    cnn_tensor *converted = cnn__tensor_new(c->ctx, c->call, dtype, t->ndim, t->shape);
    void *numbers = converted ? cnn__alloc(c->ctx, bytes ? bytes : 1) : NULL;
    if (converted && !numbers) {
        cnn__fail_memory(c->ctx, c->call, bytes);
    }
    if (numbers && (cnn__tensor_copy(converted, t, c->call) != CNN_OK ||
                    cnn__device_read(c->ctx, c->call, numbers, cnn__data(converted), bytes) != CNN_OK)) {
        cnn__free(c->ctx, numbers);
        numbers = NULL;
    }
    cnn__tensor_release(converted);
    return numbers;
}

static cnn_status metrics_check_range(const metrics_call *c, const int64_t *classes, const char *name)
{
    for (int64_t i = 0; i < c->samples; i++) {
        if (classes[i] < 0 || classes[i] >= c->classes) {
            return cnn__fail(c->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: %s[%" PRId64 "] is %" PRId64 ", expected a class from 0 to %" PRId64, c->call, name,
                             i, classes[i], c->classes - 1);
        }
    }
    return CNN_OK;
}

static cnn_status metrics_check(metrics_call *c, const cnn_tensor *scores, const cnn_tensor *labels)
{
    const cnn_tensor *both[] = { scores, labels };
    for (int i = 0; i < 2; i++) {
        cnn_status status = cnn__tensor_check(both[i], c->call);
        if (status != CNN_OK) {
            return status;
        }
    }
    c->ctx = scores->ctx;
    if (labels->ctx != c->ctx) {
        return cnn__fail(c->ctx, CNN_ERROR_STATE, "%s: the labels are of another context", c->call);
    }
    if (!metrics_are_classes(labels)) {
        return cnn__fail(c->ctx, CNN_ERROR_DTYPE, "%s: labels are %s, expected int64, int32 or uint8", c->call,
                         cnn_dtype_name(labels->dtype));
    }
    if (scores->ndim < 1 || scores->ndim > 2 || labels->ndim != 1 || labels->shape[0] != scores->shape[0]) {
        char given[CNN__SHAPE_TEXT], of[CNN__SHAPE_TEXT];
        return cnn__fail(c->ctx, CNN_ERROR_SHAPE, "%s: shapes are %s and %s, expected [N,C] and [N]", c->call,
                         cnn__shape_text(given, scores->ndim, scores->shape),
                         cnn__shape_text(of, labels->ndim, labels->shape));
    }
    c->samples = labels->shape[0];
    return CNN_OK;
}

static void metrics_free(const metrics_call *c)
{
    if (c->ctx) {
        cnn__free(c->ctx, c->scores);
        cnn__free(c->ctx, c->labels);
    }
}

/* Reads labels of `classes` classes and, where `scores` are real, scores. */
static cnn_status metrics_take(metrics_call *c, const cnn_tensor *scores, const cnn_tensor *labels)
{
    c->labels = metrics_read(c, labels, CNN_I64);
    if (!c->labels) {
        return cnn__failure_status();
    }
    cnn_status status = metrics_check_range(c, c->labels, "labels");
    if (status == CNN_OK && !cnn__dtype_is_real(scores->dtype)) {
        status = cnn__fail(c->ctx, CNN_ERROR_DTYPE, "%s: scores are %s, expected real numbers", c->call,
                           cnn_dtype_name(scores->dtype));
    }
    c->scores = status == CNN_OK ? metrics_read(c, scores, CNN_F64) : NULL;
    return c->scores ? CNN_OK : cnn__failure_status();
}

/* ---- ranks ---- */

/* Whether a number at place i comes before one at place j, from the largest on. */
static bool metrics_precedes(double a, int64_t i, double b, int64_t j)
{
    if (isnan(a) || isnan(b)) {
        return isnan(a) && (!isnan(b) || i < j);
    }
    return a > b || (a == b && i < j);
}

static int64_t metrics_rank(const double *row, int64_t classes, int64_t class)
{
    int64_t rank = 0;
    for (int64_t j = 0; j < classes; j++) {
        rank += j != class && metrics_precedes(row[j], j, row[class], class);
    }
    return rank;
}

static int64_t metrics_largest(const double *row, int64_t classes)
{
    int64_t largest = 0;
    for (int64_t j = 1; j < classes; j++) {
        largest = metrics_precedes(row[j], j, row[largest], largest) ? j : largest;
    }
    return largest;
}

cnn_status cnn_top_k_correct(const cnn_tensor *scores, const cnn_tensor *labels, int64_t k, int64_t *correct)
{
    metrics_call c = { .call = "top_k_correct" };
    cnn_status status = metrics_check(&c, scores, labels);
    if (status == CNN_OK && scores->ndim != 2) {
        status = cnn__fail(c.ctx, CNN_ERROR_SHAPE, "%s: scores have one dimension, expected [N,C]", c.call);
    }
    if (status != CNN_OK) {
        return status;
    }
    c.classes = scores->shape[1];
    if (!correct || k < 1 || k > c.classes) {
        return correct ? cnn__fail(c.ctx, CNN_ERROR_INVALID_ARGUMENT,
                                   "%s: k is %" PRId64 ", expected 1 to %" PRId64 ", the classes", c.call, k, c.classes)
                       : cnn__fail(c.ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: correct is NULL", c.call);
    }
    status = metrics_take(&c, scores, labels);
    for (int64_t i = 0; status == CNN_OK && i < c.samples; i++) {
        *correct += metrics_rank(c.scores + i * c.classes, c.classes, c.labels[i]) < k;
    }
    metrics_free(&c);
    return status;
}

/* ---- the confusion matrix ---- */

static void metrics_count(const metrics_call *c, const int64_t *predicted, int64_t *counts)
{
    for (int64_t i = 0; i < c->samples; i++) {
        int64_t taken = predicted ? predicted[i] : metrics_largest(c->scores + i * c->classes, c->classes);
        counts[c->labels[i] * c->classes + taken]++;
    }
}

/* Predictions that are classes themselves. */
static cnn_status metrics_count_classes(metrics_call *c, const cnn_tensor *predictions, const cnn_tensor *labels,
                                        int64_t *counts)
{
    int64_t *predicted = metrics_read(c, predictions, CNN_I64);
    c->labels = predicted ? metrics_read(c, labels, CNN_I64) : NULL;
    cnn_status status = c->labels ? metrics_check_range(c, c->labels, "labels") : cnn__failure_status();
    if (status == CNN_OK) {
        status = metrics_check_range(c, predicted, "predictions");
    }
    if (status == CNN_OK) {
        metrics_count(c, predicted, counts);
    }
    cnn__free(c->ctx, predicted);
    return status;
}

cnn_status cnn_confusion_matrix(const cnn_tensor *predictions, const cnn_tensor *labels, int64_t classes,
                                int64_t *counts)
{
    metrics_call c = { .call = "confusion_matrix", .classes = classes };
    cnn_status status = metrics_check(&c, predictions, labels);
    if (status != CNN_OK) {
        return status;
    }
    if (!counts || classes < 1) {
        return counts ? cnn__fail(c.ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: classes is %" PRId64 ", expected at least 1",
                                  c.call, classes)
                      : cnn__fail(c.ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: counts is NULL", c.call);
    }
    bool rows = predictions->ndim == 2;
    if (rows ? predictions->shape[1] != classes : !metrics_are_classes(predictions)) {
        char shape[CNN__SHAPE_TEXT];
        return cnn__fail(c.ctx, rows ? CNN_ERROR_SHAPE : CNN_ERROR_DTYPE,
                         "%s: predictions are %s %s, expected scores [N,%" PRId64 "] or classes [N]", c.call,
                         cnn_dtype_name(predictions->dtype),
                         cnn__shape_text(shape, predictions->ndim, predictions->shape), classes);
    }
    if (rows) {
        status = metrics_take(&c, predictions, labels);
        if (status == CNN_OK) {
            metrics_count(&c, NULL, counts);
        }
    } else {
        status = metrics_count_classes(&c, predictions, labels, counts);
    }
    metrics_free(&c);
    return status;
}

/* ---- what follows from it ---- */

static double metrics_ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static cnn_class_scores metrics_scores(int64_t right, int64_t taken, int64_t support)
{
    return (cnn_class_scores){ .precision = metrics_ratio((double)right, (double)taken),
                               .recall = metrics_ratio((double)right, (double)support),
                               .f1 = metrics_ratio(2 * (double)right, (double)taken + (double)support),
                               .support = support };
}

static cnn_class_scores metrics_of_class(const int64_t *counts, int64_t classes, int64_t class)
{
    int64_t taken = 0, support = 0;
    for (int64_t i = 0; i < classes; i++) {
        taken += counts[i * classes + class];
        support += counts[class * classes + i];
    }
    return metrics_scores(counts[class * classes + class], taken, support);
}

static cnn_status metrics_check_counts(const char *call, const int64_t *counts, int64_t classes,
                                       const cnn_class_scores *scores)
{
    if (!counts || !scores || classes < 1) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                         !counts   ? "counts is NULL"
                         : !scores ? "scores is NULL"
                                   : "classes is below 1");
    }
    return CNN_OK;
}

cnn_status cnn_scores_of_classes(const int64_t *counts, int64_t classes, cnn_class_scores *scores)
{
    cnn_status status = metrics_check_counts("scores_of_classes", counts, classes, scores);
    for (int64_t i = 0; status == CNN_OK && i < classes; i++) {
        scores[i] = metrics_of_class(counts, classes, i);
    }
    return status;
}

cnn_status cnn_average_scores(const int64_t *counts, int64_t classes, cnn_average average, cnn_class_scores *scores)
{
    cnn_status status = metrics_check_counts("average_scores", counts, classes, scores);
    if (status == CNN_OK && ((int)average < CNN_AVERAGE_MACRO || average > CNN_AVERAGE_WEIGHTED)) {
        status = cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "average_scores: the average is none of cnn_average");
    }
    if (status != CNN_OK) {
        return status;
    }
    cnn_class_scores sum = { 0 };
    int64_t right = 0;
    double weights = 0;
    for (int64_t i = 0; i < classes; i++) {
        cnn_class_scores s = metrics_of_class(counts, classes, i);
        double weight = average == CNN_AVERAGE_WEIGHTED ? (double)s.support : 1;
        sum.precision += weight * s.precision;
        sum.recall += weight * s.recall;
        sum.f1 += weight * s.f1;
        sum.support += s.support;
        weights += weight;
        right += counts[i * classes + i];
    }
    if (average == CNN_AVERAGE_MICRO) {
        sum = metrics_scores(right, sum.support, sum.support);
    } else {
        sum.precision = metrics_ratio(sum.precision, weights);
        sum.recall = metrics_ratio(sum.recall, weights);
        sum.f1 = metrics_ratio(sum.f1, weights);
    }
    *scores = sum;
    return CNN_OK;
}

/* ---- the area under the curve ---- */

typedef struct metrics_point {
    double score;
    bool positive;
} metrics_point;

static int metrics_by_score(const void *a, const void *b)
{
    double x = ((const metrics_point *)a)->score, y = ((const metrics_point *)b)->score;
    return (x > y) - (x < y);
}

/* Mann and Whitney's U of sorted points, divided by the number of pairs. */
static double metrics_area(const metrics_point *points, int64_t n)
{
    double below = 0, above = 0, wins = 0; /* negatives passed, positives passed */
    for (int64_t i = 0, end; i < n; i = end) {
        double positives = 0, negatives = 0;
        for (end = i; end < n && points[end].score == points[i].score; end++) {
            *(points[end].positive ? &positives : &negatives) += 1;
        }
        wins += positives * (below + negatives / 2);
        below += negatives;
        above += positives;
    }
    return wins / (below * above);
}

/* Computes the area for `class` against the rest; its scores are one column. */
static cnn_status metrics_class_auc(const metrics_call *c, metrics_point *points, int64_t columns, int64_t class,
                                    double *auc)
{
    int64_t positives = 0, column = columns == 1 ? 0 : class;
    for (int64_t i = 0; i < c->samples; i++) {
        points[i] = (metrics_point){ c->scores[i * columns + column], c->labels[i] == class };
        positives += points[i].positive;
        if (isnan(points[i].score)) {
            return cnn__fail(c->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: a score of sample %" PRId64 " is NaN", c->call,
                             i);
        }
    }
    if (positives == 0 || positives == c->samples) {
        return cnn__fail(c->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: %" PRId64 " of %" PRId64 " samples are of class %" PRId64
                         ", expected some of it and some of others",
                         c->call, positives, c->samples, class);
    }
    qsort(points, (size_t)c->samples, sizeof *points, metrics_by_score);
    *auc += metrics_area(points, c->samples);
    return CNN_OK;
}

cnn_status cnn_roc_auc(const cnn_tensor *scores, const cnn_tensor *labels, double *auc)
{
    metrics_call c = { .call = "roc_auc" };
    cnn_status status = metrics_check(&c, scores, labels);
    if (status == CNN_OK && !auc) {
        status = cnn__fail(c.ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: auc is NULL", c.call);
    }
    if (status != CNN_OK) {
        return status;
    }
    bool binary = scores->ndim == 1;
    int64_t columns = binary ? 1 : scores->shape[1];
    if (!binary && columns < 2) {
        return cnn__fail(c.ctx, CNN_ERROR_SHAPE, "%s: scores have %" PRId64 " columns, expected a class each, or [N]",
                         c.call, columns);
    }
    double sum = 0;
    c.classes = binary ? 2 : columns;
    status = metrics_take(&c, scores, labels);
    size_t bytes = (size_t)c.samples * sizeof(metrics_point);
    metrics_point *points = status == CNN_OK ? cnn__alloc(c.ctx, bytes ? bytes : 1) : NULL;
    if (status == CNN_OK && !points) {
        status = cnn__fail_memory(c.ctx, c.call, bytes);
    }
    for (int64_t class = binary ? 1 : 0; status == CNN_OK && class < c.classes; class ++) {
        status = metrics_class_auc(&c, points, columns, class, &sum);
    }
    if (status == CNN_OK) {
        *auc = sum / (double)columns;
    }
    cnn__free(c.ctx, points);
    metrics_free(&c);
    return status;
}
