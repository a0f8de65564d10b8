/* The f32 kernels of one instruction set: prototypes of those that kernels.def calls SIMD, and their table. */
#ifndef CNN_KERNELS_SIMD_TABLE_H
#define CNN_KERNELS_SIMD_TABLE_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/lanes.h"

#define CNN__PROTOTYPE_SIMD(result, name, parameters) result CNN__SIMD(name) parameters;
#define CNN__PROTOTYPE_REFERENCE(result, name, parameters)
#define CNN__KERNEL(source, result, name, parameters) CNN__PROTOTYPE_##source(result, name, parameters)
#include "kernels/kernels.def"
#undef CNN__KERNEL
#undef CNN__PROTOTYPE_REFERENCE
#undef CNN__PROTOTYPE_SIMD

extern const cnn__real_kernels CNN__SIMD(real_kernels);

#endif
