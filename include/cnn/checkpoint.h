/** @file
 * Files: weights and checkpoints as safetensors, with PyTorch's state_dict names.
 *
 * Saving writes a temporary file beside the target, flushes it to the disk and renames it, so the target is always the
 * old file or the new one, whole. A target that is there keeps its mode, and its owner and group where the process may
 * give files away; symbolic links are followed, other hard links keep the old content, and what is no regular file in
 * the end is refused. A process that is killed while it saves can leave its temporary file, `.cnn-….tmp`,
 * in the folder: nothing reads it, no later save stumbles over it, and it may be deleted when nobody is saving. Loading
 * checks everything first: on failure nothing is changed. */
#ifndef CNN_CHECKPOINT_H
#define CNN_CHECKPOINT_H

#include <cnn/module.h>
#include <cnn/optimizer.h>
#include <cnn/scheduler.h>

CNN_BEGIN_DECLS

/** @name Weights
 * @{ */

/** Saves all parameters and buffers.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL; CNN_ERROR_IO with errno's text; CNN_ERROR_NO_MEMORY.
 * @since 0.1 */
CNN_API cnn_status cnn_module_save(const cnn_module *module, const char *path);

/**
 * Loads parameters and buffers: the file's names and shapes must be exactly the module's (a checkpoint's own entries
 * apart), and dtypes as CNN_LOAD_EXACT has it. CNN_ERROR_FORMAT for a malformed file, CNN_ERROR_MISMATCH for one that
 * does not fit; the message then lists the names that do not, as many as it has room for.
 * @since 0.1
 */
CNN_API cnn_status cnn_module_load(cnn_module *module, const char *path);

/** Which elements of a file may become a module's of another dtype. Everything else is mismatched. */
typedef enum cnn_load_dtypes {
    CNN_LOAD_EXACT = 0, /**< conversions that change no value: F16 and BF16 to f32 and f64, F32 to f64 */
    CNN_LOAD_SAME = 1,  /**< none: dtypes must be equal */
    CNN_LOAD_ROUND = 2 /**< those of CNN_LOAD_EXACT, and into narrower dtypes (F64 to f32, all to bf16): to the nearest,
                             ties to even, as PyTorch's copy_ */
} cnn_load_dtypes;

/** Options of cnn_module_load_with(); zeros load as cnn_module_load() does. */
typedef struct cnn_load_options {
    size_t struct_size;       /**< sizeof(cnn_load_options) */
    const char *strip_prefix; /**< taken from the file's names that begin with it, such as "module."; default: none */
    const char *add_prefix;   /**< then put before all of the file's names, such as "backbone."; default: none */
    cnn_load_dtypes dtypes;   /**< default CNN_LOAD_EXACT */
    bool partial;         /**< PyTorch's strict=False: missing and unexpected names are reported, the rest is loaded */
    bool skip_mismatched; /**< so is a tensor whose shape or dtype does not fit, which is an error in PyTorch too */
    unsigned char reserved[2]; /**< zero: room for later options */
} cnn_load_options;

/** What did not fit in a load, name by name. Owned by the caller; read-only and good for several threads. */
typedef struct cnn_load_report cnn_load_report;

/** Why a name is in a report. */
typedef enum cnn_load_problem {
    CNN_LOAD_MISSING = 0,    /**< the module has it, the file has not */
    CNN_LOAD_UNEXPECTED = 1, /**< the file has it, the module has not */
    CNN_LOAD_MISMATCHED = 2  /**< both have it, with another shape or with a dtype that `dtypes` does not convert */
} cnn_load_problem;

/**
 * Loads parameters and buffers as load_state_dict does: weights that others wrote, or a part of them. An entry of a
 * dtype that libcnn does not know (F8_E4M3, U16, C64, …) is unexpected where the module has nothing of its name, and
 * mismatched where it has. A parameter is loaded whether or not it requires a gradient, and stays as it was in that.
 * @param options  NULL for the defaults.
 * @param report   receives the report, owned by the caller, after CNN_OK and CNN_ERROR_MISMATCH, and NULL after any
 *                 other failure; may be NULL. The context is kept until the report is freed.
 * @return CNN_OK; CNN_ERROR_MISMATCH where something does not fit that the options do not allow; CNN_ERROR_FORMAT for
 *         a malformed file; CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NOT_FOUND, CNN_ERROR_IO, CNN_ERROR_NO_MEMORY. On
 *         failure nothing is changed. The module is used by one thread while it is loaded.
 * @since 0.2
 */
