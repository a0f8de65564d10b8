/* Elementwise operations on operands that lie in other ways than rows: the same bits as on contiguous copies of them, for sizes
 * around the tiles and steps of the kernels and for one and three threads; choice and masks against plain loops; powers against
 * single ones; cross-entropy of many classes, runs of any length, means of whole planes and reductions of views against sums
 * in f64. */
#include "base/math.h"
#include "support/elements.h"
#include "support/suite.h"

#include <math.h>

static cnn_context *ctx, *three;
static cnn_tape *tape, *tape_of_three;

static void setup(void)
{
    ctx = cnn_context_new(.seed = 3, .threads = 1);
    three = cnn_context_new(.seed = 3, .threads = 3);
    tape = cnn_tape_new(ctx);
    tape_of_three = cnn_tape_new(three);
    ck_assert(tape && tape_of_three);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_tape_free(tape_of_three);
    cnn_context_free(ctx);
    cnn_context_free(three);
}

static const double *as_f64(cnn_tape *on, const cnn_tensor *t)
{
    return host_elements(cnn_contiguous(cnn_cast(cnn_input(on, (cnn_tensor *)(uintptr_t)t), CNN_F64)));
}

/* A copy that outlives the step. */
static cnn_tensor *kept_copy(const cnn_tensor *t)
{
    return cnn_tensor_from_data(cnn_tensor_context(t), cnn_tensor_dtype(t), cnn_tensor_ndim(t), cnn_tensor_shape(t),
                                host_elements(t));
}

/* ---- transposed operands ---- */

static cnn_tensor *transposed(cnn_tensor *x)
{
    return cnn_transpose(x, -1, -2);
}

/* What is computed of a transposed x and of a y that is not; sums are made in the order in which elements lie, and therefore
 * agree to a tolerance alone. */
#define VIEW_CASES(X) \
    X(neg, 0, cnn_neg(x)) X(exp, 0, cnn_exp(x)) X(sin, 0, cnn_sin(x)) X(relu, 0, cnn_relu(x)) X(clone, 0, cnn_clone(x)) \
    X(add, 0, cnn_add(x, y)) X(sub_from, 0, cnn_sub(y, x)) X(both, 0, cnn_mul(x, cnn_exp(x))) X(less, 0, cnn_lt(x, y)) \
    X(row, 0, cnn_add(x, cnn_slice(y, -2, 0, 1, 1))) X(column, 0, cnn_sub(cnn_slice(y, -1, 0, 1, 1), x)) \
    X(where, 0, cnn_where(cnn_gt(y, x), x, y)) X(to_f64, 0, cnn_cast(x, CNN_F64)) X(sum, 1e-5, cnn_sum(x, CNN_DIMS(-1), false)) \
    X(largest, 0, cnn_max(x, CNN_DIMS(-2), false)) X(norm, 1e-5, cnn_norm(x, 2, CNN_DIMS(-1), false)) \
    X(var, 1e-5, cnn_var(x, 1, CNN_DIMS(0), false)) X(logsumexp, 1e-5, cnn_logsumexp(x, CNN_DIMS(-1), false))
#define DEFINE(name, tolerance, expression) \
    static cnn_tensor *view_##name(cnn_tensor *x, cnn_tensor *y) \
    { \
        (void)y; \
        return expression; \
    }
VIEW_CASES(DEFINE)
static const struct {
    const char *name;
    double tolerance;
    cnn_tensor *(*call)(cnn_tensor *x, cnn_tensor *y);
} views[] = {
#define ENTRY(name, tolerance, expression) { #name, tolerance, view_##name },
    VIEW_CASES(ENTRY)
};
enum { VIEWS = sizeof views / sizeof *views };

/* The result of a case on a view of x or on its copy, and x's gradient from a gradient of ones. */
static cnn_tensor *view_run(cnn_tape *on, int number, cnn_tensor *x, cnn_tensor *y, bool copies, cnn_tensor **gradient)
{
    cnn_tape_begin(on, CNN_TRAIN);
    cnn_tensor_zero_grad(x);
    cnn_tensor *v = transposed(cnn_input(on, x));
    cnn_tensor *result = views[number].call(copies ? cnn_contiguous(v) : v, cnn_input(on, y));
    cnn_tensor *kept = kept_copy(cnn_contiguous(result));
    if (cnn_tensor_dtype(result) != CNN_BOOL) {
        ck_assert_int_eq(cnn_backward_with(cnn_sum(result, CNN_ALL_DIMS, false), NULL, false), CNN_OK);
        *gradient = kept_copy(cnn_tensor_grad(x));
    }
    ck_assert_msg(kept != NULL, "%s: %s", views[number].name, cnn_last_error(NULL));
    return kept;
}

