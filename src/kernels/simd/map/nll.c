/* The loops of the cross-entropy kernel in f32. Processors with AVX-512 run AVX2's, which call exponentials of
 * AVX-512: a copy would be 5 kB. */
#include "kernels/array/softmax_nll_loops.h"
#include "kernels/simd/map/tables.h"

#if CNN__VECTOR_BYTES < 64
#if CNN__VECTOR_BYTES > 16 || !defined __x86_64__
#define FAST_ROWS
#endif
#define X float
#define FN(name) CNN__SIMD(name##_f32)
#include "kernels/array/softmax_nll_impl.h"

const cnn__nll_loops CNN__SIMD(nll_f32) = { CNN__SIMD(statistics_f32), CNN__SIMD(dense_loss_f32),
                                            CNN__SIMD(logits_gradient_f32) };
#endif
