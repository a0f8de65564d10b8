/* cnn_module_load_with: loads a part of weights that other programs wrote, with other prefixes and with dtypes that
 * libcnn does not have; the report; and frozen parameters, which an optimizer and its checkpoints leave out. */
#include "support/io.h"

static cnn_load_report *report;

/* Loads into `module` by options given as members; the newest report is kept in `report`. */
#define LOAD(module, name, ...) \
    load_with((module), (name), &(cnn_load_options){ .struct_size = sizeof(cnn_load_options), __VA_ARGS__ })

static cnn_status load_with(cnn_module *module, const char *name, const cnn_load_options *options)
{
    cnn_load_report_free(report);
    return cnn_module_load_with(module, in_folder(name), options, &report);
}

static void forget_report(void)
{
    cnn_load_report_free(report);
    report = NULL;
}

static void assert_problem(int i, cnn_load_problem problem, const char *name, const char *found, const char *expected)
{
    ck_assert_int_eq(cnn_load_report_problem(report, i), problem);
    ck_assert_str_eq(cnn_load_report_name(report, i), name);
    ck_assert_str_eq(cnn_load_report_found(report, i), found);
    ck_assert_str_eq(cnn_load_report_expected(report, i), expected);
}

/* A file of f32 tensors of one element each, filled with `value`; names end with NULL. */
static void put_scalars(const char *file, const char *const *names, double value)
{
    cnn_tensor *tensors[16];
    int count = 0;
    for (; names[count]; count++) {
        tensors[count] = cnn_tensor_full(ctx, CNN_F32, value, CNN_SHAPE(1));
    }
    ck_assert_int_eq(cnn_tensors_save(names, tensors, count, in_folder(file)), CNN_OK);
    for (int i = 0; i < count; i++) {
        cnn_tensor_free(tensors[i]);
    }
}

/* A linear layer of one weight [1,1] has not the shape of such a tensor, so these modules hold their own. */
static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    (void)user;
    return x;
}

static cnn_module *make_scalars(const char *const *names)
{
    cnn_module *module = cnn_module_new(ctx, forward);
    for (; *names; names++) {
        ck_assert_ptr_nonnull(cnn_module_add_parameter(module, *names, cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1))));
    }
    return module;
}

