/** @file
 * What a call reports. */
#ifndef CNN_STATUS_H
#define CNN_STATUS_H

#include <cnn/export.h>

CNN_BEGIN_DECLS

/** The result of a call: 0 or a negative code. The values are part of the ABI and never change. */
typedef enum cnn_status {
    CNN_OK = 0,
    CNN_ERROR_INVALID_ARGUMENT = -1, /**< NULL, an option out of its range, an unknown enum value */
    CNN_ERROR_NO_MEMORY = -2,        /**< an allocation failed; existing data is unchanged */
    CNN_ERROR_SHAPE = -3,            /**< ranks or sizes do not fit, or a product of sizes overflows */
    CNN_ERROR_DTYPE = -4,            /**< the operation is not defined for this dtype, or two dtypes differ */
    CNN_ERROR_DEVICE = -5,           /**< no such device, or tensors on different devices */
    CNN_ERROR_STATE = -6,            /**< a call out of order: a tensor of a past step, two tapes, a freed graph */
    CNN_ERROR_IO = -7,               /**< open, read, write, fsync or rename failed; the message carries errno's text */
    CNN_ERROR_NOT_FOUND = -8,        /**< a file, or a name in a file or a module, does not exist */
    CNN_ERROR_FORMAT = -9,           /**< a malformed file; the message names the file and the byte */
    CNN_ERROR_MISMATCH = -10,        /**< a well-formed file that does not fit the module, optimizer or dataset */
    CNN_ERROR_THREAD = -11,          /**< a thread could not be created */
    CNN_ERROR_UNSUPPORTED = -12,     /**< valid, but not built into this library (for example gzip without zlib) */
    CNN_ERROR_CALLBACK = -13         /**< a callback of the user's reported failure */
} cnn_status;

/**
 * The name of a status, such as "CNN_ERROR_SHAPE"; "CNN_ERROR_UNKNOWN" for a value that is none.
 *
 * @return a constant string. Thread-safe, cannot fail.
 * @since 0.1
 */
CNN_API const char *cnn_status_name(cnn_status status);

/**
 * Writes `name`, which may hold anything, as the library's messages do, so that it can be printed in a line of text:
 * control characters as `\n`, `\x1b`, bytes that are not UTF-8 as `\xff`, marks that reorder text or break lines as
 * `\u202e`; everything else as it is.
 *
 * @param buffer  may be NULL; else it gets what fits into `size` bytes with a NUL, no half of a character or an escape.
 * @return the length of the whole, as snprintf's; 0 for a NULL name (CNN_ERROR_INVALID_ARGUMENT). Thread-safe.
 * @since 0.2
 */
CNN_API size_t cnn_name_escape(const char *name, char *buffer, size_t size);

CNN_END_DECLS

#endif
