/* The maps of an instruction set in f32, its functions of blocks, and the array kernels that use them. Where a function
 * of blocks, which computes in f64, is what a net spends its time on, f32 has a loop of its own here. */
#include "kernels/array/map.h"

#include "kernels/array/nest.h"
#include "kernels/simd/map/blocks.h"
#include "kernels/simd/map/functions.h"
#include "kernels/simd/map/math.h"
#include "kernels/simd/map/tables.h"
#include "kernels/simd/vector/intrinsics.h"
#include "kernels/simd/vector/transpose.h"
#include "platform/float_mode.h"

#include <math.h>

#define X float
#define MATH(name) name##f
#define OWN(name) CNN__SIMD(name##_f32)
#define FN(name) CNN__SIMD(name##_f32)
#define MAP_OF_BLOCK(name) FN(map_##name)
#define MAP_OF_BOTH(name) FN(map_##name)
#define MAPS CNN__SIMD(maps_f32)

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
#else
#define RARE_MAPS CNN__SIMD(maps_f32)
#define NLL_LOOPS CNN__SIMD(nll_f32)
#define RNN_LOOPS CNN__SIMD(rnn_loops_f32)
#define SOFTMAX_ROWS(name) CNN__SIMD(name##_f32)
#endif

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

/* a where `first` holds, else b. Both are computed: a loop with fused_add() in a branch need not be vectorised. */
static MATH_INLINE float either(bool first, float a, float b)
{
    const uint32_t mask = 0 - (uint32_t)first;
    return float_of((bits_of(a) & mask) | (bits_of(b) & ~mask));
}

/* log(1 + exp(−|x|)) of n ≤ CNN__DECAY_PIECE elements, where exp() never overflows. Two loops, because each waits long
 * for its own results. */
