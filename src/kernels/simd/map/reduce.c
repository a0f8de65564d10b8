/* The reductions of a tile in f32; sums are made in double. */
#include "kernels/array/reduce.h"

#include "kernels/array/reduce_steps.h"
#include "kernels/simd/map/tables.h"
#include "kernels/simd/vector/doubles.h"
#include "kernels/simd/vector/finite.h"
#include "kernels/simd/vector/intrinsics.h"

#include <math.h>
#include <string.h>

/* Reduces contiguous runs of at least LONG_RUN elements, 32 at a time in as many lanes, which are joined to the eight
 * of reduce_impl.h; returns how many elements that were, or more than n where lane[0] is the result of all, with the
 * bits of reduce_impl.h's loops. */
#define LONG_RUN_LANES 32
#define LONG_RUN (CNN__VECTOR_BYTES > 16 ? 1 : LONG_RUN_LANES)

static int64_t CNN__SIMD(whole_sum)(const float *x, int64_t n, double lane[8])
{
    double_lanes sum[4 * EIGHT] = { { 0 } };
    int64_t i = 0;
    DEFINE_ONE;
    for (; i + LONG_RUN_LANES <= n; i += LONG_RUN_LANES) {
#pragma GCC unroll 16
        for (int k = 0; k < 4 * EIGHT; k++) {
            sum[k] = ADDED(sum[k], as_doubles(x + i + k * HALF));
        }
    }
    for (int k = 0; k < EIGHT; k++) {
        sum[k] = (sum[k] + sum[k + 2 * EIGHT]) + (sum[k + EIGHT] + sum[k + 3 * EIGHT]);
    }
#if CNN__VECTOR_BYTES > 16
    for (; i + 8 <= n; i += 8) {
        for (int k = 0; k < EIGHT; k++) {
            sum[k] += as_doubles(x + i + k * HALF);
        }
    }
    if (i < n) { /* a sum of lanes that begin with 0 is no −0, so that adding 0 does not change it */
        add_as_doubles(sum, load_partial(x + i, n - i));
    }
    lane[0] = sum_of_eight(sum);
    return n + 1;
#else
    memcpy(lane, sum, 8 * sizeof *lane);
    return i;
#endif
}

/* AVX2's functions are those of some processors with AVX-512, too. */
#if CNN__VECTOR_BYTES == 32
#define SHARED
#else
#define SHARED static
#endif

#if CNN__VECTOR_BYTES > 16

/* HALF columns of four rows. */
CNN__INLINE double_lanes sum_of_four(const float *x, int64_t stride, double_lanes one)
{
    (void)one;
    const float *x1 = x + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    double_lanes left = ADDED(as_doubles(x), as_doubles(x1)), right = ADDED(as_doubles(x2), as_doubles(x3));
    return ADDED(left, right);
}

#if CNN__VECTOR_BYTES == 32
void cnn__short_sums_avx2(int64_t rows, int64_t step, int64_t n, const float *x, double *sums)
{
    DEFINE_ONE;
    for (int64_t r = 0; r < rows; r++, x += step) {
        double_lanes sum[2] = { { 0 }, { 0 } };
        int64_t i = 0;
        for (; i + 8 <= n; i += 8) {
            sum[0] = ADDED(sum[0], as_doubles(x + i));
            sum[1] = ADDED(sum[1], as_doubles(x + i + HALF));
        }
        if (i < n) {
            add_as_doubles(sum, load_partial(x + i, n - i));
        }
        sums[r] = sum_of_eight(sum);
    }
}
#endif

#if CNN__VECTOR_BYTES == 32

/* sum[0] and sum[1] += the halves of v. */
CNN__INLINE void add_eight(double_lanes *sum, lanes v, double_lanes one)
{
    double_lanes lower, upper;
    (void)one;
    HALF_AS_DOUBLES(lower, (__builtin_shufflevector(v, v, 0, 1, 2, 3)));
    HALF_AS_DOUBLES(upper, (__builtin_shufflevector(v, v, 4, 5, 6, 7)));
    sum[0] = ADDED(sum[0], lower);
    sum[1] = ADDED(sum[1], upper);
}

