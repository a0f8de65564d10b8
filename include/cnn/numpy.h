/** @file
 * NumPy's files: .npy, which has one array, and .npz, a zip archive of named arrays.
 *
 * Every call that reads safetensors reads them too, whatever the file's name is: cnn_file_open() says what is in one,
 * cnn_tensor_load() takes a tensor by its name, cnn_module_load() loads weights. The array of a .npy file is named
 * "arr_0", as numpy.savez() would name it; the names of a .npz file are those of its members without ".npy".
 *
 * Versions 1.0, 2.0 and 3.0, C and Fortran order, and both orders of bytes are read, from members that are stored
 * or, where the library was built with zlib, deflated; zip64 too. f4, f8, i4, i8, u1 and b1 are read as they are; f2
 * as f32; i1, i2 and u2 as i32 and u4 as i64, which keep every value; "bfloat16" and "<V2", as NumPy writes
 * ml_dtypes.bfloat16, as bf16. Arrays of other numbers, strings and dates may be in a file and are
 * CNN_ERROR_UNSUPPORTED when they are read. A file with objects, which NumPy pickles, or with structured dtypes is
 * CNN_ERROR_UNSUPPORTED as a whole: nothing in a file is ever executed. */
#ifndef CNN_NUMPY_H
#define CNN_NUMPY_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/**
 * Loads the array of a .npy file.
 * @return a contiguous tensor owned by the caller; NULL on failure: CNN_ERROR_INVALID_ARGUMENT for a NULL;
 *         CNN_ERROR_NOT_FOUND, CNN_ERROR_IO; CNN_ERROR_FORMAT for a malformed file, with the byte that is at fault, and
 *         for one of another kind; CNN_ERROR_UNSUPPORTED as above; CNN_ERROR_NO_MEMORY. Thread-safe.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_npy_load(cnn_context *ctx, const char *path);

/**
 * Saves a tensor as a .npy file of version 1.0, in C order and little-endian; bf16 as "<V2". The file is replaced
 * atomically, as checkpoint.h says.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL; CNN_ERROR_STATE for a tensor of a past step; CNN_ERROR_IO;
 *         CNN_ERROR_NO_MEMORY. One thread per tensor.
 * @since 0.2
 */
CNN_API cnn_status cnn_npy_save(const cnn_tensor *tensor, const char *path);

/**
 * Saves tensors under names of the caller's choice as a .npz file without compression, as numpy.savez() does. Members
 * are in the order of their names and without dates, so that the same tensors always give the same file.
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for a NULL, a negative count, and names that are not UTF-8, longer than
 *         65531 bytes or given twice; CNN_ERROR_STATE for a tensor of a past step; CNN_ERROR_IO; CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_npz_save(const char *const *names, cnn_tensor *const *tensors, int count, const char *path);

/** The same with compression, as numpy.savez_compressed() does; CNN_ERROR_UNSUPPORTED where the library was built
 * without zlib. @since 0.2 */
CNN_API cnn_status cnn_npz_save_compressed(const char *const *names, cnn_tensor *const *tensors, int count,
                                           const char *path);

CNN_END_DECLS

#endif
