/** @file
 * The kernels that work on whole operands, for back ends, and their parameters: products, convolutions, windows,
 * normalisations, losses of rows, recurrent networks, attention. <cnn/backend.h> says what a launch is. */
#ifndef CNN_KERNELS_LAYERS_H
#define CNN_KERNELS_LAYERS_H

#include <cnn/kernels/elements.h>

CNN_BEGIN_DECLS

/** C[m,n] = op(A)[m,k] · op(B)[k,n] (+ C) (+ bias[n] to each row). Row-major; ld* are row strides in elements of the
 * matrices as stored, so op(A) = Aᵀ reads A as [k,m]. */
typedef struct cnn_gemm {
    bool trans_a;    /**< op(A) is the transpose of A */
    bool trans_b;    /**< op(B) is the transpose of B */
    bool accumulate; /**< C is added to */
    bool reversed;   /**< read B backwards: its end may still be cached. Never changes the result */
    bool repeated;   /**< more products with the same B follow: it pays to bring it into another order first,
                        in which sums of few rows may be rounded otherwise */
    bool packs;      /**< false in a launch; for the CPU's own kernels: write `packed` first */
    int64_t m;       /**< rows of C */
    int64_t n;       /**< columns of C */
    int64_t k;       /**< terms of each sum */
    int64_t lda;     /**< row stride of A */
    int64_t ldb;     /**< row stride of B */
    int64_t ldc;     /**< row stride of C */
    void *packed;    /**< NULL in a launch; for the CPU's own kernels: B in the order in which they read it */
} cnn_gemm;

/** A batch of products: matrix number i of the result lies at i·m·n, and its factors at the sum of the batch index
 * times the strides, in elements. */
typedef struct cnn_matmul_parameters {
    cnn_gemm product;               /**< each of them */
    int ndim;                       /**< dimensions of the batch */
    int64_t batch[CNN_MAX_DIMS];    /**< their sizes */
    int64_t a_stride[CNN_MAX_DIMS]; /**< the strides of A's matrices; 0 along a broadcast dimension */
    int64_t b_stride[CNN_MAX_DIMS]; /**< the strides of B's matrices; 0 along a broadcast dimension */
} cnn_matmul_parameters;

/** A 2-D convolution (cross-correlation) over contiguous NCHW data; weight is [out_channels, in_channels/groups,
 * kernel_h, kernel_w]. Padding at the bottom and right follows from out_h and out_w. */
typedef struct cnn_conv {
    int64_t batch;        /**< pictures */
    int64_t in_channels;  /**< the channels of x */
    int64_t in_h;         /**< rows of x */
    int64_t in_w;         /**< columns of x */
    int64_t out_channels; /**< the channels of y */
    int64_t out_h;        /**< rows of y */
    int64_t out_w;        /**< columns of y */
    int64_t kernel_h;     /**< rows of a filter */
    int64_t kernel_w;     /**< columns of a filter */
    int64_t stride_h;     /**< rows from one result to the next */
    int64_t stride_w;     /**< columns from one result to the next */
    int64_t dilation_h;   /**< rows of x from one row of the filter to the next */
    int64_t dilation_w;   /**< columns of x from one column of the filter to the next */
    int64_t pad_top;      /**< rows of zeros above x */
    int64_t pad_left;     /**< columns of zeros to the left of x */
    int64_t groups;       /**< the groups of channels, each convolved by itself */
    bool strict; /**< every sum is made term by term: no algorithm whose error bound is larger than a plain sum's */
    /* The epilogue, which is applied before results leave the caches; usually none. */
    bool relu;     /**< forward: y = max(y, 0) */
    bool add;      /**< gradient of the data: add it to dx; only for 1 × 1 convolutions of stride 1 without padding */
    float ceiling; /**< 0 in a launch; for the CPU's own kernels: y = min(max(y, 0), ceiling) where it is above 0 */
    const void *relu_mask; /**< NULL in a launch, whose input 2 is the mask; for the CPU's own kernels */
    const void *bias;      /**< NULL in a launch; for the CPU's own kernel of the gradient of the data */
    void *packed;          /**< NULL in a launch; for the CPU's own kernels: the weight in the form that they read */
    bool packs;            /**< false in a launch; for the CPU's own kernels: write `packed` first */
    const void *finish; /**< NULL in a launch; for the CPU's own kernels: forward's whole epilogue, instead of `relu` */
} cnn_conv;

