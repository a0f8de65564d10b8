/* softmax and log_softmax of a row in f32. */
#include "kernels/array/math.h"
#include "kernels/array/nest.h"
#include "kernels/simd/map/tables.h"

#define ROW void
#define X float
#define OWN(name) cnn__##name##_f32
#define FN(name) CNN__SIMD(name##_f32)
#include "kernels/array/softmax_impl.h"
