/** @file
 * Gradients beyond cnn_backward() (tape.h): of chosen tensors without touching any `grad`. */
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

CNN_END_DECLS

#endif
