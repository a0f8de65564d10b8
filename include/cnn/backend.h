/** @file
 * What a back end is: the interface between the library and a device whose memory the host cannot see, such as a GPU.
 *
 * A program that only uses devices needs <cnn/device.h>. A back end fills in one struct, cnn_backend, and hands it
 * over: as a shared object found at run time, which exports cnn_backend_query(), or by cnn_backend_add() where it is
 * linked into the program.
 *
 * Every computation of the library is a launch: a kernel's number, its dtype, its parameters (numbers alone), the
 * addresses of what it reads and writes, and workspace. The library hands launches over in the order in which they are
 * to take effect, and a device may carry them out whenever it likes, as long as each sees what those before it wrote.
 * Addresses are the device's own; the library adds byte offsets to them and never follows them. A launch may have
 * nothing to do: a count of 0, or a size of 0 in a nest.
 *
 * Failure. After the first launch or copy that fails, a device carries out nothing until cnn_backend::wait has
 * reported that failure. So a kernel that fails late, when the optimizer's launches stand behind it in the queue
 * already, moves no weight.
 *
 * Threads. The functions of one queue are called by one thread at a time; those of two queues may be called at once. */
#ifndef CNN_BACKEND_H
#define CNN_BACKEND_H

#include <cnn/device.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** The version of this interface. A back end of another version is refused. */
#define CNN_BACKEND_VERSION 1

/* ---- parameters of kernels ---- */

/** A loop nest over up to CNN_MAX_DIMS dimensions with strides, in elements, for each operand: operand 0 is the first
 * result, then come the inputs in their order. A broadcast dimension has stride 0, which results never have. The input
 * of CNN_KERNEL_COPY may be read backwards, by negative strides from the address that is given. */
typedef struct cnn_nest {
    int ndim;                        /**< dimensions */
    int64_t shape[CNN_MAX_DIMS];     /**< how often each loop runs */
    int64_t stride[4][CNN_MAX_DIMS]; /**< of each operand */
} cnn_nest;

/** Functions of one element. */
typedef enum cnn_unary {
    CNN_UNARY_NEG,
    CNN_UNARY_EXP,
    CNN_UNARY_LOG,
    CNN_UNARY_SQRT,
    CNN_UNARY_ABS,
    CNN_UNARY_TANH,
    CNN_UNARY_SIGMOID,
    CNN_UNARY_GELU,       /**< x · Φ(x); value[0] = 1: by PyTorch's approximation with tanh */
    CNN_UNARY_GELU_SLOPE, /**< its derivative, with the same value */
    CNN_UNARY_CLAMP,      /**< to value[0] ≤ x ≤ value[1] */
    CNN_UNARY_POW,        /**< x to the power of value[0] */
    CNN_UNARY_ADD,        /**< x + value[0]; int64 stays at the largest number */
    CNN_UNARY_MUL,        /**< x · value[0] */
    CNN_UNARY_DIV,        /**< x / value[0] */
    CNN_UNARY_SIGN,       /**< −1, 0, 1 */
    /* Activations. The formulas are those of the operations of the same names; a slope is a derivative at x and takes
     * the same values. */
    CNN_UNARY_LEAKY_RELU, /**< x > 0: x, else value[0] · x */
    CNN_UNARY_LEAKY_RELU_SLOPE,
    CNN_UNARY_ELU, /**< x > 0: x, else value[0] · (exp(value[1] · x) − 1) */
    CNN_UNARY_ELU_SLOPE,
    CNN_UNARY_SELU,
    CNN_UNARY_SELU_SLOPE,
    CNN_UNARY_SILU,
    CNN_UNARY_SILU_SLOPE,
    CNN_UNARY_MISH,
    CNN_UNARY_MISH_SLOPE,
    CNN_UNARY_SOFTPLUS, /**< value[0] is beta, value[1] the threshold */
    CNN_UNARY_SOFTPLUS_SLOPE,
    CNN_UNARY_LOGSIGMOID,
    CNN_UNARY_LOGSIGMOID_SLOPE,
    CNN_UNARY_SOFTSIGN,
    CNN_UNARY_SOFTSIGN_SLOPE,
    CNN_UNARY_HARDTANH_SLOPE, /**< 0 where x ≤ value[0] or x ≥ value[1], else 1 */
    CNN_UNARY_HARDSIGMOID,
    CNN_UNARY_HARDSIGMOID_SLOPE,
    CNN_UNARY_HARDSWISH,
    CNN_UNARY_HARDSWISH_SLOPE,
    CNN_UNARY_ERF,
    CNN_UNARY_ERF_SLOPE, /**< 2/√π · exp(−x²) */
    CNN_UNARY_SIN,
    CNN_UNARY_COS,
    CNN_UNARY_TAN,
    CNN_UNARY_ASIN,
    CNN_UNARY_ACOS,
    CNN_UNARY_ATAN,
    CNN_UNARY_LOG2,
    CNN_UNARY_LOG10,
    CNN_UNARY_LOG1P, /**< log(1 + x) */
    CNN_UNARY_EXP2,
    CNN_UNARY_EXPM1, /**< exp(x) − 1 */
    CNN_UNARY_FLOOR,
    CNN_UNARY_CEIL,
    CNN_UNARY_ROUND, /**< to the nearest integer, halves to the even one */
    CNN_UNARY_TRUNC,
    CNN_UNARY_COUNT /**< how many there are */
} cnn_unary;

