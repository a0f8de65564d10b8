/* What holds for every optimizer that a header of <cnn/optim/> declares: its steps are PyTorch's (tools/fixtures/optim.py), the same
 * bits come from any number of threads, checkpoints resume it, and its options are checked, read and set. A new optimizer is
 * tested here without a line. */
#include "support/optimizers.h"

#include "support/fixtures.h"
#include "support/io.h"

static cnn_tape *tape;

static void kinds_setup(void)
{
    setup();
    tape = cnn_tape_new(ctx);
}

static void kinds_teardown(void)
{
    cnn_tape_free(tape);
    teardown();
}

/* ---- parameters and gradients ---- */

static cnn_tensor *pass_on(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

/* A module of one parameter, [rows, n / rows]. */
static cnn_module *module_of_rows(cnn_context *c, cnn_dtype dtype, int64_t rows, int64_t n, const double *values)
{
    cnn_module *m = cnn_module_new(c, pass_on);
    cnn_tensor *given = cnn_tensor_from_data(c, CNN_F64, CNN_SHAPE(rows, n / rows), values);
    cnn_tensor *p = cnn_tensor_empty(c, dtype, CNN_SHAPE(rows, n / rows));
    ck_assert_int_eq(cnn_tensor_copy_from(p, given), CNN_OK);
    ck_assert_ptr_nonnull(cnn_module_add_parameter(m, "p", p));
    cnn_tensor_free(given);
    return m;
}

static cnn_module *module_of(cnn_context *c, cnn_dtype dtype, int64_t n, const double *values)
{
    return module_of_rows(c, dtype, n % 3 ? 1 : 3, n, values);
}

static void set_grad(cnn_tape *on, cnn_module *m, const double *values)
{
    cnn_tensor *p = cnn_module_parameter(m, 0);
    cnn_tensor *grad = cnn_tensor_from_data(cnn_tensor_context(p), CNN_F64, CNN_SHAPE(cnn_tensor_size(p, 0), cnn_tensor_size(p, 1)), values);
    ck_assert_int_eq(cnn_tape_begin(on, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_tensor_zero_grad(p), CNN_OK);
    cnn_tensor *seed = cnn_cast(cnn_input(on, grad), cnn_tensor_dtype(p));
    ck_assert_int_eq(cnn_backward_with(cnn_input(on, p), seed, false), CNN_OK);
    cnn_tensor_free(grad);
}

/* Numbers from a stream of the seed's. */
static double *draws(int64_t n, uint64_t seed)
{
    double *values = malloc((size_t)n * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        values[i] = (double)(int32_t)(seed >> 32) * 0x1p-31;
    }
    return values;
}

/* ---- PyTorch's paths ---- */

enum { STEPS = 10, N = 12 };

/* False: there is no case of that number. */
static bool follow(const optimizer_kind *kind, int number, cnn_dtype dtype, double tolerance)
{
    char file[64], name[16], what[64];
    snprintf(file, sizeof file, "optim/%s.safetensors", kind->name);
    snprintf(name, sizeof name, "%d", number);
    cnn_tensor *path = fixture(ctx, file, name, "path");
    if (!path) {
        return false;
    }
    const cnn__optimizer_class *class = kind_class(ctx, kind);
    optimizer_options options = options_none(class);
    for (int i = 0; i < class->hyper_count; i++) {
        cnn_tensor *given = fixture(ctx, file, name, class->hypers[i].name);
        if (given) {
            options_give(&options, &class->hypers[i], cnn_tensor_item(given));
        }
        cnn_tensor_free(given);
    }
    cnn_tensor *first = cnn_tensor_load(ctx, fixture_path(file), "first"), *grads = cnn_tensor_load(ctx, fixture_path(file), "grads");
    double *start = as_doubles(first), *gradients = as_doubles(grads), *expected = as_doubles(path);
    cnn_tensor *given_rows = fixture(ctx, file, name, "rows");
    int64_t rows = given_rows ? (int64_t)cnn_tensor_item(given_rows) : 3;
    cnn_module *m = module_of_rows(ctx, dtype, rows, N, start);
    cnn_optimizer *o = kind->create(m, &options);
    ck_assert_msg(o != NULL, "%s", cnn_last_error(ctx));
    for (int step = 0; step < STEPS; step++) {
        snprintf(what, sizeof what, "case %d, step %d", number, step + 1);
        set_grad(tape, m, gradients + step * N);
        ck_assert_int_eq(cnn_optimizer_step(o), CNN_OK);
        cnn_tensor *wanted = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(rows, N / rows), expected + step * N);
        tensors_agree(kind->name, what, cnn_module_parameter(m, 0), wanted, tolerance);
        cnn_tensor_free(wanted);
    }
    free(start), free(gradients), free(expected);
    cnn_optimizer_free(o);
    cnn_module_free(m);
    cnn_tensor_free(first);
    cnn_tensor_free(grads);
    cnn_tensor_free(path);
    cnn_tensor_free(given_rows);
    return true;
}

START_TEST(steps_are_pytorchs)
{
    const optimizer_kind *kind = &optimizer_kinds[_i];
    int cases = 0;
    while (follow(kind, cases, CNN_F64, 1e-12)) {
        ck_assert(follow(kind, cases, CNN_F32, 2e-6));
        cases++;
    }
    ck_assert_msg(cases > kind_class(ctx, kind)->hyper_count, "%s has %d cases: run tools/make_fixtures.py", kind->name, cases);
}
END_TEST

/* ---- kernels and threads ---- */

/* The parameter after three steps in a context of its own. */
static double *moved(const optimizer_kind *kind, const void *options, const char *kernels, int threads, int64_t n)
{
    cnn_context *c = cnn_context_new(.threads = threads, .kernels = kernels);
    cnn_tape *on = cnn_tape_new(c);
    double *values = draws(n, 1), *gradients = draws(3 * n, 2);
    cnn_module *m = module_of(c, CNN_F32, n, values);
    cnn_optimizer *o = kind->create(m, options);
    ck_assert_msg(o != NULL, "%s", cnn_last_error(c));
    for (int step = 0; step < 3; step++) {
        set_grad(on, m, gradients + step * n);
        ck_assert_int_eq(cnn_optimizer_step(o), CNN_OK);
    }
    free(values), free(gradients);
    values = as_doubles(cnn_module_parameter(m, 0));
    cnn_optimizer_free(o);
    cnn_module_free(m);
    cnn_tape_free(on);
    cnn_context_free(c);
    return values;
}

START_TEST(tables_agree_and_threads_change_nothing)
{
    static const int64_t lengths[] = { 1, 3, 16, 37, 40007 };
    const optimizer_kind *kind = &optimizer_kinds[_i];
    const optimizer_options all = options_all(ctx, kind_class(ctx, kind));
    const cnn__kernels *tables[8];
    int count = cnn__kernels_list(tables, 8);
    for (int i = 0; i < 10; i++) {
        const void *options = i % 2 ? all.bytes : kind->plain;
        int64_t n = lengths[i / 2];
        double *reference = moved(kind, options, "reference", 1, n);
        for (int t = 0; t < count; t++) {
            double *one = moved(kind, options, tables[t]->name, 1, n), *three = moved(kind, options, tables[t]->name, 3, n);
            ck_assert_mem_eq(one, three, (size_t)n * sizeof *one);
            for (int64_t e = 0; e < n; e++) {
                if (!(fabs(one[e] - reference[e]) <= 1e-6)) {
                    ck_abort_msg("%s, %s: element %lld of %lld is %.9g, expected %.9g", kind->name, tables[t]->name,
                                 (long long)e, (long long)n, one[e], reference[e]);
                }
            }
            free(one), free(three);
        }
        free(reference);
    }
}
END_TEST

/* ---- checkpoints ---- */

START_TEST(checkpoints_resume_to_the_bit)
{
    const optimizer_kind *kind = &optimizer_kinds[_i];
    const optimizer_options all = options_all(ctx, kind_class(ctx, kind));
    double *values = draws(N, 1), *gradients = draws(6 * N, 2);
    for (int i = 0; i < 2; i++) {
        const void *options = i ? all.bytes : kind->plain;
        cnn_module *m[2] = { module_of(ctx, CNN_F64, N, values), module_of(ctx, CNN_F64, N, gradients) };
        cnn_optimizer *o[2] = { kind->create(m[0], options), kind->create(m[1], options) };
        for (int step = 0; step < 6; step++) {
            if (step == 3) {
                cnn_checkpoint saved = { .struct_size = sizeof saved, .module = m[0], .optimizer = o[0] }, loaded = saved;
                loaded.module = m[1], loaded.optimizer = o[1];
                ck_assert_int_eq(cnn_checkpoint_save(&saved, in_folder("c")), CNN_OK);
                ck_assert_msg(cnn_checkpoint_load(&loaded, in_folder("c")) == CNN_OK, "%s", cnn_last_error(ctx));
            }
            for (int k = 0; k < (step < 3 ? 1 : 2); k++) {
                set_grad(tape, m[k], gradients + step * N);
                ck_assert_int_eq(cnn_optimizer_step(o[k]), CNN_OK);
            }
        }
        double *a = as_doubles(cnn_module_parameter(m[0], 0)), *b = as_doubles(cnn_module_parameter(m[1], 0));
        ck_assert_mem_eq(a, b, N * sizeof *a);
        free(a), free(b);
        for (int k = 0; k < 2; k++) {
            cnn_optimizer_free(o[k]);
            cnn_module_free(m[k]);
        }
    }
    free(values), free(gradients);
}
END_TEST

/* ---- options ---- */

static bool is_any(const char *name, const cnn_tensor *parameter, void *user)
{
    (void)name, (void)parameter, (void)user;
    return true;
}

static void refused(const char *call, const cnn__hyper *h, double value, bool taken)
{
    char text[64];
    ck_assert_msg(!taken, "%s took %s = %g", call, h->name, value);
    snprintf(text, sizeof text, "%s: %s is ", call, h->name);
    ck_assert_msg(strncmp(cnn_last_error(ctx), text, strlen(text)) == 0, "no \"%s\" in: %s", text, cnn_last_error(ctx));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT);
    cnn_context_clear_error(ctx);
}