static double value_of(const cnn_module *module, const char *name)
{
    return cnn_tensor_item(cnn_module_find(module, name));
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- partial ---- */

START_TEST(what_fits_is_loaded_and_the_rest_is_reported)
{
    cnn_module *module = make_scalars(NAMES("a", "b", "c"));
    put_scalars("f", NAMES("b", "x", "c", "y"), 5);
    ck_assert_int_eq(LOAD(module, "f", .partial = true), CNN_OK);
    ck_assert_int_eq(cnn_load_report_loaded(report), 2);
    ck_assert_int_eq(cnn_load_report_count(report), 3);
    assert_problem(0, CNN_LOAD_MISSING, "a", "", "float32 [1]");
    assert_problem(1, CNN_LOAD_UNEXPECTED, "x", "F32 [1]", "");
    assert_problem(2, CNN_LOAD_UNEXPECTED, "y", "F32 [1]", "");
    ck_assert(value_of(module, "a") == 0 && value_of(module, "b") == 5 && value_of(module, "c") == 5);
    /* Strictly it is refused, with the same report, and nothing changes. */
    put_scalars("f", NAMES("b", "x", "c", "y"), 6);
    assert_error(LOAD(module, "f", .partial = false), CNN_ERROR_MISMATCH,
                 ": 3 tensors do not fit (1 missing, 2 unexpected): missing \"a\"; unexpected \"x\"; unexpected \"y\"");
    ck_assert_int_eq(cnn_load_report_count(report), 3);
    ck_assert_int_eq(cnn_load_report_loaded(report), 0);
    ck_assert(value_of(module, "b") == 5);
    /* Without a report the same happens. */
    const cnn_load_options partial = { .struct_size = sizeof partial, .partial = true };
    ck_assert_int_eq(cnn_module_load_with(module, in_folder("f"), &partial, NULL), CNN_OK);
    ck_assert(value_of(module, "b") == 6);
    forget_report();
    cnn_module_free(module);
}
END_TEST

START_TEST(a_mismatch_is_an_error_unless_it_is_skipped)
{
    cnn_module *small = make_model(4), *large = make_model(5);
    size_t size;
    unsigned char *state = state_of(large, &size);
    ck_assert_int_eq(cnn_module_save(small, in_folder("small")), CNN_OK);
    /* As in PyTorch, strict=False forgives names and no shapes. */
    assert_error(LOAD(large, "small", .partial = true), CNN_ERROR_MISMATCH, "3 tensors do not fit (3 mismatched)");
    ck_assert_int_eq(cnn_load_report_count(report), 3);
    assert_problem(0, CNN_LOAD_MISMATCHED, "3.weight", "F32 [4,32]", "float32 [5,32]");
    assert_problem(1, CNN_LOAD_MISMATCHED, "3.bias", "F32 [4]", "float32 [5]");
    assert_problem(2, CNN_LOAD_MISMATCHED, "4.weight", "F32 [3,4]", "float32 [3,5]");
    assert_state(large, state, size);
    ck_assert_int_eq(LOAD(large, "small", .skip_mismatched = true), CNN_OK);
    ck_assert_int_eq(cnn_load_report_count(report), 3);
    ck_assert_int_eq(cnn_load_report_loaded(report), 3);
    assert_same(cnn_module_find(large, "0.weight"), cnn_module_find(small, "0.weight"));
    assert_same(cnn_module_find(large, "4.bias"), cnn_module_find(small, "4.bias"));
    /* Names are another matter. */
    put_scalars("other", NAMES("0.weight"), 1);
    assert_error(LOAD(large, "other", .skip_mismatched = true), CNN_ERROR_MISMATCH, "(5 missing, 1 mismatched)");
    ck_assert_int_eq(LOAD(large, "other", .skip_mismatched = true, .partial = true), CNN_OK);
    ck_assert_int_eq(cnn_load_report_loaded(report), 0);
    free(state);
    forget_report();
    cnn_module_free(small);
    cnn_module_free(large);
}
END_TEST

/* More names than a message has room for are all in the report; the message counts those it leaves out. */
START_TEST(the_report_has_all_names)
{
    enum { MANY = 500 };
    cnn_module *module = cnn_module_new(ctx, forward);
    char name[64];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "a_rather_long_name_of_a_parameter_%03d", i);
        ck_assert_ptr_nonnull(cnn_module_add_parameter(module, name, cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1))));
    }
    put_scalars("f", NAMES("x"), 1);
    assert_error(
        LOAD(module, "f", .dtypes = CNN_LOAD_EXACT), CNN_ERROR_MISMATCH,
        "501 tensors do not fit (500 missing, 1 unexpected): missing \"a_rather_long_name_of_a_parameter_000\"; ");
    const char *message = cnn_last_error(ctx), *more = strstr(message, "; and ");
    int listed = 0;
    for (const char *at = message; (at = strstr(at, "missing \"")); at++) {
        listed++;
    }
    ck_assert_ptr_nonnull(more);
    ck_assert_int_gt(listed, 3);
    snprintf(name, sizeof name, "; and %d more", MANY + 1 - listed);
    ck_assert_str_eq(more, name);
    ck_assert_int_eq(cnn_load_report_count(report), MANY + 1);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "a_rather_long_name_of_a_parameter_%03d", i);
        assert_problem(i, CNN_LOAD_MISSING, name, "", "float32 [1]");
    }
    assert_problem(MANY, CNN_LOAD_UNEXPECTED, "x", "F32 [1]", "");
    forget_report();
    cnn_module_free(module);
}
END_TEST

/* ---- prefixes ---- */

