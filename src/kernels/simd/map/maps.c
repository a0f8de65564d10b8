/* The maps of an instruction set in f32, its functions of blocks, and the array kernels that use them. Where a function
 * of blocks, which computes in f64, is what a net spends its time on, f32 has a loop of its own here. */
#include "kernels/array/map.h"

#include "kernels/array/math.h"
#include "kernels/array/nest.h"
#include "kernels/simd/map/blocks.h"
#include "kernels/simd/map/functions.h"
#include "kernels/simd/map/tables.h"
#include "kernels/simd/vector/intrinsics.h"
#include "kernels/simd/vector/transpose.h"

#include <math.h>

#define X float
#define MATH(name) name##f
#define OWN(name) cnn__##name##_f32
#define FN(name) CNN__SIMD(name##_f32)
#define MAP_OF_BLOCK(name) FN(map_##name)
#define MAP_OF_BOTH(name) FN(map_##name)
#define MAPS CNN__SIMD(maps_f32)

/* A map of f32 alone. */
#define MAP(name, expression) \
    static void FN(map_##name)(int64_t n, void *to, const void *const *from, const cnn__map *map) \
    { \
        float *y = to; \
        const float *first = from[0], p = (float)map->values[0], q = (float)map->values[1]; \
        (void)p, (void)q; \
        n &= -(int64_t)CNN__MAP_STEP; \
        CNN__IVDEP \
        for (int64_t i = 0; i < n; i++) { \
            const float x = first[i]; \
            y[i] = (expression); \
        } \
    }

/* ---- SiLU: x · σ(x); its slope is σ(x) · (1 + x · (1 − σ(x))), where 1 − σ(x) = σ(−x) ---- */

static inline float silu_of(float x)
{
    return x * cnn__sigmoid_f32(x);
}

static inline float silu_slope_of(float x)
{
    float e = cnn__exp_decay(x), sum = 1 + e;
    float s = (x >= 0 ? 1 : e) / sum, other = (x >= 0 ? e : 1) / sum;
    return s * (1 + x * other);
}

MAP(silu, silu_of(x))
MAP(silu_slope, silu_slope_of(x))

/* ---- ELU, SELU: a · (exp(b·x) − 1) where x ≤ 0, else scale · x ---- */

MAP(elu, x <= 0 ? p * cnn__expm1_f32(q * x) : x)
MAP(elu_slope, x <= 0 ? p * q * cnn__exp_f32(q * x) : 1)
MAP(selu, x <= 0 ? (float)(SELU_SCALE * SELU_ALPHA) * cnn__expm1_f32(x) : (float)SELU_SCALE * x)
MAP(selu_slope, x <= 0 ? (float)(SELU_SCALE * SELU_ALPHA) * cnn__exp_f32(x) : (float)SELU_SCALE)

/* ---- Mish: x · tanh(log(1 + e)) for e = exp(x), where tanh is n / (n + 2), n = e · (e + 2); 1 from x = 20 on ---- */

static inline float mish_tanh_f32(float x)
{
    float e = cnn__exp_f32(x > 20 ? 20 : x), n = e * (e + 2);
    return n / (n + 2);
}

static inline float mish_slope_of(float x)
{
    float t = mish_tanh_f32(x);
    return t + x * cnn__sigmoid_f32(x) * (1 - t * t);
}

MAP(mish, (x * mish_tanh_f32(x)))
MAP(mish_slope, mish_slope_of(x))

/* ---- Softplus: log(1 + exp(p·x)) / p, and x where p·x > q; LogSigmoid: −log(1 + exp(−x)) ---- */

/* exp() never overflows. */
static inline float softplus_of(float x)
{
    return (x > 0 ? x : 0) + cnn__log1p_finite(cnn__exp_decay(x));
}

MAP(softplus, ((p * x > q) ? x : softplus_of(p * x) / p))
MAP(softplus_slope, ((p * x > q) ? 1 : cnn__sigmoid_f32(p * x)))
MAP(logsigmoid, -softplus_of(-x))
MAP(logsigmoid_slope, cnn__sigmoid_f32(-x))

/* ---- erf; GELU: x · Φ(x) and Φ(x) + x · Φ'(x), or by tanh where p is not 0 ---- */

/* erfc(y) / 2 for y ≥ 0. The polynomial in t = (y − 3.75) / (y + 3.75), as in array/gelu.c, interpolates exp(y²) ·
 * erfc(y) / 2 up to y = 10.2, from where on the result is below any f32. */
static inline float half_erfc(float y)
{
    y = y > 10.2f ? 10.2f : y;
    float t = (y - 3.75f) / (y + 3.75f), z = t * t, even = -0.00010521723f, odd = -1.5811838e-05f;
    even = even * z + 0.00091383496f;
    odd = odd * z - 0.0041054627f;
    even = even * z + 0.012070093f;
    odd = odd * z - 0.027402064f;
    even = even * z + 0.051302191f;
    odd = odd * z - 0.081785895f;
    even = even * z + 0.11300404f;
    odd = odd * z - 0.13671097f;
    even = even * z + 0.072794862f;
    return cnn__exp_bounded(-y * y) * (odd * t + even);
}

static inline float erf_of(float x)
{
    float s = x * x, near = -0.00061277085f;
    near = near * s + 0.0050190286f;
    near = near * s - 0.026783574f;
    near = near * s + 0.11282266f;
    near = near * s - 0.37612537f;
    near = near * s + 1.1283791f; /* erf(x) / x for s ≤ 0.8, interpolated at Chebyshev nodes */
    float far = copysignf(1 - 2 * half_erfc(fabsf(x)), x);
    return s <= 0.8f ? x * near : far;
}

/* Φ(−|x|) / exp(−x²/2) for |x| ≤ 14.5, from where on Φ(−|x|) is below any f32: a polynomial of least relative error,
 * 2^-26.7, in t = (|x| − 3) / (|x| + 3), as in array/gelu.c. And exp(−x²/2) as the product of `power` and `scale`, with
 * half of the exponent each, so that subnormal results come out: 2^f is 1 + f · q(f), q of least relative error,
 * 2^-23.4 of the whole; an exponential to base 2 has fewer operations than that of array/math.h. */
static inline float normal_ratio(float x, float *power, float *scale)
{
    const float round = 0x1.8p23f;
    float y = fabsf(x);
    y = y > 14.5f ? 14.5f : y;
    float t = (y - 3) / (y + 3), z = t * t, even = 0.000115013677f, odd = 5.31618734e-05f;
    even = even * z - 0.000983288221f;
    odd = odd * z - 0.0003390128f;
    even = even * z + 0.00613194229f;
    odd = odd * z + 0.00290438736f;
    even = even * z + 0.123225041f;
    odd = odd * z - 0.0462132636f;
    even = even * z + 0.121513948f;
    odd = odd * z - 0.20640262f;
    float e = y * y * -0.72134752f, shifted = e + round, f = e - (shifted - round), q = 0.0013264727f;
    q = q * f + 0.0096715126f;
    q = q * f + 0.055507337f;
    q = q * f + 0.24022242f;
    q = q * f + 0.69314698f;
    uint32_t n = cnn__bits_of(shifted) - cnn__bits_of(round) + 2 * 127, half = n >> 1;
    *power = cnn__float_of(cnn__bits_of(q * f + 1) + ((n - half - 127) << 23));
    *scale = cnn__float_of(half << 23);
    return odd * t + even;
}

static inline float gelu_of(float x)
{
    float power, scale, ratio = normal_ratio(x, &power, &scale), side = power * ratio * scale;
    return x * (x > 0 ? 1 - side : side);
}

static inline float gelu_slope_of(float x)
{
    float power, scale, ratio = normal_ratio(x, &power, &scale);
    return (x > 0 ? 1 : 0.0f) + (x * 0.39894228f + (x > 0 ? -ratio : ratio)) * (power * scale);
}

/* (1 + tanh(u)) / 2 is σ(2·u). */
static inline float gelu_tanh_of(float x)
{
    return x * cnn__sigmoid_f32(1.5957691f * (x + 0.044715f * x * x * x));
}

static inline float gelu_tanh_slope_of(float x)
{
    float z = 1.5957691f * (x + 0.044715f * x * x * x), e = cnn__exp_decay(z), sum = 1 + e;
    float s = (z >= 0 ? 1 : e) / sum, other = (z >= 0 ? e : 1) / sum;
    return s + x * s * other * (1.5957691f * (1 + 0.134145f * x * x));
}

MAP(erf, erf_of(x))
MAP(gelu_erf, gelu_of(x))
MAP(gelu_erf_slope, gelu_slope_of(x))
MAP(gelu_tanh, gelu_tanh_of(x))
MAP(gelu_tanh_slope, gelu_tanh_slope_of(x))
#undef MAP

/* Few nets have erfc: its blocks serve f32 too. */
static void FN(map_erfc)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    cnn__map_blocks_f32(n, to, from, map);
}