/* By all four calls that take options. */
static void refuses(const optimizer_kind *kind, cnn_module *m, const cnn__optimizer_class *class, const cnn__hyper *h, double value)
{
    char call[64];
    optimizer_options options = options_none(class);
    options_give(&options, &class->hypers[0], 0.1);
    options_give(&options, h, value);
    cnn_optimizer *o = kind->create_for(ctx, NULL, 0, kind->plain);
    cnn_tensor *p = cnn_module_parameter(m, 0);
    snprintf(call, sizeof call, "%s_create", kind->name);
    refused(call, h, value, kind->create(m, &options) != NULL);
    snprintf(call, sizeof call, "%s_create_for", kind->name);
    refused(call, h, value, kind->create_for(ctx, NULL, 0, &options) != NULL);
    snprintf(call, sizeof call, "%s_add_group", kind->name);
    refused(call, h, value, kind->add_group(o, &p, 1, &options) == CNN_OK);
    snprintf(call, sizeof call, "%s_add_group_where", kind->name);
    refused(call, h, value, kind->add_group_where(o, m, is_any, NULL, &options) == CNN_OK);
    ck_assert_int_eq(cnn_optimizer_group_count(o), 0);
    cnn_optimizer_free(o);
}

/* The options of the header, with the ranges that it states. */
static const struct {
    const char *type, *name;
    cnn__hyper_range range;
} documented[] = {
#define CNN_OPTIMIZER_OPTION(type, name, range) { #type, #name, CNN__##range },
#include "optimizers.def"
};

