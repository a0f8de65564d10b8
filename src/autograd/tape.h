/* The inside of the tape: handles, the Wengert list, what backward may use. How an operation is written stands in op.h.
 *
 * Backward gets the node and the gradients of its results and hands a gradient to each input that wants one. Whatever a
 * backward creates on the tape is dropped when it returns, except the gradients that it handed over. */
#ifndef CNN_AUTOGRAD_TAPE_H
#define CNN_AUTOGRAD_TAPE_H

#include "autograd/op.h"

/* Runs a kernel of the step, with the workspace that it needs: carries it out on the CPU, hands it over elsewhere.
 * `call` is how a message begins. false: the tape has failed. */
bool cnn__run(cnn_tape *tape, const char *call, cnn_launch *launch);
/* The same for a kernel that reads a weight, an input of the launch that may be NULL. Outside of a step that wants the
 * weight's gradient, the form in which the kernel reads it is kept (tensor/kept.h). */
bool cnn__run_weighted(cnn_tape *tape, const char *call, cnn_launch *launch, const cnn_tensor *weight);
/* The same for one of several equal launches of an operation: the first one `packs` the form into `memory`, a tensor of
 * the operation's, where that is large enough; NULL: every launch packs for itself. */
bool cnn__run_packed(cnn_tape *tape, const char *call, cnn_launch *launch, const cnn_tensor *memory, bool packs);
/* The same for a kernel that may find its inputs bad, such as an index: then only `failure` is written. */
bool cnn__run_checked(cnn_tape *tape, const char *call, cnn_launch *launch, cnn_backend_failure *failure);
/* The same on operands[0], the result, and the inputs that follow, in the dtype of the last one; `parameters` is the
 * kernel's struct, NULL where it has none. */
bool cnn__run_on(cnn_tape *tape, const char *call, cnn_kernel kernel, const void *parameters, size_t size, int count,
                 const cnn_tensor *const *operands);
/* The same for an elementwise kernel; `value` is its two numbers, NULL where it has none. */
bool cnn__run_elementwise(cnn_tape *tape, const char *call, cnn_kernel kernel, int function, const double *value,
                          int count, const cnn_tensor *const *operands);
/* y ← x, converted and broadcast, as a kernel of the step. */
bool cnn__run_copy(cnn_tape *tape, const char *call, cnn_tensor *to, const cnn_tensor *from);
/* One number in every element of a contiguous tensor; NULL: nothing to do. */
bool cnn__run_fill(cnn_tape *tape, const char *call, const cnn_tensor *t, double value);

/* Where the elements of its results come from (tensor/cache.h). */
struct cnn__cache *cnn__tape_cache(cnn_tape *tape);
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
/* Hands over both gradients of a product from one pass over dy, where that pays; false: nothing has been done, and dy
 * is not deferred. */
bool cnn__grad_products(cnn__node *node, cnn_tensor *dy);
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
cnn_tensor *cnn__grad_new(cnn_tape *tape, const cnn_tensor *gradient);
/* A matrix for what backward needs on its way. NULL: no memory, the tape has failed. */
cnn_tensor *cnn__grad_matrix(cnn__node *node, cnn_dtype dtype, int64_t rows, int64_t columns);

/* ---- the tape as such ---- */
bool cnn__tape_recording(const cnn_tape *tape);
/* Does the step only trace? Then results have shapes and no elements, and every operation is on the list. */
bool cnn__tape_tracing(const cnn_tape *tape);
/* Begins a step that traces; `mode` says what the layers do. */
cnn_status cnn__tape_begin_trace(cnn_tape *tape, cnn_mode mode);
/* Says that the step will launch nothing more, so that launches of other tapes need not ask whether they are traced. */
void cnn__tape_trace_made(cnn_tape *tape);
/* Is it at its first, third … step? What reads more than the caches hold then turns around. */
bool cnn__tape_odd(const cnn_tape *tape);
/* The key of operation-local random numbers: the step's stream and the next place in it. An evaluation step has no
 * stream before it asks for one. */
