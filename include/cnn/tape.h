/** @file
 * The tape: one step of work. It owns every result of an operation and, when recording, the graph for backward.
 *
 * Data enters a step by cnn_input(); every operation finds the tape through its operands, and inside a module's forward
 * also without one, so that a module may use its own parameters in any operation. Errors stick: a failed operation
 * returns the tape's nil tensor, an operation on a nil tensor returns nil, the first error of the step stays, and
 * cnn_backward(), cnn_optimizer_step() and cnn_tape_status() report it.
 *
 * An operation that fails without an operand on a tape (because cnn_input() was forgotten, or with NULL) counts for the
 * step that this thread began last, of the same context: that step fails. Failed queries, such as a name that
 * cnn_module_find() does not find, do not make a step fail.
 *
 * A tape is used by one thread at a time, and an operation that counts for its step is a use of it; different tapes of
 * one context may be used by different threads at once. A callback (a module's forward, the callbacks of cnn_custom(),
 * the function of cnn_gradcheck()) may not begin or free the tape that it works on. */
#ifndef CNN_TAPE_H
#define CNN_TAPE_H

#include <cnn/context.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** What a step is for. Layers such as Dropout act only where "training behaviour" is said. */
typedef enum cnn_mode {
    CNN_EVAL = 0,          /**< evaluation behaviour, no gradients; model.eval() under torch.no_grad() */
    CNN_TRAIN = 1,         /**< training behaviour, gradients recorded; model.train() */
    CNN_TRAIN_NO_GRAD = 2, /**< training behaviour, no gradients: dropout stays on */
    CNN_EVAL_GRAD = 3      /**< evaluation behaviour, gradients recorded */
} cnn_mode;

/** Makes a tape, which has no step before cnn_tape_begin().
 * @return a tape owned by the caller; NULL on failure (`ctx` is NULL, no memory). Thread-safe. @since 0.1 */
CNN_API cnn_tape *cnn_tape_new(cnn_context *ctx);

/** Frees a tape and every result on it; NULL is fine. Inside a callback that works on this tape it frees nothing and
 * makes the step fail with CNN_ERROR_STATE. @since 0.1 */
CNN_API void cnn_tape_free(cnn_tape *tape);

/**
 * Begins a step: drops the last one's results and error. Their handles become invalid, which is recognised; their
 * memory is used again, so that a step that equals one before it allocates nothing. Where sizes vary, memory that was
 * not used the longest is given back (cnn_tape_memory()). The library's one cancellation point (pthread_cancel),
 * outside of callbacks: a thread that is cancelled ends between two steps.
 * @return CNN_OK; on failure the step goes on: CNN_ERROR_INVALID_ARGUMENT where `tape` is NULL or `mode` is none of
 *         cnn_mode; CNN_ERROR_STATE inside a callback that works on this tape, and then the step has failed;
 *         CNN_ERROR_NO_MEMORY, possible only after a failed step.
 * @since 0.1
 */
CNN_API cnn_status cnn_tape_begin(cnn_tape *tape, cnn_mode mode);

/** What the tape's step is for, as given to cnn_tape_begin(); CNN_EVAL before the first step, and for NULL, which is
 * an error. @since 0.2 */
CNN_API cnn_mode cnn_tape_mode(const cnn_tape *tape);

/** Does the module whose forward is running on this tape behave as in training? That is what the step is for, unless
 * cnn_module_set_mode() says otherwise for it or a module that it is in; outside of modules it is the step's mode
 * alone. false for NULL, which is reported. @since 0.2 */
CNN_API bool cnn_tape_training(const cnn_tape *tape);

/** Says that this step is about to write `tensor`, such as a module's buffer, which is contiguous and not a result on a
 * tape: its elements are copied, and put back if the step fails. The copy is made once per step and tensor; equal steps
 * allocate nothing for it. The caller then writes the tensor, which everybody sees at once.
 * CNN_ERROR_STATE for a result on a tape and before the first step; CNN_ERROR_NO_MEMORY makes the step fail.
 * @since 0.2 */
CNN_API cnn_status cnn_tape_protect(cnn_tape *tape, cnn_tensor *tensor);

/** The tape that a result of an operation is on, borrowed: a module's forward asks it for the mode by
 * `cnn_tape_mode(cnn_tensor_tape(x))`. NULL for a tensor of the caller's or a module's, which is on none; NULL with an
 * error for NULL, a nil tensor and a tensor of a past step. @since 0.2 */
CNN_API cnn_tape *cnn_tensor_tape(const cnn_tensor *tensor);

/** The first error of this step, or CNN_OK. @since 0.1 */
CNN_API cnn_status cnn_tape_status(const cnn_tape *tape);

/** The message of that error; "" if there is none, and for NULL. Valid until cnn_tape_begin(). @since 0.1 */
CNN_API const char *cnn_tape_error(const cnn_tape *tape);

/** Turns recording off or on within a step, as torch.no_grad() does. @return what it was before; false for NULL.
 * @since 0.1 */
CNN_API bool cnn_tape_set_recording(cnn_tape *tape, bool recording);

