/** @file
 * Parameters of the kernels of back ends that work on whole operands: products, convolutions, windows, normalisations,
 * indices, losses, recurrent networks, attention. <cnn/backend.h> lists the kernels. */
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
    int64_t m;       /**< rows of C */
    int64_t n;       /**< columns of C */
    int64_t k;       /**< terms of each sum */
    int64_t lda;     /**< row stride of A */
    int64_t ldb;     /**< row stride of B */
    int64_t ldc;     /**< row stride of C */
} cnn_gemm;

/** A batch of products: matrix number i of the result lies at i·m·n, and its factors at the sum of the batch index
 * times the strides, in elements. */
typedef struct cnn_matmul_parameters {
    cnn_gemm product;               /**< each of them */
    int ndim;                       /**< dimensions of the batch */
    int64_t batch[CNN_MAX_DIMS];    /**< their sizes */
    int64_t a_stride[CNN_MAX_DIMS]; /**< of A's matrices; 0 along a broadcast dimension */
    int64_t b_stride[CNN_MAX_DIMS]; /**< of B's matrices; 0 along a broadcast dimension */
} cnn_matmul_parameters;

/** A 2-D convolution (cross-correlation) over contiguous NCHW data; weight is [out_channels, in_channels/groups,
 * kernel_h, kernel_w]. Padding at the bottom and right follows from out_h and out_w. */
typedef struct cnn_conv {
    int64_t batch;        /**< pictures */
    int64_t in_channels;  /**< of x */
    int64_t in_h;         /**< rows of x */
    int64_t in_w;         /**< columns of x */
    int64_t out_channels; /**< of y */
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
    int64_t groups;       /**< of channels, each convolved by itself */
    bool strict; /**< every sum is made term by term: no algorithm whose error bound is larger than a plain sum's */
    /* The epilogue, which is applied before results leave the caches; usually none. */
    bool relu; /**< forward: y = max(y, 0) */
    bool add;  /**< gradient of the data: add it to dx; only for 1 × 1 convolutions of stride 1 without padding */
    const void *relu_mask; /**< NULL in a launch, whose input 2 is the mask; for the CPU's own kernels */
    const void *bias;      /**< NULL in a launch; for the CPU's own kernel of the gradient of the data */
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
    bool batch_statistics; /**< of the gradients: mean and variance depend on x */
    double momentum;       /**< of CNN_KERNEL_BATCH_NORM_MOVE */
    double eps;            /**< added to the variance */
    int64_t instances;     /**< of CNN_KERNEL_BATCH_NORM_MOVE: how many means and variances of each channel there are,
                                [2, instances, channels], of which the running ones move towards the mean */
} cnn_batch_norm_parameters;

/** Normalisation of each group of channels of a contiguous [batch, groups, channels, inner]: (x − mean) / √(variance +
 * eps) · weight + bias with the mean and the biased variance of a sample's group. Weight and bias are [groups,
 * channels]. Statistics are double [3, batch · groups]: means, variances and 1 / √(variance + eps). */
typedef struct cnn_group_norm_parameters {
    int64_t batch;    /**< samples */
    int64_t groups;   /**< of a sample's channels, each with statistics of its own */
    int64_t channels; /**< of a group */
    int64_t inner;    /**< product of the sizes after the channels */
    double eps;       /**< added to the variance */
    bool uncentred;   /**< the mean counts as 0, so that the variance is the mean square */
} cnn_group_norm_parameters;

/** Local response normalisation of a contiguous [batch, channels, inner]: y = x / d^beta, d = k + alpha / size · Σ x²
 * over the channels c − size / 2 … c + (size − 1) / 2 that there are. */
typedef struct cnn_local_response_norm_parameters {
    int64_t batch;    /**< samples */
    int64_t channels; /**< of a sample */
    int64_t inner;    /**< product of the sizes after the channels */
    int64_t size;     /**< channels of a window */
    double alpha;     /**< factor of the mean square */
    double beta;      /**< exponent */
    double k;         /**< added to the mean square */
} cnn_local_response_norm_parameters;

/** Of CNN_KERNEL_DROP_BLOCKS: element i is dropped with number i / inner. */
typedef struct cnn_drop_blocks_parameters {
    double p;        /**< the probability of dropping */
    uint64_t key[2]; /**< of the Philox generator, as in cnn_draw_parameters */
    int64_t inner;   /**< consecutive elements that stay or go together */
    double scale;    /**< factor of what stays; of what is dropped it is 0 */
    double kept;     /**< added to what stays */
    double dropped;  /**< added to what is dropped */
} cnn_drop_blocks_parameters;

