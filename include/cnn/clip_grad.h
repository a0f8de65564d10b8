/** @file
 * Clipping of gradients, as torch.nn.utils.clip_grad_norm_ and clip_grad_value_ do it: between cnn_backward() and the
 * optimizer's step.
 *
 * Gradients are clipped in place. Tensors without a gradient are passed by; those with one take part whether or not
 * they require it now. Results do not depend on the number of threads: sums are kept in double and have a fixed
 * order. On a device everything is handed over as launches, and nothing waits for them unless the norm is asked for.
 * The parameters are used by one thread at a time. If the step has failed the gradients mean nothing, and the
 * optimizer says so. */
#ifndef CNN_CLIP_GRAD_H
#define CNN_CLIP_GRAD_H

#include <cnn/module.h>

CNN_BEGIN_DECLS

/** Options of cnn_clip_grad_norm(); zeros are the defaults. */
typedef struct cnn_clip_grad_norm_options {
    size_t struct_size; /**< sizeof(cnn_clip_grad_norm_options) */
    double norm_type;   /**< p of the p-norm, above 0; infinity: the largest magnitude; default 2 */
    /** fail, and leave the gradients alone, where the norm is NaN or infinite; waits for it */
    bool error_if_nonfinite;
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_clip_grad_norm_options;

/**
 * Multiplies the gradients of all parameters of `module` by the smaller of 1 and max_norm / (norm + 1e-6), where the
 * norm is that of all of them as one vector.
 * @param max_norm    at least 0; infinity measures and changes nothing.
 * @param options     NULL for the defaults.
 * @param total_norm  receives the norm before clipping, which waits for a device; NULL: nothing is read. Not written on
 *                    failure.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT (a NULL, a number out of its range), CNN_ERROR_STATE where
 *         `error_if_nonfinite` finds a norm that is not finite; for bfloat16 and on devices also CNN_ERROR_NO_MEMORY,
 *         after which some gradients may be clipped and others not.
 * @since 0.2
 */
CNN_API cnn_status cnn_clip_grad_norm(cnn_module *module, double max_norm, const cnn_clip_grad_norm_options *options,
                                      double *total_norm);
/** The same over `count` tensors of the caller's or modules' parameters, of one context; `count` may be 0, and then
 * `parameters` NULL. Others are CNN_ERROR_STATE. @since 0.2 */
CNN_API cnn_status cnn_clip_grad_norm_for(cnn_tensor *const *parameters, int count, double max_norm,
                                          const cnn_clip_grad_norm_options *options, double *total_norm);

/** Clamps every element of the gradients of all parameters of `module` to −clip_value … clip_value; NaN stays.
 * @param clip_value  at least 0.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT. @since 0.2 */
CNN_API cnn_status cnn_clip_grad_value(cnn_module *module, double clip_value);
/** The same over `count` tensors, as cnn_clip_grad_norm_for() takes them. @since 0.2 */
CNN_API cnn_status cnn_clip_grad_value_for(cnn_tensor *const *parameters, int count, double clip_value);

CNN_END_DECLS

#endif
