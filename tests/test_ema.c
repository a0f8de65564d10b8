/* Averages of parameters: AveragedModel's formulas (PyTorch's docs of torch.optim.swa_utils), in numbers whose sums are exact, and what
 * AveragedModel and update_bn() of PyTorch themselves make of weights and batches (tools/fixtures/averages.py). */
#include "support/elements.h"
#include "support/files.h"
#include "support/fixtures.h"
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

/* ---- PyTorch ---- */

enum { UPDATES = 12, PARAMETERS = 7, BUFFERS = 5 };

/* Row `row` of a matrix of the fixture, written to t or compared with it. */
static void state_row(const char *name, const char *part, int row, cnn_tensor *t, bool write, double tolerance)
{
    cnn_tensor *rows = fixture(ctx, "averages.safetensors", name, part);
    ck_assert_msg(rows != NULL, "there is no %s/%s", name, part);
    cnn_tensor *wide = cnn_tensor_from_data(ctx, CNN_F64, 1, (const int64_t[]){ cnn_tensor_numel(t) },
                                            (const double *)host_elements(rows) + row * cnn_tensor_numel(t));
    if (write) {
        ck_assert_int_eq(cnn_tensor_copy_from(t, wide), CNN_OK);
    } else {
        tensors_agree(name, part, t, wide, tolerance);
    }
    cnn_tensor_free(wide);
    cnn_tensor_free(rows);
}

static const struct {
    const char *name;
    cnn_ema_options options;
} averages[] = {
    { "equal", { .equal_weights = true } },
    { "equal_buffers", { .equal_weights = true, .use_buffers = true } },
    { "exponential", { .decay = 0.875 } },
    { "exponential_buffers", { .decay = 0.875, .use_buffers = true } },
    { "exponential_default", { .decay = 0 } },
    { "exponential_default_buffers", { .use_buffers = true } },
};
enum { AVERAGES = sizeof averages / sizeof *averages };

START_TEST(averages_are_pytorchs)
{
    const cnn_dtype dtype = _i % 2 ? CNN_F32 : CNN_F64;
    const char *name = averages[_i / 2].name;
    cnn_ema_options options = averages[_i / 2].options;
    options.struct_size = sizeof options;
    cnn_module *m = cnn_module_new(ctx, pass_on);
    cnn_tensor *p = cnn_module_add_parameter(m, "p", cnn_tensor_zeros(ctx, dtype, CNN_SHAPE(PARAMETERS)));
    cnn_tensor *b = cnn_module_add_buffer(m, "b", cnn_tensor_zeros(ctx, dtype, CNN_SHAPE(BUFFERS)));
    cnn_ema *ema = cnn_ema_create(m, &options);
    ck_assert_msg(ema != NULL, "%s", cnn_last_error(ctx));
    for (int i = 0; i < UPDATES; i++) {
        state_row("states", "p", i, p, true, 0);
        state_row("states", "b", i, b, true, 0);
        ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
        cnn_module *averaged = cnn_ema_module(ema);
        state_row(name, "p", i, cnn_module_find(averaged, "p"), false, dtype == CNN_F64 ? 1e-14 : 1e-6);
        state_row(name, "b", i, cnn_module_find(averaged, "b"), false, dtype == CNN_F64 ? 1e-14 : 1e-6);
    }
    cnn_ema_free(ema);
    cnn_module_free(m);
}
END_TEST

/* A buffer that is averaged may be larger than every parameter; counts are copied. */
START_TEST(buffers_are_averaged_where_they_are_real)
{
    cnn_module *m = cnn_module_new(ctx, pass_on);
    cnn_tensor *b = cnn_module_add_buffer(m, "b", cnn_tensor_full(ctx, CNN_F32, 4, CNN_SHAPE(300)));
    cnn_tensor *n = cnn_module_add_buffer(m, "n", cnn_tensor_full(ctx, CNN_I64, 1, CNN_SCALAR));
    cnn_ema *ema = cnn_ema_new(m, .equal_weights = true, .use_buffers = true);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
    cnn_tensor_fill(b, 8);
    cnn_tensor_fill(n, 2);
    ck_assert_int_eq(cnn_ema_update(ema, m), CNN_OK);
    const float *average = host_elements(cnn_module_find(cnn_ema_module(ema), "b"));
    ck_assert(average[0] == 6 && average[299] == 6);
    ck_assert(cnn_tensor_item(cnn_module_find(cnn_ema_module(ema), "n")) == 2);
    cnn_ema_free(ema);
    cnn_module_free(m);
}
END_TEST

/* ---- update_bn ---- */

static void statistics_are(const cnn_module *net, const char *when)
{
    static const char *const names[] = { "running_mean", "running_var", "num_batches_tracked" };
    for (int i = 0; i < 6; i++) {
        char part[48], *key = part + snprintf(part, sizeof part, "%s.", when);
        snprintf(key, sizeof part - 16, "%d.%s", i / 3 * 2, names[i % 3]);
        cnn_tensor *expected = fixture(ctx, "averages.safetensors", "statistics", part);
        ck_assert_msg(expected != NULL, "there is no %s", part);
        tensors_agree("statistics", part, cnn_module_find(net, key), expected, 1e-13);
        cnn_tensor_free(expected);
    }
}

