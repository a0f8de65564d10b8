/* softmax and log_softmax of a row in f32. */
#include "base/math.h"
#include "kernels/array/nest.h"
#include "kernels/simd/map/functions.h"
#include "kernels/simd/map/tables.h"

static void CNN__SIMD(softmax_exp_f32)(int64_t n, float *y)
{
    static const cnn__map map = {
        .fn = CNN__SIMD(map_exp_f32), .inputs = 1, .size = sizeof(float), .y_size = sizeof(float)
    };
    const void *x = y;
    cnn__map_rows(&map, n, y, &x);
}

#define ROW void
#define X float
#define REDUCE(op) CNN__SIMD(reduce_f32)[op]
#define FN(name) CNN__SIMD(name##_f32)
#include "kernels/array/softmax_impl.h"
