/* The maps of functions.c: those of f32 whose f64 is a function of blocks, and exp, log and the cast to bfloat16. */
#ifndef CNN_KERNELS_SIMD_MAP_FUNCTIONS_H
#define CNN_KERNELS_SIMD_MAP_FUNCTIONS_H

#include "kernels/array/map.h"
#include "kernels/simd/vector/lanes.h"

#define DECLARE(name) \
    void CNN__SIMD(map_##name##_f32)(int64_t n, void *to, const void *const *from, const cnn__map *map);
void CNN__SIMD(map_bf16)(int64_t n, void *to, const void *const *from, const cnn__map *map);
DECLARE(exp)
DECLARE(log)
#define CNN__UNARY_BLOCK(NAME, name, cost) DECLARE(name)
#include "kernels/array/unary.def"
#undef CNN__UNARY_BLOCK
#undef DECLARE

#endif
