/* The loops of recurrent steps in f32. Processors with AVX-512 run AVX2's: most of a step's rows come from memory. */
#include "kernels/array/rnn.h"
#include "kernels/simd/map/tables.h"

#include <string.h>

#if CNN__VECTOR_BYTES < 64
#define X float
#define FN(name) CNN__SIMD(name##_f32)
#include "kernels/array/rnn_impl.h"
#endif
