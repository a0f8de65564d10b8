/** @file
 * Operations on tensors, differentiable unless said otherwise.
 *
 * Every function takes tensors of one context, at least one of them on a tape, and returns a tensor of that tape: never
 * NULL, and nil on failure (see tape.h). Tensors that are on no tape (parameters, constants of the caller's) may be
 * mixed in; they are used, not copied, and must not be written before the step ends. Two tapes in one operation are an
 * error (CNN_ERROR_STATE). Operands are not changed. Both operands of a binary operation have the same dtype; there is
 * no promotion (use cnn_cast()). Broadcasting is NumPy's. A negative dimension counts from the last. Views share
 * elements with their operand.
 *
 * Every result belongs to its tape and lasts until that tape's next step. What can go wrong is the same for all of
 * them: CNN_ERROR_INVALID_ARGUMENT (a required operand is NULL, an option or a number out of its range),
 * CNN_ERROR_DTYPE, CNN_ERROR_SHAPE (ranks or sizes do not fit, a product of sizes overflows), CNN_ERROR_STATE (no
 * operand on a tape, two tapes, two contexts, a tensor of a past step) and CNN_ERROR_NO_MEMORY. A tape and all tensors
 * on it are used by one thread at a time; operands that are on no tape may be read by several threads at once.
 *
 * Everything on this page is there since 0.1 unless it says otherwise. */
