/* What the files of libcnn-onnx share: how a failure becomes the message of a public call, and how options are read.
 *
 * The library uses the public API of libcnn alone. Memory that is not a tensor's is the C library's. */
#ifndef CNN_ONNX_INTERNAL_H
#define CNN_ONNX_INTERNAL_H

#include <cnn/onnx.h>

#include <stdarg.h>

/* Reports a failure of a public call; what does not fit into a message is cut off. Returns `status`. */
cnn_status cnn__onnx_fail(cnn_context *ctx, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The end of a path, which says the most, not longer than a message has room for. */
const char *cnn__onnx_path_end(const char *path);

/* Copies the options at `given` (NULL: none) to `ours` by the rule of docs/abi.md; `known` bytes of the struct come
 * before its reserved ones. */
cnn_status cnn__onnx_options_read(cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                                  const void *given);

#define CNN__ONNX_OPTIONS(ctx, call, ours, given) \
    cnn__onnx_options_read((ctx), (call), (ours), sizeof *(ours), offsetof(__typeof__(*(ours)), reserved), (given))

#endif
