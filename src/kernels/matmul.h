/* A batch of matrix products, whose factors may be broadcast. */
#ifndef CNN_KERNELS_MATMUL_H
#define CNN_KERNELS_MATMUL_H

#include "kernels/kernels.h"

/* `size` is that of an element. */
size_t cnn__matmul_workspace(const cnn_matmul_parameters *m, const cnn__real_kernels *kernels, int workers);
void cnn__matmul(const cnn_matmul_parameters *m, const cnn__real_kernels *kernels, size_t size, const void *a,
                 const void *b, void *c, void *workspace, cnn__pool *pool);

#endif