/* In the lanes of whole_sum(). */
void cnn__product_sums_avx2(int64_t rows, int64_t n, const float *x, const float *y, double *sums)
{
    DEFINE_ONE;
    for (int64_t r = 0; r < rows; r++) {
        double_lanes sum[8] = { { 0 } };
        int64_t left = n;
        for (; left >= LONG_RUN_LANES; left -= LONG_RUN_LANES, x += LONG_RUN_LANES, y += LONG_RUN_LANES) {
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                add_eight(sum + 2 * k, load(x + k * LANES) * load(y + k * LANES), one);
            }
        }
        if (n >= LONG_RUN_LANES) {
            sum[0] = (sum[0] + sum[4]) + (sum[2] + sum[6]);
            sum[1] = (sum[1] + sum[5]) + (sum[3] + sum[7]);
        }
        for (; left >= LANES; left -= LANES, x += LANES, y += LANES) {
            add_eight(sum, load(x) * load(y), one);
        }
        if (left) {
            add_eight(sum, load_partial(x, left) * load_partial(y, left), one);
            x += left;
            y += left;
        }
        sums[r] = sum_of_eight(sum);
    }
}

#endif

/* Sums down the columns of a run of rows, two times four rows at a time, which are added as in reduce_impl.h. */
SHARED void CNN__SIMD(rows_sum)(const void *from, int64_t n, int64_t stride, int64_t width, void *restrict accumulators)
{
    const float *x = from;
    double *a = accumulators;
    DEFINE_ONE;
    for (; n > 0; n -= 8, x += 8 * stride) {
        int64_t j = 0;
        for (; j + HALF <= width && n >= 4; j += HALF) {
            double_lanes sum = ADDED(*(double_memory *)(a + j), sum_of_four(x + j, stride, one));
            if (n >= 8) {
                sum = ADDED(sum, sum_of_four(x + 4 * stride + j, stride, one));
            }
            *(double_memory *)(a + j) = sum;
        }
        int64_t row = 0;
        for (; row + 4 <= n && row < 8; row += 4) {
            const float *x0 = x + row * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
            for (int64_t k = j; k < width; k++) {
                a[k] += ((double)x0[k] + (double)x1[k]) + ((double)x2[k] + (double)x3[k]);
            }
        }
        for (; row < n && row < 8; row++) {
            for (int64_t k = 0; k < width; k++) {
                a[k] += (double)x[row * stride + k];
            }
        }
    }
}

#endif

#if CNN__VECTOR_BYTES == 32

/* Sums of few rows: what rows_sum makes of accumulators that begin with 0, which stay in registers here. */
void cnn__sum_columns_avx2(const float *x, int64_t n, int64_t stride, int64_t width, float *y)
{
    DEFINE_ONE;
    for (int64_t j = 0; j < width; j += LANES) {
        j = j + LANES <= width ? j : width - LANES; /* the last ones may be made twice */
        double_lanes lower = { 0 }, upper = { 0 };
        const float *row = x + j;
        int64_t left = n;
        for (; left >= 4; left -= 4, row += 4 * stride) {
            lower = ADDED(lower, sum_of_four(row, stride, one));
            upper = ADDED(upper, sum_of_four(row + HALF, stride, one));
        }
        for (; left > 0; left--, row += stride) {
            lower = ADDED(lower, as_doubles(row));
            upper = ADDED(upper, as_doubles(row + HALF));
        }
        *(half_of_lanes *)(void *)(y + j) = __builtin_convertvector(lower, half_of_lanes);
        *(half_of_lanes *)(void *)(y + j + HALF) = __builtin_convertvector(upper, half_of_lanes);
    }
}

#endif

/* SSE2 is kept small. */
#if CNN__VECTOR_BYTES == 16 && defined __x86_64__
#define UNROLL_LANES "GCC unroll 1"
#else
#define UNROLL_LANES "GCC unroll 8"
#endif

/* one in the lanes where that is larger (smaller), else best, also where one of them is a NaN: the instructions for
 * both are not what compilers make of comparisons. */
#if CNN__VECTOR_BYTES == 64
#define LARGER(one, best) \
    ((lanes)X86(__builtin_ia32_maxps512_mask(one, best, best, X86_ALL, X86_ROUNDING), \
                _mm512_max_ps((__m512)(one), (__m512)(best))))