/** A 3-D convolution over contiguous NCDHW data; weight is [out_channels, in_channels/groups, kernel_d, kernel_h,
 * kernel_w]. Padding behind the last slice follows from out_d. */
typedef struct cnn_conv3d_parameters {
    cnn_conv slice;     /**< everything but the depth; `batch` counts volumes */
    int64_t in_d;       /**< slices of x */
    int64_t out_d;      /**< slices of y */
    int64_t kernel_d;   /**< slices of a filter */
    int64_t stride_d;   /**< slices of x from one result to the next */
    int64_t dilation_d; /**< slices of x from one slice of the filter to the next */
    int64_t pad_front;  /**< slices of zeros before x */
} cnn_conv3d_parameters;

/** Max pooling over `planes` (= batch · channels) contiguous planes of in_h × in_w. Padding counts as -infinity; a NaN
 * in the window wins. */
typedef struct cnn_maxpool {
    int64_t planes;     /**< batch · channels */
    int64_t in_h;       /**< rows of x */
    int64_t in_w;       /**< columns of x */
    int64_t out_h;      /**< rows of y */
    int64_t out_w;      /**< columns of y */
    int64_t kernel_h;   /**< rows of a window */
    int64_t kernel_w;   /**< columns of a window */
    int64_t stride_h;   /**< rows from one window to the next */
    int64_t stride_w;   /**< columns from one window to the next */
    int64_t dilation_h; /**< rows of x from one row of a window to the next */
    int64_t dilation_w; /**< columns of x from one column of a window to the next */
    int64_t pad_top;    /**< rows of padding above x */
    int64_t pad_left;   /**< columns of padding to the left of x */
} cnn_maxpool;

/** Average pooling over `planes` contiguous planes of in_h × in_w. A window's sum is divided by `divisor` or, where
 * that is 0, by the number of its elements within the image, or within the image and its padding. */
typedef struct cnn_avg_pool_parameters {
    int64_t planes;       /**< batch times channels */
    int64_t in_h;         /**< rows of x */
    int64_t in_w;         /**< columns of x */
    int64_t out_h;        /**< rows of y */
    int64_t out_w;        /**< columns of y */
    int64_t kernel_h;     /**< rows of a window */
    int64_t kernel_w;     /**< columns of a window */
    int64_t stride_h;     /**< rows of x from one window to the next */
    int64_t stride_w;     /**< columns of x from one window to the next */
    int64_t pad_top;      /**< rows of padding above x, and as many below it */
    int64_t pad_left;     /**< columns of padding to the left of x, and as many to the right */
    int64_t divisor;      /**< 0: the number of elements */
    bool exclude_padding; /**< count the elements within the image alone */
} cnn_avg_pool_parameters;

/** Batch normalisation of a contiguous [batch, channels, inner]. Statistics are double [2, channels]. */
typedef struct cnn_batch_norm_parameters {
    int64_t batch;         /**< samples */
    int64_t channels;      /**< each with statistics of its own */
    int64_t inner;         /**< product of the sizes after the channels */
    bool batch_statistics; /**< whether mean and variance depend on x, for the gradients */
    double momentum;       /**< how far CNN_KERNEL_BATCH_NORM_MOVE moves the running ones */
    double eps;            /**< added to the variance */
    /** For CNN_KERNEL_BATCH_NORM_MOVE: how many means and variances of each channel there are, [2, instances,
     * channels], of which the running ones move towards the mean. */
    int64_t instances;
    bool relu;   /**< false in a launch; for the CPU's own kernels: y = max(y, 0), whose bias BACKWARD has as input 4 */
    bool joined; /**< false in a launch; for the CPU's own kernels: FORWARD makes the statistics, too, as output 1 */
    float ceiling; /**< 0 in a launch; for the CPU's own kernels: with relu, y = min(y, ceiling) where it is above 0 */
} cnn_batch_norm_parameters;