static void FN(map_gelu)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    (map->values[0] != 0 ? FN(map_gelu_tanh) : FN(map_gelu_erf))(n, to, from, map);
}

static void FN(map_gelu_slope)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    (map->values[0] != 0 ? FN(map_gelu_tanh_slope) : FN(map_gelu_erf_slope))(n, to, from, map);
}

/* ---- powers: the bits of cnn__pow_f32(), whose plain case is computed for a whole step ---- */

static void FN(pow_step)(const float *x, const float *e, float *y)
{
    double part[CNN__MAP_STEP];
    unsigned special = 0;
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        special |= !((x[i] > 0) & (x[i] < INFINITY) & (fabsf(e[i]) < INFINITY));
    }
    for (int i = 0; special && i < CNN__MAP_STEP; i++) {
        y[i] = cnn__pow_f32(x[i], e[i]);
    }
    if (special) {
        return;
    }
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        part[i] = (double)e[i] * cnn__log_f64((double)x[i]);
    }
    for (int i = 0; i < CNN__MAP_STEP; i++) {
        y[i] = (float)cnn__exp_f64(part[i]);
    }
}

static void FN(map_pow)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    const float *x = from[0], *e = from[1];
    float base[CNN__MAP_STEP], exponent[CNN__MAP_STEP];
    for (int64_t i = 0; i < n; i += CNN__MAP_STEP) {
        for (int k = 0; k < CNN__MAP_STEP; k++) {
            base[k] = x[map->same == CNN__MAP_FIRST ? 0 : i + k];
            exponent[k] = e[map->same == CNN__MAP_SECOND ? 0 : i + k];
        }
        FN(pow_step)(base, exponent, (float *)to + i);
    }
}