START_TEST(prefixes_are_stripped_and_added)
{
    cnn_module *module = make_scalars(NAMES("a", "b"));
    put_scalars("parallel", NAMES("module.a", "module.b"), 1);
    assert_error(cnn_module_load(module, in_folder("parallel")), CNN_ERROR_MISMATCH, "(2 missing, 2 unexpected)");
    ck_assert_int_eq(LOAD(module, "parallel", .strip_prefix = "module."), CNN_OK);
    ck_assert(value_of(module, "a") == 1 && value_of(module, "b") == 1);
    /* A file that does not have the prefix is as it should be already. */
    put_scalars("plain", NAMES("a", "b"), 2);
    ck_assert_int_eq(LOAD(module, "plain", .strip_prefix = "module."), CNN_OK);
    ck_assert(value_of(module, "a") == 2);
    /* One with both names of a tensor gives the one with the prefix, and the other is left over. */
    put_scalars("both", NAMES("a", "module.a", "b"), 3);
    assert_error(LOAD(module, "both", .strip_prefix = "module."), CNN_ERROR_MISMATCH, "tensor \"a\" is not expected");
    ck_assert_int_eq(cnn_load_report_count(report), 1);
    assert_problem(0, CNN_LOAD_UNEXPECTED, "a", "F32 [1]", "");
    /* The file's names with the prefix are those that a report calls unexpected. */
    put_scalars("more", NAMES("module.a", "module.b", "module.c"), 4);
    ck_assert_int_eq(LOAD(module, "more", .strip_prefix = "module.", .partial = true), CNN_OK);
    assert_problem(0, CNN_LOAD_UNEXPECTED, "module.c", "F32 [1]", "");
    cnn_module *outer = cnn_module_new(ctx, forward);
    ck_assert_ptr_nonnull(cnn_module_add(outer, "net", module));
    ck_assert_int_eq(LOAD(outer, "plain", .add_prefix = "net."), CNN_OK);
    ck_assert(value_of(outer, "net.a") == 2);
    ck_assert_int_eq(LOAD(outer, "parallel", .strip_prefix = "module.", .add_prefix = "net."), CNN_OK);
    ck_assert(value_of(outer, "net.a") == 1);
    ck_assert_ptr_nonnull(cnn_module_add_parameter(outer, "head", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1))));
    assert_error(LOAD(outer, "plain", .add_prefix = "net."), CNN_ERROR_MISMATCH, "no tensor \"head\" in the file");
    ck_assert_int_eq(LOAD(outer, "plain", .add_prefix = "net.", .partial = true), CNN_OK);
    assert_problem(0, CNN_LOAD_MISSING, "head", "", "float32 [1]");
    forget_report();
    cnn_module_free(outer);
}
END_TEST

/* ---- dtypes that libcnn does not know ---- */

static void put_header(const char *name, const char *header, size_t data)
{
    unsigned char file[1024] = { 0 };
    size_t size = strlen(header);
    file[0] = (unsigned char)size;
    file[1] = (unsigned char)(size >> 8);
    memcpy(file + 8, header, size);
    file_put(in_folder(name), file, 8 + size + data);
}

START_TEST(unknown_dtypes_are_skipped_until_somebody_asks)
{
    put_header("f",
               "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
               "\"q\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[4,6]},"
               "\"r\":{\"dtype\":\"F4\",\"shape\":[2,2],\"data_offsets\":[6,8]},"
               "\"s\":{\"dtype\":\"FUTURE_12\",\"shape\":[3],\"data_offsets\":[8,9]}}",
               9);
    cnn_module *module = make_scalars(NAMES("a")), *asks = make_scalars(NAMES("a", "q"));
    ck_assert_int_eq(LOAD(module, "f", .partial = true), CNN_OK);
    ck_assert_int_eq(cnn_load_report_loaded(report), 1);
    ck_assert_int_eq(cnn_load_report_count(report), 3);
    assert_problem(0, CNN_LOAD_UNEXPECTED, "q", "F8_E4M3 [2]", "");
    assert_problem(1, CNN_LOAD_UNEXPECTED, "r", "F4 [2,2]", "");
    assert_problem(2, CNN_LOAD_UNEXPECTED, "s", "FUTURE_12 [3]", "");
    assert_error(LOAD(asks, "f", .partial = true), CNN_ERROR_MISMATCH,
                 "(2 unexpected, 1 mismatched): \"q\" is F8_E4M3 [2], expected float32 [1]; unexpected \"r\"");
    assert_problem(0, CNN_LOAD_MISMATCHED, "q", "F8_E4M3 [2]", "float32 [1]");
    put_header("f",
               "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
               "\"q\":{\"dtype\":\"U16\",\"shape\":[1],\"data_offsets\":[4,6]}}",
               6);
    assert_error(LOAD(asks, "f", .dtypes = CNN_LOAD_ROUND), CNN_ERROR_MISMATCH,
                 "tensor \"q\" is U16, expected float32");
    cnn_tensor *a = cnn_tensor_load(ctx, in_folder("f"), "a");
    ck_assert_ptr_nonnull(a);
    cnn_tensor_free(a);
    ck_assert_ptr_null(cnn_tensor_load(ctx, in_folder("f"), "q"));
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, "tensor \"q\" is U16, expected F32,");
    forget_report();
    cnn_module_free(module);
    cnn_module_free(asks);
}
END_TEST

/* ---- what is wrong with the call, and failures ---- */