/** The bytes of memory that the tape holds for elements: results, gradients on their way and kernels' workspace, in
 * use or kept for the next step. At most 1.5 times what the largest step so far needs, that is, what a new tape would
 * hold after it; where evaluation steps begin alike and then go different ways, at most 2.5 times.
 * 0 for NULL. @since 0.1 */
CNN_API size_t cnn_tape_memory(const cnn_tape *tape);

/**
 * Brings a tensor of the caller's, a loader's or a module's into this step, without a copy. If it requires a gradient,
 * backward accumulates into it.
 * @return a tensor of the tape; nil on failure.
 * @since 0.1
 */
CNN_API cnn_tensor *cnn_input(cnn_tape *tape, cnn_tensor *tensor);

/** @name Random tensors of a step
 * New contiguous tensors of the step, which have no gradient. Each call draws its own numbers from the step's random
 * stream: equal seeds and equal calls give equal bits, whatever the number of threads. A training step
 * (cnn_mode) takes a stream of the context when it begins; an evaluation step takes one with its first draw, so that
 * evaluation without draws leaves the context's random state alone. A module's forward draws on the tape of its input:
 * `cnn_tape_randn(cnn_tensor_tape(x), …)`.
 * @return a tensor of the tape; nil on failure: CNN_ERROR_INVALID_ARGUMENT (a NULL, `p` out of its range),
 *         CNN_ERROR_DTYPE, CNN_ERROR_SHAPE, CNN_ERROR_STATE (no step yet), CNN_ERROR_NO_MEMORY.
 * @since 0.2
 * @{ */
/** Uniform in [0, 1); f32 or f64. */
CNN_API cnn_tensor *cnn_tape_rand(cnn_tape *tape, cnn_dtype dtype, int ndim, const int64_t *shape);
/** Standard normal; f32 or f64. */
CNN_API cnn_tensor *cnn_tape_randn(cnn_tape *tape, cnn_dtype dtype, int ndim, const int64_t *shape);
/** 1 with probability `p` in [0, 1], else 0; f32, f64 or bool. CNN_ZERO is 0. */
CNN_API cnn_tensor *cnn_tape_bernoulli(cnn_tape *tape, cnn_dtype dtype, double p, int ndim, const int64_t *shape);
/** @} */

/**
 * Computes the gradients of a one-element tensor by reverse-mode differentiation and adds them to the `grad` of every
 * leaf that requires one. Frees the graph's buffers as it passes them. CNN_ERROR_STATE inside a callback of an
 * operation on the same tape, and where a gradient needs elements, of a parameter or another tensor, that were written
 * after the operation read them.
 * @return the first error of the whole step.
 * @since 0.1
 */
CNN_API cnn_status cnn_backward(cnn_tensor *loss);

/**
 * The same for any shape: the vector-Jacobian product with `grad` (the shape and dtype of `output`; NULL: ones).
 * @param retain_graph keeps the buffers, so that the graph can be walked again.
 * @since 0.1
 */
CNN_API cnn_status cnn_backward_with(cnn_tensor *output, const cnn_tensor *grad, bool retain_graph);

/** Is told by a backward that the gradient of `parameter`, or of another tensor that asks for one, is final: nothing
 * that this backward passes afterwards adds to it. Called by the thread of backward while it goes on, in the order of
 * the operations from the loss to the input; it may read and write the gradient (cnn_tensor_grad(), cnn_tensor_data()),
 * and start sending it to other machines. It must return normally, and not begin or end a step of this tape. */
typedef void (*cnn_gradient_fn)(cnn_tensor *parameter, void *user);

/** Has every backward of this tape call `call` for each tensor whose gradient becomes final, once per backward; NULL:
 * no more. A tensor that the result depends on in no way is not reported; one that its gradient did not reach is, with
 * the gradient that it had. After a failure nothing more is reported. @since 0.2 */
CNN_API cnn_status cnn_tape_on_gradient(cnn_tape *tape, cnn_gradient_fn call, void *user);
/** Gives what cnn_tape_on_gradient() was told last, NULL and NULL where nobody is called. A tape calls one function:
 * whoever takes its place for a while calls this one too and puts it back, as cnn_data_parallel_backward() does.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL. @since 0.2 */
CNN_API cnn_status cnn_tape_gradient_call(const cnn_tape *tape, cnn_gradient_fn *call, void **user);

/** Keeps the gradient of this result for cnn_tensor_grad() after backward, until the next step. CNN_ERROR_STATE for a
 * tensor that requires no gradient. @since 0.1 */
CNN_API cnn_status cnn_retain_grad(cnn_tensor *tensor);

/** A function of tensors on one tape, for cnn_gradcheck(). Returns its result; nil on failure. Must return normally. */
typedef cnn_tensor *(*cnn_function_fn)(cnn_tensor *const *inputs, int count, void *user);

