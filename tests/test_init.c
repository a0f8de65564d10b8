/* Initialisers: their bounds, deviations and gains are PyTorch's (tools/fixtures/init.py), their numbers have the
 * distribution that they should, and the same seed gives the same bits. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/files.h"
#include "support/suite.h"

static cnn_context *ctx;

static void setup(void)
{
    ctx = metered_context(5);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

typedef struct moments {
    double mean, std, least, most;
    int64_t n, zeros;
} moments;

static moments moments_of(const cnn_tensor *t)
{
    double *x = as_doubles(t), sum = 0, squares = 0;
    moments m = { .least = INFINITY, .most = -INFINITY, .n = cnn_tensor_numel(t) };
    for (int64_t i = 0; i < m.n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
        m.least = fmin(m.least, x[i]);
        m.most = fmax(m.most, x[i]);
        m.zeros += x[i] == 0;
    }
    free(x);
    m.mean = sum / (double)m.n;
    m.std = sqrt(squares / (double)m.n - m.mean * m.mean);
    return m;
}

static void near(double given, double expected, double tolerance)
{
    ck_assert_msg(fabs(given - expected) <= tolerance, "%.17g, expected %.17g within %g", given, expected, tolerance);
}

/* Uniform between the bounds: none is passed, both are nearly reached, and the moments are right. */
static void uniform(const cnn_tensor *t, double low, double high)
{
    moments m = moments_of(t);
    double width = high - low, error = 5 / sqrt((double)m.n);
    ck_assert_msg(m.least >= low && m.most <= high, "%g to %g, expected %g to %g", m.least, m.most, low, high);
    near(m.least, low, width * 12 / (double)m.n);
    near(m.most, high, width * 12 / (double)m.n);
    near(m.mean, (low + high) / 2, error * width);
    near(m.std, width / sqrt(12), error * width);
}

static void normal(const cnn_tensor *t, double mean, double std)
{
    moments m = moments_of(t);
    double error = 4.5 / sqrt((double)m.n);
    near(m.mean, mean, error * std);
    near(m.std, std, error * std);
    ck_assert(m.most - mean > 2 * std && m.least - mean < -2 * std && fmax(m.most - mean, mean - m.least) < 6.5 * std);
}

#define OK(call) ck_assert_msg((call) == CNN_OK, "%s", cnn_last_error(ctx))

/* ---- distributions ---- */

START_TEST(uniform_and_normal_have_their_moments)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_BF16 };
    cnn_tensor *t = cnn_tensor_zeros(ctx, dtypes[_i], CNN_SHAPE(100, 1000));
    if (dtypes[_i] != CNN_BF16) {
        OK(cnn_init_uniform(t, -3, 0.5));
        uniform(t, -3, 0.5);
    }
    OK(cnn_init_normal(t, 2, 0.25));
    normal(t, 2, 0.25);
    OK(cnn_init_normal(t, 2, 0));
    ck_assert(moments_of(t).least == 2 && moments_of(t).most == 2);
    OK(cnn_init_constant(t, -1.5));
    ck_assert(moments_of(t).least == -1.5 && moments_of(t).most == -1.5);
    OK(cnn_init_ones(t));
    ck_assert(moments_of(t).least == 1 && moments_of(t).most == 1);
    OK(cnn_init_zeros(t));
    ck_assert(moments_of(t).zeros == 100000);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(xavier_and_kaiming_scale_as_pytorch_does)
{
    char name[8];
    snprintf(name, sizeof name, "%d", _i);
    cnn_tensor *shape = fixture(ctx, "init.safetensors", name, "shape"), *xavier = fixture(ctx, "init.safetensors", name, "xavier");
    cnn_tensor *kaiming = fixture(ctx, "init.safetensors", name, "kaiming");
    double *deviation = as_doubles(kaiming);
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F64, (int)cnn_tensor_numel(shape), host_elements(shape));
    double std = cnn_tensor_item(xavier);
    OK(cnn_init_xavier_uniform(t, 1.5));
    uniform(t, -sqrt(3) * std, sqrt(3) * std);
    OK(cnn_init_xavier_normal(t, 1.5));
    normal(t, 0, std);
    for (int mode = 0; mode < 2; mode++) {
        for (int n = 0; n < 6; n++) {
            cnn_kaiming_options o = { .struct_size = sizeof o, .a = 0.3, .mode = (cnn_fan_mode)mode,
                                      .nonlinearity = (cnn_nonlinearity)n };
            OK(cnn_init_kaiming_uniform(t, &o));
            uniform(t, -sqrt(3) * deviation[6 * mode + n], sqrt(3) * deviation[6 * mode + n]);
            OK(cnn_init_kaiming_normal(t, &o));
            normal(t, 0, deviation[6 * mode + n]);
        }
    }
    OK(cnn_init_kaiming_normal(t, NULL)); /* a leaky ReLU of slope 0 */
    normal(t, 0, deviation[1]);
    free(deviation);
    cnn_tensor_free(t);
    cnn_tensor_free(shape);
    cnn_tensor_free(xavier);
    cnn_tensor_free(kaiming);
}
END_TEST