static bool agree(const cnn_tensor *a, const cnn_tensor *b, double tolerance)
{
    if (tolerance == 0) {
        return same_elements(a, b);
    }
    const double *va = as_f64(tape, a), *vb = as_f64(tape, b);
    for (int64_t i = 0; i < cnn_tensor_numel(a); i++) {
        if (!(fabs(va[i] - vb[i]) <= tolerance * (1 + fabs(vb[i]))) && !(isnan(va[i]) && isnan(vb[i]))) {
            return false;
        }
    }
    return true;
}

static void compare_views(int number, cnn_dtype dtype, int64_t planes, int64_t rows, int64_t columns)
{
    cnn_tensor *x = cnn_tensor_randn(ctx, dtype, CNN_SHAPE(planes, columns, rows));
    cnn_tensor *y = cnn_tensor_randn(ctx, dtype, CNN_SHAPE(planes, rows, columns)), *d[2] = { NULL, NULL };
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *of_view = view_run(tape, number, x, y, false, &d[0]);
    cnn_tensor *of_copy = view_run(tape, number, x, y, true, &d[1]);
    ck_assert_msg(agree(of_view, of_copy, views[number].tolerance), "%s of %lld x %lld", views[number].name, (long long)rows, (long long)columns);
    ck_assert_msg(!d[0] || agree(d[0], d[1], views[number].tolerance), "gradient of %s of %lld x %lld", views[number].name, (long long)rows,
                  (long long)columns);
    cnn_tensor *freed[] = { x, y, of_view, of_copy, d[0], d[1] };
    for (int i = 0; i < 6; i++) {
        cnn_tensor_free(freed[i]);
    }
}

START_TEST(views_and_copies_agree)
{
    static const int64_t sizes[][3] = { { 1, 8, 8 },   { 1, 16, 64 }, { 2, 17, 65 }, { 3, 7, 130 },
                                        { 2, 31, 63 }, { 1, 1, 40 },  { 1, 40, 1 },  { 4, 15, 9 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        compare_views(_i, CNN_F32, sizes[i][0], sizes[i][1], sizes[i][2]);
        compare_views(_i, CNN_F64, sizes[i][0], sizes[i][1], sizes[i][2]);
    }
}
END_TEST

START_TEST(threads_agree_on_views)
{
    cnn_tensor *results[2], *gradients[2] = { NULL, NULL };
    for (int i = 0; i < 2; i++) {
        cnn_context *of = i ? three : ctx;
        cnn_tensor *x = cnn_tensor_randn(of, CNN_F32, CNN_SHAPE(3, 210, 330));
        cnn_tensor *y = cnn_tensor_randn(of, CNN_F32, CNN_SHAPE(3, 330, 210));
        cnn_tensor_set_requires_grad(x, true);
        results[i] = view_run(i ? tape_of_three : tape, _i, x, y, false, &gradients[i]);
        cnn_tensor_free(x);
        cnn_tensor_free(y);
    }
    ck_assert_msg(same_elements(results[0], results[1]), "%s", views[_i].name);
    ck_assert_msg(!gradients[0] || same_elements(gradients[0], gradients[1]), "gradient of %s", views[_i].name);
    for (int i = 0; i < 2; i++) {
        cnn_tensor_free(results[i]);
        cnn_tensor_free(gradients[i]);
    }
}
END_TEST

/* ---- choice and masks ---- */

enum { MASK_ROWS = 3, MASK_COLUMNS = 300 };

/* t [rows,columns], of which bit 0 of `how` broadcasts the rows, bit 1 the columns; else every second column of a wider one. */
static cnn_tensor *spread(cnn_tensor *t, int how)
{
    cnn_tensor *part = cnn_slice(t, 0, 0, how & 1 ? 1 : MASK_ROWS, 1);
    part = cnn_slice(part, 1, 0, how & 2 ? 1 : 2 * MASK_COLUMNS, how & 2 ? 1 : 2);
    return cnn_expand(part, CNN_SHAPE(MASK_ROWS, MASK_COLUMNS));
}

static cnn_tensor *drawn(cnn_dtype dtype)
{
    cnn_tensor *real = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(MASK_ROWS, 2 * MASK_COLUMNS));
    cnn_tensor *scaled = cnn_mul_scalar(cnn_input(tape, real), dtype == CNN_F32 || dtype == CNN_F64 ? 1 : 3);
    cnn_tensor *made = cnn_cast(dtype == CNN_BOOL ? cnn_clamp(scaled, 0, 1) : cnn_abs(scaled), dtype);
    cnn_tensor_free(real);
    return made;
}