static void FN(map_pow_scalar)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    const float exponent = (float)map->values[0];
    cnn__map binary = *map;
    binary.same = CNN__MAP_SECOND;
    FN(map_pow)(n, to, (const void *const[]){ from[0], &exponent }, &binary);
}

/* ---- comparisons, sixteen at a time: masks become bytes in fewer steps than compilers need to narrow numbers ---- */

#if CNN__VECTOR_BYTES == 64
typedef uint16_t truths;
#define COMPARED(a, b, how) \
    ((truths)X86(__builtin_ia32_cmpps512_mask(a, b, how, 0xffff, X86_ROUNDING), \
                 _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), how)))
#define EQ(a, b) COMPARED(a, b, 0) /* the numbers that the instruction has for them */
#define NE(a, b) COMPARED(a, b, 4)
#define LT(a, b) COMPARED(a, b, 1)
#define LE(a, b) COMPARED(a, b, 2)

CNN__INLINE void store_truths(uint8_t *y, truths t)
{
    typedef char bytes __attribute__((vector_size(16), may_alias));
    const bytes ones = (bytes){ 0 } + 1;
    const bytes chosen =
        (bytes)X86(__builtin_ia32_movdquqi128_mask(ones, (bytes){ 0 }, t), _mm_maskz_mov_epi8(t, (__m128i)ones));
    memcpy(y, &chosen, sizeof chosen);
}

