/* The weights of ONNX models as a format of tensors: read out of a model, and written into a copy of one. */
#ifndef CLI_ONNX_H
#define CLI_ONNX_H

#include "tensors.h"

bool onnx_open(tensors *t);
cnn_tensor *onnx_read(tensors *t, int i);
void onnx_close(tensors *t);

/* Writes a copy of `model` to `path`, which is replaced as a whole or stays as it was, with the elements of the tensors
 * in place of those of its initializers of these names. The names are in the order of strcmp(), each of one of the
 * model's initializers with the same dtype and shape. */
bool onnx_write_copy(const char *model, const char *path, const char *const *names, cnn_tensor *const *all, int count);

#endif