#ifndef CNN_OPS_H
#define CNN_OPS_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Elementwise, one operand
 * f32 and f64; cnn_neg(), cnn_abs() and cnn_clamp() also the integers. Any shape, which stays. Outside its domain a
 * function gives what C's <math.h> gives: NaN or an infinity, and no error.
 * @since 0.1
 * @{ */
CNN_API cnn_tensor *cnn_neg(cnn_tensor *x);  /**< −x */
CNN_API cnn_tensor *cnn_exp(cnn_tensor *x);  /**< exp(x) */
CNN_API cnn_tensor *cnn_log(cnn_tensor *x);  /**< The natural logarithm. */
CNN_API cnn_tensor *cnn_sqrt(cnn_tensor *x); /**< √x */
/** The gradient at 0 is 0. */
CNN_API cnn_tensor *cnn_abs(cnn_tensor *x);
CNN_API cnn_tensor *cnn_tanh(cnn_tensor *x); /**< tanh(x) */
/** 1 / (1 + exp(−x)) */
CNN_API cnn_tensor *cnn_sigmoid(cnn_tensor *x);
/** max(x, 0); NaN stays NaN; the gradient at 0 is 0. */
CNN_API cnn_tensor *cnn_relu(cnn_tensor *x);
/** min(max(x, low), high); pass -INFINITY or INFINITY for an open side. The gradient passes where low ≤ x ≤ high. */
CNN_API cnn_tensor *cnn_clamp(cnn_tensor *x, double low, double high);
/** x ^ exponent */
CNN_API cnn_tensor *cnn_pow_scalar(cnn_tensor *x, double exponent);
CNN_API cnn_tensor *cnn_add_scalar(cnn_tensor *x, double value); /**< x + value */
CNN_API cnn_tensor *cnn_mul_scalar(cnn_tensor *x, double value); /**< x · value */
/** @} */

/** @name Elementwise, two operands, broadcast
 * f32, f64 and the integers; both operands of one dtype, which is the result's. The shape is the broadcast of both.
 * Integers wrap around; integer division truncates toward zero, and by zero it gives 0.
 * @since 0.1
 * @{ */
CNN_API cnn_tensor *cnn_add(cnn_tensor *a, cnn_tensor *b); /**< a + b */
CNN_API cnn_tensor *cnn_sub(cnn_tensor *a, cnn_tensor *b); /**< a − b */
CNN_API cnn_tensor *cnn_mul(cnn_tensor *a, cnn_tensor *b); /**< a · b */
CNN_API cnn_tensor *cnn_div(cnn_tensor *a, cnn_tensor *b); /**< a / b */
/** a ^ b; f32 and f64. */
CNN_API cnn_tensor *cnn_pow(cnn_tensor *a, cnn_tensor *b);
/** @} */

/** @name Comparisons and choice
 * Any dtype, the same of both operands; broadcast; the result is bool and has no gradient. NaN equals nothing.
 * @since 0.1
 * @{ */
CNN_API cnn_tensor *cnn_eq(cnn_tensor *a, cnn_tensor *b); /**< a = b */
CNN_API cnn_tensor *cnn_ne(cnn_tensor *a, cnn_tensor *b); /**< a ≠ b */
CNN_API cnn_tensor *cnn_lt(cnn_tensor *a, cnn_tensor *b); /**< a < b */
CNN_API cnn_tensor *cnn_le(cnn_tensor *a, cnn_tensor *b); /**< a ≤ b */
CNN_API cnn_tensor *cnn_gt(cnn_tensor *a, cnn_tensor *b); /**< a > b */
CNN_API cnn_tensor *cnn_ge(cnn_tensor *a, cnn_tensor *b); /**< a ≥ b */
/** condition ? a : b; `condition` is bool, `a` and `b` share a dtype; all three are broadcast. Differentiable in a, b.
 */
CNN_API cnn_tensor *cnn_where(cnn_tensor *condition, cnn_tensor *a, cnn_tensor *b);
/** @} */

/** @name Reductions
 * Over `count` dimensions `dims`; `count` 0 means all of them (CNN_ALL_DIMS). `keepdim` leaves them with size 1. A
 * dimension that is given twice, or that there is not, is an error.
 * @since 0.1
 * @{ */
/** The sum; integers and bool give i64. */
CNN_API cnn_tensor *cnn_sum(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The mean; f32 and f64. Over no elements: NaN. */
CNN_API cnn_tensor *cnn_mean(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The largest element; NaN wins. Equal ones share the gradient evenly (torch.amax). Over no elements: an error. */
CNN_API cnn_tensor *cnn_max(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The smallest element, in the same manner (torch.amin). */
CNN_API cnn_tensor *cnn_min(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The row-major position of the first largest element among the reduced dimensions, i64. Not differentiable. */
CNN_API cnn_tensor *cnn_argmax(cnn_tensor *x, int count, const int *dims, bool keepdim);
/** The largest elements along one dimension and where they are: torch.max(x, dim). Any dtype; a NaN wins, and so does
 * the first of equal elements, which gets the whole gradient. A dimension of size 0: an error.
 * @param indices  receives the positions along `dim`, i64, in the result's shape and without a gradient; a tensor of
 * the
 *                 same tape, nil on failure. May be NULL.
 * @since 0.2 */
CNN_API cnn_tensor *cnn_max_along(cnn_tensor *x, int dim, bool keepdim, cnn_tensor **indices);
/** The smallest elements along one dimension, in the same manner: torch.min(x, dim). @since 0.2 */
CNN_API cnn_tensor *cnn_min_along(cnn_tensor *x, int dim, bool keepdim, cnn_tensor **indices);
/** @} */

/** @name Matrix products
 * Sums of products in the operands' dtype, in an order that depends on the sizes alone.
 * @since 0.1
 * @{ */
/** torch.matmul: [m,k]·[k,n] → [m,n]; leading dimensions are batches and are broadcast; a rank-1 operand is a row on
 * the left, a column on the right. f32 and f64. */
CNN_API cnn_tensor *cnn_matmul(cnn_tensor *a, cnn_tensor *b);
/** x[…,in] · weight[out,in]ᵀ + bias[out] → […,out]; `bias` may be NULL. f32 and f64. */
CNN_API cnn_tensor *cnn_linear(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias);
/** @} */

/** @name Shapes
 * Any dtype. Those marked "view" never copy. The gradient takes the way back.
 * @since 0.1
 * @{ */
/** A view where the strides allow it, else a copy. One size may be −1: it is inferred. */
CNN_API cnn_tensor *cnn_reshape(cnn_tensor *x, int ndim, const int64_t *shape);
/** The same, but an error where a copy would be needed. View. */
CNN_API cnn_tensor *cnn_view(cnn_tensor *x, int ndim, const int64_t *shape);
/** Joins dimensions start to end, both included: flatten(x, 1, −1) gives [N, features]. */
CNN_API cnn_tensor *cnn_flatten(cnn_tensor *x, int start_dim, int end_dim);
/** Swaps two dimensions. View. */
CNN_API cnn_tensor *cnn_transpose(cnn_tensor *x, int dim0, int dim1);
/** Dimension i of the result is dimension dims[i] of x; `count` is the rank. View. */
CNN_API cnn_tensor *cnn_permute(cnn_tensor *x, int count, const int *dims);
/** Elements start, start + step, … before `end` along `dim`, as Python's x[start:end:step]: negative positions count
 * from the end, positions past it are clipped; step ≥ 1. View. */
CNN_API cnn_tensor *cnn_slice(cnn_tensor *x, int dim, int64_t start, int64_t end, int64_t step);
/** Repeats dimensions of size 1 without a copy; −1 keeps a size; new leading dimensions may be added. View. */
CNN_API cnn_tensor *cnn_expand(cnn_tensor *x, int ndim, const int64_t *shape);
/** Removes dimension `dim` if its size is 1. View. */
CNN_API cnn_tensor *cnn_squeeze(cnn_tensor *x, int dim);
/** Inserts a dimension of size 1 before `dim` (−1: at the end). View. */
CNN_API cnn_tensor *cnn_unsqueeze(cnn_tensor *x, int dim);
/** x itself if it is contiguous, else a contiguous copy. */
CNN_API cnn_tensor *cnn_contiguous(cnn_tensor *x);
/** A contiguous copy. */
CNN_API cnn_tensor *cnn_clone(cnn_tensor *x);
/** Converts the elements: to an integer toward zero (saturating; NaN gives 0), to bool by ≠ 0. Differentiable between
 * f32 and f64. */
CNN_API cnn_tensor *cnn_cast(cnn_tensor *x, cnn_dtype dtype);
/** Joins `count` tensors along `dim`; the other sizes and the dtype agree. */
CNN_API cnn_tensor *cnn_concat(cnn_tensor *const *tensors, int count, int dim);
/** Joins `count` tensors of one shape along a new dimension `dim`. */
CNN_API cnn_tensor *cnn_stack(cnn_tensor *const *tensors, int count, int dim);
/** The same elements without history: gradients stop here. torch.Tensor.detach. View. */
CNN_API cnn_tensor *cnn_detach(cnn_tensor *x);
/** @} */

/** @name Neural networks
 * f32 and f64; floating operands of one call share the dtype, which is the result's.
 * @since 0.1
 * @{ */

/** How the border is padded. */
typedef enum cnn_padding_mode {
    CNN_PADDING_EXPLICIT = 0, /**< by the numbers given */
    CNN_PADDING_SAME = 1 /**< so that the output has the input's size; needs stride 1; an odd row or column goes to the
                                   bottom or right, as in PyTorch */
} cnn_padding_mode;

/** Options of a 2-D convolution; zero means the default. A field for both directions gives way to `_h` and `_w`. */
typedef struct cnn_conv2d_options {
    size_t struct_size;            /**< sizeof(cnn_conv2d_options) */
    int64_t kernel;                /**< size of the kernel; cnn_conv2d() takes it from the weight */
    int64_t kernel_h;              /**< vertically */
    int64_t kernel_w;              /**< horizontally */
    int64_t stride;                /**< default 1 */
    int64_t stride_h;              /**< vertically */
    int64_t stride_w;              /**< horizontally */
    int64_t dilation;              /**< default 1 */
    int64_t dilation_h;            /**< vertically */
    int64_t dilation_w;            /**< horizontally */
    int64_t padding;               /**< zeros around the image; default 0 */
    int64_t padding_h;             /**< vertically */
    int64_t padding_w;             /**< horizontally */
    int64_t padding_top;           /**< zeros above: if any of the four is given, they alone count */
    int64_t padding_bottom;        /**< zeros below */
    int64_t padding_left;          /**< zeros on the left */
    int64_t padding_right;         /**< zeros on the right */
    int64_t groups;                /**< default 1 */
    cnn_padding_mode padding_mode; /**< default CNN_PADDING_EXPLICIT */
    cnn_dtype dtype;               /**< layers only: of the parameters; default CNN_F32 */
    bool no_bias;                  /**< layers only: no bias parameter */
    unsigned char reserved[7];     /**< zero: room for later options */
} cnn_conv2d_options;

/**
 * 2-D convolution (cross-correlation, torch.nn.functional.conv2d): x [N,C,H,W], weight [O,C/groups,kh,kw], bias [O] or
 * NULL → [N,O,H',W'] with H' = floor((H + top + bottom − dilation_h·(kh − 1) − 1) / stride_h) + 1. x may also be
 * [C,H,W].
 *
 * In f32, where the CPU has a fused multiply-add, 3 × 3 and 5 × 5 kernels of stride 1 between at least 16 channels and
 * their gradients are computed by Winograd's minimal filtering, F(4 × 4, 3 × 3) and F(2 × 2, 5 × 5) (Lavin & Gray,
 * 2016). An output is then computed from a tile, 6 × 6 inputs of each channel, of which its own window is a part, and
 * its rounding error is relative to the largest element of the tile: up to about 2⁻²² times that element times the sum
 * of the sizes of the output channel's weights. Where the elements of a tile are of one magnitude, that is up to three
 * times the error of a plain sum; beside an element that is a million times as large as its neighbours, their outputs
 * keep no digit. A context with `math` CNN_MATH_STRICT computes plain sums only, whose error is relative to their own
 * terms.
 *
 * Whatever computes it, an output or a gradient is NaN or infinite exactly where the sum of its own terms is: a NaN or
 * an infinity reaches the outputs whose window holds it, and no others; padding is no term.
 */
CNN_API cnn_tensor *cnn_conv2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, const cnn_conv2d_options *options);

/** Options of 2-D max pooling; zero means the default. A field for both directions gives way to `_h` and `_w`. */
typedef struct cnn_maxpool2d_options {
    size_t struct_size;        /**< sizeof(cnn_maxpool2d_options) */
    int64_t kernel;            /**< size of the window; required */
    int64_t kernel_h;          /**< vertically */
    int64_t kernel_w;          /**< horizontally */
    int64_t stride;            /**< default: the window's size */
    int64_t stride_h;          /**< vertically */
    int64_t stride_w;          /**< horizontally */
    int64_t padding;           /**< of −infinity, at most half the window; default 0 */
    int64_t padding_h;         /**< vertically */
    int64_t padding_w;         /**< horizontally */
    int64_t dilation;          /**< default 1 */
    int64_t dilation_h;        /**< vertically */
    int64_t dilation_w;        /**< horizontally */
    bool ceil_mode;            /**< round the output's size up, as PyTorch does */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_maxpool2d_options;

/** The largest element of each window: x [N,C,H,W] or [C,H,W]. The first of equal ones gets the gradient; NaN wins. */
CNN_API cnn_tensor *cnn_maxpool2d(cnn_tensor *x, const cnn_maxpool2d_options *options);

/**
 * cnn_maxpool2d(cnn_relu(cnn_conv2d(x, weight, bias, conv)), pool) in one. With windows of 2 × 2, stride, dilation and
 * groups of 1, the activations before pooling are never stored and the gradient is computed where windows have their
 * maximum only: several times faster, equal to the three calls to rounding. Everything else runs as the three calls.
 * Sequential modules find such chains by themselves. Messages name the part that is at fault: conv2d or maxpool2d.
 * @since 0.1
 */
CNN_API cnn_tensor *cnn_conv2d_relu_maxpool2d(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias,
                                              const cnn_conv2d_options *conv, const cnn_maxpool2d_options *pool);

/** Options of batch normalisation; zero means the default. */
typedef struct cnn_batch_norm_options {
    size_t struct_size;        /**< sizeof(cnn_batch_norm_options) */
    double momentum;           /**< share of the batch in the running statistics, in [0, 1]; default 0.1 */
    double eps;                /**< added to the variance, at least 0; default 1e-5 */
    cnn_dtype dtype;           /**< layers only: of parameters and statistics; default CNN_F32 */
    bool no_affine;            /**< layers only: no weight and no bias */
    bool no_running;           /**< layers only: no running statistics; evaluation uses the batch's, too */
    bool cumulative;           /**< layers only: the running statistics are the plain mean of all batches' */
    unsigned char reserved[1]; /**< zero: room for later options */
} cnn_batch_norm_options;

/**
 * Batch normalisation (Ioffe & Szegedy, 2015; torch.nn.functional.batch_norm): per channel c of x [N,C] or [N,C,d1,…],
 * (x − mean) / √(var + eps) · weight + bias, where weight and bias [C] may be NULL.
 *
 * In training (cnn_tape_training()), and where there are no running statistics, mean and variance are those of the
 * channel's elements in this batch (the variance biased), two or more of them, and gradients go through them. In
 * training the running statistics then become (1 − momentum) · old + momentum · the batch's (the variance unbiased):
 * they are written in place, seen by everybody at once, and put back if the step fails. In evaluation they are used and
 * not written. Both are NULL, or tensors [C] that are neither results of operations nor ask for a gradient. Sums are
 * made in double. @since 0.2
 */
CNN_API cnn_tensor *cnn_batch_norm(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, cnn_tensor *running_mean,
                                   cnn_tensor *running_var, const cnn_batch_norm_options *options);

/** In training steps: each element is multiplied by 0 with probability p in [0, 1], which hides no NaN, and the
 * others by 1/(1 − p). In evaluation: x. Draws come from the step's random stream. */
CNN_API cnn_tensor *cnn_dropout(cnn_tensor *x, double p);

/** exp(x) / Σ exp(x) along `dim`; computed from x − max(x), so that nothing overflows. */
CNN_API cnn_tensor *cnn_softmax(cnn_tensor *x, int dim);
/** log(softmax(x)) along `dim`, computed stably. */
CNN_API cnn_tensor *cnn_log_softmax(cnn_tensor *x, int dim);

/** What a loss does with the losses of the samples. */
typedef enum cnn_reduction {
    CNN_REDUCE_MEAN = 0, /**< (weighted) mean over the samples that count */
    CNN_REDUCE_SUM = 1,  /**< the sum of the samples' losses */
    CNN_REDUCE_NONE = 2  /**< one loss a sample */
} cnn_reduction;

/** Options of the cross-entropy loss; zero means the default. */
typedef struct cnn_cross_entropy_options {
    size_t struct_size;        /**< sizeof(cnn_cross_entropy_options) */
    cnn_tensor *weight;        /**< [C], the dtype of the logits: a factor for each class; default none */
    int64_t ignore_index;      /**< neither counts nor gets a gradient, whatever the logits; default −100 */
    double label_smoothing;    /**< in [0, 1]; default 0 */
    cnn_reduction reduction;   /**< default CNN_REDUCE_MEAN */
    bool has_ignore_index;     /**< set it to ignore another index than −100 */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_cross_entropy_options;

/**
 * log-softmax and negative log-likelihood in one (torch.nn.functional.cross_entropy).
 *
 * @param logits  [C], [N,C] or [N,C,d1,…], unnormalised.
 * @param target  class indices, i64, i32 or u8, shaped like the logits without C; or class probabilities of the logits'
 *                shape and dtype.
 * @return a scalar, or for CNN_REDUCE_NONE the losses in the shape of the logits without C. An index that is neither in
 *         [0, C) nor ignored is CNN_ERROR_INVALID_ARGUMENT and names its position.
 */
CNN_API cnn_tensor *cnn_cross_entropy_with(cnn_tensor *logits, cnn_tensor *target,
                                           const cnn_cross_entropy_options *options);

/** cnn_cross_entropy_with() the defaults: the mean. */
CNN_API cnn_tensor *cnn_cross_entropy(cnn_tensor *logits, cnn_tensor *target);

/** Options of an embedding; zero means the default. */
typedef struct cnn_embedding_options {
    size_t struct_size;        /**< sizeof(cnn_embedding_options) */
    int64_t padding_idx;       /**< a row that gets no gradient, counted from the end where it is negative */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool has_padding_idx;      /**< set it to use `padding_idx`; default: every row gets its gradient */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_embedding_options;

/**
 * Rows of a table by their indices (torch.nn.functional.embedding): result[i…,d…] = weight[indices[i…],d…]. The
 * gradient of a row is the sum over its uses, added up in double and in their order whatever the number of threads.
 *
 * @param weight   [n,d…], f32 or f64.
 * @param indices  any shape, i64 or i32, each in [0, n): another one is CNN_ERROR_INVALID_ARGUMENT and names its
 * position. @return [indices' shape…,d…]. Of PyTorch's options max_norm, scale_grad_by_freq and sparse are missing.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_embedding(cnn_tensor *weight, cnn_tensor *indices, const cnn_embedding_options *options);

/** Options of an LSTM; zero means the default. */
typedef struct cnn_lstm_options {
    size_t struct_size;        /**< sizeof(cnn_lstm_options) */
    int64_t num_layers;        /**< layers only: how many are stacked, at most 1000; default 1 */
    double dropout;            /**< layers only: in [0, 1], of each layer's output but the last one's; default 0 */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool reverse;              /**< cnn_lstm() only: the last step first */
    bool bidirectional;        /**< layers only: each layer runs in both directions and joins what they give */
    bool batch_first;          /**< layers only: x and y are [N,T,…] instead of [T,N,…]; the states are not */
    bool no_bias;              /**< layers only: no bias parameters */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_lstm_options;

/**
 * One layer of an LSTM in one direction (torch.nn.LSTM). For each step t, with h and c of the step before it:
 *
 *     i, f, g, o = the four parts of weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh
 *     c = sigmoid(f) · c + sigmoid(i) · tanh(g)
 *     h = sigmoid(o) · tanh(c)
 *
 * Of torch.nn.LSTM's options proj_size is missing.
 *
 * @param x          [T,N,I], f32 or f64: T steps, at least one, of N samples.
 * @param h0, c0     [N,H], what comes before the first step; NULL: zeros.
 * @param weight_ih  [4·H,I].
 * @param weight_hh  [4·H,H].
 * @param bias_ih, bias_hh  [4·H], or NULL.
 * @param h_n, c_n   receive h and c of the step that was computed last, [N,H]: tensors of the same tape, nil on
 * failure.
 *                   May be NULL.
 * @return [T,N,H]: h of all steps, in the order of x.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_lstm(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *c0, cnn_tensor *weight_ih,
                             cnn_tensor *weight_hh, cnn_tensor *bias_ih, cnn_tensor *bias_hh,
                             const cnn_lstm_options *options, cnn_tensor **h_n, cnn_tensor **c_n);
/** @} */

CNN_END_DECLS

#endif