START_TEST(gains_are_pytorchs)
{
    cnn_tensor *t = fixture(ctx, "init.safetensors", "gain", "values");
    double *gains = as_doubles(t);
    for (int n = 0; n < 6; n++) {
        near(cnn_init_gain((cnn_nonlinearity)n, 0.3), gains[n], 1e-15);
    }
    free(gains);
    cnn_tensor_free(t);
}
END_TEST

/* The moments of a truncated normal distribution, by adding up its density. */
static void truncated(double mean, double std, double low, double high)
{
    enum { STEPS = 200000 };
    double mass = 0, first = 0, second = 0, peak = fmin(fmax(mean, low), high);
    for (int i = 0; i < STEPS; i++) {
        double x = low + (high - low) * (i + 0.5) / STEPS, z = (x - mean) / std, top = (peak - mean) / std;
        double density = exp((top * top - z * z) / 2);
        mass += density;
        first += density * x;
        second += density * x * x;
    }
    first /= mass;
    double deviation = sqrt(second / mass - first * first);
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(40000));
    OK(cnn_init_trunc_normal(t, mean, std, low, high));
    moments m = moments_of(t);
    ck_assert(m.least >= low && m.most <= high);
    near(m.mean, first, 5 / 200.0 * deviation);
    near(m.std, deviation, 6 / 200.0 * deviation);
    cnn_tensor_free(t);
}

START_TEST(truncated_normals_have_their_moments)
{
    static const double cases[][4] = { { 0, 1, -2, 2 },   { 0, 1, -0.5, 0.7 }, { 1, 2, 1, 9 },      { 0, 1, 3, 3.1 },
                                       { 0, 1, 4, 7 },    { 0, 1, -7, -4 },    { 0, 1, -3.1, -3 },  { 0, 1, 1, 9 },
                                       { 5, 0.5, 0, 5.2 }, { 0, 1, -8, 0 },    { 0, 0.02, -2, 2 },  { -3, 1, 0, 0.5 } };
    truncated(cases[_i][0], cases[_i][1], cases[_i][2], cases[_i][3]);
}
END_TEST

/* ---- matrices ---- */

START_TEST(orthogonal_matrices_are_orthogonal)
{
    static const int64_t shapes[][3] = { { 6, 6, 1 }, { 40, 13, 1 }, { 9, 5, 7 }, { 1, 1, 1 }, { 150, 150, 1 }, { 3, 200, 2 } };
    const int64_t *shape = shapes[_i], rows = shape[0], columns = shape[1] * shape[2];
    const int64_t count = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F64, 3, shape);
    OK(cnn_init_orthogonal(t, 1.25));
    double *x = as_doubles(t);
    for (int64_t a = 0; a < count; a++) {
        for (int64_t b = 0; b <= a; b++) {
            double dot = 0;
            for (int64_t i = 0; i < length; i++) {
                dot += rows < columns ? x[a * columns + i] * x[b * columns + i] : x[i * columns + a] * x[i * columns + b];
            }
            near(dot, a == b ? 1.25 * 1.25 : 0, 1e-10);
        }
    }
    free(x);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(identities_are_pytorchs)
{
    static const int64_t groups[] = { 1, 2, 3 };
    for (int i = 0; i < 3; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i);
        for (int k = 0; k < 2; k++) {
            cnn_tensor *expected = fixture(ctx, "init.safetensors", k ? "dirac" : "eye", number);
            cnn_tensor *t = cnn_tensor_full(ctx, CNN_F32, 7, cnn_tensor_ndim(expected), cnn_tensor_shape(expected));
            OK(k ? cnn_init_dirac(t, groups[i]) : cnn_init_eye(t));
            tensors_agree(k ? "dirac" : "eye", number, t, expected, 0);
            cnn_tensor_free(t);
            cnn_tensor_free(expected);
        }
    }
}
END_TEST