/** Functions of two elements. */
typedef enum cnn_binary {
    CNN_BINARY_ADD,
    CNN_BINARY_SUB,
    CNN_BINARY_MUL,
    CNN_BINARY_DIV,
    CNN_BINARY_POW,
    CNN_BINARY_MINIMUM, /**< a NaN wins */
    CNN_BINARY_MAXIMUM, /**< a NaN wins */
    CNN_BINARY_PRELU,   /**< a > 0: a, else a · b */
    CNN_BINARY_BIT_AND, /**< bits of integers and bool */
    CNN_BINARY_BIT_OR,
    CNN_BINARY_BIT_XOR,
    CNN_BINARY_LEFT_SHIFT,  /**< of integers by b bits; 0 where b is negative or no less than there are bits */
    CNN_BINARY_RIGHT_SHIFT, /**< the same; the sign in every bit where b is out of range */
    CNN_BINARY_COUNT        /**< how many there are */
} cnn_binary;

/** Comparisons of two elements, and logic on them, where every number but 0 is true. Those of one element are given it
 * twice. */
typedef enum cnn_compare {
    CNN_COMPARE_EQ,
    CNN_COMPARE_NE,
    CNN_COMPARE_LT,
    CNN_COMPARE_LE,
    CNN_COMPARE_GT,
    CNN_COMPARE_GE,
    CNN_COMPARE_AND,
    CNN_COMPARE_OR,
    CNN_COMPARE_XOR,
    CNN_COMPARE_NOT,      /**< a is 0 */
    CNN_COMPARE_ISNAN,    /**< a is a NaN */
    CNN_COMPARE_ISINF,    /**< a is an infinity */
    CNN_COMPARE_ISFINITE, /**< a is neither */
    CNN_COMPARE_COUNT     /**< how many there are */
} cnn_compare;

/** What many elements become. */
typedef enum cnn_reduce {
    CNN_REDUCE_OF_SUM,
    CNN_REDUCE_OF_MAX,
    CNN_REDUCE_OF_MIN,
    CNN_REDUCE_OF_COUNT /**< how many there are */
} cnn_reduce;

/** Losses of one element: functions of a prediction x, a target t and, where the formula has it, a third operand c.
 * v0 and v1 are the numbers that a function takes besides. */