/** Normalisation of each group of channels of a contiguous [batch, groups, channels, inner]: (x − mean) / √(variance +
 * eps) · weight + bias with the mean and the biased variance of a sample's group. Weight and bias are [groups,
 * channels]. Statistics are double [3, batch · groups]: means, variances and 1 / √(variance + eps). */
typedef struct cnn_group_norm_parameters {
    int64_t batch;    /**< samples */
    int64_t groups;   /**< the groups of a sample's channels, each with statistics of its own */
    int64_t channels; /**< the channels of a group */
    int64_t inner;    /**< product of the sizes after the channels */
    double eps;       /**< added to the variance */
    bool uncentred;   /**< the mean counts as 0, so that the variance is the mean square */
} cnn_group_norm_parameters;

/** Local response normalisation of a contiguous [batch, channels, inner]: y = x / d^beta, d = k + alpha / size · Σ x²
 * over the channels c − size / 2 … c + (size − 1) / 2 that there are. */
typedef struct cnn_local_response_norm_parameters {
    int64_t batch;    /**< samples */
    int64_t channels; /**< the channels of a sample */
    int64_t inner;    /**< product of the sizes after the channels */
    int64_t size;     /**< channels of a window */
    double alpha;     /**< factor of the mean square */
    double beta;      /**< exponent */
    double k;         /**< added to the mean square */
} cnn_local_response_norm_parameters;

/** A loss of [batch, classes, inner]; samples are (n, d). */
typedef struct cnn_cross_entropy_parameters {
    int64_t batch;          /**< samples, each of `inner` positions */
    int64_t classes;        /**< logits of a position */
    int64_t inner;          /**< product of the sizes after the classes */
    cnn_dtype target_dtype; /**< int64, int32, uint8: indices; else probabilities, like the logits */
    int64_t ignore_index;   /**< a target that takes no part */
    double smoothing;       /**< label smoothing, 0 to 1 */
    int reduction;          /**< a cnn_reduction */
    int function;           /**< a cnn_class_loss; all but CNN_LOSS_CROSS_ENTROPY have no statistics */
    int power;              /**< the exponent of CNN_LOSS_MULTI_MARGIN: 1 or 2 */
    double margin;          /**< the margin of CNN_LOSS_MULTI_MARGIN */
} cnn_cross_entropy_parameters;

/** Kinds of recurrent networks. Their gates are in the order of PyTorch's weights. */
typedef enum cnn_rnn_cell {
    CNN_RNN_LSTM, /**< i, f, o = sigmoid(…), g = tanh(…): c = f · c + i · g, h = o · tanh(c); gates i, f, g, o */
    CNN_RNN_GRU,  /**< r, z = sigmoid(…), n = tanh(… + r · (W·h + b)): h = n + z · (h − n); gates r, z, n */
    CNN_RNN_TANH, /**< h = tanh(…); one gate */
    CNN_RNN_RELU  /**< h = max(…, 0); one gate */
} cnn_rnn_cell;

/** One time step of a recurrent network behind its matrix products, whose gates are [rows, gates·hidden]. A sequence
 * takes part if its length is above `time`; the states of the others stay, and their results and gradients of gates are
 * 0. */
typedef struct cnn_rnn_parameters {
    int cell;       /**< a cnn_rnn_cell */
    int64_t rows;   /**< sequences */
    int64_t hidden; /**< elements of a state */
    int64_t time;   /**< the number of this step, which the lengths are compared with */
    int64_t gap;    /**< 0 in a launch for a device; for the CPU's own kernels: elements, which they set to 0 in dgates,
                         between two rows of gates and of what is like them */
} cnn_rnn_parameters;