START_TEST(ranges_are_those_of_the_header)
{
    const optimizer_kind *kind = &optimizer_kinds[_i];
    const cnn__optimizer_class *class = kind_class(ctx, kind);
    int found = 0;
    for (size_t i = 0; i < sizeof documented / sizeof documented[0]; i++) {
        for (int k = 0; k < class->hyper_count && strcmp(documented[i].type, kind->type) == 0; k++) {
            if (strcmp(documented[i].name, class->hypers[k].name) == 0) {
                ck_assert_msg(documented[i].range == class->hypers[k].range, "the range of %s's %s", kind->name, documented[i].name);
                found++;
            }
        }
    }
    ck_assert_int_eq(found, class->hyper_count);
}
END_TEST

START_TEST(options_out_of_their_range_are_refused)
{
    const optimizer_kind *kind = &optimizer_kinds[_i];
    const cnn__optimizer_class *class = kind_class(ctx, kind);
    cnn_module *m = module_of(ctx, CNN_F64, 1, (double[]){ 1 });
    for (int i = 0; i < class->hyper_count; i++) {
        const cnn__hyper *h = &class->hypers[i];
        if (h->range == CNN__SWITCH) {
            continue;
        }
        refuses(kind, m, class, h, NAN);
        refuses(kind, m, class, h, INFINITY);
        if (h->range != CNN__ANY_FINITE) {
            refuses(kind, m, class, h, -0.5);
        }
        if (h->range == CNN__BELOW_ONE) {
            refuses(kind, m, class, h, 1);
        }
    }
    cnn_module_free(m);
}
END_TEST