typedef enum cnn_element_loss {
    CNN_LOSS_SQUARED,   /**< (x − t)² */
    CNN_LOSS_ABSOLUTE,  /**< |x − t| */
    CNN_LOSS_SMOOTH_L1, /**< d = |x − t|: d² / (2·v0) where d < v0, else d − v0/2 */
    CNN_LOSS_HUBER,     /**< d = |x − t|: d²/2 where d < v0, else v0 · (d − v0/2) */
    CNN_LOSS_BINARY, /**< −t · max(log x, −100) − (1 − t) · max(log(1 − x), −100); the slope of x divides by at
                              least 1e-12f, that of t has no bound */
    CNN_LOSS_LOGISTIC,         /**< −c · t · log σ(x) − (1 − t) · log(1 − σ(x)); without c, c = 1 */
    CNN_LOSS_KL,               /**< t · (log t − x), 0 where t = 0; the slope of t is NaN there */
    CNN_LOSS_KL_OF_LOGS,       /**< exp(t) · (t − x) */
    CNN_LOSS_SOFT_MARGIN,      /**< log(1 + exp(−t·x)) */
    CNN_LOSS_HINGE_EMBEDDING,  /**< x where t ≠ −1, plus max(0, v0 − x) where t ≠ 1 */
    CNN_LOSS_COSINE_EMBEDDING, /**< 1 − x where t = 1, max(0, x − v0) where t = −1, else 0 */
    CNN_LOSS_RANKING,          /**< max(0, v0 − c · (x − t)); without c, c = 1 */
    CNN_LOSS_POISSON, /**< x − t · log(x + v0); v1 ≠ 0: plus S(t) = t·log t − t + log(2π·t)/2 where t > 1 */
    CNN_LOSS_POISSON_OF_LOGS, /**< exp(x) − t·x; v1 ≠ 0: plus S(t) */
    CNN_LOSS_GAUSSIAN,        /**< v = max(c, v0): (log v + (x − t)²/v) / 2 + v1; the slope of c is that of v */
    CNN_LOSS_COUNT            /**< how many there are */
} cnn_element_loss;

/** Losses of logits or scores of classes. */
typedef enum cnn_class_loss {
    CNN_LOSS_CROSS_ENTROPY, /**< of the softmax */
    CNN_LOSS_NLL,           /**< −weight[t] · x[t] */
    CNN_LOSS_MULTI_MARGIN /**< weight[t] · Σ max(0, margin − x[t] + x[c])^power over c ≠ t, divided by the classes */
} cnn_class_loss;

/** Distributions of random numbers. */
typedef enum cnn_distribution {
    CNN_DRAW_UNIFORM,   /**< in [0, 1) */
    CNN_DRAW_NORMAL,    /**< standard normal */
    CNN_DRAW_BERNOULLI, /**< 1 with probability p, else 0 */
    CNN_DRAW_SYMMETRIC  /**< in [−p, p): p · (2·u − 1) in double, u uniform in [0, 1) */
} cnn_distribution;

/** Of CNN_KERNEL_FILL. */
typedef struct cnn_fill_parameters {
    double value; /**< of every element, converted as cnn_tensor_fill() says */
} cnn_fill_parameters;

/** Of CNN_KERNEL_COPY. */
typedef struct cnn_copy_parameters {
    cnn_nest nest;  /**< operands: result, input */
    cnn_dtype from; /**< of the input; the launch's dtype is that of the result */
} cnn_copy_parameters;

/** Of every kernel that goes over elements one by one. */
typedef struct cnn_elementwise_parameters {
    int function;    /**< a cnn_unary, cnn_binary or cnn_compare */
    cnn_nest nest;   /**< operands: result, inputs */
    double value[2]; /**< numbers that the function takes besides */
} cnn_elementwise_parameters;

/** For each index of `outer` (operands: result, input) the input is reduced over `inner` (operand 1) from there. */
typedef struct cnn_reduce_parameters {
    int function;   /**< a cnn_reduce; of CNN_KERNEL_ARGMAX: 1 for the smallest, 0 for the largest */
    cnn_nest outer; /**< over the results */
    cnn_nest inner; /**< over what each is made of */
} cnn_reduce_parameters;

/** The sizes of an array before, along and after one dimension. */
typedef struct cnn_along {
    int64_t before; /**< product of the sizes before it */
    int64_t n;      /**< its size */
    int64_t after;  /**< product of the sizes after it */
} cnn_along;

/** A contiguous matrix. */
typedef struct cnn_matrix {
    int64_t rows;    /**< how many */
    int64_t columns; /**< of each row */
} cnn_matrix;

/** Numbers that are drawn: element i is a pure function of the key and of i. */
typedef struct cnn_draw_parameters {
    cnn_distribution distribution; /**< of CNN_KERNEL_DRAW */
    double p;                      /**< its parameter; of CNN_KERNEL_DROPOUT the probability of a zero */
    uint64_t key[2];               /**< of the Philox generator: element i is in block i / 4 of this key */
} cnn_draw_parameters;

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

/** One Adam or AdamW step over n elements, PyTorch's formula (docs of torch.optim.Adam):
 *   g = maximize ? -grad : grad;  decoupled ? p *= 1 - lr·wd : g += wd·p
 *   m += (g - m)·(1 - beta1), from beta1 = 0.5 down as g - (g - m)·beta1, which keeps a g far smaller than m, as
 * torch.lerp does;
 *   v = beta2·v + (1 - beta2)·g²
 *   denom = sqrt(amsgrad ? vmax = max(vmax, v) : v) / sqrt(bias2) + eps;  p -= lr / bias1 · m / denom */
