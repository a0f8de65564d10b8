/* What the callbacks of datasets, samplers and loaders have in common: how their failures are reported. */
#ifndef CNN_DATA_CALLBACK_H
#define CNN_DATA_CALLBACK_H

#include "tensor/tensor.h"

#include <inttypes.h>

/* Reports as `call` that `who` returned `status` for number `i` of `what`, with the message of the failure that the
 * callback met in a call of the library, if it met one since `failures_before` (cnn__failure_number()). Returns
 * CNN_ERROR_CALLBACK, or CNN_ERROR_NO_MEMORY if that is what the library and then the callback returned. */
cnn_status cnn__callback_fail(const cnn_context *ctx, const char *call, const char *who, cnn_status status,
                              unsigned long failures_before, const char *what, int64_t i);

/* Takes ownership of a tensor that a callback gave away; NULL is fine. Returns true if it is one of context `ctx`,
 * which cnn_tensor_free() refuses from then on. One of another context is freed, and a tensor of a tape, or one that
 * somebody owns, is left alone. */
bool cnn__callback_tensor_take(cnn_tensor *t, const cnn_context *ctx);

#endif
