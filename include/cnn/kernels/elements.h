/** @file
 * The kernels that work on elements, for back ends, and their parameters: copies, elementwise functions, reductions,
 * random numbers, indices, sorting, losses of elements. <cnn/backend.h> says what a launch is. */
#ifndef CNN_KERNELS_ELEMENTS_H
#define CNN_KERNELS_ELEMENTS_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** A loop nest over up to CNN_MAX_DIMS dimensions with strides, in elements, for each operand: operand 0 is the first
 * result, then come the inputs in their order. A broadcast dimension has stride 0, which results never have. The input
 * of CNN_KERNEL_COPY may be read backwards, by negative strides from the address that is given. */
typedef struct cnn_nest {
    int ndim;                        /**< dimensions */
    int64_t shape[CNN_MAX_DIMS];     /**< how often each loop runs */
    int64_t stride[4][CNN_MAX_DIMS]; /**< the strides of each operand */
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
    CNN_UNARY_CLAMP,      /**< x limited to value[0] ≤ x ≤ value[1] */
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
    CNN_UNARY_ROUND, /**< the nearest integer, halves to the even one */
    CNN_UNARY_TRUNC,
    CNN_UNARY_TANH_SLOPE,    /**< 1 − x², the slope of tanh where its result is x */
    CNN_UNARY_SIGMOID_SLOPE, /**< (1 − x) · x, the slope of sigmoid where its result is x */
    CNN_UNARY_TANHSHRINK,    /**< x − tanh(x) */
    CNN_UNARY_TANHSHRINK_SLOPE,
    CNN_UNARY_SOFTSHRINK,   /**< x − value[0] where x > value[0], x + value[0] where x < −value[0], else 0 */
    CNN_UNARY_SHRINK_SLOPE, /**< 0 where |x| ≤ value[0], else 1 */
    CNN_UNARY_HARDSHRINK,   /**< 0 where |x| ≤ value[0], else x */
    CNN_UNARY_ERFC,         /**< 1 − erf(x), to its last places also where erf(x) is close to 1 */
    CNN_UNARY_NAN_TO_NUM,   /**< value[0] for a NaN, else x limited to −value[1] ≤ x ≤ value[1] */
    CNN_UNARY_FINITE_SLOPE, /**< 1 where x is finite, else 0 */
    CNN_UNARY_COUNT         /**< how many there are */
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
    CNN_BINARY_LEFT_SHIFT,  /**< integers shifted by b bits; 0 where b is negative or no less than there are bits */
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
    CNN_REDUCE_OF_PRODUCT, /**< elements are reals or int64; integers wrap */
    CNN_REDUCE_OF_COUNT    /**< how many there are */
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
    CNN_LOSS_CROSS_ENTROPY, /**< cross entropy of the softmax */
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

/** Parameters of CNN_KERNEL_FILL. */
typedef struct cnn_fill_parameters {
    double value; /**< the number that every element gets, converted as cnn_tensor_fill() says */
} cnn_fill_parameters;

/** Parameters of CNN_KERNEL_COPY. */
typedef struct cnn_copy_parameters {
    cnn_nest nest;  /**< operands: result, input */
    cnn_dtype from; /**< the dtype of the input; the launch's dtype is that of the result */
} cnn_copy_parameters;

/** Parameters of every kernel that goes over elements one by one. */
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
    int64_t columns; /**< the columns of each row */
} cnn_matrix;

/** Numbers that are drawn: element i is a pure function of the key and of i. */
typedef struct cnn_draw_parameters {
    cnn_distribution distribution; /**< the distribution that CNN_KERNEL_DRAW draws from */
    double p;                      /**< its parameter; of CNN_KERNEL_DROPOUT the probability of a zero */
    uint64_t key[2];               /**< the key of the Philox generator: element i is in block i / 4 of this key */
} cnn_draw_parameters;

