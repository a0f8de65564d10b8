/* Where failures are kept; most code needs only cnn__fail of base/context.h. */
#ifndef CNN_BASE_ERROR_H
#define CNN_BASE_ERROR_H

#include "base/context.h"

/* Records a message that is already formatted; `message` may point into the record itself. */
cnn_status cnn__fail_text(const cnn_context *ctx, cnn_status status, const char *message);

/* Where an allocation on a device writes why it has failed, empty at first: the next cnn__fail_memory() of this thread
 * says it. */
char *cnn__memory_reason(size_t *size);

#endif
