/** @file
 * What is in a safetensors file, without loading it: names, dtypes, shapes and metadata; and single tensors out of it.
 *
 * A file is opened and checked as every load checks it: one that cnn_tensor_load() refuses is refused here with the
 * same status and reason. It stays open until it is freed, so that what is read is of the file that was opened, also
 * where a save replaces it in the meantime. Tensors are numbered in the order of their names, by strcmp(). Whatever is
 * borrowed is valid until the file is freed.
 *
 * A file may be asked by several threads at once; cnn_file_read() and cnn_file_free() are for one thread alone. */
#ifndef CNN_FILE_H
#define CNN_FILE_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** A file of tensors that is open. */
typedef struct cnn_file cnn_file;

/**
 * Opens a file and reads all but its elements.
 * @return a file owned by the caller, which keeps the context; NULL on failure: CNN_ERROR_INVALID_ARGUMENT for a NULL;
 *         CNN_ERROR_NOT_FOUND, CNN_ERROR_IO; CNN_ERROR_FORMAT for a malformed file, with the byte that is at fault;
 *         CNN_ERROR_NO_MEMORY. Thread-safe.
 * @since 0.2
 */
CNN_API cnn_file *cnn_file_open(cnn_context *ctx, const char *path);

/** Closes a file and frees it; NULL is fine. @since 0.2 */
CNN_API void cnn_file_free(cnn_file *file);

/** @name Tensors
 * For a NULL, and a number that is not 0 to cnn_file_count() − 1, they return what is said here and report
 * CNN_ERROR_INVALID_ARGUMENT.
 * @since 0.2
 * @{ */
/** How many tensors; 0 for NULL. */
CNN_API int cnn_file_count(const cnn_file *file);
/** The number of the tensor of that name; −1 where there is none (CNN_ERROR_NOT_FOUND). */
CNN_API int cnn_file_find(const cnn_file *file, const char *name);
/** The name of tensor number i, borrowed; "" on failure. It may hold anything but a NUL: cnn_name_escape(). */
CNN_API const char *cnn_file_name(const cnn_file *file, int i);
/** The file's name of its dtype, borrowed, such as "F32", "BF16" or "F8_E4M3", also of one that libcnn does not know;
 * "" on failure. */
CNN_API const char *cnn_file_dtype_name(const cnn_file *file, int i);
/** The dtype that cnn_file_read() gives it: F16 is read as f32, others as they are. @return CNN_OK;
 * CNN_ERROR_UNSUPPORTED where its dtype cannot be read, and then `dtype` is left alone; CNN_ERROR_INVALID_ARGUMENT. */
CNN_API cnn_status cnn_file_dtype(const cnn_file *file, int i, cnn_dtype *dtype);
/** How many dimensions it has; 0 on failure. */
CNN_API int cnn_file_ndim(const cnn_file *file, int i);
/** Its sizes, cnn_file_ndim() of them, borrowed; NULL on failure. */
CNN_API const int64_t *cnn_file_shape(const cnn_file *file, int i);
/** How many bytes its elements take in the file; 0 on failure. */
CNN_API int64_t cnn_file_bytes(const cnn_file *file, int i);
/** Reads its elements: cnn_tensor_load() by number, without checking the whole file anew. @return a tensor owned by the
 * caller; NULL on failure (CNN_ERROR_UNSUPPORTED where its dtype cannot be read, CNN_ERROR_FORMAT, CNN_ERROR_IO,
 * CNN_ERROR_NO_MEMORY). */
CNN_API cnn_tensor *cnn_file_read(cnn_file *file, int i);
/** @} */

/** @name Metadata
 * The strings of the file's "__metadata__", in the order of their keys.
 * @since 0.2
 * @{ */
/** The value of a key, borrowed; NULL where there is none (CNN_ERROR_NOT_FOUND), and for a NULL. */
CNN_API const char *cnn_file_metadata(const cnn_file *file, const char *key);
/** How many keys; 0 for NULL. */
CNN_API int cnn_file_metadata_count(const cnn_file *file);
/** Key number i, borrowed; "" on failure, as above. */
CNN_API const char *cnn_file_metadata_key(const cnn_file *file, int i);
/** The value of key number i, borrowed; "" on failure. */
CNN_API const char *cnn_file_metadata_value(const cnn_file *file, int i);
/** @} */

CNN_END_DECLS

#endif