CNN_API cnn_status cnn_module_load_with(cnn_module *module, const char *path, const cnn_load_options *options,
                                        cnn_load_report **report);

/** How many names did not fit; 0 for NULL. @since 0.2 */
CNN_API int cnn_load_report_count(const cnn_load_report *report);
/** How many parameters and buffers were loaded: 0 after a failure, and for NULL. @since 0.2 */
CNN_API int cnn_load_report_loaded(const cnn_load_report *report);
/** Why name number i is in the report; the module's come first, then those that the file has besides.
 * @return CNN_LOAD_MISSING also for a NULL or a number out of range (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API cnn_load_problem cnn_load_report_problem(const cnn_load_report *report, int i);
/** Name number i, borrowed: the module's, or the file's, with its prefix, of an unexpected one; "" on failure, as
 * above. @since 0.2 */
CNN_API const char *cnn_load_report_name(const cnn_load_report *report, int i);
/** What the file has of that name, borrowed: its dtype and shape, such as "BF16 [4,32]"; "" where it is missing, and on
 * failure. @since 0.2 */
CNN_API const char *cnn_load_report_found(const cnn_load_report *report, int i);
/** What the module has of that name, borrowed, such as "float32 [5,32]"; "" where it is unexpected, and on failure.
 * @since 0.2 */
CNN_API const char *cnn_load_report_expected(const cnn_load_report *report, int i);
/** Frees a report; NULL is fine. @since 0.2 */
CNN_API void cnn_load_report_free(cnn_load_report *report);
/** @} */

/** What a checkpoint carries besides the random state of the module's context. */
typedef struct cnn_checkpoint {
    size_t struct_size;        /**< sizeof(cnn_checkpoint) */
    cnn_module *module;        /**< required */
    cnn_optimizer *optimizer;  /**< may be NULL: then it is neither saved nor loaded */
    int64_t epoch;             /**< 0 to 2^53; saved; set by loading */
    cnn_scheduler *scheduler;  /**< one of `optimizer`; may be NULL: then it is neither saved nor loaded. Since 0.2 */
    unsigned char reserved[8]; /**< zero: room for later members */
} cnn_checkpoint;

/**
 * Saves module, optimizer, scheduler, epoch and random state in one file, which is also a file for cnn_module_load()
 * and for the safetensors package. Parameters that the optimizer does not have, such as frozen ones, are saved
 * without a state.
 * @since 0.1
 */
CNN_API cnn_status cnn_checkpoint_save(const cnn_checkpoint *checkpoint, const char *path);

/** Loads what cnn_checkpoint_save() saved, into the module, the optimizer, the scheduler, the context and `epoch`.
 * All must fit: names, shapes and dtypes, the parameters that the optimizer has, the kind of the scheduler, its
 * switches and how many groups, milestones and schedulers it has (CNN_ERROR_MISMATCH); its other options are
 * restored. A number of the scheduler out of its range, an epoch or a count of steps past 2^53 and a random stream
 * past 2^40 - 1 are CNN_ERROR_FORMAT. On failure nothing is changed. @since 0.1 */
CNN_API cnn_status cnn_checkpoint_load(cnn_checkpoint *checkpoint, const char *path);

/** Saves tensors under names of the caller's choice as a safetensors file; they are made contiguous. @since 0.1 */
CNN_API cnn_status cnn_tensors_save(const char *const *names, cnn_tensor *const *tensors, int count, const char *path);

/**
 * Loads one tensor of a safetensors file, checking the whole file. F32, F64, BF16, I64, I32, U8 and BOOL are read as
 * they are, F16 as f32.
 * @return a tensor of the caller's; NULL on failure (CNN_ERROR_NOT_FOUND if there is no file or no tensor of that
 * name, CNN_ERROR_UNSUPPORTED where its dtype is another one).
 * @since 0.1
 */
CNN_API cnn_tensor *cnn_tensor_load(cnn_context *ctx, const char *path, const char *name);

CNN_END_DECLS

#endif
