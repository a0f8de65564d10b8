/* Weights in the forms that kernels read: transformed or packed once for each version of the elements instead of in
 * every launch. A form belongs to the storage of the weight and is freed with it. Only the CPU's own launches use them.
 *
 * A form is used for the version of the elements that it was made of (cnn__tensor_written()); one of an older version
 * is made anew in the same memory. Several threads may use one form at once. While one of them makes it, the others do
 * without: what they compute has the same bits. */
#ifndef CNN_TENSOR_KEPT_H
#define CNN_TENSOR_KEPT_H

#include "tensor/tensor.h"

typedef struct cnn__kept cnn__kept;

/* What has been written of a tensor's elements, and to whom they were shown: forms of an earlier state are stale. */
typedef struct cnn__elements_state {
    uint64_t serial; /* the serial number of the storage */
    int64_t offset;
    unsigned version, handed_out;
} cnn__elements_state;

cnn__elements_state cnn__elements_state_of(const cnn_tensor *t);
bool cnn__elements_same(cnn__elements_state a, cnn__elements_state b);

/* Whether forms of a tensor may be kept: not of results of a step, of memory that belongs to the caller or to a
 * device, or of little memory. */
bool cnn__kept_fits(const cnn_tensor *weight);

/* A form of the weight, which the caller uses until cnn__kept_done(), writing it first where `form->packs`. NULL: there
 * is no memory, or another thread is writing it. */
cnn__kept *cnn__kept_take(const cnn_tensor *weight, const cnn__form *form, cnn__kept_form *memory);
/* Ends the use; `written`: the form is what it says, which it is not where the caller failed to write it. */
void cnn__kept_done(cnn__kept *kept, bool written);

/* For the storage's end. */
void cnn__kept_free(cnn__storage *storage);

#endif