#define SMALLER(one, best) \
    ((lanes)X86(__builtin_ia32_minps512_mask(one, best, best, X86_ALL, X86_ROUNDING), \
                _mm512_min_ps((__m512)(one), (__m512)(best))))
/* Compilers turn such a mask into a vector, and back. */
typedef uint16_t nan_mask;
#define NANS(one) \
    ((uint16_t)X86(__builtin_ia32_cmpps512_mask(one, one, 3, 0xffff, X86_ROUNDING), \
                   _mm512_cmp_ps_mask((__m512)(one), (__m512)(one), 3)))
#define ANY_NAN(nans) ((nans) != 0)
#elif CNN__VECTOR_BYTES == 32
#define LARGER(one, best) ((lanes)X86(__builtin_ia32_maxps256(one, best), _mm256_max_ps((__m256)(one), (__m256)(best))))
#define SMALLER(one, best) \
    ((lanes)X86(__builtin_ia32_minps256(one, best), _mm256_min_ps((__m256)(one), (__m256)(best))))
#else
#define LARGER(one, best) blend((one) > (best), one, best)
#define SMALLER(one, best) blend((one) < (best), one, best)
#endif
#if CNN__VECTOR_BYTES < 64
typedef lanes_i32 nan_mask;
#define NANS(one) ((one) != (one))
#define ANY_NAN(nans) any_lane(nans)
#endif

/* FINISH(name, than, start) reduces best_lanes and what follows the whole steps. */
#if CNN__VECTOR_BYTES > 16
/* Eight floats. PICK gives those of `one` that are larger (smaller), else those of `all`, also where one is a NaN. */
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t eight_i32 __attribute__((vector_size(32)));
#define EIGHT_AT(p) (*(const eight *)(const void *)(p))
#define PICK_max(one, all) ((eight)X86(__builtin_ia32_maxps256(one, all), _mm256_max_ps((__m256)(one), (__m256)(all))))
#define PICK_min(one, all) ((eight)X86(__builtin_ia32_minps256(one, all), _mm256_min_ps((__m256)(one), (__m256)(all))))
#define ANY_OF_EIGHT(mask) X86(__builtin_ia32_movmskps256((eight)(mask)), _mm256_movemask_ps((__m256)(mask)))
#define FOLDED(all, half) __builtin_shufflevector(all, all, half, half + 1, half + 2, half + 3, 4, 5, 6, 7)
#define FINISH(name, than, start) \
    do { \
        float rest[8] = { start, start, start, start, start, start, start, start }; \
        eight all = EIGHT_AT(best_lanes), eights; \
        eight_i32 eight_nans = { 0 }; \
        for (int k = 8; k < LONG_RUN_LANES; k += 8) { \
            all = PICK_##name(EIGHT_AT(best_lanes + k), all); \
        } \
        for (; i < n; i += 8) { \
            if (n - i < 8) { \
                memcpy(rest, x + i, (size_t)(n - i) * sizeof *x); \
            } \
            eights = n - i < 8 ? EIGHT_AT(rest) : EIGHT_AT(x + i); \
            eight_nans |= eights != eights; \
            all = PICK_##name(eights, all); \
        } \
        all = PICK_##name(FOLDED(all, 4), all); \
        all = PICK_##name(FOLDED(all, 2), all); \
        all = PICK_##name(FOLDED(all, 1), all); \
        lane[0] = all[0]; \
        if (ANY_OF_EIGHT(eight_nans)) { \
            lane[0] = start; \
            return 0; \
        } \
        return n + 1; \
    } while (0)
#else
/* lane[k] becomes b[k] where that is larger (smaller) or a NaN. */
#define PICK_EIGHT(than, b) \
    for (int j = 0; j < 8; j++) { \
        const float left = lane[j], right = (b)[j]; \
        lane[j] = ((right than left) | (right != right)) ? right : left; \
    }
#define FINISH(name, than, start) \
    do { \
        memcpy(lane, best_lanes, 8 * sizeof *lane); \
        for (int k = 8; k < LONG_RUN_LANES; k += 8) { \
            PICK_EIGHT(than, best_lanes + k); \
        } \
        for (; i + 8 <= n; i += 8) { \
            PICK_EIGHT(than, x + i); \
        } \
        return i; \
    } while (0)
#endif