/** What an element o of an axis of a result is made of. */
typedef enum cnn_resample {
    CNN_RESAMPLE_NEAREST,       /**< element floor(o · scale) */
    CNN_RESAMPLE_NEAREST_EXACT, /**< element floor((o + 1/2) · scale) */
    CNN_RESAMPLE_LINEAR, /**< the two elements around s = max(0, (o + 1/2) · scale − 1/2) or, if align_corners,
                                  s = o · scale; if in = out, element o */
    CNN_RESAMPLE_CUBIC, /**< the four elements around s = (o + 1/2) · scale − 1/2 or, if align_corners, s = o · scale,
                                  with the weights of Keys's kernel for a = −0.75 */
    CNN_RESAMPLE_MEAN,    /**< the mean of the elements from floor(o · in / out) to ceil((o + 1) · in / out) − 1 */
    CNN_RESAMPLE_REFLECT, /**< element o − before, mirrored at the first and the last one */
    CNN_RESAMPLE_REPLICATE, /**< element o − before */
    CNN_RESAMPLE_CIRCULAR   /**< element o − before, taken modulo `in` */
} cnn_resample;

/** One axis. An element that lies outside gives way to the nearest one inside. */
typedef struct cnn_resample_axis {
    int function;   /**< a cnn_resample */
    int64_t in;     /**< elements of x */
    int64_t out;    /**< elements of the result */
    int64_t before; /**< how many elements a padding adds before x; negative: cuts off */
    /** The scale of the first four rules; with it, s is computed in the dtype that the kernel computes in */
    double scale;
    bool align_corners; /**< as in cnn_interpolate(), for CNN_RESAMPLE_LINEAR and CNN_RESAMPLE_CUBIC */
} cnn_resample_axis;

/** Parameters for a contiguous [planes, axis[0].in, axis[1].in, axis[2].in], along each axis by a rule of its own. */
typedef struct cnn_resample_parameters {
    int64_t planes;            /**< product of the sizes before the axes */
    cnn_resample_axis axis[3]; /**< an axis that does nothing is CNN_RESAMPLE_REPLICATE with in = out */
} cnn_resample_parameters;

/** Scaled dot-product attention. For each index of the batch, with its matrices q [queries,width], k [keys,width] and v
 * [keys,value_width], whose rows are contiguous:
 *
 *     weights = softmax(scale · q · kᵀ + mask) along the keys, after which elements are dropped
 *     y = weights · v
 *
 * What the mask leaves out, and with `causal` every key behind the query of its number, is −∞ in the sum; a row of
 * nothing else has weights of 0. Results are contiguous, and so are gradients. */
typedef struct cnn_attention_parameters {
    int ndim;                        /**< dimensions of the batch */
    int64_t batch[CNN_MAX_DIMS];     /**< their sizes */
    int64_t stride[4][CNN_MAX_DIMS]; /**< the strides of q, k, v and the mask along the batch, in elements */
    int64_t row[3];                  /**< from one row of q, k, v to the next */
    int64_t mask_row;                /**< from one query of the mask to the next, 0 where it is broadcast */
    int64_t mask_column;             /**< the same from one key to the next */
    int64_t queries;                 /**< rows of q and y */
    int64_t keys;                    /**< rows of k and v */
    int64_t width;                   /**< columns of q and k */
    int64_t value_width;             /**< columns of v and y */
    bool mask_is_bool;               /**< true keeps an element; else the mask has the launch's dtype and is added */
    bool causal;                     /**< query i sees keys 0 … i */
    double scale;                    /**< what the products are multiplied by */
    cnn_draw_parameters drop;        /**< p = 0: nothing is dropped. Elements are numbered in all weights together */
} cnn_attention_parameters;

/** The connectionist temporal classification loss of logarithms of probabilities [steps, batch, classes]. Sequence n
 * has steps 0 … input_length[n] − 1 and target_length[n] labels, which begin at element n · width of the targets or, of
 * concatenated ones, behind those of sequence n − 1. Its alpha is a matrix [steps, 2 · target_length[n] + 1], which
 * begins at element steps · (2 · first + n), `first` being the element that its labels begin at.
 *
 * CNN_KERNEL_CTC_FORWARD fails at what is out of its bounds. Its position counts through the input lengths, the target
 * lengths and the targets; one behind them stands for the sum of the target lengths, which is not that of the
 * concatenated targets. */
