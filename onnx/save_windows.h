/* What the writers of convolutions and pooling share (save_windows.c). */
#ifndef CNN_ONNX_SAVE_WINDOWS_H
#define CNN_ONNX_SAVE_WINDOWS_H

#include "save.h"

/* An attribute of windows along `axes` dimensions; what has one dimension may be listed as images of height 1. */
void cnn__export_window_ints(cnn__export *s, const cnn_trace_node *node, const char *name, int axes, int64_t *values);
/* How many dimensions the windows of an operation have: "maxpool2d" says it. */
int cnn__export_axes(const cnn_trace_node *node);
/* The first of them of the operand, and of the results: 1 where that is one sample without a dimension for the batch,
 * which `lacks` says in what follows. */
int cnn__export_first_axis(cnn__export *s, const cnn_trace_node *node);
/* The first operand with a batch, of one sample where it has none. */
const char *cnn__export_operand_with_batch(cnn__export *s, const cnn_trace_node *node, bool lacks);
/* The name of a value as an operator gives it, with a batch: its own, or one in between, of which
 * cnn__export_without_batch() makes the value. */
const char *cnn__export_result_with_batch(cnn__export *s, int value, bool lacks);
void cnn__export_without_batch(cnn__export *s, int value, const char *name, bool lacks);
/* Ends an operator of windows over the first operand. */
void cnn__export_finish_windows(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node, const char *type);

/* The padding at the end of an axis, which no attribute says: it is what the results' windows reach beyond the operand,
 * and may be up to a stride less one more. Of pictures of any size it is what fits all that were traced. */
typedef struct cnn__export_ending {
    int64_t stride, reach, before; /* reach: of a window */
    int64_t least, most;
} cnn__export_ending;
int64_t cnn__export_end_padding(cnn__export *s, const cnn_trace_node *node, int d, cnn__export_ending e);
/* Kernel, stride, dilation, and the padding on both sides of each axis. */
void cnn__export_put_window(cnn__export *s, cnn__export_buffer *op, const cnn_trace_node *node);

#endif