/* Whether group 0 has moment k. */
static bool has_moment(const cnn_optimizer *o, int k)
{
    return o->groups[0].slots[0].moment[k] != NULL;
}

/* Every option can be read; it can be set, unless the group would need other moments or others stand against it. */
START_TEST(options_are_read_and_set)
{
    const optimizer_kind *kind = &optimizer_kinds[_i];
    const cnn__optimizer_class *class = kind_class(ctx, kind);
    cnn_module *m = module_of(ctx, CNN_F64, 1, (double[]){ 1 });
    for (int i = 0; i < class->hyper_count; i++) {
        const cnn__hyper *h = &class->hypers[i];
        cnn_optimizer *o = kind->create(m, kind->plain);
        double before = i ? h->otherwise : 0.1, hyper[CNN__MAX_HYPER];
        ck_assert_double_eq(cnn_optimizer_get(o, 0, h->option), before);
        memcpy(hyper, o->groups[0].hyper, sizeof hyper);
        hyper[i] = option_trial(h);
        cnn_status expected = cnn__hyper_check(class, ctx, "set", hyper);
        for (int k = 0; k < class->moment_count && expected == CNN_OK; k++) {
            ck_assert_int_eq(has_moment(o, k), cnn__hyper_needs(class, o->groups[0].hyper, k));
            expected = has_moment(o, k) == cnn__hyper_needs(class, hyper, k) ? CNN_OK : CNN_ERROR_STATE;
        }
        ck_assert_int_eq(cnn_optimizer_set(o, 0, h->option, hyper[i]), expected);
        ck_assert_double_eq(cnn_optimizer_get(o, 0, h->option), expected == CNN_OK ? hyper[i] : before);
        ck_assert_int_eq(cnn_optimizer_set(o, -1, h->option, h->range == CNN__SWITCH ? 2 : NAN), CNN_ERROR_INVALID_ARGUMENT);
        for (int other = 0; other < 32; other++) {
            bool has = false;
            for (int j = 0; j < class->hyper_count; j++) {
                has |= (int)class->hypers[j].option == other;
            }
            ck_assert_int_eq(!isnan(cnn_optimizer_get(o, 0, (cnn_optimizer_option)other)), has);
        }
        cnn_context_clear_error(NULL);
        cnn_context_clear_error(ctx);
        cnn_optimizer_free(o);
    }
    cnn_module_free(m);
}
END_TEST

