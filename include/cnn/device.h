/** @file
 * Devices: which there are, and moving tensors and modules from one to another.
 *
 * A context is on one device, which its options name as PyTorch does: "cpu", "cuda:0". Everything made from the context
 * is there, so a program says where it computes in one place. cnn_tensor_to() and cnn_module_to() copy what exists to
 * another context. Tensors of two contexts do not meet in one operation. */
#ifndef CNN_DEVICE_H
#define CNN_DEVICE_H

#include <cnn/context.h>
#include <cnn/module.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** What a device is. */
typedef struct cnn_device_properties {
    size_t struct_size;        /**< sizeof(cnn_device_properties), set by the caller */
    char name[32];             /**< "cpu", "cuda:0": what a context's option takes */
    char description[128];     /**< the product's name, such as "NVIDIA H200" */
    uint64_t memory;           /**< bytes in all; 0: unknown */
    uint64_t memory_free;      /**< bytes that nobody uses now; 0: unknown */
    bool host_memory;          /**< elements are in the host's memory: cnn_tensor_data() gives their address */
    unsigned char reserved[7]; /**< zero: room for later members */
} cnn_device_properties;

/**
 * How many devices there are. The CPU is number 0; the others follow in the order in which their back ends became
 * known. The first call looks for back ends: files named libcnn-*.so (on Windows cnn-*.dll) in the folders of the
 * environment variable CNN_BACKEND_PATH (separated by colons, on Windows by semicolons), then in the folder `cnn-0`
 * beside the installed library; never in the current folder. One that cannot be loaded is left out, and
 * cnn_device_problem() says why. Thread-safe.
 * @since 0.2
 */
CNN_API int cnn_device_count(void);

/**
 * Describes device `index`, 0 to cnn_device_count() - 1. Thread-safe.
 *
 * @param properties  with struct_size set; unknown members of a larger struct become 0.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL or a number that no device has; CNN_ERROR_DEVICE where its back
 *         end does not answer.
 * @since 0.2
 */
CNN_API cnn_status cnn_device_describe(int index, cnn_device_properties *properties);

/** Is there a device of that name, such as "cuda:0", or "cuda", which is "cuda:0"? False for NULL. Thread-safe.
 * @since 0.2 */
CNN_API bool cnn_device_available(const char *name);

/** Why back ends that were found could not be used: one line each, or "". Valid until the process ends. Thread-safe.
 * @since 0.2 */
CNN_API const char *cnn_device_problem(void);

/**
 * Waits until the device of a context has done everything that it was asked for. On the CPU nothing is ever left to
 * wait for.
 *
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL; otherwise what has failed on the device, which reading
 *         elements would report, too. The steps that were under way on it have failed by then, and no launch behind
 *         the failure has changed anything.
 * @since 0.2
 */
CNN_API cnn_status cnn_context_synchronize(cnn_context *ctx);

/**
 * Copies a tensor to a context, which may be on another device: a new tensor with the same dtype, shape and elements,
 * owned by the caller, without a gradient. Takes a result on a tape, too.
 *
 * @return NULL on failure: no memory, a tensor that is not usable, or a failure of a device.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_tensor_to(const cnn_tensor *tensor, cnn_context *ctx);

/**
 * Copies a module to a context, which may be on another device: cnn_module_clone() with parameters and buffers there.
 *
 * @return a new module, owned by the caller; NULL on failure, as cnn_module_clone() says.
 * @since 0.2
 */
CNN_API cnn_module *cnn_module_to(const cnn_module *module, cnn_context *ctx);

CNN_END_DECLS

#endif
