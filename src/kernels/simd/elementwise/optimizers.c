/* The steps of optimizers on vectors of f32. */
#include "kernels/optimizer_loops.h"
#include "kernels/simd/table.h"
#include "kernels/simd/vector/partial.h"

#include <math.h>

#define REAL float
#define VALUE lanes
#define WIDTH LANES
#define NAME(name) CNN__SIMD(name)
#define READ(from) load(from)
#define WRITE(to, value) store(to, value)
#define ROOT(x) square_root(x)
#define CHOOSE(condition, a, b) blend(condition, a, b)
#define NUMBERS(name) cnn__##name##_numbers_f32
#define LAUNCH_LINKAGE
#if CNN__VECTOR_BYTES == 64
#define LAUNCH_ELSEWHERE cnn__optimizer_launch_avx2
#elif CNN__VECTOR_BYTES == 16 && !defined __aarch64__
#define LAUNCH_ELSEWHERE cnn__optimizer_launch_f32
#elif CNN__VECTOR_BYTES == 16
#undef LAUNCH_LINKAGE
#define LAUNCH_LINKAGE static
#endif
#include "kernels/optimizers_impl.h"

#undef NAME
#undef NUMBERS
