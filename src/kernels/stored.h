/* Dtypes whose elements are stored in another type than kernels compute in (base/dtype.h).
 *
 * Kernels know nothing of them. A launch with such a dtype is carried out in three parts: its operands are loaded into
 * the workspace, the kernel computes there, and the results are rounded once as they are stored. */
#ifndef CNN_KERNELS_STORED_H
#define CNN_KERNELS_STORED_H

#include "base/dtype.h"
#include "base/pool.h"

#include <cnn/backend.h>

/* n contiguous elements of a stored dtype, in the type to compute in, and back. */
void cnn__stored_load(cnn_dtype dtype, int64_t n, const void *stored, void *computed);
void cnn__stored_store(cnn_dtype dtype, int64_t n, const void *computed, void *stored);

/* Bytes of workspace for the operands of a launch, in front of the kernel's own. */
size_t cnn__stored_workspace(const cnn_launch *launch);
/* Whether it is known what the kernel reads and writes. */
bool cnn__stored_supports(const cnn_launch *launch);
/* Makes `computed`, a launch in the type to compute in, with its operands in the workspace of `launch`. */
void cnn__stored_begin(const cnn_launch *launch, cnn_launch *computed, cnn__pool *pool);
/* Stores the results of `computed`. */
void cnn__stored_end(const cnn_launch *launch, const cnn_launch *computed, cnn__pool *pool);

#endif
