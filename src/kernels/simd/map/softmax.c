/* softmax and log_softmax of a row in f32. */
#include "base/math.h"
#include "kernels/array/nest.h"
#include "kernels/simd/map/functions.h"
#include "kernels/simd/map/tables.h"
#include "kernels/simd/vector/doubles.h"

static void CNN__SIMD(softmax_exp_f32)(int64_t n, float *y)
{
    static const cnn__map map = {
        .fn = CNN__SIMD(map_exp_f32), .inputs = 1, .size = sizeof(float), .y_size = sizeof(float)
    };
    const void *x = y;
    cnn__map_rows(&map, n, y, &x);
}

/* Rows with partial vectors at their ends, where these are cheap: short ones have little else. Sums are those of
 * softmax_impl.h, to which zeros may be added. */
#if CNN__VECTOR_BYTES > 16
#define OWN_ROWS

static void CNN__SIMD(row_minus_f32)(int64_t n, float *y, const float *x, float a, float b)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        store(y + i, load(x + i) - splat(a) - splat(b));
    }
    if (i < n) {
        store_partial(y + i, load_partial(x + i, n - i) - splat(a) - splat(b), n - i);
    }
}

static void CNN__SIMD(row_times_f32)(int64_t n, float *y, float factor)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        store(y + i, load(y + i) * splat(factor));
    }
    if (i < n) {
        store_partial(y + i, load_partial(y + i, n - i) * splat(factor), n - i);
    }
}

static double CNN__SIMD(total_f32)(int64_t n, const float *x)
{
    double_lanes sum[2 * EIGHT] = { { 0 } };
    DEFINE_ONE;
    for (; n >= 16; n -= 16, x += 16) {
        for (int k = 0; k < 2 * EIGHT; k++) {
            sum[k] = ADDED(sum[k], as_doubles(x + k * HALF));
        }
    }
    for (int k = 0; k < n; k += LANES) {
        add_as_doubles(sum + k / HALF, load_partial(x + k, min64(n - k, LANES)));
    }
    for (int k = 0; k < EIGHT; k++) {
        sum[k] += sum[k + EIGHT];
    }
    return sum_of_eight(sum);
}

#endif

#define ROW void
#define X float
#define REDUCE(op) CNN__SIMD(reduce_f32)[op]
#define FN(name) CNN__SIMD(name##_f32)
#include "kernels/array/softmax_impl.h"
