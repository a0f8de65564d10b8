/** @file
 * Traces: what a module computes, as a list of operations with shapes and without elements.
 *
 * A trace runs the forward of a module, also one of the user's own, on inputs of which only dtypes and shapes are
 * known: no operation computes, and no memory for elements is taken. Exporters (libcnn-onnx is one), summaries,
 * counts of operations and planners read the list.
 *
 * Each tensor of the list is a *value* with a number. The values 0 to the number of inputs − 1 are the inputs, of which
 * one that was left out has rank 0; those after them are parameters, buffers, constants and results, in the order in
 * which the operations meet them. Layers that a Sequential would run as one operation are listed one by one.
 *
 * A trace belongs to the caller. What is borrowed from it lasts until cnn_trace_free(); the module must outlive it, and
 * so must the names of operations that cnn_custom() was given. A trace may be read by several threads at once. */
#ifndef CNN_TRACE_H
#define CNN_TRACE_H

#include <cnn/module.h>
#include <cnn/tape.h>

CNN_BEGIN_DECLS

/** The operations that a forward of a module is made of. */
typedef struct cnn_trace cnn_trace;

/** An input of the module. */
typedef struct cnn_trace_input {
    const int64_t *shape;      /**< `ndim` sizes; NULL where that is 0 */
    int ndim;                  /**< the rank */
    cnn_dtype dtype;           /**< the type of an element; zero is CNN_F32 */
    bool left_out;             /**< the module gets NULL for this input; the rest is not looked at */
    unsigned char reserved[7]; /**< zero */
} cnn_trace_input;

/** Options of cnn_trace_create(); zero means the default. */
typedef struct cnn_trace_options {
    size_t struct_size;        /**< sizeof(cnn_trace_options) */
    int output_count;          /**< how many results the module is asked for; default 1 */
    bool training;             /**< layers behave as in training */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_trace_options;

/** What a value is. */
typedef enum cnn_value_kind {
    CNN_VALUE_RESULT = 0,    /**< the result of an operation of the list */
    CNN_VALUE_INPUT = 1,     /**< an input of the module */
    CNN_VALUE_PARAMETER = 2, /**< a parameter of the module */
    CNN_VALUE_BUFFER = 3,    /**< a buffer of the module */
    CNN_VALUE_CONSTANT = 4   /**< another tensor that the forward has used */
} cnn_value_kind;

/** A value. The library makes these; later versions may add members at the end. */
typedef struct cnn_trace_value {
    cnn_value_kind kind;  /**< what it is */
    cnn_dtype dtype;      /**< the type of an element */
    int ndim;             /**< the rank */
    int node;             /**< the number of the operation whose result it is; −1: it is none */
    const int64_t *shape; /**< `ndim` sizes */
    const char *name;     /**< a parameter's or buffer's name in the state_dict, such as "l1.0.weight"; else "" */
    cnn_tensor *tensor;   /**< a parameter, buffer or constant itself, borrowed; else NULL */
} cnn_trace_value;

/** The type of an attribute. */
typedef enum cnn_attribute_type {
    CNN_ATTRIBUTE_INT = 0,  /**< integers, in `ints`; also a value of an enumeration */
    CNN_ATTRIBUTE_REAL = 1, /**< numbers, in `reals` */
    CNN_ATTRIBUTE_BOOL = 2, /**< 0 or 1, in `ints` */
    CNN_ATTRIBUTE_TEXT = 3  /**< a text, such as "float32" of a dtype, whose number is in `ints` */
} cnn_attribute_type;

/** An attribute of an operation, such as the stride of a convolution. */
typedef struct cnn_trace_attribute {
    const char *name;          /**< such as "stride" */
    const int64_t *ints;       /**< `count` integers; NULL where the type is CNN_ATTRIBUTE_REAL */
    const double *reals;       /**< `count` numbers; NULL for other types */
    const char *text;          /**< the text; NULL for other types */
    cnn_attribute_type type;   /**< says which member holds the value */
    int count;                 /**< how many; 1 where it is no list */
    bool list;                 /**< a list, of any number of elements */
    unsigned char reserved[7]; /**< room for later members */
} cnn_trace_attribute;

/** An operation. The library makes these; later versions may add members at the end. */
typedef struct cnn_trace_node {
    const char *op; /**< its name, as messages say it, such as "conv2d" */
    /** The path of the module whose forward it is in, such as "l1.0"; "" in the forward of the traced one, and of a
     * module that is no part of it */
    const char *path;
    cnn_module *module; /**< the module of that path, borrowed; NULL: none, or no part of the traced one */
    const int *inputs;  /**< numbers of `input_count` values; −1: the operand was left out */
    const int *outputs; /**< numbers of `output_count` values; −1: the result was not made */
    const cnn_trace_attribute *attributes; /**< `attribute_count` of them */
    int input_count;                       /**< how many operands */
    int output_count;                      /**< how many results */
    int attribute_count;                   /**< how many attributes */
    int reserved;                          /**< zero */
    double flops; /**< floating-point operations of its forward, of which docs/profiling.md has the formulas; 0 of one
                       that only moves elements or makes a view, and of a custom operation, which nobody knows */
    /** The bytes of the operands that its kernels read or write, each once; 0 of a view, which moves none */
    double bytes;
} cnn_trace_node;

/**
 * Traces a module. Its forward runs once, on this thread, in a step of its own: no other tape is touched, no random
 * numbers are drawn, no buffer is written. A forward that reads elements of a result fails; it may read shapes.
 *
 * @param inputs   what the module gets, as by cnn_forward_many(); copied. May be NULL where `count` is 0.
 * @param count    how many; 0 or more.
 * @param options  NULL for the defaults.
 * @return a trace owned by the caller; NULL on failure: a NULL, a negative count, an option out of its range
 *         (CNN_ERROR_INVALID_ARGUMENT), a bad shape or dtype, no memory, or the error of the forward, whose message
 *         begins with the module's path. Thread-safe while nobody changes the module.
 * @since 0.2
 */
CNN_API cnn_trace *cnn_trace_create(cnn_module *module, const cnn_trace_input *inputs, int count,
                                    const cnn_trace_options *options);

/** Frees a trace and all that was borrowed from it; NULL is fine. @since 0.2 */
CNN_API void cnn_trace_free(cnn_trace *trace);

/** @name What is in a trace
 * For NULL they return what is said here and report CNN_ERROR_INVALID_ARGUMENT.
 * @since 0.2
 * @{ */
/** Operation number i, in the order in which they run, borrowed; NULL past the end, and for a negative number, which is
 * an error. */
CNN_API const cnn_trace_node *cnn_trace_get_node(const cnn_trace *trace, int i);
/** Value number i, borrowed; NULL past the end, and for a negative number, which is an error. */
CNN_API const cnn_trace_value *cnn_trace_get_value(const cnn_trace *trace, int i);
/** The number of the value that output number i of the module is; −1 past the end, and for a negative number, which is
 * an error. */
CNN_API int cnn_trace_get_output(const cnn_trace *trace, int i);
/** @} */

#ifndef __cplusplus
/** `cnn_trace_new(model, CNN_F32, CNN_SHAPE(1, 3, 224, 224), .training = true)` */
#define cnn_trace_new(...) CNN__TRACE_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_trace_options))
#define CNN__TRACE_NEW(module, type, rank, sizes, ...) \
    cnn_trace_create((module), &(cnn_trace_input){ .shape = (sizes), .ndim = (rank), .dtype = (type) }, 1, \
                     &(cnn_trace_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