START_TEST(choice_takes_any_strides)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_U8, CNN_BOOL, CNN_I32 };
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_dtype dtype = dtypes[_i % 5];
    int how = _i / 5;
    cnn_tensor *c = spread(drawn(CNN_BOOL), how & 3), *a = spread(drawn(dtype), how >> 2 & 3), *b = spread(drawn(dtype), how >> 4);
    cnn_tensor *y = cnn_where(c, a, b);
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_last_error(NULL));
    const double *vy = as_f64(tape, y), *vc = as_f64(tape, c), *va = as_f64(tape, a), *vb = as_f64(tape, b);
    for (int i = 0; i < MASK_ROWS * MASK_COLUMNS; i++) {
        ck_assert_msg(vy[i] == (vc[i] != 0 ? va[i] : vb[i]), "element %d is %g", i, vy[i]);
    }
}
END_TEST

#define BYTE_CASES(X) \
    X(cnn_eq, a == b) X(cnn_ne, a != b) X(cnn_lt, a < b) X(cnn_le, a <= b) X(cnn_gt, a > b) X(cnn_ge, a >= b) \
    X(cnn_logical_and, a != 0 && b != 0) X(cnn_logical_or, a != 0 || b != 0) X(cnn_logical_xor, (a != 0) != (b != 0))

START_TEST(bytes_compare)
{
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_dtype dtype = _i % 2 ? CNN_BOOL : CNN_U8;
    int how = _i / 2;
    cnn_tensor *ta = spread(drawn(dtype), how & 3), *tb = spread(drawn(dtype), how >> 2);
    const double *va = as_f64(tape, ta), *vb = as_f64(tape, tb);
#define CHECK_BYTES(function, expected) \
    { \
        const double *y = as_f64(tape, function(ta, tb)); \
        for (int i = 0; i < MASK_ROWS * MASK_COLUMNS; i++) { \
            const double a = va[i], b = vb[i]; \
            ck_assert_msg((y[i] != 0) == (expected), #function " of %g and %g is %g", a, b, y[i]); \
        } \
    }
    BYTE_CASES(CHECK_BYTES)
    const double *not = as_f64(tape, cnn_logical_not(ta));
    for (int i = 0; i < MASK_ROWS * MASK_COLUMNS; i++) {
        ck_assert_msg((not[i] != 0) == (va[i] == 0), "not %g is %g", va[i], not[i]);
    }
}
END_TEST

/* ---- powers ---- */

START_TEST(powers_have_the_bits_of_single_ones)
{
    static const float special[] = { 0, -0.0f, 1, -1, 2, -2, 0.5f, 3, INFINITY, -INFINITY, NAN, 1e-40f, 3e38f };
    enum { SPECIAL = sizeof special / sizeof *special, N = 16 * 40 };
    float x[N], e[N];
    for (int i = 0; i < N; i++) { /* some steps of 16 have nothing special in them */
        bool plain = i / 16 % 3 == 0;
        x[i] = plain ? 0.01f * (float)(i + 1) : special[i % SPECIAL];
        e[i] = plain ? 0.1f * (float)(i % 77 - 38) : special[i / SPECIAL % SPECIAL];
    }
    cnn_tensor *base = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(N), x);
    cnn_tensor *exponent = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(N), e);
    cnn_tape_begin(tape, CNN_EVAL);
    const float *y = host_elements(cnn_pow(cnn_input(tape, base), cnn_input(tape, exponent)));
    const float *z = host_elements(cnn_pow_scalar(cnn_input(tape, base), 1.7));
    for (int i = 0; i < N; i++) {
        float one = cnn__pow_f32(x[i], e[i]), fixed = cnn__pow_f32(x[i], 1.7f);
        ck_assert_msg(memcmp(&y[i], &one, sizeof one) == 0 || (isnan(y[i]) && isnan(one)), "%a to %a is %a", (double)x[i],
                      (double)e[i], (double)y[i]);
        ck_assert_msg(memcmp(&z[i], &fixed, sizeof fixed) == 0 || (isnan(z[i]) && isnan(fixed)), "%a to 1.7 is %a",
                      (double)x[i], (double)z[i]);
    }
    cnn_tensor_free(base);
    cnn_tensor_free(exponent);
}
END_TEST

