/* A model with all of its inputs, frozen for their shapes; in steps of a tape where it cannot be frozen. Functions that
 * fail have said why on stderr, but frozen_run(), whose reason is the context's last error. */
#ifndef CLI_FROZEN_H
#define CLI_FROZEN_H

#include "model.h"

typedef struct frozen {
    const model *m;
    cnn_predictor *predictor; /* NULL: it runs in steps */
    cnn_tape *tape;
    void **outputs;        /* the predictor's elements, which belong to this; tensors of the tape otherwise */
    const void **elements; /* the elements of the inputs */
    char why[256];         /* it cannot be frozen */
} frozen;

/* The model's inputs are all there, and stay as they are. */
bool frozen_make(frozen *f, const model *m);
void frozen_free(frozen *f);

cnn_status frozen_run(frozen *f);
/* A result of the last run as a tensor that the caller frees before the next run, and before frozen_free(). */
cnn_tensor *frozen_output(const frozen *f, int i);
/* Bytes that the runs take. */
size_t frozen_memory(const frozen *f);

#endif