#define COMPARE_STEP(expression) store_truths(y, (truths)COMPARED_LANES(expression))

#elif CNN__VECTOR_BYTES == 32
typedef lanes_i32 truths;
#define EQ(a, b) ((a) == (b))
#define NE(a, b) ((a) != (b))
#define LT(a, b) ((a) < (b))
#define LE(a, b) ((a) <= (b))

CNN__INLINE void store_truths(uint8_t *y, truths low, truths high)
{
    typedef short shorts __attribute__((vector_size(16), may_alias));
    typedef int32_t quads __attribute__((vector_size(16), may_alias));
    struct {
        shorts half[2];
    } pairs;
    _Static_assert(sizeof pairs == sizeof low, "eight shorts of each mask");
    const truths narrow =
        (truths)X86(__builtin_ia32_packssdw256(low, high), _mm256_packs_epi32((__m256i)low, (__m256i)high));
    memcpy(&pairs, &narrow, sizeof pairs);
    const quads bytes = (quads)X86(__builtin_ia32_packsswb128(pairs.half[0], pairs.half[1]),
                                   _mm_packs_epi16((__m128i)pairs.half[0], (__m128i)pairs.half[1]));
    const quads in_order = __builtin_shufflevector(bytes, bytes, 0, 2, 1, 3) & 0x01010101;
    memcpy(y, &in_order, sizeof in_order);
}

#define COMPARE_STEP(expression) \
    const truths low = COMPARED_LANES(expression), high = COMPARED_LANES(expression); \
    store_truths(y, low, high)
#endif

#if CNN__VECTOR_BYTES > 16
#define ZERO ((lanes){ 0 })
#define COMPARED_LANES(expression) \
    __extension__({ \
        const lanes x = load(first), b = load(second); \
        first += LANES, second += LANES; \
        (expression); \
    })
#define COMPARE_LOOP(expression) \
    for (const uint8_t *end = y + n; y < end; y += CNN__MAP_STEP) { \
        COMPARE_STEP(expression); \
    }
#endif

/* ---- what the tables share: processors with AVX-512 run AVX2's losses that few use, and its maps that wait for
 * memory; together they would be 20 kB more ---- */

#if CNN__VECTOR_BYTES == 64
#define CNN__WITHOUT_SHARED_LOSSES
#define RARE_MAPS cnn__maps_f32_avx2
#define NLL_LOOPS cnn__nll_f32_avx2
#define RNN_LOOPS cnn__rnn_loops_f32_avx2
#define SOFTMAX_ROWS(name) cnn__##name##_f32_avx2
extern const cnn__maps RARE_MAPS;
extern const cnn__nll_loops NLL_LOOPS;
extern const cnn__rnn_loops RNN_LOOPS;
void SOFTMAX_ROWS(softmax)(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);
void SOFTMAX_ROWS(log_softmax)(const cnn__softmax *s, int64_t rows, int64_t n, const void *x, void *y);
#else
#define RARE_MAPS CNN__SIMD(maps_f32)
#define NLL_LOOPS CNN__SIMD(nll_f32)
#define RNN_LOOPS CNN__SIMD(rnn_loops_f32)
#define SOFTMAX_ROWS(name) CNN__SIMD(name##_f32)
#endif

#if CNN__VECTOR_BYTES == 64
#define SHORT(name) cnn__##name##_f32_avx2
#define SHORT_LOOP(cost) CNN__IVDEP
#define SHORT_ELSEWHERE
#elif CNN__VECTOR_BYTES == 32
#define SHORT(name) FN(name)
/* Two vectors a time, so that it is not the jump that takes longest, which lies across cache lines in some loops. */
#define SHORT_PRAGMA(text) _Pragma(#text)
#define SHORT_LOOP(cost) CNN__IVDEP SHORT_PRAGMA(GCC unroll((cost) <= 4 ? 2 : 1))
/* In this order GCC takes x for the first operand of sums and products, whose NaN is the result's. */
#define SHORT_OPERANDS(at_x, at_b) const X b = second[at_b], x = first[at_x]
#define SHORT_HEAD(name) \
    SIGNATURE(FN(name)); \
    SIGNATURE(FN(name))
