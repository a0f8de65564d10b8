/** @file
 * Metrics of classification, with scikit-learn's definitions: top-k accuracy, the confusion matrix and what follows
 * from it, and the area under the ROC curve.
 *
 * Scores and labels are tensors of the caller's or results of a step, contiguous or not, of any device; a metric waits
 * for them, is computed by the host in double, and changes nothing. Scores are real and have a row per sample, [N,C];
 * labels are the classes 0 to C − 1 as int64, int32 or uint8, [N]. Batches add up: a call adds to the counts that it is
 * given. All functions are thread-safe where their tensors are not written meanwhile. */
#ifndef CNN_METRICS_H
#define CNN_METRICS_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/**
 * Adds to `*correct` the number of samples whose class has one of the k largest scores of its row. Of equal scores the
 * first is the larger one, as for cnn_argmax(), and a NaN is larger than any number. The top-k accuracy is that count
 * divided by the number of samples.
 *
 * @param k  from 1 to C.
 * @return CNN_OK; on failure nothing is added: CNN_ERROR_INVALID_ARGUMENT (a NULL, k or a label out of its range),
 *         CNN_ERROR_DTYPE, CNN_ERROR_SHAPE, CNN_ERROR_STATE (tensors of two contexts, of a past step),
 *         CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_top_k_correct(const cnn_tensor *scores, const cnn_tensor *labels, int64_t k, int64_t *correct);

/**
 * Adds to a confusion matrix: `counts[i · classes + j]` is the number of samples of class i that were taken for j.
 *
 * @param predictions  scores [N,classes], of which the largest of a row is the class that it is taken for; or classes,
 *                     [N], of the dtypes of labels.
 * @param counts       classes · classes numbers of the caller's, which are 0 before the first batch.
 * @return CNN_OK; on failure nothing is added: as for cnn_top_k_correct().
 * @since 0.2
 */
CNN_API cnn_status cnn_confusion_matrix(const cnn_tensor *predictions, const cnn_tensor *labels, int64_t classes,
                                        int64_t *counts);

/** How well a class, or an average of classes, was recognised. What would be divided by 0 is 0. */
typedef struct cnn_class_scores {
    double precision; /**< right ones among those taken for the class */
    double recall;    /**< right ones among those of the class */
    double f1;        /**< the harmonic mean of both: 2 · right / (taken for it + of it) */
    int64_t support;  /**< samples of the class; of an average, of all classes */
} cnn_class_scores;

/** How the scores of classes become one. */
typedef enum cnn_average {
    CNN_AVERAGE_MACRO = 0,   /**< the mean over classes */
    CNN_AVERAGE_MICRO = 1,   /**< the average over all samples together: each of the three is the accuracy */
    CNN_AVERAGE_WEIGHTED = 2 /**< the mean over classes, weighted by their supports */
} cnn_average;

/** Writes the scores of each class, as precision_recall_fscore_support(average=None) does.
 * @param counts  a confusion matrix of `classes` · `classes` numbers, none negative.
 * @param scores  receives `classes` entries. @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT. @since 0.2 */
CNN_API cnn_status cnn_scores_of_classes(const int64_t *counts, int64_t classes, cnn_class_scores *scores);

/** Writes the average of the classes' scores; a class without samples and predictions counts as 0, as for scikit-learn
 * with labels=range(classes). Otherwise as cnn_scores_of_classes(). @since 0.2 */
CNN_API cnn_status cnn_average_scores(const int64_t *counts, int64_t classes, cnn_average average,
                                      cnn_class_scores *scores);

/**
 * Writes the area under the receiver operating characteristic: the probability that a sample of the class has a larger
 * score than one that is not, where equal scores count one half.
 *
 * @param scores  [N]: of class 1 against class 0; [N,C]: the mean over classes of each against the rest
 *                (multi_class='ovr'). No NaN.
 * @param labels  [N]; every class, and one other, has a sample.
 * @return CNN_OK; as for cnn_top_k_correct(), and CNN_ERROR_INVALID_ARGUMENT for a NaN and a class without samples.
 * @since 0.2
 */
CNN_API cnn_status cnn_roc_auc(const cnn_tensor *scores, const cnn_tensor *labels, double *auc);

CNN_END_DECLS

#endif
