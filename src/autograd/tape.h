/* The inside of the tape: handles, the Wengert list, and how an operation is written.
 *
 * An operation's function reads like this (see ops/relu.c for a whole one):
 *
 *     cnn__call call;
 *     if (!cnn__call_begin(&call, &relu_op, 1, (cnn_tensor *const[]){ x })) return call.nil;
 *     if (!cnn__call_real(&call, 0)) return call.nil;                     // checks that report and make the tape fail
 *     cnn_tensor *y = cnn__result(&call, x->dtype, x->ndim, x->shape);    // NULL: no memory, already reported
 *     if (!y) return call.nil;
 *     … compute …
 *     return cnn__record(&call, y, NULL, 0, 1, (cnn_tensor *const[]){ y });  // links it when recording
 *
 * After cnn__call_begin() use call.in[i], not the arguments: plain tensors have become handles of the tape. Backward
 * gets the node and the gradient of its output and hands a gradient to each input that wants one. Whatever a
 * backward creates on the tape is dropped when it returns, except the gradients that it handed over. */
#ifndef CNN_AUTOGRAD_TAPE_H
#define CNN_AUTOGRAD_TAPE_H

#include "tensor/tensor.h"

#include <cnn/tape.h>

typedef struct cnn__node cnn__node;

/* What backward does with a saved tensor. */
typedef struct cnn__reads {
    const char *name; /* of that operand, as messages say it: "weight"; NULL: "operand 0" */
    unsigned by;      /* bit i: the gradient of input i reads its elements */
} cnn__reads;

/* What an operation is; a constant in the file of the operation. */
typedef struct cnn__op {
    const char *name;  /* as messages say it: "conv2d" */
    unsigned optional; /* bit i: input i may be NULL */
    /* dy is contiguous, of the output's shape and dtype. NULL: not differentiable. */
    void (*backward)(cnn__node *node, cnn_tensor *dy);
    const cnn__reads
        *reads; /* of each saved tensor, which is operand 0, 1, …; NULL: every gradient reads all of them */
    bool relu;  /* the result is max(…, 0): where it is 0 its gradient may be, too (cnn__grad_add_masked) */
} cnn__op;

enum { CNN__MAX_INPUTS = 16, CNN__MAX_SAVED = CNN__MAX_INPUTS + 1 /* of a custom operation */ };

/* One entry of the Wengert list. */
struct cnn__node {
    const cnn__op *op;
    cnn_tape *tape;
    cnn__node *previous; /* the entry made before it */
    cnn_tensor *output;  /* its elements may be gone: use `saved` */
    int count;
    cnn_tensor **in; /* NULL where an optional input was left out; elements may be gone */
    cnn_tensor *saved[CNN__MAX_SAVED];
    void *attributes; /* the operation's own struct */
    bool done;        /* backward has passed and released it */
};

/* One application of an operation, while it is being made. */
typedef struct cnn__call {
    const cnn__op *op;
    cnn_tape *tape;
    cnn_context *ctx;
    int count;
    cnn_tensor **in;
    bool record;     /* recording, and an input wants a gradient */
    cnn_tensor *nil; /* what to return on failure */
} cnn__call;