static __attribute__((noinline)) void FN(log1p_decays)(int64_t n, float *y, const float *x)
{
    n &= -(int64_t)CNN__MAP_STEP;
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        y[i] = exp_decay(x[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        y[i] = log1p_finite(y[i]);
    }
}

/* ---- SiLU: x · σ(x); its slope is σ(x) · (1 + x · (1 − σ(x))), where 1 − σ(x) = σ(−x) ---- */

static MATH_INLINE float silu_of(float x)
{
    return x * sigmoid_f32(x);
}

static MATH_INLINE float silu_slope_of(float x)
{
    float e = exp_decay(x), sum = 1 + e;
    float s = (x >= 0 ? 1 : e) / sum, other = (x >= 0 ? e : 1) / sum;
    return s * (1 + x * other);
}

MAP(silu, silu_of(x))
MAP(silu_slope, silu_slope_of(x))

/* ---- ELU, SELU: a · (exp(b·x) − 1) where x ≤ 0, else scale · x ---- */

#define SELU_FAR ((float)(SELU_SCALE * SELU_ALPHA))
MAP(elu, either(x <= 0, (p * expm1_f32(q * x)), x))
MAP(elu_slope, either(x <= 0, (p * q * exp_f32(q * x)), 1))
MAP(selu, either(x <= 0, (SELU_FAR * expm1_f32(x)), ((float)SELU_SCALE * x)))
MAP(selu_slope, either(x <= 0, (SELU_FAR * exp_f32(x)), (float)SELU_SCALE))

/* ---- Mish: x · tanh(log(1 + e)) for e = exp(x), where tanh is n / (n + 2), n = e · (e + 2); 1 from x = 20 on ---- */

static MATH_INLINE float mish_tanh_f32(float x)
{
    float e = exp_f32(x > 20 ? 20 : x), n = e * (e + 2);
    return n / (n + 2);
}

static MATH_INLINE float mish_slope_of(float x)
{
    float t = mish_tanh_f32(x);
    return t + x * sigmoid_f32(x) * (1 - t * t);
}

MAP(mish, (x * mish_tanh_f32(x)))
MAP(mish_slope, mish_slope_of(x))

/* ---- Softplus: log(1 + exp(p·x)) / p, and x where p·x > q; LogSigmoid: −log(1 + exp(−x)) ---- */

/* A map of x and log(1 + exp(−|z|)), z being a multiple of x. */
#define MAP_OF_DECAYS(name, factor, expression) \
    static void FN(map_##name)(int64_t n, void *to, const void *const *from, const cnn__map *map) \
    { \
        float decays[CNN__DECAY_PIECE]; \
        const float p = (float)map->values[0], q = (float)map->values[1]; \
        (void)p, (void)q; \
        for (int64_t first = 0; first < n; first += CNN__DECAY_PIECE) { \
            float *y = (float *)to + first; \
            const float *all = (const float *)from[0] + first; \
            const int64_t count = cnn__min(CNN__DECAY_PIECE, n - first) & -(int64_t)CNN__MAP_STEP; \
            for (int64_t i = 0; i < count; i++) { \
                decays[i] = (factor)*all[i]; \
            } \
            FN(log1p_decays)(count, decays, decays); \
            CNN__IVDEP \
            for (int64_t i = 0; i < count; i++) { \
                const float x = all[i], decay = decays[i]; \
                y[i] = (expression); \
            } \
        } \
    }

MAP_OF_DECAYS(softplus, p, (p * x > q) ? x : ((p * x > 0 ? p * x : 0) + decay) / p)
MAP_OF_DECAYS(logsigmoid, 1, -((-x > 0 ? -x : 0) + decay))
#undef MAP_OF_DECAYS
MAP(softplus_slope, ((p * x > q) ? 1 : sigmoid_f32(p * x)))
MAP(logsigmoid_slope, sigmoid_f32(-x))

/* ---- erf; GELU: x · Φ(x) and Φ(x) + x · Φ'(x), or by tanh where p is not 0 ---- */

/* erfc(y) / 2 for y ≥ 0. The polynomial in t = (y − 3.75) / (y + 3.75), as in array/gelu.c, interpolates exp(y²) ·
 * erfc(y) / 2 up to y = 10.2, from where on the result is below any f32. */
static MATH_INLINE float half_erfc(float y)
{
    y = y > 10.2f ? 10.2f : y;
    float t = (y - 3.75f) / (y + 3.75f), z = t * t, even = -0.00010521723f, odd = -1.5811838e-05f;
    even = fused_add(even, z, 0.00091383496f);
    odd = fused_add(odd, z, -0.0041054627f);
    even = fused_add(even, z, 0.012070093f);
    odd = fused_add(odd, z, -0.027402064f);
    even = fused_add(even, z, 0.051302191f);
    odd = fused_add(odd, z, -0.081785895f);
    even = fused_add(even, z, 0.11300404f);
    odd = fused_add(odd, z, -0.13671097f);
    even = fused_add(even, z, 0.072794862f);
    return exp_down(-y * y) * fused_add(odd, t, even);
}

/* erf(x) / x for s = x² ≤ 0.8, interpolated at Chebyshev nodes. */
static MATH_INLINE float erf_ratio(float s)
{
    float near = -0.00061277085f;
    near = fused_add(near, s, 0.0050190286f);
    near = fused_add(near, s, -0.026783574f);
    near = fused_add(near, s, 0.11282266f);
    near = fused_add(near, s, -0.37612537f);
    return fused_add(near, s, 1.1283791f);
}

static MATH_INLINE float erf_of(float x)
{
    float s = x * x, near = erf_ratio(s);
    float far = copysignf(1 - 2 * half_erfc(fabsf(x)), x);
    return s <= 0.8f ? x * near : far;
}

/* From 0.47 on, (1 + 2·y) · exp(y²) · erfc(y) for y = |x| is a polynomial in t = (y − 2.5) / (y + 2.5), as in
 * array/gelu.c, with an error of 2^-28.8 up to y = 10.2, from where on the result is below any f32. With h, which has
 * half of the bits of y, h² and w = 1 + 2·h are exact. What w lacks goes into the exponent as its logarithm, and what
 * the last sum of the polynomial loses into its product with the exponential: 2.8 units in the last place for any x. */
static MATH_INLINE float erfc_of(float x)
{
    float y = fabsf(x), s = x * x, shifted;
    y = y > 10.2f ? 10.2f : y;
    float t = (y - 2.5f) / (y + 2.5f), z = t * t, even = 0.000415793158f, odd = 0.000551888267f;
    even = fused_add(even, z, 0.000955427471f);
    odd = fused_add(odd, z, -0.00436399522f);
    even = fused_add(even, z, -0.102970037f);
    odd = fused_add(odd, z, 0.0327601961f);
    even = fused_add(even, z, -0.099024408f);
    odd = fused_add(odd, z, 0.157629771f);
    odd = fused_add(odd, z, -0.122356755f);
    float rest = fused_add(odd, t, even * z), most = rest + 1.26483818f, lost = rest - (most - 1.26483818f);
    float h = float_of((bits_of(y) + 0x800) & 0xfffff000), w = 1 + 2 * h;
    float r = exp_split_shifted(-h * h, 63 + 127, &shifted);
    float grown = exp_series(r + (h - y) * (y + h + 2 / w));
    float side = (most + (most * grown + lost)) / w * float_of(bits_of(shifted) << 23) * 0x1p-63f;
    return s <= 0.2209f ? 1 - x * erf_ratio(s) : x < 0 ? 2 - side : side;
}

/* Φ(−|x|) / exp(−x²/2) for |x| ≤ 14.5, from where on Φ(−|x|) is below any f32: a polynomial of least relative error,
 * 2^-26.7, in t = (|x| − 3) / (|x| + 3), as in array/gelu.c. And exp(−x²/2) as the product of `power` and `scale`, with
 * half of the exponent each, so that subnormal results come out: 2^f is 1 + f · q(f), q of least relative error,
 * 2^-23.4 of the whole; an exponential to base 2 has fewer operations than that of math.h. */
static MATH_INLINE float normal_ratio(float x, float *power, float *scale)
{
    const float round = 0x1.8p23f;
    float y = fabsf(x);
    y = y > 14.5f ? 14.5f : y;
    float t = (y - 3) / (y + 3), z = t * t, even = 0.000115013677f, odd = 5.31618734e-05f;
    even = fused_add(even, z, -0.000983288221f);
    odd = fused_add(odd, z, -0.0003390128f);
    even = fused_add(even, z, 0.00613194229f);
    odd = fused_add(odd, z, 0.00290438736f);
    even = fused_add(even, z, 0.123225041f);
    odd = fused_add(odd, z, -0.0462132636f);
    even = fused_add(even, z, 0.121513948f);
    odd = fused_add(odd, z, -0.20640262f);
    float e = y * y * -0.72134752f, shifted = e + round, f = e - (shifted - round), q = 0.0013264727f;
    q = fused_add(q, f, 0.0096715126f);
    q = fused_add(q, f, 0.055507337f);
    q = fused_add(q, f, 0.24022242f);
    q = fused_add(q, f, 0.69314698f);
    uint32_t n = bits_of(shifted) - bits_of(round) + 2 * 127, half = n >> 1;
    *power = float_of(bits_of(fused_add(q, f, 1)) + ((n - half - 127) << 23));
    *scale = float_of(half << 23);
    return fused_add(odd, t, even);
}

static MATH_INLINE float gelu_of(float x)
{
    float power, scale, ratio = normal_ratio(x, &power, &scale), side = power * ratio * scale;
    return x * (x > 0 ? 1 - side : side);
}

static MATH_INLINE float gelu_slope_of(float x)
{
    float power, scale, ratio = normal_ratio(x, &power, &scale);
    return (x > 0 ? 1 : 0.0f) + (x * 0.39894228f + (x > 0 ? -ratio : ratio)) * (power * scale);
}

/* (1 + tanh(u)) / 2 is σ(2·u). */
static MATH_INLINE float gelu_tanh_of(float x)
{
    return x * sigmoid_f32(1.5957691f * (x + 0.044715f * x * x * x));
}

static MATH_INLINE float gelu_tanh_slope_of(float x)
{
    float z = 1.5957691f * (x + 0.044715f * x * x * x), e = exp_decay(z), sum = 1 + e;
    float s = (z >= 0 ? 1 : e) / sum, other = (z >= 0 ? e : 1) / sum;
    return s + x * s * other * (1.5957691f * (1 + 0.134145f * x * x));
}

/* ---- square roots ---- */

#if CNN__VECTOR_BYTES == 64
typedef uint32_t lanes_u32 __attribute__((vector_size(64), may_alias));

/* a · b + c, rounded once */
CNN__INLINE lanes joined(lanes a, lanes b, lanes c)
{
    return (lanes)X86(__builtin_ia32_vfmaddps512_mask(a, b, c, X86_ALL, X86_ROUNDING),
                      _mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c));
}

/* √x for 2^-100 ≤ x < ∞, rounded to nearest as the instruction for it rounds, which takes twice as long: two of
 * Newton's steps from an estimate e of 1/√x with 14 bits. After the first, r has an error of at most two units in the
 * last place, what it lacks, x − r², is a float, and half of 1/√x is known well enough to round the sum right
 * (Markstein 1990, "Computation of elementary functions on the IBM RISC System/6000 processor"). */
CNN__INLINE lanes square_root_of(lanes x)
{
    const lanes zero = { 0 };
    const lanes e = (lanes)X86(__builtin_ia32_rsqrt14ps512_mask(x, zero, 0xffff), _mm512_rsqrt14_ps((__m512)x));
    lanes r = x * e, half = 0.5f * e;
    const lanes off = joined(-r, half, 0.5f - zero);
    r = joined(r, off, r);
    half = joined(half, off, half);
    return joined(joined(-r, r, x), half, r);
}

static void FN(map_sqrt)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    const lanes_u32 least = (lanes_u32){ 0 } + 0x0d800000, most = (lanes_u32){ 0 } + (0x7f7fffff - 0x0d800000);
    const bool nearest = !(cnn__float_mode_get() & CNN__MXCSR_ROUNDING);
    const float *x = from[0], *end = x + n;
    (void)map;
    for (float *y = to; x < end; x += LANES, y += LANES) {
        const lanes one = load(x);
        const lanes_u32 distance = (lanes_u32)one - least;
        const bool beyond = (uint16_t)X86(__builtin_ia32_ucmpd512_mask((lanes_i32)distance, (lanes_i32)most, 6, 0xffff),
                                          _mm512_cmpgt_epu32_mask((__m512i)distance, (__m512i)most));
        store(y, beyond || !nearest ? (lanes)X86(__builtin_ia32_sqrtps512_mask(one, one, X86_ALL, X86_ROUNDING),
                                                 _mm512_sqrt_ps((__m512)one))
                                    : square_root_of(one));
    }
}
#else
MAP(sqrt, sqrtf(x))
#endif

