/* The confusion matrix of four guesses, and what follows from it. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tensor *guesses = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(4), (int64_t[]){ 0, 1, 1, 1 });
    cnn_tensor *labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(4), (int64_t[]){ 0, 0, 1, 1 });
    int64_t counts[2 * 2] = { 0 };
    cnn_class_scores scores[2] = { { 0 } };
    int failed = cnn_confusion_matrix(guesses, labels, 2, counts) != CNN_OK ||
                 cnn_scores_of_classes(counts, 2, scores) != CNN_OK;
    printf("%d %d, %d %d; class 0: precision %g, recall %g\n", (int)counts[0], (int)counts[1], (int)counts[2],
           (int)counts[3], scores[0].precision, scores[0].recall);
    cnn_tensor_free(guesses);
    cnn_tensor_free(labels);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
1 1, 0 2; class 0: precision 1, recall 0.5
*/