typedef struct cnn_adam_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< of the mean of gradients */
    double beta2;        /**< of the mean of their squares */
    double eps;          /**< added to the denominator */
    double weight_decay; /**< "wd" in the formula */
    double bias1;        /**< 1 - beta1^t */
    double bias2;        /**< 1 - beta2^t */
    bool decoupled;      /**< AdamW: weight decay is no part of the gradient */
    bool maximize;       /**< climb instead of descending */
} cnn_adam_parameters;

/** One SGD step, PyTorch's formula: g += wd·p; first ? buf = g : buf = momentum·buf + (1 - dampening)·g;
 * g = nesterov ? g + momentum·buf : buf; p -= lr·g. buf is NULL when momentum is 0. */
typedef struct cnn_sgd_parameters {
    double lr;           /**< learning rate */
    double momentum;     /**< 0: without a buffer */
    double dampening;    /**< of the gradient that goes into the buffer */
    double weight_decay; /**< "wd" in the formula */
    bool nesterov;       /**< Nesterov's momentum */
    bool maximize;       /**< climb instead of descending */
    bool first;          /**< the parameter's first step: the buffer holds nothing yet */
} cnn_sgd_parameters;

/** One RMSprop step over n elements, PyTorch's formula: g = (maximize ? -grad : grad) + wd·p;
 * square = alpha·square + (1 - alpha)·g²; centered: mean = alpha·mean + (1 - alpha)·g, variance = square - mean²;
 * g /= sqrt(centered ? variance : square) + eps; with a buffer: g = buf = momentum·buf + g; p -= lr·g. */
typedef struct cnn_rmsprop_parameters {
    double lr;           /**< learning rate */
    double alpha;        /**< decay of the square and the mean */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    double momentum;     /**< of the buffer */
    bool maximize;       /**< ascend */
} cnn_rmsprop_parameters;

/** One Adagrad step, PyTorch's formula: g = (maximize ? -grad : grad) + wd·p; sum += g²; p -= lr·g / (√sum + eps). */
typedef struct cnn_adagrad_parameters {
    double lr;           /**< learning rate of this step, decayed already */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    bool maximize;       /**< ascend */
} cnn_adagrad_parameters;

/** One Adadelta step, PyTorch's formula: g as for Adagrad; square = rho·square + (1 - rho)·g²;
 * d = √(delta + eps) / √(square + eps) · g; delta = rho·delta + (1 - rho)·d²; p -= lr·d. */
typedef struct cnn_adadelta_parameters {
    double lr;           /**< learning rate */
    double rho;          /**< decay of both averages */
    double eps;          /**< below both roots */
    double weight_decay; /**< wd */
    bool maximize;       /**< ascend */
} cnn_adadelta_parameters;

/** One NAdam step, PyTorch's formula: g, m and v as in Adam's; product *= mu;
 * p -= lr·((1 - mu) / (1 - product)·g + mu_next / (1 - product·mu_next)·m) / (√(v / bias2) + eps). The product of all
 * mu so far is a double behind the moments. */
typedef struct cnn_nadam_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< decay of m */
    double beta2;        /**< decay of v */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    double mu;           /**< of this step */
    double mu_next;      /**< of the one after it */
    double bias2;        /**< 1 - beta2^t */
    bool decoupled;      /**< weight decay is no part of the gradient */
    bool maximize;       /**< ascend */
} cnn_nadam_parameters;

/** One RAdam step, PyTorch's formula: g, m and v as in Adam's; p -= lr·m / bias1, where `rectification` is not 0 times
 * rectification·√bias2 / (√v + eps). */
typedef struct cnn_radam_parameters {
    double lr;            /**< learning rate */
    double beta1;         /**< decay of m */
    double beta2;         /**< decay of v */
    double eps;           /**< added to the root */
    double weight_decay;  /**< wd */
    double bias1;         /**< 1 - beta1^t */
    double bias2;         /**< 1 - beta2^t */
    double rectification; /**< 0: v is not used yet */
    bool decoupled;       /**< weight decay is no part of the gradient */
    bool maximize;        /**< ascend */
} cnn_radam_parameters;