/** Rows of a contiguous table [n, width] that are named by `count` indices. */
typedef struct cnn_lookup_parameters {
    cnn_dtype index_dtype; /**< int64, int32 or uint8 */
    int64_t n;             /**< rows of the table */
    int64_t width;         /**< elements of a row */
    int64_t count;         /**< indices */
    bool skips;            /**< whether there is a number to skip */
    int64_t skip;          /**< the row without a gradient; of CNN_KERNEL_INDEX_CHECK the index that is let pass */
} cnn_lookup_parameters;

/** Elements that indices name along one dimension of a tensor, `n` of them, `step` elements apart. Every index is
 * within 0 … n − 1, which CNN_KERNEL_INDEX_CHECK has seen to. In the nest, the tensor's stride along that dimension is
 * 0. */
typedef struct cnn_index_parameters {
    cnn_dtype index_dtype; /**< int64 or int32 */
    int64_t n;             /**< size of the dimension */
    int64_t step;          /**< from one element along it to the next */
    cnn_nest nest; /**< operands: y, x, index. Of the scattering kernels the last loop follows the index along the
                        dimension, and its order counts where indices repeat */
} cnn_index_parameters;

/** Of CNN_KERNEL_SCAN: y[i] is what x[0] to x[i] are together, along a dimension. */
typedef struct cnn_scan_parameters {
    cnn_along along; /**< sizes */
    bool product;    /**< products, else sums */
    bool reverse;    /**< from the end: x[i] to x[n − 1] */
} cnn_scan_parameters;

/** Of CNN_KERNEL_SORT. Equal elements keep their order; NaN is the largest number, and 0 equals −0. */
typedef struct cnn_sort_parameters {
    cnn_along along; /**< sizes of x */
    int64_t k;       /**< how many elements along the dimension are wanted, the first ones in the order */
    bool descending; /**< the largest first */
} cnn_sort_parameters;

/** Of CNN_KERNEL_TRIANGLE: matrices of which one side of a diagonal is kept and the rest is 0. */
typedef struct cnn_triangle_parameters {
    int64_t matrices; /**< how many */
    int64_t rows;     /**< of each */
    int64_t columns;  /**< of each */
    int64_t diagonal; /**< column minus row of the diagonal, which is kept */
    bool upper;       /**< keep what is above it, else what is below */
} cnn_triangle_parameters;

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
    int power;              /**< of CNN_LOSS_MULTI_MARGIN: 1 or 2 */
    double margin;          /**< of CNN_LOSS_MULTI_MARGIN */
} cnn_cross_entropy_parameters;

/** A loss that is a function of each element. */
typedef struct cnn_element_loss_parameters {
    int function;    /**< a cnn_element_loss */
    int reduction;   /**< a cnn_reduction */
    double divisor;  /**< of the sum, where there is one; NaN where sum and divisor are 0 */
    double value[2]; /**< numbers that the function takes besides */
    cnn_nest nest;   /**< operands: x, t, c, weight. Results, their gradients and slopes have its shape, row-major */
} cnn_element_loss_parameters;

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
    int64_t time;   /**< of this step among the lengths */
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
    int function;       /**< a cnn_resample */
    int64_t in;         /**< elements of x */
    int64_t out;        /**< elements of the result */
    int64_t before;     /**< how many elements a padding adds before x; negative: cuts off */
    double scale;       /**< of the first four; with it, s is computed in the dtype that the kernel computes in */
    bool align_corners; /**< of CNN_RESAMPLE_LINEAR and CNN_RESAMPLE_CUBIC */
} cnn_resample_axis;

/** Of a contiguous [planes, axis[0].in, axis[1].in, axis[2].in], along each axis by a rule of its own. */
typedef struct cnn_resample_parameters {
    int64_t planes;            /**< product of the sizes before the axes */
    cnn_resample_axis axis[3]; /**< that do nothing: CNN_RESAMPLE_REPLICATE with in = out */
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
    int64_t stride[4][CNN_MAX_DIMS]; /**< of q, k, v and the mask along the batch, in elements */
    int64_t row[3];                  /**< from one row of q, k, v to the next */
    int64_t mask_row;                /**< from one query of the mask to the next, 0 where it is broadcast */
    int64_t mask_column;             /**< the same from one key to the next */
    int64_t queries;                 /**< rows of q and y */
    int64_t keys;                    /**< rows of k and v */
    int64_t width;                   /**< columns of q and k */
    int64_t value_width;             /**< columns of v and y */
    bool mask_is_bool;               /**< true keeps an element; else the mask has the launch's dtype and is added */
    bool causal;                     /**< query i sees keys 0 … i */
    double scale;                    /**< of the products */
    cnn_draw_parameters drop;        /**< p = 0: nothing is dropped. Elements are numbered in all weights together */
} cnn_attention_parameters;

CNN_END_DECLS

#endif
