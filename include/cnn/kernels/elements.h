/** @file
 * Parameters of the kernels of back ends that work on elements: copies, elementwise functions, reductions, random numbers.
 * <cnn/backend.h> lists the kernels. */
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

CNN_END_DECLS

#endif