MAP(erf, erf_of(x))
MAP(erfc, erfc_of(x))
MAP(gelu_erf, gelu_of(x))
MAP(gelu_erf_slope, gelu_slope_of(x))
MAP(gelu_tanh, gelu_tanh_of(x))
MAP(gelu_tanh_slope, gelu_tanh_slope_of(x))
#undef MAP

static void FN(map_gelu)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    (map->values[0] != 0 ? FN(map_gelu_tanh) : FN(map_gelu_erf))(n, to, from, map);
}

static void FN(map_gelu_slope)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    (map->values[0] != 0 ? FN(map_gelu_tanh_slope) : FN(map_gelu_erf_slope))(n, to, from, map);
}

/* ---- powers: the bits of cnn__pow_f32() ---- */

enum { POW_PIECE = 256 };

/* exp(x) to be rounded to f32: what is beyond these bounds is infinity or 0 there, and 2^n is within the range of
 * f64. */
static inline double exp_for_f32(double x)
{
    uint64_t n;
    x = x > 100 ? 100 : x;
    x = x < -110 ? -110 : x;
    double p = cnn__exp_reduce_f64(x, -0.0, &n) + 1;
    return cnn__f64_of_bits(cnn__bits_of_f64(p) + (n << 52));
}

/* The plain case is computed for all n ≤ POW_PIECE elements, a multiple of CNN__MAP_STEP, and a step in which an
 * element is special one by one. Two loops, because each waits long for its own results. */
