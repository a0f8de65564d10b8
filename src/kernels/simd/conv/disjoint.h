/* The gradient of the data of a convolution whose windows lie side by side (conv/disjoint.c). dx gets the bias, too. */
#ifndef CNN_KERNELS_SIMD_CONV_DISJOINT_H
#define CNN_KERNELS_SIMD_CONV_DISJOINT_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"

bool CNN__SIMD(conv_disjoint_fits)(const cnn__conv *g);
size_t CNN__SIMD(conv_disjoint_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(conv_disjoint)(const cnn__conv *g, const float *dy, const float *weight, float *dx, void *memory,
                              cnn__pool *pool);

#endif