/** One Adamax step, PyTorch's formula: g and m as in Adam's; norm = max(beta2·norm, |g| + eps), in which a NaN wins;
 * p -= lr / bias1·m / norm. */
typedef struct cnn_adamax_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< decay of m */
    double beta2;        /**< decay of the norm */
    double eps;          /**< added to the gradient's size */
    double weight_decay; /**< wd */
    double bias1;        /**< 1 - beta1^t */
    bool maximize;       /**< ascend */
} cnn_adamax_parameters;

/** One Lion step: g = maximize ? -grad : grad; p = (1 - lr·wd)·p - lr·sign(beta1·m + (1 - beta1)·g);
 * m = beta2·m + (1 - beta2)·g. */
typedef struct cnn_lion_parameters {
    double lr;           /**< learning rate */
    double beta1;        /**< of the average whose sign is taken */
    double beta2;        /**< decay of the average that is kept */
    double weight_decay; /**< wd */
    bool maximize;       /**< ascend */
} cnn_lion_parameters;

/** LAMB's direction: g = maximize ? -grad : grad; m = beta1·m + (1 - beta1)·g; v = beta2·v + (1 - beta2)·g²;
 * u = m / bias1 / (√(v / bias2) + eps) + wd·p. The parameter stays; CNN_KERNEL_LARS makes the step. */
typedef struct cnn_lamb_parameters {
    double beta1;        /**< decay of m */
    double beta2;        /**< decay of v */
    double eps;          /**< added to the root */
    double weight_decay; /**< wd */
    double bias1;        /**< 1 - beta1^t */
    double bias2;        /**< 1 - beta2^t */
    bool maximize;       /**< ascend */
} cnn_lamb_parameters;

/** One LARS step. The totals are Σp² and Σgrad²; trust = trust_coefficient·√Σp² / (√Σgrad² + wd·√Σp²), or 1 where
 * one of the totals is 0; step = lr·trust·((maximize ? -grad : grad) + wd·p); with a buffer:
 * step = buf = momentum·buf + step; p -= step. */
typedef struct cnn_lars_parameters {
    double lr;                /**< learning rate */
    double momentum;          /**< of the buffer */
    double weight_decay;      /**< wd */
    double trust_coefficient; /**< the paper's η */
    bool maximize;            /**< ascend */
} cnn_lars_parameters;

/** The beginning of a Muon step: buf = momentum·buf + (1 - momentum)·grad;
 * update = nesterov ? momentum·buf + (1 - momentum)·grad : buf. */
typedef struct cnn_muon_parameters {
    double momentum; /**< of the buffer */
    bool nesterov;   /**< Nesterov's momentum */
} cnn_muon_parameters;

/** y = alpha·x / norm + beta·y; where beta is 0, y is not read. The norm is √total, at least eps; without a total 1. */
typedef struct cnn_combine_parameters {
    double alpha; /**< of x */
    double beta;  /**< of y */
    double eps;   /**< at most 1 where there is no total */
} cnn_combine_parameters;

/** Of CNN_KERNEL_NORM: the total is a double that several launches add to. */
typedef struct cnn_norm_parameters {
    double p;   /**< total += Σ |x|^p; infinity: total = max(total, |x|), in which a NaN wins */
    bool first; /**< the total is 0 before this launch */
} cnn_norm_parameters;

/** Of CNN_KERNEL_CLIP: x is multiplied by max_norm / (total^(1/p) + eps), or the total alone where p is infinite,
 * unless that is at least 1. Where it is NaN, x becomes NaN. */
typedef struct cnn_clip_parameters {
    double p;        /**< of the norm */
    double max_norm; /**< the largest one */
    double eps;      /**< added to the norm */
} cnn_clip_parameters;

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

/* ---- kernels ---- */

/** The kernels, as X(NAME, name): a number CNN_KERNEL_NAME and how messages call it. The comments say what parameters a
 * kernel has, what it reads (in[0], in[1], …) and what it writes (out[0], …). "n" is the launch's count of elements. An
 * input in brackets may be NULL, and so may such an output. Numbers stay what they are; new ones come at the end. */