/* ---- groups ---- */

START_TEST(groups_are_of_their_own_kind)
{
    const optimizer_kind *kind = &optimizer_kinds[_i];
    cnn_module *m = module_of(ctx, CNN_F64, 1, (double[]){ 1 });
    cnn_tensor *p = cnn_module_parameter(m, 0);
    const optimizer_options all = options_all(ctx, kind_class(ctx, kind));
    for (int other = 0; other < OPTIMIZER_KINDS; other++) {
        cnn_status expected = other == _i ? CNN_OK : CNN_ERROR_INVALID_ARGUMENT;
        for (int where = 0; where < 2; where++) {
            cnn_optimizer *o = optimizer_kinds[other].create_for(ctx, NULL, 0, optimizer_kinds[other].plain);
            ck_assert_int_eq(where ? kind->add_group_where(o, m, is_any, NULL, &all) : kind->add_group(o, &p, 1, &all), expected);
            ck_assert_int_eq(cnn_optimizer_group_count(o), expected == CNN_OK);
            cnn_optimizer_free(o);
        }
        cnn_context_clear_error(NULL);
        cnn_context_clear_error(ctx);
    }
    cnn_module_free(m);
}
END_TEST

/* ---- memory ---- */

START_TEST(steps_allocate_nothing_and_failures_leave_nothing_behind)
{
    const optimizer_kind *kind = &optimizer_kinds[_i];
    const optimizer_options all = options_all(ctx, kind_class(ctx, kind));
    cnn_module *m = module_of(ctx, CNN_F64, 2, (double[]){ 1, 2 });
    cnn_optimizer *o = NULL;
    set_grad(tape, m, (double[]){ 1, 1 });
    size_t before = atomic_load(&meter.now);
    for (long n = 0; !o; n++) {
        ck_assert_uint_eq(atomic_load(&meter.now), before);
        ck_assert_int_lt(n, 40);
        meter_reset();
        atomic_store(&meter.fail_at, n);
        o = kind->create(m, &all);
        meter_reset();
        ck_assert(o || cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY);
    }
    meter_reset();
    ck_assert_int_eq(cnn_optimizer_step(o), CNN_OK);
    ck_assert_int_eq(atomic_load(&meter.calls), 0);
    cnn_optimizer_free(o);
    cnn_module_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optimizers");
    TCase *paths = suite_case(suite, "PyTorch", kinds_setup, kinds_teardown);
    tcase_add_loop_test(paths, steps_are_pytorchs, 0, OPTIMIZER_KINDS);
    TCase *kernels = suite_case(suite, "kernels", kinds_setup, kinds_teardown);
    tcase_add_loop_test(kernels, tables_agree_and_threads_change_nothing, 0, OPTIMIZER_KINDS);
    TCase *rest = suite_case(suite, "options", kinds_setup, kinds_teardown);
    tcase_add_loop_test(rest, checkpoints_resume_to_the_bit, 0, OPTIMIZER_KINDS);
    tcase_add_loop_test(rest, ranges_are_those_of_the_header, 0, OPTIMIZER_KINDS);
    tcase_add_loop_test(rest, options_out_of_their_range_are_refused, 0, OPTIMIZER_KINDS);
    tcase_add_loop_test(rest, options_are_read_and_set, 0, OPTIMIZER_KINDS);
    tcase_add_loop_test(rest, groups_are_of_their_own_kind, 0, OPTIMIZER_KINDS);
    tcase_add_loop_test(rest, steps_allocate_nothing_and_failures_leave_nothing_behind, 0, OPTIMIZER_KINDS);
    return suite_run(suite);
}