START_TEST(sparse_columns_have_their_zeros)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(37, 50));
    OK(cnn_init_sparse(t, 0.2, 0.5));
    double *x = as_doubles(t);
    bool differ = false;
    for (int c = 0; c < 50; c++) {
        int zeros = 0;
        for (int r = 0; r < 37; r++) {
            zeros += x[r * 50 + c] == 0;
            differ |= (x[r * 50 + c] == 0) != (x[r * 50] == 0);
        }
        ck_assert_int_eq(zeros, 8); /* ceil(0.2 · 37) */
    }
    ck_assert(differ);
    moments m = moments_of(t);
    near(m.std, 0.5 * sqrt(29.0 / 37), 0.05);
    free(x);
    cnn_tensor_free(t);
}
END_TEST

/* ---- seeds, threads, kernels ---- */

static cnn_status apply(int which, cnn_tensor *t)
{
    switch (which) {
    case 0: return cnn_init_uniform(t, -1, 1);
    case 1: return cnn_init_normal(t, 0.5, 2);
    case 2: return cnn_init_xavier_uniform(t, 1);
    case 3: return cnn_init_kaiming_normal(t, NULL);
    case 4: return cnn_init_orthogonal(t, 1);
    case 5: return cnn_init_sparse(t, 0.1, 1);
    default: return cnn_init_trunc_normal(t, 0, 1, -2, 2);
    }
}
enum { RANDOM = 7, ROWS = 130, COLUMNS = 170 };

static void *drawn(int which, int threads, uint64_t seed, const char *kernels)
{
    cnn_context *c = cnn_context_new(.seed = seed, .threads = threads, .kernels = kernels);
    cnn_tensor *t = cnn_tensor_zeros(c, CNN_F32, CNN_SHAPE(ROWS, COLUMNS));
    OK(apply(which, t));
    float *first = malloc(2 * ROWS * COLUMNS * sizeof *first);
    ck_assert_ptr_nonnull(first);
    ck_assert_int_eq(cnn_tensor_read(t, first, ROWS * COLUMNS * sizeof *first), CNN_OK);
    OK(apply(which, t)); /* a second call draws other numbers */
    ck_assert_int_eq(cnn_tensor_read(t, first + ROWS * COLUMNS, ROWS * COLUMNS * sizeof *first), CNN_OK);
    cnn_tensor_free(t);
    cnn_context_free(c);
    return first;
}

