/** @file
 * DLPack: tensors handed to and taken from other libraries of the same process, NumPy's and PyTorch's for example,
 * without a copy.
 *
 * The structs are those of DLPack's ABI, 1.x and the one before it, under names of their own: a pointer to one is cast
 * to `DLManagedTensorVersioned *` or `DLManagedTensor *` where <dlpack/dlpack.h> is included too. Whoever receives one
 * calls its `deleter` once, in any thread, when it does not use the elements any more; they live until then. Writes
 * through it are as those through cnn_tensor_data(): say so with cnn_tensor_touch().
 *
 * f32, f64, i64, i32, u8, bool and bf16 go across, in the host's memory; all else is refused by name. */
#ifndef CNN_DLPACK_H
#define CNN_DLPACK_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** DLTensor: what the elements are and where. */
typedef struct cnn_dlpack_view {
    void *data;           /**< NULL only where there are no elements */
    int32_t device_type;  /**< 1: the host's memory */
    int32_t device_id;    /**< 0 there */
    int32_t ndim;         /**< the rank */
    uint8_t code;         /**< the kind of the dtype: 0 signed, 1 unsigned, 2 real, 4 bfloat, 6 bool */
    uint8_t bits;         /**< the bits of an element */
    uint16_t lanes;       /**< 1 */
    int64_t *shape;       /**< `ndim` sizes */
    int64_t *strides;     /**< `ndim` numbers in elements; NULL in an older one: row-major order without gaps */
    uint64_t byte_offset; /**< from `data` to the first element */
} cnn_dlpack_view;

/** DLManagedTensor: of versions before 1.0, which NumPy 1 and PyTorch to 2.6 exchange as the capsule "dltensor". */
typedef struct cnn_dlpack_legacy {
    cnn_dlpack_view view;                               /**< the elements */
    void *manager;                                      /**< its maker's */
    void (*deleter)(struct cnn_dlpack_legacy *managed); /**< may be NULL */
} cnn_dlpack_legacy;

/** Bits of the flags of a cnn_dlpack. */
typedef enum cnn_dlpack_flag {
    CNN_DLPACK_READ_ONLY = 1, /**< the elements must not be written */
    CNN_DLPACK_COPIED = 2     /**< they are a copy, which nobody else sees */
} cnn_dlpack_flag;

/** DLManagedTensorVersioned: since version 1.0; the capsule "dltensor_versioned". */
typedef struct cnn_dlpack {
    uint32_t major;                              /**< 1; with another one only `deleter` may be used */
    uint32_t minor;                              /**< versions that differ in it understand each other */
    void *manager;                               /**< its maker's */
    void (*deleter)(struct cnn_dlpack *managed); /**< may be NULL */
    uint64_t flags;                              /**< CNN_DLPACK_READ_ONLY and others */
    cnn_dlpack_view view;                        /**< the elements */
} cnn_dlpack;

/**
 * Hands out a tensor of the caller's or a module's with its shape and strides, without a copy. Its elements live until
 * the receiver calls the deleter, also where the tensor is freed before that.
 * @return a struct that its receiver gives back through its `deleter`; NULL on failure: CNN_ERROR_INVALID_ARGUMENT for
 *         a NULL; CNN_ERROR_STATE for a result of an operation, whose elements the next step takes
 *         (cnn_tensor_detach() copies it); CNN_ERROR_DEVICE where the elements are on a device (cnn_tensor_to());
 *         CNN_ERROR_NO_MEMORY. Thread-safe.
 * @since 0.2
 */
CNN_API cnn_dlpack *cnn_tensor_to_dlpack(cnn_tensor *tensor);

/** The same for receivers of the struct before 1.0, which cannot say that elements are read-only: such a tensor is
 * CNN_ERROR_STATE. @since 0.2 */
CNN_API cnn_dlpack_legacy *cnn_tensor_to_dlpack_legacy(cnn_tensor *tensor);

/**
 * Makes a tensor over the elements that another library hands out. They are shared where they can be: strides as
 * cnn_tensor_from_borrowed() allows them, aligned elements, a context on the CPU. Else (negative strides, a broadcast
 * dimension, a context on a device) they are copied, and the struct is given back at once. A shared tensor whose
 * elements are read-only refuses to be written, to be a parameter or buffer of a module and to be moved by an optimizer
 * (CNN_ERROR_STATE).
 * @param managed  ownership passes to the call, on failure too: its deleter is called once, when the elements are not
 *                 in use any more.
 * @return a tensor owned by the caller; NULL on failure: CNN_ERROR_INVALID_ARGUMENT for a NULL; CNN_ERROR_UNSUPPORTED
 *         for another major version than 1 and for a dtype that libcnn does not have; CNN_ERROR_DEVICE for elements
 *         that are not in the host's memory; CNN_ERROR_SHAPE; CNN_ERROR_NO_MEMORY. Thread-safe.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_tensor_from_dlpack(cnn_context *ctx, cnn_dlpack *managed);

/** The same of a struct before 1.0. @since 0.2 */
CNN_API cnn_tensor *cnn_tensor_from_dlpack_legacy(cnn_context *ctx, cnn_dlpack_legacy *managed);

CNN_END_DECLS

#endif