static void FN(pow_piece)(int64_t n, const float *x, const float *e, float *y)
{
    double part[POW_PIECE];
    unsigned special = 0;
    n &= -(int64_t)CNN__MAP_STEP;
    for (int64_t i = 0; i < n; i++) {
        special |= !((x[i] > 0) & (x[i] < INFINITY) & (fabsf(e[i]) < INFINITY));
    }
    if (special) {
        const int64_t step = n > CNN__MAP_STEP ? CNN__MAP_STEP : 1;
        for (int64_t i = 0; i < n; i += step) {
            if (step > 1) {
                FN(pow_piece)(step, x + i, e + i, y + i);
            } else {
                y[i] = cnn__pow_f32(x[i], e[i]);
            }
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        part[i] = (double)e[i] * cnn__log_normal_f64((double)x[i]);
    }
    CNN__IVDEP
    for (int64_t i = 0; i < n; i++) {
        y[i] = (float)exp_for_f32(part[i]);
    }
}

static void FN(map_pow)(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    float room[POW_PIECE];
    const cnn__map_same same = map->same;
    const int64_t x_step = same != CNN__MAP_FIRST, e_step = same != CNN__MAP_SECOND;
    const float *x = from[0], *e = from[1];
    if (same != CNN__MAP_NONE) {
        for (int i = 0; i < POW_PIECE; i++) {
            room[i] = same == CNN__MAP_FIRST ? *x : *e;
        }
        *(same == CNN__MAP_FIRST ? &x : &e) = room;
    }
    for (int64_t i = 0; i < n; i += POW_PIECE) {
        FN(pow_piece)(cnn__min(POW_PIECE, n - i), x + x_step * i, e + e_step * i, (float *)to + i);
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
#define SHORT_HEAD(name) SIGNATURE(FN(name))
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
    .product_sums = cnn__product_sums_avx2,
    .softmax_slopes = cnn__softmax_slopes_avx2,
#else
    .short_sums = cnn__short_sums,
#endif
#if CNN__VECTOR_BYTES > 16
    .bf16 = CNN__SIMD(map_bf16),
#endif
    .normals = CNN__SIMD(normals),
    .where_4 = CNN__ROW_LOOP(where_4),
    .words = { CNN__ROW_LOOP(words_and), CNN__ROW_LOOP(words_or), CNN__ROW_LOOP(words_xor), CNN__ROW_LOOP(words_add) },
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