#endif

#define OWN_MAPS
#include "kernels/array/map_impl.h"
#undef CNN__WITHOUT_SHARED_LOSSES
#undef COMPARED
#undef COMPARED_LANES
#undef COMPARE_STEP

/* ---- tables ---- */

static const cnn__block_fn blocks[CNN_UNARY_COUNT] = {
#define CNN__UNARY_BLOCK(NAME, name, cost) [CNN_UNARY_##NAME] = CNN__BLOCK(name),
#define CNN__UNARY_BOTH(NAME, name, cost) [CNN_UNARY_##NAME] = cnn__##name##_block,
#include "kernels/array/unary.def"
};

static const cnn__map_tables map_tables = {
    .f32 = &CNN__SIMD(maps_f32),
    .f64 = &cnn__maps_f64,
    .rare_f32 = &RARE_MAPS,
    .nll_f32 = &NLL_LOOPS,
    .rnn_f32 = &RNN_LOOPS,
    .blocks = blocks,
    .reduce_f32 = CNN__SIMD(reduce_f32),
#if CNN__VECTOR_BYTES > 16
    .sum_columns = cnn__sum_columns_avx2,
#endif
    .softmax_f32 = SOFTMAX_ROWS(softmax),
    .log_softmax_f32 = SOFTMAX_ROWS(log_softmax),
    .transpose = transpose_in,
#if CNN__VECTOR_BYTES > 16
    .short_sums = cnn__short_sums_avx2,
#else
    .short_sums = cnn__short_sums,
#endif
#if CNN__VECTOR_BYTES > 16
    .bf16 = CNN__SIMD(map_bf16),
#endif
    .normals = CNN__SIMD(normals),
};
#undef RARE_MAPS
#undef NLL_LOOPS
#undef RNN_LOOPS
#undef SOFTMAX_ROWS

static void CNN__SIMD(array_unary)(cnn__unary op, const cnn__nest *nest, cnn_dtype dtype, const double values[2],
                                   void *y, const void *x, cnn__pool *pool)
{
    cnn__map_unary(&map_tables, op, nest, dtype, values, y, x, pool);
}

static void CNN__SIMD(array_binary)(cnn__binary op, const cnn__nest *nest, cnn_dtype dtype, void *y, const void *a,
                                    const void *b, cnn__pool *pool)
{
    cnn__map_binary(&map_tables, op, nest, dtype, y, a, b, pool);
}

static void CNN__SIMD(array_compare)(cnn__compare op, const cnn__nest *nest, cnn_dtype dtype, void *y, const void *a,
                                     const void *b, cnn__pool *pool)
{
    cnn__map_compare(&map_tables, op, nest, dtype, y, a, b, pool);
}

static void CNN__SIMD(array_reduce)(cnn__reduce op, const cnn__nest *outer, const cnn__nest *inner, cnn_dtype dtype,
                                    void *y, const void *x, cnn__pool *pool)
{
    cnn__map_reduce(&map_tables, op, outer, inner, dtype, y, x, pool);
}

static void CNN__SIMD(array_softmax)(cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y, cnn__pool *pool)
{
    cnn__map_softmax(&map_tables, dtype, rows, n, x, y, pool);
}

static void CNN__SIMD(array_log_softmax)(cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y,
                                         cnn__pool *pool)
{
    cnn__map_log_softmax(&map_tables, dtype, rows, n, x, y, pool);
}

const cnn__array_kernels CNN__SIMD(array_kernels) = {
    .maps = &map_tables,
#define CNN__ENTRY_MAP(name) CNN__SIMD(array_##name)
#define CNN__ENTRY_SHARED(name) cnn__array_##name
#define CNN__ARRAY_KERNEL(source, name, parameters) .name = CNN__ENTRY_##source(name),
#include "kernels/array/array.def"
#undef CNN__ARRAY_KERNEL
#undef CNN__ENTRY_MAP
#undef CNN__ENTRY_SHARED
};
