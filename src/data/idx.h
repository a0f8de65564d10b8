/* IDX files, the format of MNIST: two zero bytes, a type, a rank, the sizes (big-endian, 32 bits each), then the
 * elements, big-endian, in row-major order. Format: "The MNIST database of handwritten digits", section "File
 * formats". */
#ifndef CNN_DATA_IDX_H
#define CNN_DATA_IDX_H

#include "tensor/tensor.h"

/* Like cnn_idx_read(), but reports errors as `call`. */
cnn_tensor *cnn__idx_read(cnn_context *ctx, const char *call, const char *path);

#endif