/** Options of cnn_gradcheck(); zero means the default. */
typedef struct cnn_gradcheck_options {
    size_t struct_size;        /**< sizeof(cnn_gradcheck_options) */
    double eps;                /**< step of the central difference, above 0; default 1e-6 */
    double atol;               /**< absolute tolerance, at least 0; default 1e-5 */
    double rtol;               /**< relative tolerance, at least 0; default 1e-3 */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_gradcheck_options;

/**
 * Compares the gradients of `function` with central finite differences, element by element, as
 * torch.autograd.gradcheck does: |analytical − numerical| ≤ atol + rtol · |numerical|, also where NaN meets anything.
 *
 * @param inputs  f64 tensors of the caller's; those that require a gradient are varied and left as they were.
 * @return CNN_OK if all agree; CNN_ERROR_MISMATCH with a message that names the input, the elements and both numbers;
 *         or the error of `function`. `function` must be deterministic.
 * @since 0.1
 */
CNN_API cnn_status cnn_gradcheck(cnn_context *ctx, cnn_function_fn function, void *user, cnn_tensor *const *inputs,
                                 int count, const cnn_gradcheck_options *options);

/** One result of a custom operation, as its infer_many describes it; before that, a scalar of the first operand's
 * dtype. */
typedef struct cnn_custom_output {
    cnn_dtype dtype;             /**< at first the dtype of the first operand */
    int ndim;                    /**< how many elements of `shape` count; at first 0 */
    int64_t shape[CNN_MAX_DIMS]; /**< at first zero */
    unsigned char reserved[8];   /**< zero: room for later members */
} cnn_custom_output;

/** An operation of the user's own. All tensors are contiguous; those handed to a callback are valid during it.
 * Callbacks must return normally: no exception, longjmp() or pthread_exit() may leave them (docs/concepts.md).
 *
 * An operation with one result has infer, forward and, if it has a gradient, backward. One with several results has
 * infer_many, forward_many and backward_many in their place. */
typedef struct cnn_custom_op {
    size_t struct_size; /**< sizeof(cnn_custom_op) */
    const char *name;   /**< used in messages; must outlive the step */
    /** Says the result's dtype and shape; returns CNN_OK or a failure. `shape` has room for CNN_MAX_DIMS. */
    cnn_status (*infer)(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                        void *user);
    /** Writes the elements of `output`, by its address or by cnn_tensor_fill() and the like. */
    cnn_status (*forward)(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user);
    /** Writes every element of each grad_inputs[i] that is not NULL, by its address or by cnn_tensor_fill() and the
     * like. NULL: not differentiable. */
    cnn_status (*backward)(const cnn_tensor *const *inputs, int count, const cnn_tensor *output,
                           const cnn_tensor *grad_output, cnn_tensor *const *grad_inputs, void *user);
    /** Says the dtype and shape of each of `output_count` results, as many as cnn_custom_many() was asked for; 1 in
     * cnn_custom(). Since 0.2. */
    cnn_status (*infer_many)(const cnn_tensor *const *inputs, int count, cnn_custom_output *outputs, int output_count,
                             void *user);
    /** Writes the elements of each outputs[j]. Since 0.2. */
    cnn_status (*forward_many)(const cnn_tensor *const *inputs, int count, cnn_tensor *const *outputs, int output_count,
                               void *user);
    /** As backward. grad_outputs[j] is NULL where the loss does not depend on result j, and for a result of integers:
     * such a result adds nothing to any gradient. At least one is not NULL. Since 0.2. */
    cnn_status (*backward_many)(const cnn_tensor *const *inputs, int count, const cnn_tensor *const *outputs,
                                const cnn_tensor *const *grad_outputs, int output_count, cnn_tensor *const *grad_inputs,
                                void *user);
    unsigned char reserved[8]; /**< zero: room for later members */
} cnn_custom_op;

/**
 * Applies an operation of the user's own that has one result.
 * @param inputs  1 to 16 tensors, at least one of them on a tape.
 * @param user    passed to the callbacks; must outlive the step.
 * @return a tensor of the tape; nil on failure (CNN_ERROR_CALLBACK where a callback failed: the message says what it
 *         returned, and which call of the library's failed in it).
 * @since 0.1
 */
CNN_API cnn_tensor *cnn_custom(const cnn_custom_op *op, cnn_tensor *const *inputs, int count, void *user);

/**
 * Applies an operation of the user's own that has several results.
 *
 * One backward of the operation serves all its results; it runs when everything that used them has been passed. A
 * gradient check takes a function of one result, so it checks these one by one (docs/adding-an-operation.md).
 * @param inputs        1 to 16 tensors, at least one of them on a tape.
 * @param outputs       filled with `output_count` tensors of the tape; with nil on failure.
 * @param output_count  1 to 6; 1 for an operation without `forward_many`.
 * @param user          passed to the callbacks; must outlive the step.
 * @return CNN_OK; else the error of the step: CNN_ERROR_CALLBACK where a callback failed, CNN_ERROR_INVALID_ARGUMENT
 *         for a count out of its range, a NULL and an incomplete operation, CNN_ERROR_DTYPE and CNN_ERROR_SHAPE for
 *         what `infer_many` wrote.
 * @since 0.2
 */
CNN_API cnn_status cnn_custom_many(const cnn_custom_op *op, cnn_tensor *const *inputs, int count, cnn_tensor **outputs,
                                   int output_count, void *user);

CNN_END_DECLS

#endif