/* ---- cross-entropy of rows and of pixels ---- */

enum { CLASS_COUNTS = 9, LAYOUTS = 2, CROSS_ENTROPIES = 4, IGNORED = 2 };

START_TEST(cross_entropy_of_many_classes)
{
    static const int64_t counts[] = { 1, 7, 8, 10, 63, 64, 65, 200, 1000 };
    enum { SAMPLES = 5 };
    const int64_t classes = counts[_i];
    cnn_tensor *logits = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(SAMPLES, classes));
    int64_t index[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        index[i] = i == IGNORED ? -100 : (17 * i + 3) % classes;
    }
    cnn_tensor *target = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(SAMPLES), index);
    cnn_tensor_set_requires_grad(logits, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_input(tape, logits), cnn_input(tape, target));
    ck_assert_int_eq(cnn_backward(loss), CNN_OK);
    const float *x = host_elements(logits), *dx = host_elements(cnn_tensor_grad(logits));
    double total = 0;
    for (int s = 0; s < SAMPLES; s++) {
        double sum = 0;
        for (int64_t c = 0; c < classes; c++) {
            sum += exp((double)x[s * classes + c]);
        }
        for (int64_t c = 0; c < classes; c++) {
            double p = exp((double)x[s * classes + c]) / sum;
            double expected = s == IGNORED ? 0 : (p - (c == index[s])) / (SAMPLES - 1);
            double got = (double)dx[s * classes + c];
            ck_assert_msg(fabs(got - expected) <= 1e-6 * fabs(expected) + 1e-8, "sample %d, class %d: %g, expected %g", s, (int)c,
                          got, expected);
        }
        total -= s == IGNORED ? 0 : (double)x[s * classes + index[s]] - log(sum);
    }
    ck_assert_double_eq_tol(cnn_tensor_item(loss), total / (SAMPLES - 1), 1e-5);
    cnn_tensor_free(logits);
    cnn_tensor_free(target);
}
END_TEST

/* The factor of log p of class c in the loss of a sample. */
static double factor_of(int kind, int64_t classes, int64_t c, int64_t index, double probability)
{
    double smoothing = kind ? 0.1 : 0, weight = kind >= 2 ? 0.5 + (double)(c % 3) : 1;
    return weight * ((1 - smoothing) * (kind == 3 ? probability : c == index) + smoothing / (double)classes);
}

/* Indices; smoothed ones; with weights too; probabilities with both: against the formula in f64. 70 samples are rows of [70, C] or
 * pixels of [2, C, 35]. log p is rounded at up to 9, and so is the logarithm in it: 2e-6. */
