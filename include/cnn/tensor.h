/** @file
 * Tensors: a dtype, a shape and strides over a storage of elements.
 *
 * A tensor made by a function of this page belongs to the caller and is freed with cnn_tensor_free(). Results of
 * operations (ops.h) belong to their tape instead: freeing one is an error that is reported and otherwise ignored.
 * Every function takes both kinds. Functions that return numbers report misuse through cnn_last_error().
 *
 * A tensor of the caller's may be read by several threads at once and written by one; a tape's tensor is used by one
 * thread at a time. What is borrowed from a tensor (its shape, strides, data, gradient) is valid as long as the tensor
 * is. */
#ifndef CNN_TENSOR_H
#define CNN_TENSOR_H

#include <cnn/context.h>
#include <cnn/export.h>
#include <cnn/status.h>

CNN_BEGIN_DECLS

/** The type of an element. The values are part of the ABI. */
typedef enum cnn_dtype {
    CNN_F32 = 0,
    CNN_F64 = 1,
    CNN_I64 = 2,
    CNN_I32 = 3,
    CNN_U8 = 4,
    CNN_BOOL = 5, /**< one byte, 0 or 1 */
    CNN_BF16 = 6  /**< bfloat16: the upper 16 bits of an f32. Operations compute in f32 and round each result once, to
                       the nearest, ties to even. @since 0.2 */
} cnn_dtype;

/** Bytes of one element; 0 for a value that is no dtype. @since 0.1 */
CNN_API size_t cnn_dtype_size(cnn_dtype dtype);

/** PyTorch's name of a dtype, such as "float32"; "unknown" for a value that is none. @since 0.1 */
CNN_API const char *cnn_dtype_name(cnn_dtype dtype);

/** @name Creation
 * All return a tensor owned by the caller, contiguous unless strides were given, or NULL on failure: a bad dtype or
 * rank, a negative size, more elements than memory addresses (CNN_ERROR_SHAPE), no memory. Sizes of 0 are valid. The
 * shape is copied.
 * @{ */

/** Elements undefined. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_empty(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape);
/** All 0. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_zeros(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape);
/** All 1. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_ones(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape);
/** All `value`, converted to the dtype. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_full(cnn_context *ctx, cnn_dtype dtype, double value, int ndim, const int64_t *shape);
/** start, start + step, … up to but not including end: ceil((end − start) / step) elements, rank 1; converted as by
 * cnn_cast(). All three are finite, `step` is not 0 and leads to `end`; else CNN_ERROR_INVALID_ARGUMENT. Not bool.
 * @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_arange(cnn_context *ctx, cnn_dtype dtype, double start, double end, double step);
/** A copy of contiguous elements at `data`. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_from_data(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape,
                                         const void *data);

/** Called once, from any thread, when the last tensor over borrowed memory is gone. Must return normally. */
typedef void (*cnn_deleter_fn)(void *data, void *user);

/**
 * A tensor over memory of the caller's, without a copy.
 * @param strides  `ndim` numbers in elements, copied: each dimension steps over all that those of smaller strides
 *                 reach, so that no two elements share an address (else CNN_ERROR_SHAPE); that of a dimension of size 1
 *                 is not looked at. NULL: row-major order without gaps. What is not contiguous is an operand, an input
 *                 and a target of cnn_tensor_write() and the like as any other tensor, but no parameter or buffer of a
 *                 module, no dataset and nothing that an optimizer moves (CNN_ERROR_STATE).
 * @param data     the first element, aligned to its size; the elements stay in use until `deleter` is called.
 * @param deleter  may be NULL. Takes ownership: it is called on failure too.
 * @since 0.1; `strides` since 0.2
 */
CNN_API cnn_tensor *cnn_tensor_from_borrowed(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape,
                                             const int64_t *strides, void *data, cnn_deleter_fn deleter, void *user);
/**
 * Another tensor over the same elements: what is written to one is read from the other, and the elements live as long
 * as either, so that they can be handed to another library while a module uses them. Takes a tensor of the caller's or
 * a module's (else CNN_ERROR_STATE). The new one belongs to the caller and has no gradient; an optimizer takes only one
 * of the two. Thread-safe.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_tensor_share(cnn_tensor *tensor);
/** Uniform in [0, 1), from the context's next random stream; f32 or f64. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_rand(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape);
/** Standard normal (Box-Muller, two numbers of each pair of uniform ones), from the context's next random stream; f32
 * or f64. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_randn(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape);
/** A copy of any tensor that belongs to the caller, outlives every tape and has no gradient history. @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_detach(const cnn_tensor *tensor);
/** @} */

/** Frees a tensor of the caller's; NULL is fine. Tapes and modules that still use its elements keep them. @since 0.1 */
CNN_API void cnn_tensor_free(cnn_tensor *tensor);

/** @name What a tensor is
 * For NULL, a nil tensor (the result of a failed operation) and a tensor of a past step they return 0, NULL or false
 * and report CNN_ERROR_INVALID_ARGUMENT or CNN_ERROR_STATE (a nil tensor: the failure that made it).
 * @since 0.1
 * @{ */