void cnn__tape_random_key(cnn_tape *tape, uint64_t key[2]);
/* The nil tensor of a tape; of no tape for NULL. */
cnn_tensor *cnn__tape_nil(cnn_tape *tape);
/* A new handle on the tape: without elements, or sharing those of `like`. NULL: no memory, the tape has failed. */
cnn_tensor *cnn__tape_handle(cnn_tape *tape, const cnn_tensor *like);
/* Memory that lasts until the next step; NULL: none, the tape has failed. */
void *cnn__tape_arena(cnn_tape *tape, size_t size);
cnn__node *cnn__tape_last_node(const cnn_tape *tape);
void cnn__tape_link(cnn_tape *tape, cnn__node *node);
/* Takes the nodes that were linked after `last` off the list. */
void cnn__tape_unlink(cnn_tape *tape, cnn__node *last);
/* How many operations of the step have drawn, and the same again: a forward that is repeated draws the same numbers. */
uint64_t cnn__tape_draws(const cnn_tape *tape);
void cnn__tape_set_draws(cnn_tape *tape, uint64_t draws);
/* Calls visit(leaf, user) for the plain tensor behind every handle of this step that has one. */
void cnn__tape_each_leaf(const cnn_tape *tape, void (*visit)(cnn_tensor *leaf, void *user), void *user);

/* ---- who wants to know of final gradients (final.c) ---- */
typedef struct cnn__listener {
    cnn_gradient_fn call; /* NULL: nobody */
    void *user;
} cnn__listener;
const cnn__listener *cnn__tape_listener(const cnn_tape *tape);
/* Counts the uses of each leaf by the operations that a backward from `output` passes. */
void cnn__final_prepare(cnn_tensor *output);
/* Backward has passed a node: tells of the leaves that it was the last use of. */
void cnn__final_passed(const cnn__listener *listener, const cnn__node *node);
void cnn__final_tell(const cnn__listener *listener, cnn_tape *tape, cnn_tensor *leaf);

/* ---- the walk (backward.c) ---- */
/* The gradient that a walk from `output` begins with: `grad` or ones. NULL: no memory, the tape has failed. */
cnn_tensor *cnn__backward_seed(cnn_tensor *output, const cnn_tensor *grad);
/* Adds g to *sum, the gradient of a result like `like`, which is NULL before the first. */
void cnn__backward_sum(cnn_tape *tape, cnn_tensor **sum, const cnn_tensor *like, cnn_tensor *g);
/* Walks from a node of the list to the one before `end`; NULL: to its beginning. */
void cnn__backward_walk(cnn_tape *tape, cnn__node *from, const cnn__node *end, bool retain_graph);
/* Gives back what a node has saved. */
void cnn__backward_release(cnn__node *node);
/* Reports as `call` what keeps this step from a walk that begins at `output` with `grad`. */
cnn_status cnn__backward_check(const char *call, cnn_tensor *output, const cnn_tensor *grad);

/* ---- gradients that cnn_grad() takes, so that leaves get none (grad.c) ---- */
typedef struct cnn__capture cnn__capture;
/* Whether the gradient of t, a handle of this step, is asked for. */
bool cnn__captured(const cnn__capture *capture, const cnn_tensor *t);
/* Whether it is, or is needed on the way to one that is. */
bool cnn__capture_needs(const cnn__capture *capture, const cnn_tensor *t);
/* Hands over a gradient of t, if it is asked for. */
void cnn__capture_add(const cnn__capture *capture, const cnn_tensor *t, cnn_tensor *gradient);

/* ---- callbacks on the gradients of results (hook.c) ---- */
/* What the hooks of a result make of its gradient; NULL: the step has failed. */
cnn_tensor *cnn__hooks_run(const cnn_tensor *result, cnn_tensor *gradient);

/* ---- anomalies (anomaly.c): false where there is one or no memory, and the step has failed ---- */
bool cnn__anomaly_check_results(cnn__call *call);
bool cnn__anomaly_check_gradient(const cnn__node *node, int i, const cnn_tensor *gradient);
/* The path of the module whose forward is running, in the arena; NULL: none, or no memory. */
const char *cnn__anomaly_where(cnn_tape *tape);

/* ---- writes that a failing step takes back (undo.c) ---- */
typedef struct cnn__undo cnn__undo;
/* Says that this step is about to write the elements of t, which are contiguous: a plain tensor or its handle. false:
 * no memory, the tape has failed. */
bool cnn__tape_protect(cnn_tape *tape, const cnn_tensor *t);
void cnn__undo_all(cnn_tape *tape);
/* The step is over: what it wrote stays. */
void cnn__undo_forget(cnn_tape *tape);

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
/* Fails the step, which goes on, if its device has failed since it began: what it is to read may be lost. */
void cnn__step_check_device(cnn_tape *tape);
/* Fails the step only if it has lost launches of its own. */
void cnn__step_check_launches(cnn_tape *tape);
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