START_TEST(cross_entropy_of_rows_and_pixels)
{
    static const int64_t counts[CLASS_COUNTS] = { 1, 7, 8, 10, 63, 64, 65, 200, 1000 };
    enum { SAMPLES = 70, MOST_CLASSES = 1000 };
    const int kind = _i / LAYOUTS / CLASS_COUNTS;
    const int64_t classes = counts[_i / LAYOUTS % CLASS_COUNTS], inner = _i % LAYOUTS ? SAMPLES / 2 : 1, batch = SAMPLES / inner;
    cnn_tensor *logits = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(batch, classes, inner));
    cnn_tensor *shares = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(batch, classes, inner));
    int64_t index[SAMPLES];
    float factors_of[MOST_CLASSES];
    for (int i = 0; i < SAMPLES; i++) {
        index[i] = i == IGNORED ? -100 : (17 * i + 3) % classes;
    }
    for (int64_t c = 0; c < classes; c++) {
        factors_of[c] = 0.5f + (float)(c % 3);
    }
    cnn_tensor *target = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(batch, inner), index);
    cnn_tensor *weight = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(classes), factors_of);
    cnn_tensor_set_requires_grad(logits, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *rows = inner == 1 ? cnn_squeeze(cnn_input(tape, logits), 2) : cnn_input(tape, logits);
    cnn_tensor *to = cnn_input(tape, kind == 3 ? shares : target);
    cnn_cross_entropy_options options = { .struct_size = sizeof options, .reduction = CNN_REDUCE_SUM };
    options.label_smoothing = kind ? 0.1 : 0;
    options.weight = kind >= 2 ? weight : NULL;
    cnn_tensor *loss = cnn_cross_entropy_with(rows, inner == 1 ? cnn_squeeze(to, -1) : to, &options);
    ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s", cnn_last_error(ctx));
    const float *x = host_elements(logits), *q = host_elements(shares), *dx = host_elements(cnn_tensor_grad(logits));
    double total = 0;
    for (int s = 0; s < SAMPLES; s++) {
        const int64_t first = s / inner * classes * inner + s % inner;
        const bool ignored = s == IGNORED && kind < 3;
        double sum = 0, factors = 0;
        for (int64_t c = 0; c < classes; c++) {
            sum += exp((double)x[first + c * inner]);
            factors += factor_of(kind, classes, c, index[s], (double)q[first + c * inner]);
        }
        for (int64_t c = 0; c < classes; c++) {
            const int64_t at = first + c * inner;
            double p = exp((double)x[at]) / sum, factor = factor_of(kind, classes, c, index[s], (double)q[at]);
            double expected = ignored ? 0 : p * factors - factor, got = (double)dx[at];
            ck_assert_msg(fabs(got - expected) <= 2e-6 * (p * factors + factor), "sample %d, class %d: %g, expected %g", s, (int)c,
                          got, expected);
            total -= ignored ? 0 : factor * log(p);
        }
    }
    ck_assert_double_eq_tol(cnn_tensor_item(loss), total, 1e-6 * total + 1e-9);
    cnn_tensor_free(logits);
    cnn_tensor_free(shares);
    cnn_tensor_free(target);
    cnn_tensor_free(weight);
}
END_TEST

/* ---- reductions and softmax of runs of any length ---- */

/* Three runs of n elements, of which the last one has a NaN where the case says. */
START_TEST(runs_of_any_length)
{
    enum { RUNS = 3 };
    const int64_t n = _i + 1, at = 7 * _i % n;
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(RUNS, n));
    float *elements = writable_elements(x);
    elements[2 * n + at] = NAN;
    elements_written(x, elements);
    cnn_tape_begin(tape, CNN_EVAL);
    const float *from = host_elements(x), *sum = host_elements(cnn_sum(cnn_input(tape, x), CNN_DIMS(1), false));
    const float *most = host_elements(cnn_max(cnn_input(tape, x), CNN_DIMS(1), false));
    const float *least = host_elements(cnn_min(cnn_input(tape, x), CNN_DIMS(1), false));
    const float *soft = host_elements(cnn_softmax(cnn_input(tape, x), 1));
    const float *logs = host_elements(cnn_log_softmax(cnn_input(tape, x), 1));
    for (int r = 0; r < RUNS - 1; r++) {
        double total = 0, size = 0, exps = 0;
        float largest = -INFINITY, smallest = INFINITY;
        for (int64_t i = r * n; i < (r + 1) * n; i++) {
            total += (double)from[i];
            size += fabs((double)from[i]);
            exps += exp((double)from[i]);
            largest = from[i] > largest ? from[i] : largest;
            smallest = from[i] < smallest ? from[i] : smallest;
        }
        ck_assert_double_le(fabs((double)sum[r] - total), 1e-7 * size);
        ck_assert(most[r] == largest && least[r] == smallest);
        for (int64_t i = r * n; i < (r + 1) * n; i++) {
            double p = exp((double)from[i]) / exps;
            ck_assert_double_le(fabs((double)soft[i] - p), 1e-6 * p);
            ck_assert_double_le(fabs((double)logs[i] - log(p)), 1e-6);
        }
    }
    ck_assert(isnan(sum[2]) && isnan(most[2]) && isnan(least[2]));
    for (int64_t i = 2 * n; i < 3 * n; i++) {
        ck_assert(isnan(soft[i]) && isnan(logs[i]));
    }
    cnn_tensor_free(x);
}
END_TEST