START_TEST(bad_calls_are_refused_and_leave_no_report)
{
    cnn_module *module = make_scalars(NAMES("a"));
    put_scalars("f", NAMES("a"), 1);
    file_put(in_folder("garbage"), "garbage garbage", 15);
    cnn_load_report *none = (cnn_load_report *)(uintptr_t)1;
    assert_error(cnn_module_load_with(NULL, in_folder("f"), NULL, &none), CNN_ERROR_INVALID_ARGUMENT, "module is NULL");
    ck_assert_ptr_null(none);
    assert_error(cnn_module_load_with(module, NULL, NULL, &none), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    assert_error(LOAD(module, "f", .dtypes = (cnn_load_dtypes)3), CNN_ERROR_INVALID_ARGUMENT, "dtypes is 3, expected");
    assert_error(LOAD(module, "f", .dtypes = (cnn_load_dtypes)-1), CNN_ERROR_INVALID_ARGUMENT,
                 "dtypes is -1, expected");
    assert_error(load_with(module, "f", &(cnn_load_options){ .struct_size = 3 }), CNN_ERROR_INVALID_ARGUMENT,
                 "struct_size");
    assert_error(LOAD(module, "none", .partial = true), CNN_ERROR_NOT_FOUND, "No such file");
    assert_error(LOAD(module, "garbage", .partial = true), CNN_ERROR_FORMAT, "byte 0: a header of");
    ck_assert_ptr_null(report);
    ck_assert_int_eq(LOAD(module, "f", .partial = true), CNN_OK);
    ck_assert_int_eq(cnn_load_report_count(report), 0);
    ck_assert_int_eq(cnn_load_report_loaded(report), 1);
    ck_assert_str_eq(cnn_load_report_name(report, 0), "");
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT,
                 "load_report_name: number 0 of a report of 0 names");
    ck_assert_str_eq(cnn_load_report_found(report, -1), "");
    ck_assert_str_eq(cnn_load_report_expected(NULL, 0), "");
    ck_assert_int_eq(cnn_load_report_problem(NULL, 0), CNN_LOAD_MISSING);
    ck_assert_int_eq(cnn_load_report_count(NULL) + cnn_load_report_loaded(NULL), 0);
    cnn_load_report_free(NULL);
    cnn_module_free(module);
    forget_report();
}
END_TEST

/* The report outlives everything but its own context. */
START_TEST(a_report_keeps_its_context)
{
    cnn_context *first = ctx;
    ctx = metered_context(1);
    cnn_module *module = make_scalars(NAMES("a"));
    put_scalars("f", NAMES("x"), 1);
    ck_assert_int_eq(LOAD(module, "f", .partial = true), CNN_OK);
    cnn_module_free(module);
    cnn_context_free(ctx);
    assert_problem(0, CNN_LOAD_MISSING, "a", "", "float32 [1]");
    forget_report();
    ctx = first;
}
END_TEST

START_TEST(every_allocation_of_a_partial_load_may_fail)
{
    cnn_module *module = make_scalars(NAMES("a", "b"));
    put_scalars("f", NAMES("module.b", "c", "d"), 7);
    size_t before = atomic_load(&meter.now);
    cnn_status status = CNN_ERROR_NO_MEMORY;
    long n = 0;
    for (; status != CNN_OK; n++) {
        meter_reset();
        atomic_store(&meter.fail_at, n);
        status = LOAD(module, "f", .partial = true, .strip_prefix = "module.");
        meter_reset();
        if (status != CNN_OK) {
            assert_error(status, CNN_ERROR_NO_MEMORY, "no memory");
            ck_assert_ptr_null(report);
            ck_assert_uint_eq(atomic_load(&meter.now), before);
            ck_assert(value_of(module, "b") == 0);
        }
        ck_assert_int_lt(n, 100);
    }
    ck_assert_int_gt(n, 6);
    ck_assert(value_of(module, "b") == 7);
    forget_report();
    ck_assert_uint_eq(atomic_load(&meter.now), before);
    cnn_module_free(module);
}
END_TEST

/* ---- frozen parameters ---- */

static void freeze(cnn_module *model, bool frozen)
{
    ck_assert_int_eq(cnn_tensor_set_requires_grad(cnn_module_find(model, "0.weight"), !frozen), CNN_OK);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(cnn_module_find(model, "0.bias"), !frozen), CNN_OK);
}

