/** @file
 * A module frozen for inference: everything that does not depend on the inputs is done once, when it is made.
 *
 * A predictor is made of any module and the shapes of its inputs. It holds the kernels that the module's forward runs
 * in evaluation, one after the other, with weights in the form that they read and with a plan of the memory in
 * between. A call has no tape and no tensors and allocates nothing. Its results are equal, to the bit, to those of the
 * module in a step of CNN_EVAL wherever both run the same kernels.
 *
 * Threads. Any number of threads may call one predictor at once; it has no lock. The kernels of a call run on the
 * threads of the module's context, as far as these are not busy with another call: a call that has them takes their
 * mutex for a moment to wake those that sleep, and sleeps itself where it has to wait long for the last one. In a
 * context of one thread a call takes no lock. */
#ifndef CNN_PREDICTOR_H
#define CNN_PREDICTOR_H

#include <cnn/trace.h>

CNN_BEGIN_DECLS

/** A frozen module. */
typedef struct cnn_predictor cnn_predictor;

/** Options of cnn_predictor_create(); zeros are the defaults. */
typedef struct cnn_predictor_options {
    size_t struct_size;        /**< sizeof(cnn_predictor_options) */
    int output_count;          /**< how many results the module is asked for, 1 to 65536; default 1 */
    int calls;                 /**< calls at once whose memory is made together with the predictor, 1 to 64; default 1.
                                    A call that finds all of it in use makes more, which stays */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_predictor_options;

/** What goes in or comes out. */
typedef struct cnn_predictor_value {
    size_t struct_size;          /**< sizeof(cnn_predictor_value) */
    size_t bytes;                /**< the bytes of all elements; 0 for an input that is left out */
    int64_t shape[CNN_MAX_DIMS]; /**< the sizes */
    cnn_dtype dtype;             /**< the dtype of the elements */
    int ndim;                    /**< how many dimensions */
    unsigned char reserved[8];   /**< zero: room for later members */
} cnn_predictor_value;

/**
 * Makes a predictor of a module in evaluation. Its parameters and buffers are copied: what happens to the module
 * afterwards does not matter. The forward runs once here, on shapes without elements. So it may not read elements, as
 * cnn_tensor_item() and operations of the user's do, nor draw random numbers, nor change buffers; and a module of the
 * user's with a `user` needs `clone_user`.
 *
 * @param module   on the CPU.
 * @param inputs   the shapes and dtypes of what the module will get; one that is left out is NULL in each call.
 * @param count    how many, 0 to 65536; `inputs` may be NULL where it is 0.
 * @param options  NULL for the defaults.
 * @return a predictor owned by the caller; NULL on failure: a NULL or a number out of its range
 *         (CNN_ERROR_INVALID_ARGUMENT), a bad shape or dtype, a forward that does what is said above
 *         (CNN_ERROR_UNSUPPORTED), whatever fails in the forward or in cnn_module_clone(), no memory. Thread-safe while
 *         nobody changes the module.
 * @since 0.2
 */
CNN_API cnn_predictor *cnn_predictor_create(const cnn_module *module, const cnn_trace_input *inputs, int count,
                                            const cnn_predictor_options *options);
/** `cnn_predictor_new(model, CNN_F32, CNN_SHAPE(1, 3, 224, 224), .calls = 4)` */
#ifndef __cplusplus
#define cnn_predictor_new(...) CNN__PREDICTOR_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_predictor_options))
#define CNN__PREDICTOR_NEW(module, type, rank, sizes, ...) \
    cnn_predictor_create((module), &(cnn_trace_input){ .shape = (sizes), .ndim = (rank), .dtype = (type) }, 1, \
                         &(cnn_predictor_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/**
 * Computes the outputs of some inputs.
 *
 * @param inputs   the elements of each input, row by row, in the caller's memory; aligned as its dtype is.
 * @param outputs  memory for each output, of the bytes that cnn_predictor_output() says; aligned likewise. They overlap
 *                 neither each other nor an input.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL and for an index out of its range among the inputs, such as a
 *         class of an embedding: then the outputs are undefined. CNN_ERROR_NO_MEMORY only where more calls run at once
 *         than ever before.
 * @since 0.2
 */
CNN_API cnn_status cnn_predictor_run(cnn_predictor *predictor, const void *const *inputs, void *const *outputs);

/** How many inputs a call takes; 0 for NULL, which is reported. @since 0.2 */
CNN_API int cnn_predictor_input_count(const cnn_predictor *predictor);
/** How many outputs a call has; 0 for NULL, which is reported. @since 0.2 */
CNN_API int cnn_predictor_output_count(const cnn_predictor *predictor);
/** Describes input `i` in `value`, whose struct_size is set. @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL, a
 * number that there is not, or a struct_size that is less than this version's. @since 0.2 */
CNN_API cnn_status cnn_predictor_input(const cnn_predictor *predictor, int i, cnn_predictor_value *value);
/** Describes output `i`, as cnn_predictor_input(). @since 0.2 */
CNN_API cnn_status cnn_predictor_output(const cnn_predictor *predictor, int i, cnn_predictor_value *value);
/** Bytes of the weights, of their packed forms, and of the memory of all calls; 0 for NULL, which is reported.
 * @since 0.2 */
CNN_API size_t cnn_predictor_memory(const cnn_predictor *predictor);
/** Frees a predictor, which no call uses; NULL is fine. @since 0.2 */
CNN_API void cnn_predictor_free(cnn_predictor *predictor);

CNN_END_DECLS

#endif