START_TEST(seeds_decide_alone)
{
    enum { BYTES = ROWS * COLUMNS * sizeof(float) };
    char *one = drawn(_i, 1, 5, NULL), *three = drawn(_i, 3, 5, NULL), *other = drawn(_i, 1, 6, NULL),
         *reference = drawn(_i, 1, 5, "reference");
    ck_assert_mem_eq(one, three, 2 * BYTES);
    ck_assert_mem_eq(one, reference, 2 * BYTES);
    ck_assert(memcmp(one, other, BYTES) != 0 && memcmp(one, one + BYTES, BYTES) != 0);
    free(one), free(three), free(other), free(reference);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(bad_calls_are_refused)
{
    cnn_tensor *t = cnn_tensor_full(ctx, CNN_F32, 7, CNN_SHAPE(4, 6)), *line = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(4));
    cnn_tensor *whole = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(4, 6)), *empty = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(0, 3));
    assert_error(cnn_init_uniform(NULL, 0, 1), CNN_ERROR_INVALID_ARGUMENT, "init_uniform: ");
    assert_error(cnn_init_uniform(t, 1, 0), CNN_ERROR_INVALID_ARGUMENT, "init_uniform: low is 1, expected a finite number that is not above");
    assert_error(cnn_init_uniform(t, -1e308, 1e308), CNN_ERROR_INVALID_ARGUMENT, "init_uniform: high is 1e+308");
    assert_error(cnn_init_normal(t, NAN, 1), CNN_ERROR_INVALID_ARGUMENT, "init_normal: mean is nan, expected a finite number");
    assert_error(cnn_init_normal(t, 0, -1), CNN_ERROR_INVALID_ARGUMENT, "init_normal: std is -1, expected a finite number of at least 0");
    assert_error(cnn_init_trunc_normal(t, 0, 0, -1, 1), CNN_ERROR_INVALID_ARGUMENT, "init_trunc_normal: std is 0");
    assert_error(cnn_init_trunc_normal(t, 0, 1, 1, 1), CNN_ERROR_INVALID_ARGUMENT, "init_trunc_normal: low is 1, expected a finite number below");
    assert_error(cnn_init_trunc_normal(t, 0, 1e-30, 1, 2), CNN_ERROR_INVALID_ARGUMENT, "init_trunc_normal: std is 1e-30");
    assert_error(cnn_init_constant(t, INFINITY), CNN_ERROR_INVALID_ARGUMENT, "init_constant: value is inf");
    assert_error(cnn_init_eye(line), CNN_ERROR_SHAPE, "init_eye: the tensor has rank 1, expected 2 to 2");
    assert_error(cnn_init_dirac(t, 1), CNN_ERROR_SHAPE, "init_dirac: the tensor has rank 2, expected 3 to 5");
    assert_error(cnn_init_xavier_normal(line, 1), CNN_ERROR_SHAPE, "init_xavier_normal: the tensor has rank 1, expected 2 to 8");
    assert_error(cnn_init_xavier_uniform(t, -1), CNN_ERROR_INVALID_ARGUMENT, "init_xavier_uniform: gain is -1");
    assert_error(cnn_init_kaiming_normal(t, CNN_OPTIONS(cnn_kaiming_options, .mode = (cnn_fan_mode)3)), CNN_ERROR_INVALID_ARGUMENT,
                 "init_kaiming_normal: mode is 3, expected CNN_FAN_IN or CNN_FAN_OUT");
    assert_error(cnn_init_kaiming_uniform(t, CNN_OPTIONS(cnn_kaiming_options, .nonlinearity = (cnn_nonlinearity)6)),
                 CNN_ERROR_INVALID_ARGUMENT, "init_kaiming_uniform: nonlinearity is 6");
    assert_error(cnn_init_kaiming_uniform(t, CNN_OPTIONS(cnn_kaiming_options, .a = NAN)), CNN_ERROR_INVALID_ARGUMENT,
                 "init_kaiming_uniform: a is nan");
    assert_error(cnn_init_orthogonal(t, NAN), CNN_ERROR_INVALID_ARGUMENT, "init_orthogonal: gain is nan");
    assert_error(cnn_init_sparse(t, 1.5, 1), CNN_ERROR_INVALID_ARGUMENT, "init_sparse: sparsity is 1.5, expected 0 to 1");
    assert_error(cnn_init_zeros(whole), CNN_ERROR_DTYPE, "init_zeros: the tensor is int64, expected float32, float64 or bfloat16");
    ck_assert(isnan(cnn_init_gain((cnn_nonlinearity)-1, 0)) && isnan(cnn_init_gain(CNN_NONLINEARITY_RELU, NAN)));
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    assert_error(cnn_init_ones(cnn_input(tape, t)), CNN_ERROR_STATE, "init_ones: the tensor belongs to a tape");
    cnn_tape_free(tape);
    ck_assert(moments_of(t).least == 7 && moments_of(t).most == 7);
    for (int i = 0; i < RANDOM; i++) {
        OK(apply(i, empty));
    }
    cnn_tensor *conv = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(4, 4, 3));
    assert_error(cnn_init_dirac(conv, 3), CNN_ERROR_INVALID_ARGUMENT, "init_dirac: groups is 3, expected a divisor of 4");
    cnn_tensor *all[] = { t, line, whole, empty, conv };
    for (int i = 0; i < 5; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

/* A missing allocation is an error, and the tensor stays as it was. */
START_TEST(failing_allocations_change_nothing)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_BF16 };
    for (int k = 0; k < 2; k++) {
        cnn_tensor *t = cnn_tensor_full(ctx, dtypes[k], 7, CNN_SHAPE(8, 5));
        for (long i = 0;; i++) {
            atomic_store(&meter.fail_at, atomic_load(&meter.calls) + i);
            cnn_status status = apply(_i, t);
            bool failed = atomic_load(&meter.calls) > atomic_load(&meter.fail_at);
            meter_reset();
            ck_assert_int_eq(status, failed ? CNN_ERROR_NO_MEMORY : CNN_OK);
            if (!failed) {
                break;
            }
            ck_assert(moments_of(t).least == 7 && moments_of(t).most == 7);
        }
        cnn_tensor_free(t);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("init");
    TCase *values = suite_case(suite, "values", setup, teardown);
    tcase_add_loop_test(values, uniform_and_normal_have_their_moments, 0, 3);
    tcase_add_loop_test(values, xavier_and_kaiming_scale_as_pytorch_does, 0, 4);
    tcase_add_test(values, gains_are_pytorchs);
    tcase_add_loop_test(values, truncated_normals_have_their_moments, 0, 12);
    tcase_add_loop_test(values, orthogonal_matrices_are_orthogonal, 0, 6);
    tcase_add_test(values, identities_are_pytorchs);
    tcase_add_test(values, sparse_columns_have_their_zeros);
    tcase_add_loop_test(values, seeds_decide_alone, 0, RANDOM);
    TCase *refused = suite_case(suite, "refused", setup, teardown);
    tcase_add_test(refused, bad_calls_are_refused);
    tcase_add_loop_test(refused, failing_allocations_change_nothing, 0, RANDOM);
    return suite_run(suite);
}