START_TEST(frozen_parameters_stay_out_of_the_optimizer)
{
    cnn_module *model = make_model(4);
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    freeze(model, true);
    for (int k = 0; k < KINDS; k++) {
        size_t before = atomic_load(&meter.now);
        cnn_optimizer *all = make_optimizer((kind)k, model);
        size_t frozen_size = atomic_load(&meter.now) - before;
        cnn_optimizer_free(all);
        freeze(model, false);
        all = make_optimizer((kind)k, model);
        ck_assert_uint_lt(frozen_size, atomic_load(&meter.now) - before);
        cnn_optimizer_free(all);
        freeze(model, true);
        cnn_optimizer *optimizer = make_optimizer((kind)k, model);
        cnn_tensor *weight = cnn_tensor_detach(cnn_module_find(model, "0.weight")),
                   *trained = cnn_tensor_detach(cnn_module_find(model, "4.weight"));
        train(model, optimizer, 2);
        assert_same(cnn_module_find(model, "0.weight"), weight);
        ck_assert(!same_elements(cnn_module_find(model, "4.weight"), trained));
        /* Loading is another matter: what is frozen is loaded, and stays frozen. */
        ck_assert_int_eq(cnn_tensor_fill(cnn_module_find(model, "0.weight"), 0), CNN_OK);
        ck_assert_int_eq(cnn_module_load(model, in_folder("m")), CNN_OK);
        assert_same(cnn_module_find(model, "0.weight"), weight);
        ck_assert(!cnn_tensor_requires_grad(cnn_module_find(model, "0.weight")));
        cnn_tensor_free(weight);
        cnn_tensor_free(trained);
        cnn_optimizer_free(optimizer);
    }
    for (int i = 0; i < cnn_module_parameter_count(model); i++) {
        ck_assert_int_eq(cnn_tensor_set_requires_grad(cnn_module_parameter(model, i), false), CNN_OK);
    }
    ck_assert_ptr_null(cnn_adam_new(model, .lr = 1e-3));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT,
                 "adam_create: none of the module's 6 parameters requires a gradient");
    cnn_module_free(model);
}
END_TEST

/* Resuming a partly frozen run equals one without a break; freezing something else in between is seen. */
START_TEST(a_partly_frozen_run_resumes)
{
    for (int k = 0; k < KINDS; k++) {
        cnn_module *model = make_model(4), *other = make_model(4);
        freeze(model, true);
        freeze(other, true);
        cnn_optimizer *optimizer = make_optimizer((kind)k, model), *resumed = make_optimizer((kind)k, other);
        train(model, optimizer, 2);
        ck_assert_int_eq(save_checkpoint(model, optimizer, 2, in_folder("c")), CNN_OK);
        train(model, optimizer, 2);
        size_t size;
        unsigned char *state = state_of(model, &size);
        ck_assert_msg(load_checkpoint(other, resumed, NULL, in_folder("c")) == CNN_OK, "%s", cnn_last_error(ctx));
        train(other, resumed, 2);
        assert_state(other, state, size);
        freeze(other, false);
        cnn_optimizer *whole = make_optimizer((kind)k, other);
        assert_error(load_checkpoint(other, whole, NULL, in_folder("c")), CNN_ERROR_MISMATCH,
                     "the checkpoint has no \"optimizer.0.weight.step\": the optimizer has a parameter that the saved "
                     "one had not");
        ck_assert_int_eq(save_checkpoint(other, whole, 2, in_folder("c")), CNN_OK);
        assert_error(load_checkpoint(other, resumed, NULL, in_folder("c")), CNN_ERROR_MISMATCH,
                     "the checkpoint's optimizer has 6 parameters, expected 4");
        assert_state(other, state, size);
        free(state);
        cnn_optimizer_free(optimizer);
        cnn_optimizer_free(resumed);
        cnn_optimizer_free(whole);
        cnn_module_free(model);
        cnn_module_free(other);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("partial load");
    TCase *tests = io_case(suite, "partial load");
    tcase_add_test(tests, what_fits_is_loaded_and_the_rest_is_reported);
    tcase_add_test(tests, a_mismatch_is_an_error_unless_it_is_skipped);
    tcase_add_test(tests, the_report_has_all_names);
    tcase_add_test(tests, prefixes_are_stripped_and_added);
    tcase_add_test(tests, unknown_dtypes_are_skipped_until_somebody_asks);
    tcase_add_test(tests, bad_calls_are_refused_and_leave_no_report);
    tcase_add_test(tests, a_report_keeps_its_context);
    tcase_add_test(tests, every_allocation_of_a_partial_load_may_fail);
    tcase_add_test(tests, frozen_parameters_stay_out_of_the_optimizer);
    tcase_add_test(tests, a_partly_frozen_run_resumes);
    return suite_run(suite);
}
