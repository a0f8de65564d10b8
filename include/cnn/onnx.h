/** @file
 * libcnn-onnx: networks in ONNX files as modules.
 *
 * A library of its own beside libcnn (link with `-lcnn-onnx -lcnn`, or `pkg-config cnn-onnx`); <cnn/cnn.h> does not
 * include this header. docs/onnx.md teaches it.
 *
 * cnn_onnx_save() writes a module as such a file; docs/onnx-export.md teaches that.
 *
 * Files may come from strangers: one that is truncated or malformed fails with CNN_ERROR_FORMAT and a message that
 * names the file, the byte and, within a graph, the node. The library never prints, exits or jumps out of a call.
 *
 * Every function may be called by several threads at once. */
#ifndef CNN_ONNX_H
#define CNN_ONNX_H

#include <cnn/cnn.h>

CNN_BEGIN_DECLS

/** @name Models
 * @{ */
/** Options of cnn_onnx_load(); zero means the default. */
typedef struct cnn_onnx_options {
    size_t struct_size;      /**< sizeof(cnn_onnx_options) */
    bool running_statistics; /**< in evaluation BatchNormalization uses the file's running statistics as they are,
                                    also where the file says that it uses the batch's (training_mode), as models do that
                                    were exported in training mode; default: as the file says */
    bool map; /**< files are mapped into memory in place of being read: elements that are used where they lie are those
                   of the file's pages, which the system loads when they are needed and processes share. Nobody may
                   change the files then, nor cut them off, while the module or a clone of it is there: elements would
                   change, and the process would end by SIGBUS. Replacing them by renaming, as cnn_onnx_save() does, is
                   fine. What is trained is copied by the page, and the file stays as it is. Default: files are read,
                   and may change afterwards */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_onnx_options;

/**
 * Reads a model as a module. Opsets 7 to 22 are proven by the ONNX project's tests; others, from 1 to 28, load where
 * their operators have not changed otherwise.
 *
 * cnn_forward_many() runs it on the inputs of the graph, in its order, without those that are initializers; it gives as
 * many of the graph's outputs as it is asked for. A model of one input and one output is run by cnn_forward(), too.
 * Sizes that the file does not say may be any, from run to run. Whatever follows from shapes alone is computed by the
 * host.
 *
 * Floating-point initializers that operators take as weights are the module's parameters, under their names in the
 * file; the running statistics of batch normalisation are its buffers. A step that trains (cnn_mode) normalises by the
 * batch and drops out, whatever the file says. Elements of f32, f64, bf16, i64, i32 and u8 are used where they lie in
 * the file's bytes, which are read into memory once, or mapped; f16 is computed in f32, i8, i16, u16 and u32 in wider
 * integers. What is converted is converted into its tensor, and the pages that it was in are given back meanwhile, so
 * that loading takes at most twice the file and 1 MiB, or what the tensors take if that is more (f16 takes twice, i8
 * four times as many bytes as in the file).
 *
 * Tensors that the model has in other files must be in its folder or below, without symbolic links. They are read
 * straight into memory of their own, or mapped.
 *
 * @param options  NULL for the defaults.
 * @return a module owned by the caller; NULL on failure: CNN_ERROR_INVALID_ARGUMENT (a NULL); CNN_ERROR_NOT_FOUND,
 *         CNN_ERROR_IO; CNN_ERROR_FORMAT for a malformed file; CNN_ERROR_UNSUPPORTED for another opset, and for
 *         operators that cnn_onnx_operator() does not name, for what attributes ask for and there is not, and for types
 *         of inputs and initializers that libcnn does not hold, all of which the message names, with their nodes;
 *         CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_module *cnn_onnx_load(cnn_context *ctx, const char *path, const cnn_onnx_options *options);

/** An input or output of a model. */
typedef struct cnn_onnx_value {
    size_t struct_size;                /**< sizeof(cnn_onnx_value) */
    const char *name;                  /**< in the file; lasts as long as the module */
    const char *symbols[CNN_MAX_DIMS]; /**< names of sizes that are open, as in the file, such as "batch", or "" */
    int64_t shape[CNN_MAX_DIMS];       /**< the sizes; −1: open */
    cnn_dtype dtype;                   /**< the dtype of the elements, as libcnn holds them */
    int ndim;                          /**< how many dimensions; −1: the file does not say */
    unsigned char reserved[8];         /**< zero: room for later members */
} cnn_onnx_value;

/** How many inputs a model takes, in the order of cnn_forward_many(); 0 for a NULL or another module, reported
 * (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API int cnn_onnx_input_count(const cnn_module *module);
/** How many outputs a model has; 0 as above. @since 0.2 */
CNN_API int cnn_onnx_output_count(const cnn_module *module);
/** Describes input `i` of a model that cnn_onnx_load() has made, or of a clone of it, in `value`, whose struct_size is
 * set. @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL, another module, a number that there is not, or a
 * struct_size that is less than this version's. @since 0.2 */
CNN_API cnn_status cnn_onnx_input(const cnn_module *module, int i, cnn_onnx_value *value);
/** Describes output `i`, as cnn_onnx_input(). The dtype and the sizes are what the file says, which may be nothing:
 * f32, and a rank of −1. @since 0.2 */
CNN_API cnn_status cnn_onnx_output(const cnn_module *module, int i, cnn_onnx_value *value);
/** @} */

/** @name Operators
 * @{ */
/** The name of operator number i of those that can be run, such as "Conv", in the order of strcmp(); NULL past the end,
 * and for a negative number. A constant string; cannot fail. @since 0.2 */
CNN_API const char *cnn_onnx_operator(int i);
/** @} */

/** @name Saving
 * @{ */
/** Options of cnn_onnx_save(); zero means the default. */
typedef struct cnn_onnx_save_options {
    size_t struct_size;              /**< sizeof(cnn_onnx_save_options) */
    const cnn_trace_input *inputs;   /**< required: what the module gets; a size of -1 is the batch */
    const char *const *input_names;  /**< one per input, also of those that are left out; default those of a model that
                                          cnn_onnx_load() has made, else "input", or "input0", "input1", … of several */
    const char *const *output_names; /**< one per output; default likewise, "output", or "output0", … of several */
    int input_count;                 /**< how many inputs; default 1 */
    int output_count;                /**< how many results the module is asked for; default 1 */
    int opset;                 /**< the version of the operators, 17 to 23; default 17, with version 8 of the format */
    int batch_dim;             /**< the dimension of the inputs that is the batch, where no size is -1 */
    bool fixed_batch;          /**< sizes are as given; a size of -1 is symbolic nevertheless */
    bool fold_batch_norm;      /**< batch normalisations become part of the convolution or linear layer before them */
    bool external_data;        /**< weights go to a second file, PATH.data, also where the model is small */
    bool symbolic_sizes;       /**< pictures of any size: of inputs of rank 3 or more the dimensions behind the second
                                    are symbolic, as "length", "height" and "width", or "depth", "height" and "width" */
    unsigned char reserved[4]; /**< zero: room for later options */
} cnn_onnx_save_options;

/**
 * Writes what a module computes in evaluation as an ONNX model, from a trace (trace.h): its forward runs on shapes
 * alone. Parameters and buffers have their names of the state_dict; those of a loaded model, and its constants, the
 * names of their initializers. What the opset has no operator for is made of several.
 *
 * The batch, dimension `batch_dim` of each input whose size there is the first one's, becomes symbolic where the module
 * computes the same for any batch, which two traces with different ones show; else it is fixed. To be told why it is
 * not symbolic, or to say where it stands, give it as -1.
 *
 * With `symbolic_sizes` two traces with pictures of different sizes show that nothing depends on the sizes, as the
 * weights of a linear layer behind a flattening do; where something does, that is an error. The sizes that are given
 * are examples then; at least those that the module can take.
 *
 * The file is replaced as a whole or not at all: a temporary file beside it is written, flushed and renamed. A model of
 * more than 2 GB has its weights in a second file beside it, PATH.data, which is replaced first.
 *
 * @param path     the file; what stands there already must be a regular file.
 * @param options  not NULL.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT (a NULL, an option out of its range, a name that is empty or taken);
 *         CNN_ERROR_UNSUPPORTED for an operation that ONNX does not have, whose module and name the message says, and
 *         where a batch of -1, or sizes, cannot be symbolic; the error of the forward; CNN_ERROR_IO,
 *         CNN_ERROR_NOT_FOUND (no such folder), CNN_ERROR_NO_MEMORY. On failure the file is as it was. Thread-safe
 *         while nobody changes the module.
 * @since 0.2
 */
CNN_API cnn_status cnn_onnx_save(cnn_module *module, const char *path, const cnn_onnx_save_options *options);
/** @} */

CNN_END_DECLS

#endif
