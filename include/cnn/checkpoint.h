/** @file
 * Files: weights and checkpoints as safetensors, with PyTorch's state_dict names.
 *
 * Saving writes a temporary file beside the target, flushes it to the disk and renames it, so the target is always the
 * old file or the new one, whole. A process that is killed while it saves can leave its temporary file, `.cnn-….tmp`,
 * in the folder: nothing reads it, no later save stumbles over it, and it may be deleted when nobody is saving. Loading
 * checks everything first: on failure nothing is changed. */
#ifndef CNN_CHECKPOINT_H
#define CNN_CHECKPOINT_H

#include <cnn/module.h>
#include <cnn/optimizer.h>

CNN_BEGIN_DECLS

/** Saves all parameters and buffers.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL; CNN_ERROR_IO with errno's text; CNN_ERROR_NO_MEMORY.
 * @since 0.1 */
CNN_API cnn_status cnn_module_save(const cnn_module *module, const char *path);

/**
 * Loads parameters and buffers: the file's names, shapes and dtypes must be exactly the module's (a checkpoint's own
 * entries apart). CNN_ERROR_FORMAT for a malformed file, CNN_ERROR_MISMATCH for one that does not fit.
 * @since 0.1
 */
CNN_API cnn_status cnn_module_load(cnn_module *module, const char *path);

/** What a checkpoint carries besides the random state of the module's context. */
typedef struct cnn_checkpoint {
    size_t struct_size;       /**< sizeof(cnn_checkpoint) */
    cnn_module *module;       /**< required */
    cnn_optimizer *optimizer; /**< may be NULL: then it is neither saved nor loaded */
    int64_t epoch;            /**< saved; set by loading */
    unsigned char reserved[8]; /**< zero: room for later members */
} cnn_checkpoint;

/**
 * Saves module, optimizer, epoch and random state in one file, which is also a file for cnn_module_load() and for the
 * safetensors package.
 * @since 0.1
 */
CNN_API cnn_status cnn_checkpoint_save(const cnn_checkpoint *checkpoint, const char *path);

/** Loads what cnn_checkpoint_save() saved, into the module, the optimizer, the context and `epoch`. @since 0.1 */
CNN_API cnn_status cnn_checkpoint_load(cnn_checkpoint *checkpoint, const char *path);

/** Saves tensors under names of the caller's choice as a safetensors file; they are made contiguous. @since 0.1 */
CNN_API cnn_status cnn_tensors_save(const char *path, const char *const *names, cnn_tensor *const *tensors, int count);

/**
 * Loads one tensor of a safetensors file, checking the whole file. F32, F64, I64, I32, U8 and BOOL are read as they
 * are, F16 and BF16 as f32.
 * @return a tensor of the caller's; NULL on failure (CNN_ERROR_NOT_FOUND if there is no file or no tensor of that
 * name).
 * @since 0.1
 */
CNN_API cnn_tensor *cnn_tensor_load(cnn_context *ctx, const char *path, const char *name);

CNN_END_DECLS

#endif