/* ---- means of whole planes ---- */

START_TEST(planes_have_their_means)
{
    enum { PLANES = 6, H = 13, WIDTH = 11 };
    cnn_tensor *x = cnn_tensor_randn(ctx, _i ? CNN_F64 : CNN_F32, CNN_SHAPE(2, PLANES / 2, H, WIDTH));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_adaptive_avg_pool2d(cnn_input(tape, x), 1, 1);
    ck_assert_int_eq(cnn_tensor_shape(y)[2] * cnn_tensor_shape(y)[3], 1);
    const double *vy = as_f64(tape, y), *vx = as_f64(tape, x);
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_OK);
    for (int p = 0; p < PLANES; p++) {
        double sum = 0;
        for (int i = 0; i < H * WIDTH; i++) {
            sum += vx[p * H * WIDTH + i];
        }
        ck_assert_double_eq_tol(vy[p], sum / (H * WIDTH), 1e-7);
    }
    cnn_tape_begin(tape, CNN_EVAL);
    const double *dx = as_f64(tape, cnn_tensor_grad(x));
    for (int i = 0; i < PLANES * H * WIDTH; i++) {
        ck_assert_double_eq_tol(dx[i], 1.0 / (H * WIDTH), 1e-9);
    }
    cnn_tensor_free(x);
}
END_TEST

/* Rows of bytes that begin at any address, in whole words and in what is left of them. */
START_TEST(bits_of_rows_of_any_width)
{
    enum { ROWS = 3, WIDEST = 700 };
    uint8_t a[ROWS * WIDEST], b[WIDEST];
    const int width = 1 + 33 * _i;
    for (int i = 0; i < ROWS * width; i++) {
        a[i] = (uint8_t)(37 * i);
    }
    for (int i = 0; i < width; i++) {
        b[i] = (uint8_t)(91 * i + 5);
    }
    cnn_tensor *x = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(ROWS, width)), *y = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(1, width));
    ck_assert_int_eq(cnn_tensor_write(x, a, (size_t)(ROWS * width)), CNN_OK);
    ck_assert_int_eq(cnn_tensor_write(y, b, (size_t)width), CNN_OK);
    cnn_tape_begin(tape, CNN_EVAL);
    const uint8_t *z = host_elements(cnn_bitwise_xor(cnn_input(tape, x), cnn_input(tape, y)));
    for (int i = 0; i < ROWS * width; i++) {
        ck_assert_msg(z[i] == (a[i] ^ b[i % width]), "element %d of rows of %d is %d", i, width, z[i]);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(y);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elementwise");
    TCase *tests = suite_case(suite, "elementwise", setup, teardown);
    tcase_add_loop_test(tests, views_and_copies_agree, 0, VIEWS);
    tcase_add_loop_test(tests, threads_agree_on_views, 0, VIEWS);
    tcase_add_loop_test(tests, choice_takes_any_strides, 0, 5 * 64);
    tcase_add_loop_test(tests, bytes_compare, 0, 2 * 16);
    tcase_add_loop_test(tests, bits_of_rows_of_any_width, 0, 21);
    tcase_add_test(tests, powers_have_the_bits_of_single_ones);
    tcase_add_loop_test(tests, cross_entropy_of_many_classes, 0, CLASS_COUNTS);
    tcase_add_loop_test(tests, cross_entropy_of_rows_and_pixels, 0, CLASS_COUNTS * LAYOUTS * CROSS_ENTROPIES);
    tcase_add_loop_test(tests, runs_of_any_length, 0, 100);
    tcase_add_loop_test(tests, planes_have_their_means, 0, 2);
    return suite_run(suite);
}
