/* What maps.c puts into the tables of an instruction set, beside the maps. */
#ifndef CNN_KERNELS_SIMD_MAP_TABLES_H
#define CNN_KERNELS_SIMD_MAP_TABLES_H

#include "kernels/array/map.h"
#include "kernels/simd/vector/lanes.h"

extern const cnn__reducer CNN__SIMD(reduce_f32)[CNN_REDUCE_OF_COUNT];

extern const cnn__nll_loops CNN__SIMD(nll_f32);
extern const cnn__rnn_loops CNN__SIMD(rnn_loops_f32);

/* Loops of rows (choice.c), softmax of rows (softmax.c); AVX-512's tables have AVX2's, which map.h declares. */
#if CNN__VECTOR_BYTES == 64
#define CNN__ROW_LOOP(name) cnn__##name##_avx2
#else
#define CNN__ROW_LOOP(name) CNN__SIMD(name)
#define CNN__ROWS(name) void CNN__SIMD(name)(int64_t n, void *y, const void *const *x, const cnn__map *map);
CNN__ROWS(where_4)
CNN__ROWS(words_and)
CNN__ROWS(words_or)
CNN__ROWS(words_xor)
CNN__ROWS(words_add)
#undef CNN__ROWS
void CNN__SIMD(softmax_f32)(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);
void CNN__SIMD(log_softmax_f32)(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);
#endif
void CNN__SIMD(normals)(const uint64_t key[2], int64_t first, int64_t n, cnn_dtype dtype, void *x);

#endif
