/** @file
 * Gradients beyond cnn_backward() (tape.h): of chosen tensors without touching any `grad`, hooks that see or replace
 * them on their way, and a mode that finds the first NaN. */
#ifndef CNN_AUTOGRAD_H
#define CNN_AUTOGRAD_H

#include <cnn/tape.h>

CNN_BEGIN_DECLS

/** Options of cnn_grad(); zero means the default. */
typedef struct cnn_grad_options {
    size_t struct_size; /**< sizeof(cnn_grad_options) */
    /** one per output, of its shape and dtype; an element that is NULL, and NULL itself: ones, for outputs of one
     * element */
    const cnn_tensor *const *grad_outputs;
    bool retain_graph;         /**< keep what backward needs, so that the graph can be walked again */
    bool allow_unused;         /**< the gradient of an input that no output depends on is NULL instead of an error */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_grad_options;

/**
 * Computes the gradients of the sum of `outputs` with respect to `inputs`, as torch.autograd.grad: no `grad` of any
 * tensor is read or written, and cnn_tape_on_gradient() tells nobody. Only what lies between the two is passed, so that
 * the gradient of an input costs no gradients of weights. There are no gradients of gradients.
 *
 * @param outputs  results of one step that require a gradient.
 * @param inputs   results of that step, or parameters and other tensors that entered it, each requiring a gradient; one
 *                 may be given twice.
 * @param grads    receives the gradients: tensors of the tape, of the shape and dtype of their inputs, which last until
 *                 its next step; NULL where unused, and all NULL on failure.
 * @param options  NULL for the defaults.
 * @return CNN_OK; or the first error of the step: CNN_ERROR_INVALID_ARGUMENT (a NULL, a count below 1),
 *         CNN_ERROR_SHAPE (an output of several elements without a gradient, or one of another shape or dtype),
 *         CNN_ERROR_STATE (outputs of two steps, a tensor that requires no gradient, an unused input, a graph that was
 *         freed), CNN_ERROR_NO_MEMORY. Threads as for cnn_backward(), but parameters may be in use by other tapes.
 * @since 0.2
 */
CNN_API cnn_status cnn_grad(cnn_tensor *const *outputs, int output_count, cnn_tensor *const *inputs, int input_count,
                            cnn_tensor **grads, const cnn_grad_options *options);

/** Sees the complete gradient of a result, of its shape and dtype, on its way through a backward. Returns NULL to pass
 * it on as it is, or a tensor of the tape, of that shape and dtype, to go on with instead. Operations on the gradient
 * are not recorded. It must return normally, and not begin or end a step of this tape or call cnn_backward() on it. */
typedef cnn_tensor *(*cnn_hook_fn)(cnn_tensor *grad, void *user);

/**
 * Has every backward, and cnn_grad(), call `hook` with the gradient of `tensor` once it is complete, before the
 * operation that made `tensor` gets it; as torch.Tensor.register_hook. It lasts as long as the step. Hooks of one
 * tensor are called in the order in which they were registered. cnn_retain_grad() keeps what they return.
 *
 * @param tensor  a result of an operation that requires a gradient; cnn_tape_on_gradient() is for parameters.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_STATE (a tensor that is no such result), CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_register_hook(cnn_tensor *tensor, cnn_hook_fn hook, void *user);

/** What an anomaly is. */
typedef enum cnn_anomaly {
    CNN_ANOMALY_NONE = 0,     /**< nothing is looked for; the default */
    CNN_ANOMALY_NAN = 1,      /**< a NaN, as torch.autograd.set_detect_anomaly() */
    CNN_ANOMALY_NONFINITE = 2 /**< a NaN or an infinity */
} cnn_anomaly;

/**
 * Has the steps of a tape look at every result of an operation and at every gradient: the first one with an anomaly
 * makes the step fail with CNN_ERROR_STATE, and the message names the module, the operation and the operand, such as
 * `backward: l2.0: sqrt: the gradient of operand 0, of shape [32,10], has an infinity`. Each look waits for the device
 * and reads all elements: for finding a fault, not for training. From the next operation on, until it is set again.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT. @since 0.2
 */
CNN_API cnn_status cnn_tape_set_anomaly(cnn_tape *tape, cnn_anomaly anomaly);

CNN_END_DECLS

#endif