typedef struct cnn_ctc_parameters {
    int64_t steps;          /**< at most, of a sequence */
    int64_t batch;          /**< sequences */
    int64_t classes;        /**< the blank among them */
    int64_t targets;        /**< labels in all, with padding */
    int64_t width;          /**< labels of a sequence, at most */
    int64_t blank;          /**< the class that is no label */
    cnn_dtype target_dtype; /**< int64, int32 or uint8 */
    int reduction;          /**< a cnn_reduction; the mean divides each loss by its target length first, or by 1 */
    bool concatenated;      /**< the targets are not padded */
    bool zero_infinity;     /**< an infinite loss is 0, and so is its gradient */
} cnn_ctc_parameters;

/** The kernels of layers; CNN_KERNELS in <cnn/backend.h> says how to read this list. */
/* clang-format off */
#define CNN_LAYER_KERNELS(X) \
    X(GEMM, gemm) /**< cnn_gemm: a, b, (bias) → c */ \
    X(MATMUL, matmul) /**< cnn_matmul_parameters: a, b → c */ \
    X(CONV_FORWARD, conv_forward) /**< cnn_conv: x, weight, (bias) → y */ \
    X(CONV_BACKWARD_DATA, conv_backward_data) /**< cnn_conv: dy, weight, (mask like x), (bias of in_channels) → dx, 0 \
         where the mask is ≤ 0, plus the bias: a transposed convolution has one, but no mask */ \
    X(CONV_BACKWARD_WEIGHT, conv_backward_weight) /**< cnn_conv: x, dy → dweight, (dbias) */ \
    X(CONV_RELU_POOL_FORWARD, conv_relu_pool_forward) /**< cnn_conv: x, weight, (bias) → y, (index, uint8: which \
         of the four positions of a window won, 255 where ReLU cut it off) */ \
    X(CONV_RELU_POOL_BACKWARD_DATA, conv_relu_pool_backward_data) /**< cnn_conv: dy, index, weight → dx */ \
    X(CONV_RELU_POOL_BACKWARD_WEIGHT, conv_relu_pool_backward_weight) /**< cnn_conv: x, dy, index → dweight, \
         (dbias) */ \
    X(MAXPOOL_FORWARD, maxpool_forward) /**< cnn_maxpool: x → y, (index, int32: in_w · row + column of the \
         winner) */ \
    X(MAXPOOL_BACKWARD, maxpool_backward) /**< cnn_maxpool: dy, index → dx */ \
    X(BATCH_NORM_STATISTICS, batch_norm_statistics) /**< cnn_batch_norm_parameters: x → mean and biased variance \
         (double) */ \
    X(BATCH_NORM_MOVE, batch_norm_move) /**< cnn_batch_norm_parameters: mean and variance (double) → running mean \
         and running variance, moved towards them by `momentum`; the variance is the unbiased one */ \
    X(BATCH_NORM_SCALE, batch_norm_scale) /**< cnn_batch_norm_parameters: (mean), (variance) → mean and 1 / \
         √(variance + eps) (double), from those given, else from what the output holds */ \
    X(BATCH_NORM_FORWARD, batch_norm_forward) /**< cnn_batch_norm_parameters: x, (weight), (bias), mean and scale \
         (double) → y */ \
    X(BATCH_NORM_BACKWARD, batch_norm_backward) /**< cnn_batch_norm_parameters: x, (weight), mean and scale, dy → \
         (dx), (dweight), (dbias) */ \
    X(BATCH_NORM_FOLD, batch_norm_fold) /**< cnn_batch_norm_parameters: (bias), (weight), (shift), mean, variance \
         → scale = weight / √(variance + eps), (bias − mean) · scale + shift */ \
    X(CROSS_ENTROPY, cross_entropy) /**< cnn_cross_entropy_parameters: logits, target, (weight) → loss (of each \
         sample or one), (statistics [2, samples]) (largest logit, log-sum; \
         float32 for bfloat16), totals (double [2]: sum, divisor) */ \
    X(CROSS_ENTROPY_BACKWARD, cross_entropy_backward) /**< cnn_cross_entropy_parameters: logits, target, \
         (weight), (statistics), totals, dy → (dlogits), (dtarget) */ \
    X(RNN_FORWARD, rnn_forward) /**< cnn_rnn_parameters: (bias of the recurrent product), (c before; of a GRU that \
         product), (h before), (lengths, int64) → gates (in place: the other products, then activated), c (of a GRU \
         n's part of the recurrent product, with its bias), h, (y: h or 0) */ \
    X(RNN_BACKWARD, rnn_backward) /**< cnn_rnn_parameters: (dy), gates, c as above, (c before; of a GRU h before), \
         (lengths) → dgates, dh (in place: before, but for what goes through the recurrent product), dc (in \
         place; of a GRU the gradient of the recurrent product) */ \
    X(AVG_POOL_FORWARD, avg_pool_forward) /**< cnn_avg_pool_parameters: x → y */ \
    X(AVG_POOL_BACKWARD, avg_pool_backward) /**< cnn_avg_pool_parameters: dy → dx */ \
    X(GROUP_NORM_FORWARD, group_norm_forward) /**< cnn_group_norm_parameters: x, (weight), (bias) → y, statistics \
         (double) */ \
    X(GROUP_NORM_BACKWARD, group_norm_backward) /**< cnn_group_norm_parameters: x, (weight), statistics, dy → \
         (dx), (dweight), (dbias) */ \
    X(LOCAL_RESPONSE_NORM, local_response_norm) /**< cnn_local_response_norm_parameters: x → y */ \
    X(LOCAL_RESPONSE_NORM_BACKWARD, local_response_norm_backward) /**< cnn_local_response_norm_parameters: x, dy → \
         dx */ \
    X(CONV3D_FORWARD, conv3d_forward) /**< cnn_conv3d_parameters: x, weight, (bias) → y */ \
    X(CONV3D_BACKWARD_DATA, conv3d_backward_data) /**< cnn_conv3d_parameters: dy, weight, (bias of in_channels) → dx, \
         plus the bias */ \
    X(CONV3D_BACKWARD_WEIGHT, conv3d_backward_weight) /**< cnn_conv3d_parameters: x, dy → dweight */ \
    X(RESAMPLE, resample) /**< cnn_resample_parameters: x → y, summed in double */ \
    X(RESAMPLE_BACKWARD, resample_backward) /**< cnn_resample_parameters: dy → dx */ \
    X(ADAPTIVE_MAXPOOL, adaptive_maxpool) /**< cnn_maxpool, whose windows are CNN_RESAMPLE_MEAN's: x → y, index \
         (int32: in_w · row + column of the winner) */ \
    X(UNFOLD, unfold) /**< cnn_maxpool: x → y [planes, kernel_h, kernel_w, out_h, out_w], what each element of the \
         windows sees; padding is 0 */ \
    X(FOLD, fold) /**< cnn_maxpool: y → x, the sum of all that sees an element */ \
    X(ATTENTION_FORWARD, attention_forward) /**< cnn_attention_parameters: q, k, v, (mask) → y, (weights) */ \
    X(ATTENTION_BACKWARD, attention_backward) /**< cnn_attention_parameters: q, k, v, (mask), (dy), (dweights) → \
         (dq), (dk), (dv), (dmask, like the weights) */ \
    X(CTC_FORWARD, ctc_forward) /**< cnn_ctc_parameters: x, targets, input lengths, target lengths (both int64) → \
         loss (of each sequence or one), (alpha (double)) */ \
    X(CTC_BACKWARD, ctc_backward) /**< cnn_ctc_parameters: x, targets, input lengths, target lengths, alpha, dy → \
         dx, what the slope of a log-softmax leaves of the loss's: exp x minus the probability of the class at the \
         step, times dy */
/* clang-format on */

CNN_END_DECLS

#endif
