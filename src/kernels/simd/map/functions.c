/* Maps of elementary functions in f32. Where a function is simple only for arguments of a range, its loop is for that
 * range, and the few elements beyond it are computed again, in f64 by the function of blocks or one by one; so what an
 * element becomes does not depend on its neighbours. Products and sums are joined in fused_add() alone, so that AVX2
 * and AVX-512 give the same bits. Errors stay below 3 units in the last place, those of tan below 4
 * (tests/test_elementary.c). */
#include "kernels/simd/map/functions.h"

#include "kernels/simd/map/math.h"

#include <string.h>

enum { RANGED_PIECE = 512 }; /* elements of which one beyond the range makes a second look worth it */

/* Bits b are within the range where ((b − low) & mask) ≤ most. */
typedef struct ranged {
    uint32_t low, mask, most;
    void (*loop)(int64_t n, float *y, const float *x);
    void (*whole)(int64_t n, float *y, const float *x); /* gives the bits of `loop` for all arguments, or NULL: */
    float (*one)(float x);                              /* what is beyond the range; NULL: by blocks */
} ranged;

/* |x| ≤ `most`; positive normal numbers */
#define RANGE_OF_SIZE(most) 0, 0x7fffffff, (most)
#define RANGE_OF_POSITIVE 0x00800000, UINT32_MAX, 0x7effffff

static inline bool is_beyond(const ranged *r, float x)
{
    return ((bits_of(x) - r->low) & r->mask) > r->most;
}

static bool any_beyond(const ranged *r, int64_t n, const float *x)
{
    const uint32_t low = r->low, mask = r->mask;
    uint32_t most = 0;
    n &= -(int64_t)CNN__MAP_STEP;
    for (int64_t i = 0; i < n; i++) {
        uint32_t distance = (bits_of(x[i]) - low) & mask;
        most = distance > most ? distance : most;
    }
    return most > r->most;
}

/* Only what is beyond the range. */
static void compute_beyond(const ranged *r, int64_t n, float *y, const float *x, const cnn__map *map)
{
    for (int64_t i = 0; i < n; i++) {
        if (is_beyond(r, x[i]) && r->one) {
            y[i] = r->one(x[i]);
        } else if (is_beyond(r, x[i])) {
            double block[CNN__MAP_STEP] = { (double)x[i] };
            map->block(block, map->values);
            y[i] = (float)block[0];
        }
    }
}

static void map_ranged(const ranged *r, int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    const float *x = from[0];
    float *y = to, kept[RANGED_PIECE]; /* y may be x */
    for (int64_t i = 0; i < n; i += RANGED_PIECE) {
        const int64_t count = cnn__min(RANGED_PIECE, n - i);
        if (!any_beyond(r, count, x + i)) {
            r->loop(count, y + i, x + i);
        } else if (r->whole) {
            r->whole(count, y + i, x + i);
        } else {
            memcpy(kept, x + i, (size_t)count * sizeof *kept);
            r->loop(count, y + i, kept);
            compute_beyond(r, count, y + i, kept, map);
        }
    }
}

