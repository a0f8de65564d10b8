/* Conversion between floating-point formats: every F16 and BF16 value is compared with plain arithmetic, and f64 to
 * f32 with the compiler's conversion; all of it again in a thread that flushes subnormal numbers. */
#include "io/convert.h"
#include "support/elements.h"
#include "support/io.h"

#include <math.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

/* What the bits of a format mean, by its definition: sign · mantissa · 2^exponent. `exponent_bits` at the top
 * behind the sign. */
static double meaning(uint16_t bits, int exponent_bits)
{
    int mantissa_bits = 15 - exponent_bits, ones = (1 << exponent_bits) - 1, bias = ones / 2;
    int exponent = bits >> mantissa_bits & ones, mantissa = bits & ((1 << mantissa_bits) - 1);
    double magnitude;
    if (exponent == ones) {
        magnitude = mantissa ? (double)NAN : (double)INFINITY;
    } else {
        int implicit = exponent ? 1 << mantissa_bits : 0;
        magnitude = ldexp(implicit + mantissa, (exponent ? exponent : 1) - bias - mantissa_bits);
    }
    return bits >> 15 ? -magnitude : magnitude;
}

static float f32_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double f64_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Every assertion of the framework is a message to another process: among millions only a failure is worth one. */
#define REQUIRE(condition, ...) \
    do { \
        if (!(condition)) { \
            ck_abort_msg(__VA_ARGS__); \
        } \
    } while (0)

static bool same(double a, double b)
{
    return (isnan(a) ? isnan(b) != 0 : a == b) && signbit(a) == signbit(b);
}

START_TEST(every_half_is_exact)
{
    for (uint32_t i = 0; i < 0x10000; i++) {
        uint16_t bits = (uint16_t)i;
        REQUIRE(same(f32_of(cnn__f32_of_f16(bits)), meaning(bits, 5)), "F16 %04x", i);
        REQUIRE(same(f32_of(cnn__f32_of_bf16(bits)), meaning(bits, 8)), "BF16 %04x", i);
        REQUIRE(same(f64_of(cnn__f64_of_f32(cnn__f32_of_f16(bits))), meaning(bits, 5)), "F16 %04x as f64", i);
        REQUIRE(same(f64_of(cnn__f64_of_f32(cnn__f32_of_bf16(bits))), meaning(bits, 8)), "BF16 %04x as f64", i);
    }
}
END_TEST

static void check_rounding(double wide)
{
    uint64_t bits;
    memcpy(&bits, &wide, sizeof bits);
    float ours = f32_of(cnn__f32_of_f64(bits)), expected = (float)wide;
    REQUIRE(same(ours, expected), "%a becomes %a, expected %a", wide, ours, expected);
}

/* Around every 10,000th float: it itself, half way to the next one, and the doubles beside that. */
START_TEST(f64_is_rounded_to_nearest_even)
{
    for (uint64_t i = 0; i <= 0x7f800000; i += i < 3000 || i > 0x7f7ff000 ? 1 : 9973) {
        double low = f32_of((uint32_t)i), high = i >= 0x7f7fffff ? 0x1p128 : f32_of((uint32_t)i + 1);
        double middle = low < 0x1p128 ? low + (high - low) / 2 : 0x1p1000;
        REQUIRE(same(f64_of(cnn__f64_of_f32((uint32_t)i)), low), "%a as f64", low);
        const double around[] = { low, middle, nextafter(middle, 0), nextafter(middle, INFINITY), nextafter(low, 0) };
        for (size_t k = 0; k < sizeof around / sizeof *around; k++) {
            check_rounding(around[k]);
            check_rounding(-around[k]);
        }
    }
    const double far[] = { 0,          0x1p-1074, 0x1p-1022, 0x1p-151,         0x1p-150,   0x1.0000000000001p-150,
                           0x1.8p-149, 0x1p1023,  1e300,     (double)INFINITY, (double)NAN };
    for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
        check_rounding(far[k]);
        check_rounding(-far[k]);
    }
    ck_assert(isnan(f32_of(cnn__f32_of_f64(UINT64_C(0x7ff0000000000001))))); /* a NaN whose upper bits are 0 */
}
END_TEST

/* ---- through a file ---- */

static void put_tensor(const char *path, const char *type, int64_t count, const void *data, size_t bytes)
{
    unsigned char *file = malloc(bytes + 256);
    ck_assert_ptr_nonnull(file);
    int length = snprintf((char *)file + 8, 200, "{\"x\":{\"dtype\":\"%s\",\"shape\":[%lld],\"data_offsets\":[0,%zu]}}",
                          type, (long long)count, bytes);
    memset(file, 0, 8);
    file[0] = (unsigned char)length;
    memcpy(file + 8 + length, data, bytes);
    file_put(path, file, 8 + (size_t)length + bytes);
    free(file);
}

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    (void)user;
    return x;
}

static cnn_module *holder(cnn_dtype dtype, int64_t count)
{
    cnn_module *module = cnn_module_new(ctx, forward);
    ck_assert_ptr_nonnull(cnn_module_add_parameter(module, "x", cnn_tensor_zeros(ctx, dtype, CNN_SHAPE(count))));
    return module;
}

