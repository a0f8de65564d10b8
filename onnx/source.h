/* Files: a model read whole, and parts of the files beside it. */
#ifndef CNN_ONNX_SOURCE_H
#define CNN_ONNX_SOURCE_H

#include "wire.h"

/* Reads a regular file into memory of malloc(); reports. */
bool cnn__onnx_source_read(cnn__onnx_file_bytes *file, unsigned char **bytes);

/* Reads a part of a file in the model's folder, or in one below it, into `to`. The name is checked: it is relative, no
 * part of it is "..", and no part is a symbolic link. `to` NULL: looks only whether the part is there. Reports. */
bool cnn__onnx_source_read_beside(cnn__onnx_file_bytes *file, cnn__onnx_text location, int64_t offset, int64_t size,
                                  void *to);

#endif