bool cnn__call_begin(cnn__call *call, const cnn__op *op, int count, cnn_tensor *const *inputs);
/* Makes the tape fail with "name: message" and returns nil. */
cnn_tensor *cnn__call_fail(cnn__call *call, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Makes the tape fail with this thread's newest failure, which a helper such as cnn__options_read has reported. */
cnn_tensor *cnn__call_fail_newest(cnn__call *call);
/* Is input i f32 or f64? */
bool cnn__call_real(cnn__call *call, int i);
/* Have inputs 0..n-1 (those that are there) one dtype? */
bool cnn__call_same_dtype(cnn__call *call, int n);
/* Input i made contiguous: itself or a copy on the tape; NULL: no memory, reported. */
cnn_tensor *cnn__call_contiguous(cnn__call *call, int i);

/* A new contiguous result with undefined elements; NULL: bad shape or no memory, already reported. */
cnn_tensor *cnn__result(cnn__call *call, cnn_dtype dtype, int ndim, const int64_t *shape);
/* A result that shares the elements of input i: the caller then sets its shape, strides, numel and offset. */
cnn_tensor *cnn__result_view(cnn__call *call, int i);
/* Puts the operation on the list if it is recording: `attributes` are copied, the elements of `saved` (entries may be
 * NULL) stay until backward has passed. Returns y, or nil when there is no memory. */
cnn_tensor *cnn__record(cnn__call *call, cnn_tensor *y, const void *attributes, size_t size, int saved_count,
                        cnn_tensor *const *saved);

/* Scratch memory for a kernel, 64-byte aligned, until the tape's next call; NULL: no memory, the tape has failed.
 * Size 0 gives a valid pointer. */
void *cnn__scratch_get(cnn_tape *tape, size_t size);
/* Says that no kernel uses scratch memory any more; for backward, where no next call says it. */
void cnn__scratch_done(cnn_tape *tape);

/* ---- inside a backward ---- */
bool cnn__wants(const cnn__node *node, int i);
/* A tensor like input i, contiguous, to be overwritten with its whole gradient: for a parameter without a gradient
 * yet the gradient's own memory, which counts as its gradient once it was handed to cnn__grad_add. NULL: no memory,
 * the tape has failed. */
cnn_tensor *cnn__grad_empty(cnn__node *node, int i);
/* Adds `gradient` (a tensor of the tape; nil is ignored) to the gradient of input i; a gradient of a shape that input i
 * was broadcast to is summed first. */
void cnn__grad_add(cnn__node *node, int i, cnn_tensor *gradient);
/* Is input i the result of a ReLU, whose gradient does not matter where it is 0? */
bool cnn__grad_maskable(const cnn__node *node, int i);
/* cnn__grad_add of a gradient that is 0 wherever input i, which is maskable, is 0: if it is the whole gradient, the
 * ReLU has nothing left to do. */
void cnn__grad_add_masked(cnn__node *node, int i, cnn_tensor *gradient);
/* The gradient of input i so far, to be added to in place and handed to cnn__grad_add; NULL: none, or others see it
 * too. */
cnn_tensor *cnn__grad_so_far(const cnn__node *node, int i);
/* Does nobody but the backward that got this gradient see its elements, so that it may write there? */
bool cnn__grad_own(const cnn_tensor *gradient);
/* A new tensor like `gradient`, elements undefined. NULL: no memory, the tape has failed. */
cnn_tensor *cnn__grad_like(cnn__node *node, const cnn_tensor *gradient);

/* ---- the tape as such ---- */
bool cnn__tape_recording(const cnn_tape *tape);
/* Is it at its first, third … step? What reads more than the caches hold then turns around. */
bool cnn__tape_odd(const cnn_tape *tape);
/* The key of operation-local random numbers: the step's stream and the next place in it. */
void cnn__tape_random_key(cnn_tape *tape, uint64_t key[2]);
/* The nil tensor of a tape; of no tape for NULL. */
cnn_tensor *cnn__tape_nil(cnn_tape *tape);
/* A new handle on the tape: without elements, or sharing those of `like`. NULL: no memory, the tape has failed. */
cnn_tensor *cnn__tape_handle(cnn_tape *tape, const cnn_tensor *like);
/* Memory that lasts until the next step; NULL: none, the tape has failed. */
void *cnn__tape_arena(cnn_tape *tape, size_t size);
cnn__node *cnn__tape_last_node(const cnn_tape *tape);
void cnn__tape_link(cnn_tape *tape, cnn__node *node);
/* Calls visit(leaf, user) for the plain tensor behind every handle of this step that has one. */
void cnn__tape_each_leaf(const cnn_tape *tape, void (*visit)(cnn_tensor *leaf, void *user), void *user);

/* ---- failures of steps (step.c) ---- */
/* Records the step's first error, formatted whole as for cnn__fail, and marks the parameters that the step has used;
 * returns nil. Inside a module's forward the message begins with the module's path. Later errors are silent. */
cnn_tensor *cnn__tape_fail(cnn_tape *tape, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An operand of an operation that was not carried out because the step has failed: if it is a parameter, it is
 * marked too. Both may be NULL. */
void cnn__tape_blame(cnn_tape *tape, cnn_tensor *operand);
/* Reports the error of a step that has failed to the caller of backward. */
cnn_status cnn__step_report(cnn_tape *tape);
/* The step that an operation without an operand on a tape counts for: that of the module's forward which is running,
 * or the one that this thread began last; of this context, if `ctx` is not NULL. Its tape is used by this thread
 * alone, so that nothing frees it meanwhile. NULL: none. */
cnn_tape *cnn__current_tape(const cnn_context *ctx);
/* Fails the step of a tape that was found, or only reports where it is NULL; returns the tape's nil. */
cnn_tensor *cnn__found_fail(cnn_tape *found, const cnn_context *ctx, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for the step that counts now. */
cnn_tensor *cnn__current_fail(const cnn_context *ctx, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A tape's part here, when it is made (false: no memory, not reported), begins a step (failure: CNN_ERROR_NO_MEMORY,
 * not reported, the step goes on) and is freed (also if it was never made whole). */
bool cnn__step_init(cnn_tape *tape);
cnn_status cnn__step_begin(cnn_tape *tape);
void cnn__step_end(cnn_tape *tape);
/* A place among the tape's handles. cnn__tape_drop_since drops the elements of every handle made since then except
 * `keep`'s; handles and graph stay, and so do elements saved for backward. */
typedef struct cnn__mark {
    struct cnn__chunk *chunk;
    int used;
} cnn__mark;
cnn__mark cnn__tape_mark(const cnn_tape *tape);
void cnn__tape_drop_since(cnn_tape *tape, cnn__mark mark, const cnn_tensor *keep);
/* Drops the elements of one result that nothing but the graph needs any more. */
void cnn__tape_drop(cnn_tensor *t);

#endif
