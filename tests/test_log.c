/* What a context says to its log callback: threads and kernels, and a warning where faster kernels were left out. */
#include <cnn/cnn.h>

#include "kernels/kernels.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

typedef struct lines {
    int count;
    cnn_log_level levels[8];
    char text[8][128];
} lines;

static void remember(cnn_log_level level, const char *message, void *user)
{
    lines *l = user;
    ck_assert_int_lt(l->count, 8);
    ck_assert_ptr_null(strchr(message, '\n'));
    l->levels[l->count] = level;
    snprintf(l->text[l->count++], sizeof l->text[0], "%s", message);
}

static lines said(const char *kernels, int threads)
{
    lines l = { .count = 0 };
    cnn_context *ctx = cnn_context_new(.log = remember, .log_user = &l, .kernels = kernels, .threads = threads);
    ck_assert_msg(ctx != NULL, "%s", cnn_last_error(NULL));
    cnn_context_free(ctx);
    return l;
}

/* The slowest kernels, and the fastest that this CPU runs. */
static const char *fastest(void)
{
    const cnn__kernels *tables[8];
    int count = cnn__kernels_list(tables, 8);
    return tables[count - 1]->name;
}

START_TEST(threads_and_kernels_are_named)
{
    char expected[128];
    unsetenv("CNN_KERNELS");
    lines one = said(NULL, 1), three = said(NULL, 3);
    snprintf(expected, sizeof expected, "context: 1 thread, %s kernels", fastest());
    ck_assert(one.count == 1 && one.levels[0] == CNN_LOG_INFO);
    ck_assert_str_eq(one.text[0], expected);
    snprintf(expected, sizeof expected, "context: 3 threads, %s kernels", fastest());
    ck_assert_str_eq(three.text[0], expected);
}
END_TEST

START_TEST(slower_kernels_are_warned_of)
{
    char expected[128];
    unsetenv("CNN_KERNELS");
    lines l = said("reference", 1);
    snprintf(expected, sizeof expected, "context: reference kernels were asked for, this CPU also runs %s", fastest());
    ck_assert(l.count == 2 && l.levels[1] == CNN_LOG_WARNING);
    ck_assert_str_eq(l.text[0], "context: 1 thread, reference kernels");
    ck_assert_str_eq(l.text[1], expected);

    setenv("CNN_KERNELS", "reference", 1);
    l = said(NULL, 1);
    snprintf(expected, sizeof expected, "context: reference kernels were asked for (by the environment variable "
                                        "CNN_KERNELS), this CPU also runs %s", fastest());
    ck_assert_int_eq(l.count, 2);
    ck_assert_str_eq(l.text[1], expected);
}
END_TEST

/* A context that cannot be made says why by cnn_last_error() alone. */
START_TEST(a_context_that_fails_logs_nothing)
{
    lines l = { .count = 0 };
    ck_assert_ptr_null(cnn_context_new(.log = remember, .log_user = &l, .kernels = "none"));
    ck_assert_ptr_null(cnn_context_new(.log = remember, .log_user = &l, .threads = -1));
    ck_assert_int_eq(l.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = suite_case(suite, "log", NULL, NULL);
    tcase_add_test(tests, threads_and_kernels_are_named);
    tcase_add_test(tests, slower_kernels_are_warned_of);
    tcase_add_test(tests, a_context_that_fails_logs_nothing);
    return suite_run(suite);
}