/* clang-format off */
#define CNN_KERNELS(X) \
    X(FILL, fill) /**< cnn_fill_parameters, n: → y */ \
    X(COPY, copy) /**< cnn_copy_parameters: x → y, converted as cnn_cast() says */ \
    X(UNARY, unary) /**< cnn_elementwise_parameters: x → y */ \
    X(BINARY, binary) /**< cnn_elementwise_parameters: a, b → y */ \
    X(COMPARE, compare) /**< cnn_elementwise_parameters: a, b → y (bool) */ \
    X(WHERE, where) /**< cnn_elementwise_parameters: condition (bool), a, b → y */ \
    X(REDUCE, reduce) /**< cnn_reduce_parameters: x → y, int64 for the sum of integers and bool */ \
    X(ARGMAX, argmax) /**< cnn_reduce_parameters: x → y (int64), the position within `inner` of the first \
         extremum; a NaN wins */ \
    X(PICK, pick) /**< cnn_along: x [before,n,after], index (int64) → y[b,a] = x[b,index[b,a],a] */ \
    X(PLACE, place) /**< cnn_along: y, index (int64) → x[b,index[b,a],a] = y[b,a]; the rest of x stays */ \
    X(SOFTMAX, softmax) /**< cnn_matrix: x → softmax of each row */ \
    X(LOG_SOFTMAX, log_softmax) /**< cnn_matrix: x → log of that */ \
    X(DRAW, draw) /**< cnn_draw_parameters, n: → y */ \
    X(DROPOUT, dropout) /**< cnn_draw_parameters, n: x → y = x · keep / (1 − p) */ \
    X(RELU, relu) /**< n: x → y */ \
    X(RELU_BACKWARD, relu_backward) /**< n: y, dy → dx = dy where y > 0, else 0 */ \
    X(SUM_ROWS, sum_rows) /**< cnn_matrix: x → y[columns], the sums over the rows */ \
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
    X(INDEX_CHECK, index_check) /**< cnn_lookup_parameters: index → nothing; fails at the first index outside 0 … \
         n − 1 that is not `skip`, with its position and value */ \
    X(LOOKUP, lookup) /**< cnn_lookup_parameters: x, index → y[i] = x[index[i]], a row each */ \
    X(LOOKUP_BACKWARD, lookup_backward) /**< cnn_lookup_parameters: dy, index → dx: row r is the sum over i with \
         index[i] = r */ \
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
    X(ADAM, adam) /**< cnn_adam_parameters, n: gradient → parameter, m, v, (vmax) */ \
    X(SGD, sgd) /**< cnn_sgd_parameters, n: gradient → parameter, (momentum buffer) */ \
    X(RMSPROP, rmsprop) /**< cnn_rmsprop_parameters, n: gradient → parameter, square, (momentum buffer), (mean) */ \
    X(AVG_POOL_FORWARD, avg_pool_forward) /**< cnn_avg_pool_parameters: x → y */ \
    X(AVG_POOL_BACKWARD, avg_pool_backward) /**< cnn_avg_pool_parameters: dy → dx */ \
    X(ELEMENT_LOSS, element_loss) /**< cnn_element_loss_parameters: x, t, (c), (weight) → loss · weight (of each \
         element, or their sum / divisor) */ \
    X(ELEMENT_LOSS_BACKWARD, element_loss_backward) /**< cnn_element_loss_parameters: x, t, (c), (weight), dy → \
         (dx), (dt), (dc), each the slope · weight · dy / divisor */ \
    X(NORM, norm) /**< cnn_norm_parameters, n: x → total (double, in place) */ \
    X(CLIP, clip) /**< cnn_clip_parameters, n: total (double) → x (in place) */ \
    X(GROUP_NORM_FORWARD, group_norm_forward) /**< cnn_group_norm_parameters: x, (weight), (bias) → y, statistics \
         (double) */ \
    X(GROUP_NORM_BACKWARD, group_norm_backward) /**< cnn_group_norm_parameters: x, (weight), statistics, dy → \
         (dx), (dweight), (dbias) */ \
    X(LOCAL_RESPONSE_NORM, local_response_norm) /**< cnn_local_response_norm_parameters: x → y */ \
    X(LOCAL_RESPONSE_NORM_BACKWARD, local_response_norm_backward) /**< cnn_local_response_norm_parameters: x, dy → \
         dx */ \
    X(DROP_BLOCKS, drop_blocks) /**< cnn_drop_blocks_parameters, n: x → y = x · scale + kept, or x · 0 + dropped */ \
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
    X(GATHER, gather) /**< cnn_index_parameters: x, index → y = x at the index */ \
    X(SCATTER, scatter) /**< cnn_index_parameters: x, index → y, whose element at the index becomes that of x; the \
         last of several wins */ \
    X(SCATTER_ADD, scatter_add) /**< cnn_index_parameters: x, index → y, to whose element at the index that of x is \
         added; integers wrap */ \
    X(SCAN, scan) /**< cnn_scan_parameters: x [before,n,after] → y, which may be x; f32, f64, bf16 and int64 */ \
    X(CUMPROD_BACKWARD, cumprod_backward) /**< cnn_along: x, dy → dx of products that SCAN makes */ \
    X(SORT, sort) /**< cnn_sort_parameters: x [before,n,after] → (y [before,k,after]), index (int64) of each */ \
    X(TRIANGLE, triangle) /**< cnn_triangle_parameters: x → y */ \
    X(ADAGRAD, adagrad) /**< cnn_adagrad_parameters, n: gradient → parameter, sum */ \
    X(ADADELTA, adadelta) /**< cnn_adadelta_parameters, n: gradient → parameter, square, delta */ \
    X(NADAM, nadam) /**< cnn_nadam_parameters, n: gradient → parameter, m, v, product (double) */ \
    X(RADAM, radam) /**< cnn_radam_parameters, n: gradient → parameter, m, v */ \
    X(ADAMAX, adamax) /**< cnn_adamax_parameters, n: gradient → parameter, m, norm */ \
    X(LION, lion) /**< cnn_lion_parameters, n: gradient → parameter, m */ \
    X(LAMB, lamb) /**< cnn_lamb_parameters, n: gradient → parameter (stays), m, v, direction */ \
    X(LARS, lars) /**< cnn_lars_parameters, n: gradient, totals (double [2]) → parameter, (momentum buffer) */ \
    X(MUON, muon) /**< cnn_muon_parameters, n: gradient → update, momentum buffer */ \
    X(COMBINE, combine) /**< cnn_combine_parameters, n: x, (total (double)) → y (in place) */ \
    X(ATTENTION_FORWARD, attention_forward) /**< cnn_attention_parameters: q, k, v, (mask) → y, (weights) */ \
    X(ATTENTION_BACKWARD, attention_backward) /**< cnn_attention_parameters: q, k, v, (mask), (dy), (dweights) → \
         (dq), (dk), (dv), (dmask, like the weights) */
