/* Losses over classes as operators of ONNX, which has them for class numbers. */
#include "save.h"

#include <cnn/ops.h>

#include <string.h>

void cnn__export_write_class_loss(cnn__export *s, const cnn_trace_node *node)
{
    enum { X, TARGET, WEIGHT };
    static const char *const reductions[] = {
        [CNN_REDUCE_MEAN] = "mean", [CNN_REDUCE_SUM] = "sum", [CNN_REDUCE_NONE] = "none"
    };
    cnn__export_buffer op = { 0 };
    const bool logits = strcmp(node->op, "cross_entropy") == 0;
    const int64_t reduction = cnn__export_int_at(s, node, "reduction", 0);
    if (cnn__export_dtype(s, node->inputs[TARGET]) != CNN_I64) {
        cnn__export_refuse(s, "ONNX has it for class numbers, not for probabilities");
        return;
    }
    if (logits &&
        (cnn__export_real_at(s, node, "label_smoothing") > 0 || cnn__export_real_at(s, node, "label_smoothing") < 0)) {
        cnn__export_refuse(s, "ONNX has it without label smoothing");
        return;
    }
    if (cnn__export_ndim(s, node->inputs[X]) < 2) {
        cnn__export_refuse(s, "ONNX has it for batches only");
        return;
    }
    cnn__export_text(&op, "reduction", reductions[reduction >= 0 && reduction <= CNN_REDUCE_NONE ? reduction : 0]);
    cnn__export_int(&op, "ignore_index", cnn__export_int_at(s, node, "ignore_index", 0));
    cnn__export_finish(s, &op, node, 3, logits ? "SoftmaxCrossEntropyLoss" : "NegativeLogLikelihoodLoss");
}
