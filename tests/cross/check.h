/* The part of Check that the tests use, for cross-compiled programs, so that no libraries of other architectures
 * need to be installed. Where there is fork(), each test runs in a child process of its own and ends at its first
 * failed assertion; elsewhere the tests run in this process, which ends at the first failure. CK_RUN_CASE names the
 * only case to run, as with Check. */
#ifndef CNN_TESTS_CROSS_CHECK_H
#define CNN_TESTS_CROSS_CHECK_H

#include "platform/target.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if CNN__POSIX
#include <sys/wait.h>
#include <unistd.h>
#endif
#if CNN__NONE
#include "stdio_source.h"
#endif

enum { CK_NORMAL, CK_NOFORK, CROSS_TESTS = 128, CROSS_FIXTURES = 4 };

typedef void (*cross_test_fn)(int _i);

typedef struct TCase {
    const char *name;
    void (*setup[CROSS_FIXTURES])(void), (*teardown[CROSS_FIXTURES])(void);
    int fixtures;
    struct {
        cross_test_fn run;
        const char *name;
        int from, to;
    } tests[CROSS_TESTS];
    int count;
} TCase;

typedef struct Suite {
    const char *name;
    TCase *cases[8];
    int count;
} Suite;

typedef struct SRunner {
    Suite *suite;
    int failed;
} SRunner;

/* Ends the test that runs now, which has failed. */
#if CNN__POSIX
static inline void cross_end_test(void) __attribute__((noreturn));
static inline void cross_end_test(void)
{
    fflush(stdout);
    _exit(1);
}
#else
static const char *cross_suite, *cross_test;
static inline void cross_end_test(void) __attribute__((noreturn));
static inline void cross_end_test(void)
{
    printf("failed: %s %s; the tests after it have not run\n", cross_suite, cross_test);
    exit(1);
}
#endif

#define START_TEST(name) static void name(int _i) { (void)_i;
#define END_TEST }

static inline void cross_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4), noreturn));
static inline void cross_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s:%d: ", file, line);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    cross_end_test();
}

#define ck_abort_msg(...) cross_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...) ((condition) ? (void)0 : cross_fail(__FILE__, __LINE__, __VA_ARGS__))
#define ck_assert(condition) ck_assert_msg(condition, "%s", #condition)