/* clang-format on */

#ifndef DOXYGEN /* docs/keywords.awk makes it of the list, with the comments */
#define CNN__KERNEL_NUMBER(NAME, name) CNN_KERNEL_##NAME,
typedef enum cnn_kernel {
    CNN_KERNELS(CNN__KERNEL_NUMBER) CNN_KERNEL_COUNT /* how many there are in this version */
} cnn_kernel;
#endif

/** One computation. Everything that it points to but the operands is the host's and ends with the call. */
typedef struct cnn_launch {
    size_t struct_size;     /**< sizeof(cnn_launch) */
    cnn_kernel kernel;      /**< which */
    cnn_dtype dtype;        /**< of the operands as they are stored; for bfloat16 a kernel computes and sums in float32
                                 and rounds what it writes, once */
    int64_t count;          /**< elements, for kernels that are told so */
    const void *parameters; /**< the kernel's struct; NULL: it has none */
    size_t parameters_size; /**< of that struct */
    const void *in[6];      /**< addresses of the inputs on the device */
    void *out[4];           /**< and of the results */
    void *workspace;        /**< at least what cnn_backend::workspace asked for, on the device, aligned to 64 bytes */
    uint64_t number;        /**< rises by one with each launch and copy of the queue */
} cnn_launch;

/** What went wrong on a device. */
typedef struct cnn_backend_failure {
    size_t struct_size; /**< sizeof(cnn_backend_failure) */
    uint64_t number;    /**< of the launch or copy that failed: everything behind it was not carried out */
    cnn_status status;  /**< what the library's call will return */
    int kernel;         /**< a cnn_kernel; −1: a copy or the device itself */
    int64_t position;   /**< of a bad index */
    int64_t value;      /**< that index */
    char message[256];  /**< what the device says, one line */
} cnn_backend_failure;

/* ---- back ends ---- */

/** A kind of device. Constant; every pointer is set unless said otherwise. Functions that return bool return false on
 * failure. They return normally and do not call the library, except cnn_cpu_launch(). */
