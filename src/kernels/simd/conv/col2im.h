/* The gradient of the data of one image's strided convolution with many weights (conv/col2im.c). */
#ifndef CNN_KERNELS_SIMD_CONV_COL2IM_H
#define CNN_KERNELS_SIMD_CONV_COL2IM_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"

bool CNN__SIMD(conv_col2im_fits)(const cnn__conv *g);
size_t CNN__SIMD(conv_col2im_workspace)(const cnn__conv *g, int workers);
void CNN__SIMD(conv_col2im)(const cnn__conv *g, const float *dy, const float *weight, float *dx, void *memory,
                            cnn__pool *pool);

#endif