/** Parameters of CNN_KERNEL_DROP_BLOCKS: element i is dropped with number i / inner. */
typedef struct cnn_drop_blocks_parameters {
    double p;        /**< the probability of dropping */
    uint64_t key[2]; /**< the key of the Philox generator, as in cnn_draw_parameters */
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

/** Parameters of CNN_KERNEL_SCAN: y[i] is what x[0] to x[i] are together, along a dimension. */
typedef struct cnn_scan_parameters {
    cnn_along along; /**< sizes */
    bool product;    /**< products, else sums */
    bool reverse;    /**< from the end: x[i] to x[n − 1] */
} cnn_scan_parameters;

/** Parameters of CNN_KERNEL_SORT. Equal elements keep their order; NaN is the largest number, and 0 equals −0. */
typedef struct cnn_sort_parameters {
    cnn_along along; /**< sizes of x */
    int64_t k;       /**< how many elements along the dimension are wanted, the first ones in the order */
    bool descending; /**< the largest first */
} cnn_sort_parameters;

/** Parameters of CNN_KERNEL_TRIANGLE: matrices of which one side of a diagonal is kept and the rest is 0. */
typedef struct cnn_triangle_parameters {
    int64_t matrices; /**< how many */
    int64_t rows;     /**< the rows of each matrix */
    int64_t columns;  /**< the columns of each matrix */
    int64_t diagonal; /**< column minus row of the diagonal, which is kept */
    bool upper;       /**< keep what is above it, else what is below */
} cnn_triangle_parameters;

/** A loss that is a function of each element. */
typedef struct cnn_element_loss_parameters {
    int function;    /**< a cnn_element_loss */
    int reduction;   /**< a cnn_reduction */
    double divisor;  /**< what the sum is divided by, where there is a sum; NaN where sum and divisor are 0 */
    double value[2]; /**< numbers that the function takes besides */
    cnn_nest nest;   /**< operands: x, t, c, weight. Results, their gradients and slopes have its shape, row-major */
} cnn_element_loss_parameters;

/** The kernels of elements; CNN_KERNELS in <cnn/backend.h> says how to read this list. */
/* clang-format off */
#define CNN_ELEMENT_KERNELS(X) \
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
    X(INDEX_CHECK, index_check) /**< cnn_lookup_parameters: index → nothing; fails at the first index outside 0 … \
         n − 1 that is not `skip`, with its position and value */ \
    X(LOOKUP, lookup) /**< cnn_lookup_parameters: x, index → y[i] = x[index[i]], a row each */ \
    X(LOOKUP_BACKWARD, lookup_backward) /**< cnn_lookup_parameters: dy, index → dx: row r is the sum over i with \
         index[i] = r */ \
    X(ELEMENT_LOSS, element_loss) /**< cnn_element_loss_parameters: x, t, (c), (weight) → loss · weight (of each \
         element, or their sum / divisor) */ \
    X(ELEMENT_LOSS_BACKWARD, element_loss_backward) /**< cnn_element_loss_parameters: x, t, (c), (weight), dy → \
         (dx), (dt), (dc), each the slope · weight · dy / divisor */ \
    X(DROP_BLOCKS, drop_blocks) /**< cnn_drop_blocks_parameters, n: x → y = x · scale + kept, or x · 0 + dropped */ \
    X(GATHER, gather) /**< cnn_index_parameters: x, index → y = x at the index */ \
    X(SCATTER, scatter) /**< cnn_index_parameters: x, index → y, whose element at the index becomes that of x; the \
         last of several wins */ \
    X(SCATTER_ADD, scatter_add) /**< cnn_index_parameters: x, index → y, to whose element at the index that of x is \
         added; integers wrap */ \
    X(SCAN, scan) /**< cnn_scan_parameters: x [before,n,after] → y, which may be x; f32, f64, bf16 and int64 */ \
    X(CUMPROD_BACKWARD, cumprod_backward) /**< cnn_along: x, dy → dx of products that SCAN makes */ \
    X(SORT, sort) /**< cnn_sort_parameters: x [before,n,after] → (y [before,k,after]), index (int64) of each */ \
    X(TRIANGLE, triangle) /**< cnn_triangle_parameters: x → y */ \
    X(SLOPE, slope) /**< cnn_elementwise_parameters of a cnn_unary: x, dy → dx = dy · function(x) */ \
    X(PROD_BACKWARD, prod_backward) /**< cnn_along whose `after` is 1: x [before,n], dy [before] → dx[b,i] = dy[b] · \
         the product of the other elements of row b of x */
/* clang-format on */

CNN_END_DECLS

#endif