/* Does nothing if any element is a NaN, which must stay once it is in. */
#define WHOLE(name, than, pick, start) \
    static int64_t CNN__SIMD(whole_##name)(const float *x, int64_t n, float lane[8]) \
    { \
        lanes best[LONG_RUN_LANES / LANES], one; \
        nan_mask nans = NANS((lanes){ 0 }); \
        float best_lanes[LONG_RUN_LANES]; \
        int64_t i = 0; \
        for (int k = 0; k < LONG_RUN_LANES / LANES; k++) { \
            best[k] = n < LONG_RUN_LANES ? splat(start) : load(x + k * LANES); \
        } \
        for (; i + LONG_RUN_LANES <= n; i += LONG_RUN_LANES) { \
            _Pragma(UNROLL_LANES) for (int k = 0; k < LONG_RUN_LANES / LANES; k++) \
            { \
                one = load(x + i + k * LANES); \
                nans |= NANS(one); \
                best[k] = pick(one, best[k]); \
            } \
        } \
        if (ANY_NAN(nans)) { \
            return 0; \
        } \
        memcpy(best_lanes, best, sizeof best); \
        FINISH(name, than, start); \
    }
WHOLE(max, >, LARGER, -INFINITY)
#if CNN__VECTOR_BYTES < 64
WHOLE(min, <, SMALLER, INFINITY)
#endif

#define PART SHARED
#define A double

#if CNN__VECTOR_BYTES > 16
#define OWN_ROWS
#endif
#define X float
#define STEP SUM_REAL
#define START 0
#define L A
#define NAME(name) CNN__SIMD(name##_sum)
#include "kernels/array/reduce_impl.h"
#undef OWN_ROWS
#undef STEP
#undef START
#undef L

#define X float
#define STEP MAX_REAL
#define START -INFINITY
#define L X
#undef PART
#define PART static
#define NAME(name) CNN__SIMD(name##_max)
#include "kernels/array/reduce_impl.h"
#undef STEP
#undef START

#if CNN__VECTOR_BYTES < 64
#undef PART
#define PART SHARED
#define X float
#define STEP MIN_REAL
#define START INFINITY
#define NAME(name) CNN__SIMD(name##_min)
#include "kernels/array/reduce_impl.h"
#endif

#if CNN__VECTOR_BYTES == 64

/* Zen 4 takes twice as long for floats of 32 bytes that become doubles of 64 as for two of half the size. */
static bool converts_by_halves(void)
{
    return __builtin_cpu_is("amdfam19h");
}

static void chosen_part_sum(const void *x, int64_t n, int64_t stride, void *accumulator)
{
    (converts_by_halves() ? cnn__part_sum_avx2 : CNN__SIMD(part_sum))(x, n, stride, accumulator);
}

static void chosen_rows_sum(const void *x, int64_t n, int64_t stride, int64_t width, void *restrict accumulators)
{
    (converts_by_halves() ? cnn__rows_sum_avx2 : CNN__SIMD(rows_sum))(x, n, stride, width, accumulators);
}

#endif

#define REDUCER(first, part_name, rows_name) \
    { \
        .part = part_name, .rows = rows_name, .start.real = (first), .size = sizeof(float) \
    }

const cnn__reducer CNN__SIMD(reduce_f32)[CNN_REDUCE_OF_COUNT] = {
    [CNN_REDUCE_OF_MAX] = REDUCER(-INFINITY, CNN__SIMD(part_max), CNN__SIMD(rows_max)),
#if CNN__VECTOR_BYTES == 64
    [CNN_REDUCE_OF_SUM] = REDUCER(0, chosen_part_sum, chosen_rows_sum),
    /* AVX2's is as fast: it waits for memory. */
    [CNN_REDUCE_OF_MIN] = REDUCER(INFINITY, cnn__part_min_avx2, cnn__rows_min_avx2),
#else
    [CNN_REDUCE_OF_SUM] = REDUCER(0, CNN__SIMD(part_sum), CNN__SIMD(rows_sum)),
    [CNN_REDUCE_OF_MIN] = REDUCER(INFINITY, CNN__SIMD(part_min), CNN__SIMD(rows_min)),
#endif
    [CNN_REDUCE_OF_PRODUCT] = REDUCER(1, cnn__part_product_f32, cnn__rows_product_f32),
};
