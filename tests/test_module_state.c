/* The state of a module by number and by a walk: whole names, whatever their length, in one order. */
#include "support/nn.h"

static cnn_module *nested(void)
{
    cnn_module *m = cnn_sequential_new(ctx, cnn_sequential_new(ctx, cnn_linear_new(ctx, 2, 2)), cnn_linear_new(ctx, 2, 1));
    cnn_module_add_buffer(cnn_module_child(m, 0, NULL), "running_mean", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2)));
    return m;
}

START_TEST(a_name_that_is_cut_says_so)
{
    cnn_module *m = nested();
    char name[32];
    ck_assert_uint_eq(cnn_module_state_name(m, 0, name, sizeof name), 14);
    ck_assert_str_eq(name, "0.running_mean");
    ck_assert_uint_eq(cnn_module_state_name(m, 0, name, 14), 14); /* not less than 14: cut */
    ck_assert_str_eq(name, "0.running_mea");
    ck_assert_uint_eq(cnn_module_state_name(m, 1, NULL, 0), strlen("0.0.weight"));
    ck_assert_uint_eq(cnn_module_state_name(m, 5, name, sizeof name), 0);
    ck_assert_str_eq(name, "");
    ck_assert_str_eq(cnn_last_error(ctx), "");
    ck_assert_uint_eq(cnn_module_state_name(m, -1, name, sizeof name), 0);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_state_name: number -1, expected 0 or more");
    ck_assert_uint_eq(cnn_module_state_name(NULL, 0, name, sizeof name), 0);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_state_name: module is NULL");
    cnn_module_free(m);
}
END_TEST

typedef struct walk {
    const cnn_module *module;
    int count, stop_at;
} walk;

static bool visit(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    walk *w = user;
    ck_assert_ptr_eq(tensor, cnn_module_state(w->module, w->count));
    ck_assert_ptr_eq(tensor, cnn_module_find(w->module, name));
    ck_assert_int_eq(is_parameter, strcmp(name, "0.running_mean") != 0);
    w->count++;
    return w->count != w->stop_at;
}

START_TEST(a_walk_meets_every_entry_in_order)
{
    cnn_module *m = nested(), *empty = cnn_relu_new(ctx);
    walk all = { .module = m }, two = { .module = m, .stop_at = 2 }, none = { .module = empty };
    ck_assert_int_eq(cnn_module_visit(m, visit, &all), CNN_OK);
    ck_assert_int_eq(all.count, 5);
    ck_assert_int_eq(cnn_module_visit(m, visit, &two), CNN_OK);
    ck_assert_int_eq(two.count, 2);
    ck_assert_int_eq(cnn_module_visit(empty, visit, &none), CNN_OK);
    ck_assert_int_eq(none.count, 0);
    ck_assert_int_eq(cnn_module_visit(m, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_visit: visit is NULL");
    ck_assert_int_eq(cnn_module_visit(NULL, visit, &none), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_visit: module is NULL");
    meter_reset();
    atomic_store(&meter.fail_at, 0);
    ck_assert_int_eq(cnn_module_visit(m, visit, &none), CNN_ERROR_NO_MEMORY);
    meter_reset();
    ck_assert_int_eq(none.count, 0);
    cnn_module_free(m);
    cnn_module_free(empty);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("module state");
    TCase *tests = suite_case(suite, "state", setup, teardown);
    tcase_add_test(tests, a_name_that_is_cut_says_so);
    tcase_add_test(tests, a_walk_meets_every_entry_in_order);
    return suite_run(suite);
}