/* The caller's thread flushes subnormal numbers and takes them for 0, as programs that were compiled with -ffast-
 * math do. */
static void flush_subnormals(bool on)
{
#ifdef __SSE2__
    _mm_setcsr(on ? _mm_getcsr() | 0x8040u : _mm_getcsr() & ~0x8040u);
#else
    (void)on;
#endif
}

static void load_all(const char *type, int exponent_bits, bool flush)
{
    enum { ALL = 0x10000 };
    uint16_t *halves = malloc(ALL * sizeof *halves);
    ck_assert_ptr_nonnull(halves);
    for (int i = 0; i < ALL; i++) {
        halves[i] = (uint16_t)i;
    }
    put_tensor(in_folder("h"), type, ALL, halves, ALL * sizeof *halves);
    cnn_module *f32 = holder(CNN_F32, ALL), *f64 = holder(CNN_F64, ALL);
    flush_subnormals(flush);
    cnn_status narrow = cnn_module_load(f32, in_folder("h")),
               wide = cnn_module_load_with(f64, in_folder("h"), NULL, NULL);
    flush_subnormals(false);
    ck_assert_msg(narrow == CNN_OK && wide == CNN_OK, "%s", cnn_last_error(ctx));
    const float *x = host_elements(cnn_module_find(f32, "x"));
    const double *y = host_elements(cnn_module_find(f64, "x"));
    for (int i = 0; i < ALL; i++) {
        double expected = meaning(halves[i], exponent_bits);
        REQUIRE(same(x[i], expected) && same(y[i], expected), "%s %04x is %a and %a, expected %a", type, i, x[i], y[i],
                expected);
    }
    const cnn_load_options exactly = { .struct_size = sizeof exactly, .dtypes = CNN_LOAD_SAME };
    assert_error(cnn_module_load_with(f32, in_folder("h"), &exactly, NULL), CNN_ERROR_MISMATCH, ", expected float32");
    cnn_module_free(f32);
    cnn_module_free(f64);
    free(halves);
}

START_TEST(halves_of_a_file_become_floats)
{
    load_all("F16", 5, _i);
    load_all("BF16", 8, _i);
}
END_TEST

START_TEST(wide_floats_of_a_file_are_rounded_when_asked)
{
    const double wide[] = { 1,     0.1,  -1e-310,          0x1p-149,    0x1.8p-148,
                            1e300, -0.0, 3.14159265358979, (double)NAN, 0x1.fffffefp127 };
    enum { COUNT = sizeof wide / sizeof *wide };
    put_tensor(in_folder("d"), "F64", COUNT, wide, sizeof wide);
    cnn_module *f32 = holder(CNN_F32, COUNT);
    assert_error(cnn_module_load(f32, in_folder("d")), CNN_ERROR_MISMATCH, "tensor \"x\" is F64, expected float32");
    assert_error(cnn_module_load_with(f32, in_folder("d"), NULL, NULL), CNN_ERROR_MISMATCH, "is F64, expected float32");
    const cnn_load_options round = { .struct_size = sizeof round, .dtypes = CNN_LOAD_ROUND };
    flush_subnormals(_i);
    cnn_status status = cnn_module_load_with(f32, in_folder("d"), &round, NULL);
    flush_subnormals(false);
    ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(ctx));
    const float *x = host_elements(cnn_module_find(f32, "x"));
    for (int i = 0; i < COUNT; i++) {
        ck_assert_msg(same(x[i], (float)wide[i]), "%a became %a", wide[i], x[i]);
    }
    cnn_module_free(f32);
}
END_TEST

START_TEST(floats_become_wide_and_integers_nothing_else)
{
    static const float narrow[] = { 1, 0.1f, 0x1p-149f, -INFINITY };
    static const int32_t integers[] = { 1, 2, 3, 4 };
    cnn_module *f64 = holder(CNN_F64, 4), *f32 = holder(CNN_F32, 4);
    put_tensor(in_folder("f"), "F32", 4, narrow, sizeof narrow);
    ck_assert_int_eq(cnn_module_load(f64, in_folder("f")), CNN_OK);
    const double *x = host_elements(cnn_module_find(f64, "x"));
    for (int i = 0; i < 4; i++) {
        ck_assert(same(x[i], narrow[i]));
    }
    put_tensor(in_folder("i"), "I32", 4, integers, sizeof integers);
    const cnn_load_options round = { .struct_size = sizeof round, .dtypes = CNN_LOAD_ROUND };
    assert_error(cnn_module_load_with(f32, in_folder("i"), &round, NULL), CNN_ERROR_MISMATCH,
                 "is I32, expected float32");
    cnn_module_free(f64);
    cnn_module_free(f32);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("convert");
    TCase *tests = io_case(suite, "convert");
    tcase_add_test(tests, every_half_is_exact);
    tcase_add_test(tests, f64_is_rounded_to_nearest_even);
    tcase_add_loop_test(tests, halves_of_a_file_become_floats, 0, 2);
    tcase_add_loop_test(tests, wide_floats_of_a_file_are_rounded_when_asked, 0, 2);
    tcase_add_test(tests, floats_become_wide_and_integers_nothing_else);
    return suite_run(suite);
}