CNN_API cnn_context *cnn_tensor_context(const cnn_tensor *tensor); /**< the context it was made from, borrowed */
CNN_API cnn_dtype cnn_tensor_dtype(const cnn_tensor *tensor);      /**< the type of an element */
CNN_API const char *cnn_tensor_device(const cnn_tensor *tensor);   /**< where the elements are: "cpu", "cuda:0" */
CNN_API int cnn_tensor_ndim(const cnn_tensor *tensor);             /**< the rank */
/** The sizes, cnn_tensor_ndim() of them; borrowed from the tensor. */
CNN_API const int64_t *cnn_tensor_shape(const cnn_tensor *tensor);
/** The strides in elements, cnn_tensor_ndim() of them; borrowed from the tensor. */
CNN_API const int64_t *cnn_tensor_strides(const cnn_tensor *tensor);
/** The size of one dimension; a negative `dim` counts from the last. */
CNN_API int64_t cnn_tensor_size(const cnn_tensor *tensor, int dim);
/** How many elements. */
CNN_API int64_t cnn_tensor_numel(const cnn_tensor *tensor);
/** Are the elements laid out in row-major order without gaps? */
CNN_API bool cnn_tensor_is_contiguous(const cnn_tensor *tensor);
/** CNN_OK for a usable tensor; for a nil tensor the status of its tape; CNN_ERROR_STATE for one of a past step. */
CNN_API cnn_status cnn_tensor_status(const cnn_tensor *tensor);
/** @} */

/** @name Elements
 * Those that write take tensors of the caller's or a module's, and inside a callback of cnn_custom() the tensors that
 * the callback is to write; for other results of operations they report CNN_ERROR_STATE and write nothing.
 * @{ */
/** The address of the first element, to be read with the strides; NULL for an empty or invalid tensor. Write through it
 * only to tensors of your own that no tape is using, or say so with cnn_tensor_touch(): such writes cannot be seen.
 * Through an address that was taken before the last forward that used a tensor as a weight, a bias or a statistic of a
 * normalisation, say so always: it may have been packed or folded for the kernels meanwhile
 * (cnn_context_packed_memory()).
 * @since 0.1 */
CNN_API void *cnn_tensor_data(const cnn_tensor *tensor);
/** The one element of a tensor with one element, as a double; NaN on error. A NaN has no sign, so that printf writes
 * "nan".
 * @since 0.1 */
CNN_API double cnn_tensor_item(const cnn_tensor *tensor);
/** The same as an integer, exact for every i64; 0 on error. @since 0.1 */
CNN_API int64_t cnn_tensor_item_i64(const cnn_tensor *tensor);
/** Copies all elements in row-major order to `buffer` of `size` bytes, which must be exactly theirs: elements times
 * cnn_dtype_size(); else CNN_ERROR_INVALID_ARGUMENT. The buffer may overlap the elements, which takes memory for a copy
 * (else CNN_ERROR_NO_MEMORY). @since 0.1 */
CNN_API cnn_status cnn_tensor_read(const cnn_tensor *tensor, void *buffer, size_t size);
/** Sets all elements of a tensor of the caller's or a module's from contiguous ones, which may overlap them. `size` as
 * above. @since 0.1 */
CNN_API cnn_status cnn_tensor_write(cnn_tensor *tensor, const void *data, size_t size);
/** Sets all elements to `value`, converted to the dtype. @since 0.1 */
CNN_API cnn_status cnn_tensor_fill(cnn_tensor *tensor, double value);
/** Copies `source` into `tensor`, converting the dtype as cnn_cast() does and broadcasting the shape;
 * CNN_ERROR_SHAPE where it does not broadcast to that of `tensor`. The two may share memory, as a tensor and its
 * transpose do or two tensors over one borrowed buffer: the elements are then copied aside first, and
 * CNN_ERROR_NO_MEMORY leaves `tensor` as it was. @since 0.1 */
CNN_API cnn_status cnn_tensor_copy_from(cnn_tensor *tensor, const cnn_tensor *source);
/** Says that the elements were written by other means than this library's calls, through cnn_tensor_data() or in
 * borrowed memory. Every call that writes elements says so itself; cnn_backward() then refuses to use elements that
 * an operation read before they were written. CNN_ERROR_STATE for results of operations. Thread-safe. @since 0.2 */
CNN_API cnn_status cnn_tensor_touch(cnn_tensor *tensor);
/**
 * Writes the tensor as text, as PyTorch prints it (4 digits, aligned columns, `...` past 1000 elements).
 * @return the length of the whole text without its NUL, as snprintf does: if it is not less than `size`, the text was
 *         cut. `buffer` may be NULL: nothing is written. For an unusable tensor the text says why.
 * @since 0.1
 */
CNN_API size_t cnn_tensor_format(const cnn_tensor *tensor, char *buffer, size_t size);
/** @} */

/** @name Gradients
 * A gradient has the shape, the dtype and the device of its tensor. Backward adds to it; it is zeroed by
 * cnn_tensor_zero_grad(), cnn_module_zero_grad() or cnn_optimizer_zero_grad() alone. Between backward and the
 * optimizer's step it may be written, to clip it for example.
 * @{ */
/** Does backward compute a gradient for this tensor? @since 0.1 */
CNN_API bool cnn_tensor_requires_grad(const cnn_tensor *tensor);
/** Asks for a gradient (or no longer) of a tensor of the caller's or a module's; f32, f64 or bf16. Without it backward
 * passes the tensor by and optimizers do not move it; the gradient that it has stays, as in PyTorch. @since 0.1 */
CNN_API cnn_status cnn_tensor_set_requires_grad(cnn_tensor *tensor, bool requires_grad);
/** The gradient accumulated so far, borrowed: it belongs to the tensor. NULL if there is none yet. For a result of an
 * operation it is kept only after cnn_retain_grad(). @since 0.1 */
CNN_API cnn_tensor *cnn_tensor_grad(const cnn_tensor *tensor);
/** Sets the gradient to zero, keeping its memory; a tensor without a gradient stays without. CNN_ERROR_STATE for a
 * result of an operation. @since 0.1 */
CNN_API cnn_status cnn_tensor_zero_grad(cnn_tensor *tensor);
/** @} */

CNN_END_DECLS

#endif
