/* Averages of parameters: AveragedModel's formulas (PyTorch's docs of torch.optim.swa_utils), in numbers whose sums are exact. */
#include "support/elements.h"
#include "support/files.h"
#include "support/suite.h"

static cnn_context *ctx;

static void setup(void)
{
    ctx = metered_context(1);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static cnn_tensor *pass_on(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

/* A parameter of f64, one of f32 and a buffer. */
static cnn_module *module_of(double value)
{
    cnn_module *m = cnn_module_new(ctx, pass_on);
    cnn_module_add_parameter(m, "a", cnn_tensor_full(ctx, CNN_F64, value, CNN_SHAPE(2, 3)));
    cnn_module_add_parameter(m, "b", cnn_tensor_full(ctx, CNN_F32, -value, CNN_SHAPE(5)));
    cnn_module_add_buffer(m, "seen", cnn_tensor_full(ctx, CNN_I64, value, CNN_SCALAR));
    return m;
}

static void set(cnn_module *m, double value)
{
    cnn_tensor_fill(cnn_module_find(m, "a"), value);
    cnn_tensor_fill(cnn_module_find(m, "b"), -value);
    cnn_tensor_fill(cnn_module_find(m, "seen"), value);
}

static void is(const cnn_ema *ema, double average, double buffer, double tolerance)
{
    cnn_module *m = cnn_ema_module(ema);
    double a = ((const double *)host_elements(cnn_module_find(m, "a")))[5];
    float b = ((const float *)host_elements(cnn_module_find(m, "b")))[4];
    ck_assert_msg(fabs(a - average) <= tolerance && fabs(b + average) <= tolerance + 1e-6 * fabs(average),
                  "%.17g and %.9g, expected %.17g", a, (double)b, average);
    ck_assert(cnn_tensor_item(cnn_module_find(m, "seen")) == buffer);
}

START_TEST(averages_are_exponential)
{
    cnn_module *m = module_of(8);
    cnn_ema *ema = cnn_ema_new(m, .decay = 0.75);
    is(ema, 8, 8, 0);
    set(m, 16);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK); /* the first one copies */
    is(ema, 16, 16, 0);
    set(m, 32);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
    is(ema, 20, 32, 0);
    set(m, 4);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
    is(ema, 16, 4, 0);
    ck_assert_int_eq(cnn_ema_count(ema), 3);
    ck_assert_int_eq(cnn_module_copy_from(m, cnn_ema_module(ema)), CNN_OK);
    ck_assert(((const double *)host_elements(cnn_module_find(m, "a")))[0] == 16);
    cnn_ema_free(ema);
    cnn_module_free(m);
}
END_TEST

START_TEST(averages_are_means)
{
    cnn_module *m = module_of(0);
    cnn_ema *ema = cnn_ema_new(m, .equal_weights = true);
    double sum = 0;
    for (int i = 1; i <= 20; i++) {
        sum += i * i;
        set(m, i * i);
        ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
        is(ema, sum / i, i * i, 1e-12 * sum);
    }
    cnn_ema_free(ema);
    cnn_module_free(m);
}
END_TEST

/* With its count an average goes on where it was. */
START_TEST(averages_resume)
{
    cnn_module *m = module_of(16);
    cnn_ema *ema = cnn_ema_new(m, .decay = 0.5, .count = 7);
    set(m, 4);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
    is(ema, 10, 4, 0);
    ck_assert_int_eq(cnn_ema_count(ema), 8);
    cnn_module_free(m); /* it keeps nothing of the module */
    is(ema, 10, 4, 0);
    cnn_ema_free(ema);
}
END_TEST

START_TEST(updates_allocate_nothing)
{
    cnn_module *m = module_of(1);
    cnn_ema *ema = cnn_ema_new(m);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
    long before = atomic_load(&meter.calls);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
    ck_assert_int_eq(atomic_load(&meter.calls), before);
    cnn_ema_free(ema);
    cnn_module_free(m);
}
END_TEST

START_TEST(bad_calls_are_refused)
{
    cnn_module *m = module_of(1), *other = cnn_linear_new(ctx, 2, 3), *half = cnn_linear_new(ctx, 2, 3, .dtype = CNN_BF16);
    ck_assert_ptr_null(cnn_ema_create(NULL, NULL));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "ema_create: module is NULL");
    ck_assert_ptr_null(cnn_ema_new(m, .decay = 1.5));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "ema_create: decay is 1.5, expected 0 to 1");
    ck_assert_ptr_null(cnn_ema_new(m, .count = -1));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "ema_create: count is -1, expected 0 to 2^53");
    ck_assert_ptr_null(cnn_ema_new(half));
    assert_error(cnn_context_status(ctx), CNN_ERROR_DTYPE, "ema_create: a parameter is bfloat16");
    cnn_ema *ema = cnn_ema_new(m);
    assert_error(cnn_ema_update(ema, other), CNN_ERROR_MISMATCH, "ema_update: entry 0 of the module's state");
    assert_error(cnn_ema_update(ema, NULL), CNN_ERROR_INVALID_ARGUMENT, "ema_update: module is NULL");
    assert_error(cnn_ema_update(NULL, m), CNN_ERROR_INVALID_ARGUMENT, "ema_update: ema is NULL");
    ck_assert(!cnn_ema_module(NULL) && cnn_ema_count(NULL) == 0 && cnn_ema_count(ema) == 0);
    is(ema, 1, 1, 0);
    for (long i = 0; i < 50; i++) {
        atomic_store(&meter.fail_at, atomic_load(&meter.calls) + i);
        cnn_ema *made = cnn_ema_new(m);
        bool failed = atomic_load(&meter.calls) > atomic_load(&meter.fail_at);
        meter_reset();
        ck_assert((made == NULL) == failed);
        cnn_ema_free(made);
    }
    cnn_ema_free(ema);
    cnn_ema_free(NULL);
    cnn_module_free(m);
    cnn_module_free(other);
    cnn_module_free(half);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ema");
    TCase *averages = suite_case(suite, "averages", setup, teardown);
    tcase_add_test(averages, averages_are_exponential);
    tcase_add_test(averages, averages_are_means);
    tcase_add_test(averages, averages_resume);
    tcase_add_test(averages, updates_allocate_nothing);
    tcase_add_test(averages, bad_calls_are_refused);
    return suite_run(suite);
}
