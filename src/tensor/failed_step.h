/* What an optimizer must know of a failed step: its first error, recorded on every parameter that took part in it.
 * docs/diagrams.md draws the states of a parameter.
 *
 * Each tape allocates a record beforehand, so that a failing step needs no memory. The step marks its parameters
 * with the record. Each mark holds a reference, because the tape may be freed or may begin another step. An
 * optimizer does not move a marked parameter. Zeroing the gradient removes the mark, but only if the step is over
 * (its tape was freed or has begun another step) or its error was reported: in the usual order of calls, the
 * gradients are zeroed between a forward that failed and the backward that reports it.
 *
 * Everything here except the test whether a parameter is marked happens under the lock of the context. */
#ifndef CNN_TENSOR_FAILED_STEP_H
#define CNN_TENSOR_FAILED_STEP_H

#include "tensor/tensor.h"

typedef struct cnn__failed_step {
    int references; /* one of the tape and one per mark */
    bool over;
    bool reported;
    cnn_status status; /* CNN_OK until the step has failed */
    char message[CNN__MESSAGE_SIZE];
} cnn__failed_step;

/* Returns NULL without a report if there is no memory. */
cnn__failed_step *cnn__failed_step_new(cnn_context *ctx);
/* Called when the tape's step is over. Returns the record for its next step, which is a new one if marks still refer
 * to `failed`. Returns NULL without a report if there is no memory; then `failed` stays in use. */
cnn__failed_step *cnn__failed_step_renew(cnn_context *ctx, cnn__failed_step *failed);
/* Called when the tape is freed. `failed` may be NULL. */
void cnn__failed_step_end(cnn_context *ctx, cnn__failed_step *failed);

void cnn__failed_step_set(cnn_context *ctx, cnn__failed_step *failed, cnn_status status, const char *message);
/* Notes that the error was reported to the caller. */
void cnn__failed_step_reported(cnn_context *ctx, cnn__failed_step *failed);
/* Marks a plain tensor that requires a gradient; does nothing to others. The mark of another step is kept only if
 * zeroing the gradient could not remove it yet. */
void cnn__failed_step_mark(cnn__failed_step *failed, cnn_tensor *parameter);
/* Removes a mark because the gradient was zeroed. */
void cnn__failed_step_forgive(cnn_tensor *parameter);
/* Removes a mark because the tensor is being freed. */
void cnn__failed_step_drop(cnn_tensor *parameter);
/* Reports the error that the parameter is marked with; returns CNN_OK if it has no mark. */
cnn_status cnn__failed_step_check(const cnn_tensor *parameter);

#endif