#define CROSS_COMPARE(type, format, a, op, b)                                                                         \
    do {                                                                                                             \
        const type a_ = (type)(a), b_ = (type)(b);                                                                   \
        ck_assert_msg(a_ op b_, "%s %s %s: " format " and " format, #a, #op, #b, a_, b_);                            \
    } while (0)
#define ck_assert_int_eq(a, b) CROSS_COMPARE(intmax_t, "%jd", a, ==, b)
#define ck_assert_int_ne(a, b) CROSS_COMPARE(intmax_t, "%jd", a, !=, b)
#define ck_assert_int_lt(a, b) CROSS_COMPARE(intmax_t, "%jd", a, <, b)
#define ck_assert_int_le(a, b) CROSS_COMPARE(intmax_t, "%jd", a, <=, b)
#define ck_assert_int_gt(a, b) CROSS_COMPARE(intmax_t, "%jd", a, >, b)
#define ck_assert_int_ge(a, b) CROSS_COMPARE(intmax_t, "%jd", a, >=, b)
#define ck_assert_uint_eq(a, b) CROSS_COMPARE(uintmax_t, "%ju", a, ==, b)
#define ck_assert_uint_ne(a, b) CROSS_COMPARE(uintmax_t, "%ju", a, !=, b)
#define ck_assert_uint_lt(a, b) CROSS_COMPARE(uintmax_t, "%ju", a, <, b)
#define ck_assert_uint_le(a, b) CROSS_COMPARE(uintmax_t, "%ju", a, <=, b)
#define ck_assert_uint_gt(a, b) CROSS_COMPARE(uintmax_t, "%ju", a, >, b)
#define ck_assert_uint_ge(a, b) CROSS_COMPARE(uintmax_t, "%ju", a, >=, b)
#define ck_assert_double_eq(a, b) CROSS_COMPARE(double, "%.17g", a, ==, b)
#define ck_assert_double_lt(a, b) CROSS_COMPARE(double, "%.17g", a, <, b)
#define ck_assert_double_eq_tol(a, b, tolerance)                                                                      \
    do {                                                                                                             \
        const double x_ = (a), y_ = (b), t_ = (tolerance);                                                           \
        ck_assert_msg(x_ - y_ <= t_ && y_ - x_ <= t_, "%s and %s: %.17g and %.17g", #a, #b, x_, y_);                 \
    } while (0)
#define ck_assert_ptr_eq(a, b) ck_assert_msg((const void *)(a) == (const void *)(b), "%s == %s", #a, #b)
#define ck_assert_ptr_ne(a, b) ck_assert_msg((const void *)(a) != (const void *)(b), "%s != %s", #a, #b)
#define ck_assert_ptr_null(a) ck_assert_msg((a) == NULL, "%s is not NULL", #a)
#define ck_assert_ptr_nonnull(a) ck_assert_msg((a) != NULL, "%s is NULL", #a)
#define ck_assert_str_eq(a, b)                                                                                        \
    do {                                                                                                             \
        const char *a_ = (a), *b_ = (b);                                                                             \
        ck_assert_msg(strcmp(a_, b_) == 0, "%s is \"%s\", expected \"%s\"", #a, a_, b_);                             \
    } while (0)
#define ck_assert_str_ne(a, b)                                                                                        \
    do {                                                                                                             \
        const char *a_ = (a), *b_ = (b);                                                                             \
        ck_assert_msg(strcmp(a_, b_) != 0, "%s and %s are \"%s\"", #a, #b, a_);                                      \
    } while (0)
#define ck_assert_mem_eq(a, b, size) ck_assert_msg(memcmp((a), (b), (size)) == 0, "%s and %s differ", #a, #b)
#define ck_assert_mem_ne(a, b, size) ck_assert_msg(memcmp((a), (b), (size)) != 0, "%s and %s are equal", #a, #b)

static inline Suite *suite_create(const char *name)
{
    Suite *suite = calloc(1, sizeof *suite);
    suite->name = name;
    return suite;
}

static inline TCase *tcase_create(const char *name)
{
    TCase *tests = calloc(1, sizeof *tests);
    tests->name = name;
    return tests;
}

static inline void suite_add_tcase(Suite *suite, TCase *tests)
{
    suite->cases[suite->count++] = tests;
}

static inline void tcase_set_timeout(TCase *tests, double seconds)
{
    (void)tests;
    (void)seconds;
}

static inline void tcase_add_checked_fixture(TCase *tests, void (*setup)(void), void (*teardown)(void))
{
    tests->setup[tests->fixtures] = setup;
    tests->teardown[tests->fixtures++] = teardown;
}

#define tcase_add_unchecked_fixture tcase_add_checked_fixture
#define tcase_add_test(tests, test) cross_add((tests), (test), #test, 0, 1)
#define tcase_add_loop_test(tests, test, from, to) cross_add((tests), (test), #test, (from), (to))

static inline void cross_add(TCase *tests, cross_test_fn run, const char *name, int from, int to)
{
    if (tests->count == CROSS_TESTS) {
        printf("more than %d tests: raise CROSS_TESTS\n", CROSS_TESTS);
        exit(1);
    }
    tests->tests[tests->count].run = run;
    tests->tests[tests->count].name = name;
    tests->tests[tests->count].from = from;
    tests->tests[tests->count++].to = to;
}

static inline SRunner *srunner_create(Suite *suite)
{
    SRunner *runner = calloc(1, sizeof *runner);
    runner->suite = suite;
    return runner;
}

static inline void srunner_set_fork_status(SRunner *runner, int status)
{
    (void)runner;
    (void)status;
}

static inline void cross_run(const TCase *tests, cross_test_fn run, int i)
{
    for (int f = 0; f < tests->fixtures; f++) {
        if (tests->setup[f]) {
            tests->setup[f]();
        }
    }
    run(i);
    for (int f = tests->fixtures - 1; f >= 0; f--) {
        if (tests->teardown[f]) {
            tests->teardown[f]();
        }
    }
}

/* Returns whether it passed. */
#if CNN__POSIX
static inline int cross_passes(const TCase *tests, cross_test_fn run, int i)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        cross_run(tests, run, i);
        fflush(stdout);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
#else
static inline int cross_passes(const TCase *tests, cross_test_fn run, int i)
{
    cross_run(tests, run, i);
    return 1;
}
#endif

static inline void srunner_run_all(SRunner *runner, int mode)
{
    (void)mode;
    int checks = 0;
    const char *chosen = getenv("CK_RUN_CASE");
    setvbuf(stdout, NULL, CNN__POSIX ? _IOLBF : _IONBF, BUFSIZ); /* Windows has no lines */
#if CNN__NONE
    cnn__file_source_set(&stdio_source);
#endif
    for (int c = 0; c < runner->suite->count; c++) {
        const TCase *tests = runner->suite->cases[c];
        if (chosen && *chosen && strcmp(chosen, tests->name) != 0) {
            continue;
        }
        for (int t = 0; t < tests->count; t++) {
            for (int i = tests->tests[t].from; i < tests->tests[t].to; i++) {
                checks++;
#if !CNN__POSIX
                cross_suite = runner->suite->name;
                cross_test = tests->tests[t].name;
#endif
                if (!cross_passes(tests, tests->tests[t].run, i)) {
                    printf("failed: %s %s:%d\n", runner->suite->name, tests->tests[t].name, i);
                    runner->failed++;
                }
            }
        }
    }
    printf("%s: %d checks, %d failures\n", runner->suite->name, checks, runner->failed);
}

static inline int srunner_ntests_failed(const SRunner *runner)
{
    return runner->failed;
}

static inline void srunner_free(SRunner *runner)
{
    for (int c = 0; c < runner->suite->count; c++) {
        free(runner->suite->cases[c]);
    }
    free(runner->suite);
    free(runner);
}

#endif