#define LOOP(name, expression) \
    static void CNN__SIMD(name##_loop)(int64_t n, float *y, const float *from) \
    { \
        n &= -(int64_t)CNN__MAP_STEP; /* no change, but the compiler sees that nothing is left over */ \
        CNN__IVDEP \
        for (int64_t i = 0; i < n; i++) { \
            const float x = from[i]; \
            y[i] = (expression); \
        } \
    }

/* A map of a loop for all arguments, and one of a loop for a range. */
#define MAP(name) \
    void CNN__SIMD(map_##name##_f32)(int64_t n, void *to, const void *const *from, const cnn__map *map) \
    { \
        (void)map; \
        CNN__SIMD(name##_loop)(n, to, from[0]); \
    }
#define MAP_RANGED(name, all, single, ...) \
    void CNN__SIMD(map_##name##_f32)(int64_t n, void *to, const void *const *from, const cnn__map *map) \
    { \
        static const ranged r = { __VA_ARGS__, CNN__SIMD(name##_loop), all, single }; \
        map_ranged(&r, n, to, from, map); \
    }

/* ---- exponentials ---- */

static MATH_INLINE float times_power_of_2(float p, uint32_t n)
{
    return float_of(bits_of(p) + (n << 23));
}

static MATH_INLINE float exp_within(float x)
{
    uint32_t n;
    float p = exp_reduce(x, &n) + 1;
    return times_power_of_2(p, n);
}

static MATH_INLINE float expm1_within(float x)
{
    uint32_t n;
    float p = exp_reduce(x, &n), scale = power_of_2(n);
    return copysignf(fused_add(scale, p, scale - 1), x);
}

/* 2^n · 2^f, n the integer nearest to x. 2^f is 1 + f · q(f), q of least relative error, 2^-28 of the whole. */
static MATH_INLINE float exp2_within(float x)
{
    const float round = 0x1.8p23f;
    float shifted = x + round, f = x - (shifted - round), q = 0.0001535344054f;
    q = fused_add(q, f, 0.0013398873853f);
    q = fused_add(q, f, 0.0096184369177f);
    q = fused_add(q, f, 0.055503323674f);
    q = fused_add(q, f, 0.24022647738f);
    q = fused_add(q, f, 0.69314718246f);
    return times_power_of_2(fused_add(q, f, 1), bits_of(shifted));
}

/* 2/√π · exp(−x²), x² being the sum of h² and (x − h)·(x + h), where h has half of the bits of x. */
static MATH_INLINE float erf_slope_within(float x)
{
    uint32_t n;
    float h = float_of(bits_of(x) & 0xfffff000);
    float r = exp_split(-h * h, &n), p = exp_series(fused_add(h - x, x + h, r)) + 1;
    return times_power_of_2(p * 1.1283791671f, n);
}

/* ---- logarithms ---- */

static MATH_INLINE float log_within(float x)
{
    float e, m = split_float(x, &e);
    return log_sum(e, m - 1, -0.0f);
}

/* log(m) to another base is scaled; the integer part is exact. */
static MATH_INLINE float log2_within(float x)
{
    float e, m = split_float(x, &e);
    return fused_add(1.4426950409f, log_near(m - 1, -0.0f), e);
}

/* log10(2) is in two parts, the first of 16 bits, so that its product with e is exact. */
static MATH_INLINE float log10_within(float x)
{
    float e, m = split_float(x, &e);
    const float log_m = 0.4342944819f * log_near(m - 1, -0.0f);
    return fused_add(e, 0x1.3440p-2f, fused_add(e, 0x1.3509f8p-18f, log_m));
}

/* ---- sine, cosine, tangent ---- */

/* x = n · π/2 + r with |r| ≤ π/4; n is in the low bits of `quarter`. π/2 is in three parts, of which the first two have
 * 16 bits: their products with n are exact for |x| ≤ 402. */
static MATH_INLINE float reduce_quarters(float x, uint32_t *quarter)
{
    const float round = 0x1.8p23f;
    float shifted = fused_add(x, 0x1.45f306p-1f, round), n = shifted - round;
    *quarter = bits_of(shifted);
    const float most = fused_add(n, -0x1.b544p-16f, fused_add(n, -0x1.921ep+0f, x));
    return fused_add(n, -0x1.0b4612p-34f, most);
}

/* Polynomials of least relative error, 2^-28 and 2^-33. */
static MATH_INLINE float sin_series(float x)
{
    float z = x * x, p = -0.00019515251916f;
    p = fused_add(p, z, 0.0083321603015f);
    p = fused_add(p, z, -0.16666655242f);
    return z == 0 ? x : fused_add(x, z * p, x); /* x itself keeps −0 */
}

static MATH_INLINE float cos_series(float x)
{
    float z = x * x, p = 2.4433122235e-05f;
    p = fused_add(p, z, -0.0013887316454f);
    p = fused_add(p, z, 0.041666645557f);
    return 1 - fused_add(z, 0.5f, -(z * z * p));
}

/* sin(x + quarters · π/2) */
static MATH_INLINE float sin_within(float x, uint32_t quarters)
{
    uint32_t n;
    float r = reduce_quarters(x, &n), s = sin_series(r), c = cos_series(r);
    n += quarters;
    return float_of(bits_of(n & 1 ? c : s) ^ (n & 2) << 30);
}

static MATH_INLINE float tan_within(float x)
{
    uint32_t n;
    float r = reduce_quarters(x, &n), s = sin_series(r), c = cos_series(r);
    float quotient = (n & 1 ? c : s) / (n & 1 ? s : c);
    return float_of(bits_of(quotient) ^ n << 31);
}

/* ---- their inverses, by polynomials of least relative error, below 2^-27 ---- */

/* atan |x| = atan(t) with t = |x|, or π/2 − atan(1 / |x|). */
static MATH_INLINE float atan_any(float x)
{
    float a = fabsf(x), t = (a > 1 ? 1 : a) / (a > 1 ? a : 1), z = t * t, p = -0.0017936213408f;
    p = fused_add(p, z, 0.010914596729f);
    p = fused_add(p, z, -0.03117781505f);
    p = fused_add(p, z, 0.057957544923f);
    p = fused_add(p, z, -0.084034465253f);
    p = fused_add(p, z, 0.10952184349f);
    p = fused_add(p, z, -0.14264240861f);
    p = fused_add(p, z, 0.19998548925f);
    p = fused_add(p, z, -0.33333298564f);
    float y = fused_add(t, z * p, t);
    return copysignf(a > 1 ? 0x1.921fb6p+0f - (y + 0x1.777a5cp-25f) : y, x);
}

/* asin(a) for a ≤ 1/2, with its square */
static MATH_INLINE float asin_near(float a, float z)
{
    float p = 0.042166043073f;
    p = fused_add(p, z, 0.024179672822f);
    p = fused_add(p, z, 0.04547034204f);
    p = fused_add(p, z, 0.074952982366f);
    p = fused_add(p, z, 0.166667521f);
    return fused_add(a, z * p, a);
}

/* asin |x| = π/2 − 2 · asin(√((1 − |x|) / 2)) from 1/2 on */
static MATH_INLINE float asin_of(float x)
{
    float a = fabsf(x), z = a > 0.5f ? (1 - a) * 0.5f : a * a;
    float y = asin_near(a > 0.5f ? sqrtf(z) : a, z);
    return copysignf(a > 0.5f ? 0x1.921fb6p+0f - (2 * y + 0x1.777a5cp-25f) : y, x);
}

/* acos(x) = π/2 − asin(x), or 2 · asin(√((1 − x) / 2)) from 1/2 on */
static MATH_INLINE float acos_of(float x)
{
    float a = fabsf(x), z = a > 0.5f ? (1 - a) * 0.5f : a * a;
    float y = asin_near(a > 0.5f ? sqrtf(z) : a, z);
    float near = 0x1.921fb6p+0f - (copysignf(y, x) + 0x1.777a5cp-25f);
    float far = x > 0 ? 2 * y : 0x1.921fb6p+1f - (2 * y + 0x1.777a5cp-24f);
    return a > 0.5f ? far : near;
}

/* ---- the maps ---- */

#if CNN__VECTOR_BYTES > 16
/* All are rounded as if none were a NaN, and once more if one is. */
void CNN__SIMD(map_bf16)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    const float *x = from[0];
    uint16_t *y = to;
    uint32_t nan = 0;
    (void)map;
    n &= -(int64_t)CNN__MAP_STEP;
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = bits_of(x[i]);
        nan |= 0x7f800000 - (bits & 0x7fffffff);
        y[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
    for (int64_t i = 0; i < n && nan >> 31; i++) {
        y[i] = cnn__bf16_of_bits(bits_of(x[i]));
    }
}
#endif

LOOP(exp, exp_within(x))
LOOP(exp_any, exp_f32(x))
LOOP(expm1, expm1_within(x))
LOOP(exp2, exp2_within(x))
LOOP(erf_slope, erf_slope_within(x))
LOOP(log, log_within(x))
LOOP(log2, log2_within(x))
LOOP(log10, log10_within(x))
LOOP(log1p, log1p_f32(x))
LOOP(sin, sin_within(x, 0))
LOOP(cos, sin_within(x, 1))
LOOP(tan, tan_within(x))
LOOP(atan, atan_any(x))
LOOP(asin, asin_of(x))
LOOP(acos, acos_of(x))

MAP_RANGED(exp, CNN__SIMD(exp_any_loop), NULL, RANGE_OF_SIZE(0x42ae0000)) /* 87 */
MAP_RANGED(expm1, NULL, NULL, RANGE_OF_SIZE(0x42ae0000))
MAP_RANGED(exp2, NULL, NULL, RANGE_OF_SIZE(0x42fa0000))      /* 125 */
MAP_RANGED(erf_slope, NULL, NULL, RANGE_OF_SIZE(0x41140000)) /* 9.25 */
MAP_RANGED(log, NULL, log_f32, RANGE_OF_POSITIVE)
MAP_RANGED(log2, NULL, NULL, RANGE_OF_POSITIVE)
MAP_RANGED(log10, NULL, NULL, RANGE_OF_POSITIVE)
MAP(log1p)
MAP_RANGED(sin, NULL, NULL, RANGE_OF_SIZE(0x43c90000)) /* 402 */
MAP_RANGED(cos, NULL, NULL, RANGE_OF_SIZE(0x43c90000))
MAP_RANGED(tan, NULL, NULL, RANGE_OF_SIZE(0x43c90000))
MAP(atan)
MAP(asin)
MAP(acos)
#undef MAP