typedef struct cnn_backend {
    size_t struct_size;   /**< sizeof(cnn_backend) */
    uint32_t api_version; /**< CNN_BACKEND_VERSION */
    const char *name;     /**< "cuda": its devices are "cuda:0", "cuda:1", … Lower-case letters and digits */
    /** How many devices there are now; 0: none. */
    int (*count)(void);
    /** Describes one. */
    bool (*properties)(int index, cnn_device_properties *properties);
    /** Begins a queue on a device, for one context. NULL: no; `message` says why, in one line. */
    void *(*open)(int index, char *message, size_t message_size);
    /** Waits for all that was handed over and ends the queue. All memory is freed by then. */
    void (*close)(void *queue);
    /** Memory on the device, aligned to 64 bytes; never 0 bytes. NULL: none. */
    void *(*allocate)(void *queue, size_t bytes);
    /** Frees it behind all that was handed over before. */
    void (*deallocate)(void *queue, void *address, size_t bytes);
    /** Is there a kernel for this dtype? */
    bool (*supports)(void *queue, cnn_kernel kernel, cnn_dtype dtype);
    /** The bytes of workspace that the launch needs; operands are not set yet. */
    size_t (*workspace)(void *queue, const cnn_launch *launch);
    /** Hands a launch over. */
    bool (*launch)(void *queue, const cnn_launch *launch);
    /** Copies from the host, whose memory may change once this returns. */
    bool (*write)(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
    /** Copies within the device; the two do not overlap. */
    bool (*copy)(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
    /** Copies to the host behind all that was handed over before, and waits for that. False: it could not, and what is
     * wrong is for `wait` to report. */
    bool (*read)(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
    /** Waits until everything up to `number` is done. False: something handed over since the last report has failed;
     * what, is written to `failure`, what was handed over behind it is dropped, and the queue is as new. */
    bool (*wait)(void *queue, uint64_t number, cnn_backend_failure *failure);
} cnn_backend;

/** What the library offers to a back end, which so needs none of its symbols. Valid until the process ends. */
typedef struct cnn_backend_host {
    size_t struct_size;                                                         /**< sizeof(cnn_backend_host) */
    bool (*cpu_launch)(const cnn_launch *launch, cnn_backend_failure *failure); /**< cnn_cpu_launch() */
    size_t (*cpu_workspace)(const cnn_launch *launch);                          /**< cnn_cpu_workspace() */
} cnn_backend_host;

/** What a shared object exports under the name cnn_backend_query: its back end for that version of the interface, or
 * NULL. */
typedef const cnn_backend *(*cnn_backend_query_fn)(uint32_t api_version, const cnn_backend_host *host);

/**
 * Makes a back end known to this process, whose devices can be named from then on. `backend` stays in place until the
 * process ends. Thread-safe.
 *
 * @return CNN_OK, also where this very back end is known already; CNN_ERROR_INVALID_ARGUMENT for a NULL, a wrong
 *         version or size, or a name that is taken or not of letters and digits.
 * @since 0.2
 */
CNN_API cnn_status cnn_backend_add(const cnn_backend *backend);

/**
 * Loads a back end from a shared object and adds it: `path` is a file as dlopen() takes it. Thread-safe.
 *
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT; CNN_ERROR_DEVICE where the object cannot be loaded, does not export
 *         cnn_backend_query(), or has no back end for this version; CNN_ERROR_UNSUPPORTED on systems without shared
 *         objects.
 * @since 0.2
 */
CNN_API cnn_status cnn_backend_load(const char *path);

/**
 * Carries a launch out at once, in the calling thread, on memory of the host: with the kernels that a context on the
 * CPU would use, so with the same bits. For back ends that hand some kernels back, and for tests of a device. Uses no
 * context and allocates nothing. Thread-safe.
 *
 * @param failure  with struct_size set, filled in on failure; may be NULL.
 * @return false where the kernel fails (a bad index) or is unknown, or a struct_size is less than this version's.
 * @since 0.2
 */
CNN_API bool cnn_cpu_launch(const cnn_launch *launch, cnn_backend_failure *failure);

/** The workspace that cnn_cpu_launch() needs, in bytes. Thread-safe. @since 0.2 */
CNN_API size_t cnn_cpu_workspace(const cnn_launch *launch);

CNN_END_DECLS

#endif