static void run_batch(cnn_module *net, cnn_tape *tape, cnn_tensor *batches, int i)
{
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN_NO_GRAD), CNN_OK);
    cnn_tensor *batch = cnn_slice(cnn_input(tape, batches), 0, i, i + 1, 1);
    ck_assert_int_eq(cnn_tensor_status(cnn_forward(net, cnn_squeeze(batch, 0))), CNN_OK);
}

/* Statistics and momentum of before are not looked at, and the momentum is back afterwards. */
START_TEST(statistics_are_recomputed_as_by_update_bn)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_batch_norm1d_new(ctx, 3, .momentum = 0.3, .dtype = CNN_F64),
                                         cnn_linear_new(ctx, 3, 4, .dtype = CNN_F64), cnn_batch_norm1d_new(ctx, 4, .dtype = CNN_F64));
    cnn_tensor *batches = fixture(ctx, "averages.safetensors", "statistics", "batches");
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < cnn_module_state_count(net); i++) {
        char part[64], *key = part + snprintf(part, sizeof part, "before.");
        cnn_module_state_name(net, i, key, sizeof part - 8);
        cnn_tensor *value = fixture(ctx, "averages.safetensors", "statistics", part);
        ck_assert_int_eq(cnn_tensor_copy_from(cnn_module_state(net, i), value), CNN_OK);
        cnn_tensor_free(value);
    }
    ck_assert_int_eq(cnn_module_reset_running_stats(net), CNN_OK);
    ck_assert_int_eq(cnn_module_set_cumulative(net, true), CNN_OK);
    for (int i = 0; i < cnn_tensor_size(batches, 0); i++) {
        run_batch(net, tape, batches, i);
    }
    ck_assert_int_eq(cnn_module_set_cumulative(net, false), CNN_OK);
    statistics_are(net, "after");
    run_batch(net, tape, batches, 0);
    statistics_are(net, "later");
    cnn_tape_free(tape);
    cnn_tensor_free(batches);
    cnn_module_free(net);
}
END_TEST

static void text_is(const cnn_module *m, const char *text)
{
    char given[128];
    cnn_module_format(m, given, sizeof given);
    ck_assert_str_eq(given, text);
}

/* A layer that was made cumulative stays so, a clone goes back to what its original was made with, and other modules with statistics,
 * or without any, are left alone. */
START_TEST(layers_go_back_to_what_they_were)
{
    static const char average[] = "BatchNorm2d(2, eps=1e-05, momentum=None, affine=True, track_running_stats=True)";
    static const char moving[] = "BatchNorm2d(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)";
    cnn_module *made = cnn_batch_norm2d_new(ctx, 2, .cumulative = true), *m = cnn_batch_norm2d_new(ctx, 2), *clone;
    cnn_module *instance = cnn_instance_norm2d_new(ctx, 2, .track_running_stats = true), *none = cnn_batch_norm2d_new(ctx, 2, .no_running = true);
    cnn_module *const all[] = { made, m, instance, none };
    cnn_tensor_fill(cnn_module_find(instance, "running_mean"), 5);
    cnn_tensor_fill(cnn_module_find(made, "running_var"), 5);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(cnn_module_reset_running_stats(all[i]), CNN_OK);
        ck_assert_int_eq(cnn_module_set_cumulative(all[i], true), CNN_OK);
    }
    ck_assert(((const float *)host_elements(cnn_module_find(instance, "running_mean")))[1] == 5);
    ck_assert(((const float *)host_elements(cnn_module_find(made, "running_var")))[1] == 1);
    text_is(made, average);
    text_is(m, average);
    clone = cnn_module_clone(m);
    text_is(clone, average);
    cnn_module_set_cumulative(made, false);
    cnn_module_set_cumulative(clone, false);
    text_is(made, average);
    text_is(clone, moving);
    assert_error(cnn_module_reset_running_stats(NULL), CNN_ERROR_INVALID_ARGUMENT, "module_reset_running_stats: module is NULL");
    assert_error(cnn_module_set_cumulative(NULL, true), CNN_ERROR_INVALID_ARGUMENT, "module_set_cumulative: module is NULL");
    cnn_module_free(clone);
    for (int i = 0; i < 4; i++) {
        cnn_module_free(all[i]);
    }
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
    TCase *formulas = suite_case(suite, "averages", setup, teardown);
    tcase_add_test(formulas, averages_are_exponential);
    tcase_add_test(formulas, averages_are_means);
    tcase_add_test(formulas, averages_resume);
    tcase_add_test(formulas, updates_allocate_nothing);
    tcase_add_test(formulas, bad_calls_are_refused);
    TCase *pytorch = suite_case(suite, "PyTorch", setup, teardown);
    tcase_add_loop_test(pytorch, averages_are_pytorchs, 0, 2 * AVERAGES);
    tcase_add_test(pytorch, buffers_are_averaged_where_they_are_real);
    tcase_add_test(pytorch, statistics_are_recomputed_as_by_update_bn);
    tcase_add_test(pytorch, layers_go_back_to_what_they_were);
    return suite_run(suite);
}
