/* softmax and log_softmax of rows in f32. Processors with AVX-512 run AVX2's, which call exponentials of AVX-512. */
#include "base/math.h"
#include "kernels/array/nest.h"
#include "kernels/simd/map/tables.h"
#include "kernels/simd/vector/doubles.h"
#include "kernels/simd/vector/transpose.h"

#if CNN__VECTOR_BYTES < 64

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

/* Many short rows would have a call of each map for each of them. */
void CNN__SIMD(softmax_slopes)(bool of_log, int64_t rows, int64_t n, const float *dy, const float *y,
                               const float *totals, float *dx)
{
    for (int64_t r = 0; r < rows; r++) {
        const lanes total = splat(totals[r]);
        for (int64_t left = n; left > 0; left -= LANES) {
            const int64_t count = min64(left, LANES);
            const lanes g = load_partial(dy, count), v = load_partial(y, count);
            const lanes slope = of_log ? g - v * total : (g - total) * v;
            if (count == LANES) {
                store(dx, slope);
            } else {
                store_partial(dx, slope, count);
            }
            dy += count;
            y += count;
            dx += count;
        }
    }
}

static double CNN__SIMD(total_f32)(int64_t n, const float *x)
{
    double_lanes sum[2 * EIGHT];
    DEFINE_ONE;
#pragma GCC unroll 4
    for (int k = 0; k < 2 * EIGHT; k++) {
        sum[k] = (double_lanes){ 0 };
    }
    for (; n >= 16; n -= 16, x += 16) {
#pragma GCC unroll 4
        for (int k = 0; k < 2 * EIGHT; k++) {
            sum[k] = ADDED(sum[k], as_doubles(x + k * HALF));
        }
    }
    for (int k = 0; k < n; k += LANES) {
        add_as_doubles(sum + k / HALF, load_partial(x + k, min64(n - k, LANES)));
    }
#pragma GCC unroll 2
    for (int k = 0; k < EIGHT; k++) {
        sum[k] += sum[k + EIGHT];
    }
    return sum_of_eight(sum);
}

/* Rows of less than SOFTMAX_SHORT elements are transposed, so that rows fill vectors, if there are LEAST_ROWS and one
 * for each element: a few take as long as a whole group. */
enum { SOFTMAX_SHORT = 32, SHORT_LANES = 16, SOFTMAX_GROUP = 64, LEAST_ROWS = 8 };
typedef float short_element[SOFTMAX_GROUP];

/* The sums of the columns in lane[0], in as many lanes as softmax_impl.h has, joined as there; a lane that would stay
 * 0 is left out. */
static void CNN__SIMD(short_sums_f32)(int64_t n, short_element *x, double (*lane)[SOFTMAX_GROUP])
{
    for (int64_t k = 0; k < n; k++) {
        double *to = lane[k % SHORT_LANES];
        if (k < SHORT_LANES) {
            for (int i = 0; i < SOFTMAX_GROUP; i++) {
                to[i] = (double)x[k][i];
            }
        } else {
            for (int i = 0; i < SOFTMAX_GROUP; i++) {
                to[i] += (double)x[k][i];
            }
        }
    }
    n = min64(n, SHORT_LANES);
    for (int64_t half = SHORT_LANES / 2; half > 0; half /= 2) {
        for (int64_t k = 0; k + half < n; k++) {
            for (int i = 0; i < SOFTMAX_GROUP; i++) {
                lane[k][i] += lane[k + half][i];
            }
        }
        n = min64(n, half);
    }
}

/* Up to SOFTMAX_GROUP rows. */
static void CNN__SIMD(short_group_f32)(const cnn__map *exp, bool log, int64_t count, int64_t n, const float *x,
                                       float *y)
{
    short_element room[SOFTMAX_SHORT], most, exps[SOFTMAX_SHORT + 1];
    double lane[SHORT_LANES][SOFTMAX_GROUP];
    memcpy(exps, x, (size_t)(count * n) * sizeof *x); /* more would be read than there is */
    if (count < SOFTMAX_GROUP) {
        memset(exps[0] + count * n, 0, (size_t)((SOFTMAX_GROUP - count) * n) * sizeof *x);
    }
    transpose_in(exps[0], n, round_up(n, LANES), SOFTMAX_GROUP, room[0], SOFTMAX_GROUP);
    memcpy(most, room, sizeof most);
    for (int64_t k = 1; k < n; k++) {
        for (int i = 0; i < SOFTMAX_GROUP; i++) {
            const float one = room[k][i];
            most[i] = ((one > most[i]) | (one != one)) ? one : most[i];
        }
    }
    for (int64_t k = 0; k < n; k++) {
        for (int i = 0; i < SOFTMAX_GROUP; i++) {
            exps[k][i] = room[k][i] = room[k][i] - most[i];
        }
    }
    exp->fn(n * SOFTMAX_GROUP, exps, (const void *const[]){ exps }, exp);
    CNN__SIMD(short_sums_f32)(n, exps, lane);
    if (log) {
        for (int i = 0; i < SOFTMAX_GROUP; i++) {
            most[i] = (float)cnn__log_f64(lane[0][i]);
        }
        for (int64_t k = 0; k < n; k++) {
            for (int i = 0; i < SOFTMAX_GROUP; i++) {
                room[k][i] -= most[i];
            }
        }
    } else {
        for (int i = 0; i < SOFTMAX_GROUP; i++) {
            most[i] = (float)(1 / lane[0][i]);
        }
        for (int64_t k = 0; k < n; k++) {
            for (int i = 0; i < SOFTMAX_GROUP; i++) {
                room[k][i] = exps[k][i] * most[i];
            }
        }
    }
    transpose_in(room[0], SOFTMAX_GROUP, count, n, y, n);
}

static int64_t CNN__SIMD(short_rows_f32)(const cnn__map *exp, bool log, int64_t rows, int64_t n, const float *x,
                                         float *y)
{
    int64_t done = 0;
    for (int64_t count; n < SOFTMAX_SHORT && rows - done >= LEAST_ROWS + n; done += count) {
        count = min64(rows - done, SOFTMAX_GROUP);
        CNN__SIMD(short_group_f32)(exp, log, count, n, x + done * n, y + done * n);
    }
    return done;
}

#endif

#define ROW void
#define X float
#define FN(name) CNN__SIMD(name##_f32)
#include "kernels/array/softmax_impl.h"
#endif
