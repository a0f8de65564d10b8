/* What an optimizer must know of a step that failed: its first error, on every parameter that took part in it.
 *
 * Each tape has a record at hand, so that a failing step needs no memory. The step marks its parameters with the
 * record, and each mark holds it: the tape may be freed or begin anew. A marked parameter is not moved by an optimizer.
 * Zeroing the gradient takes the mark off, but only if the step is over (its tape was freed or has begun anew) or if
 * its error was reported: in the usual order of calls the gradients are zeroed between a forward that failed and the
 * backward that says so.
 *
 * Everything here but the test whether a parameter is marked happens under the lock of the context. */
#ifndef CNN_TENSOR_FAILED_STEP_H
#define CNN_TENSOR_FAILED_STEP_H

#include "tensor/tensor.h"

typedef struct cnn__failed_step {
    int references; /* the tape's and one per mark */
    bool over;
    bool reported;
    cnn_status status; /* CNN_OK until the step has failed */
    char message[CNN__MESSAGE_SIZE];
} cnn__failed_step;

/* NULL: no memory, not reported. */
cnn__failed_step *cnn__failed_step_new(cnn_context *ctx);
/* The tape's step is over: returns the record for its next step, which is a new one where marks still hold `failed`.
 * NULL: no memory, not reported, and then `failed` goes on. */
cnn__failed_step *cnn__failed_step_renew(cnn_context *ctx, cnn__failed_step *failed);
/* The tape is gone. NULL is fine. */
void cnn__failed_step_end(cnn_context *ctx, cnn__failed_step *failed);

void cnn__failed_step_set(cnn_context *ctx, cnn__failed_step *failed, cnn_status status, const char *message);
/* The caller has been told. */
void cnn__failed_step_reported(cnn_context *ctx, cnn__failed_step *failed);
/* Marks a plain tensor that requires a gradient; others are left alone. A mark of another step stays only if zeroing
 * the gradient could not take it off yet. */
void cnn__failed_step_mark(cnn__failed_step *failed, cnn_tensor *parameter);
/* Takes off a mark because the gradient was zeroed. */
void cnn__failed_step_forgive(cnn_tensor *parameter);
/* Takes off a mark because the tensor is being freed. */
void cnn__failed_step_drop(cnn_tensor *parameter);
/* Reports the error that the parameter is marked with; CNN_OK: it has no mark. */
cnn_status cnn__failed_step_check(const cnn_tensor *parameter);

#endif
