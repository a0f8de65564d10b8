/* What the trust checks share: the end of main(). Tests run in one process, so that the counts that they add up can be
 * printed at the end; a crash therefore ends the program, which is a failure too. */
#ifndef CNN_TESTS_TRUST_TRUST_H
#define CNN_TESTS_TRUST_TRUST_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
/* Sanitizers slow everything down and add threads and memory of their own. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
#define TRUST_SANITIZED 1
#else
#define TRUST_SANITIZED 0
#endif

static Suite *trust_suite;

static inline void trust_begin(const char *name)
{
    trust_suite = suite_create(name);
}

static inline TCase *trust_case(const char *name, int seconds)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, seconds);
    suite_add_tcase(trust_suite, tests);
    return tests;
}

/* Runs everything; returns how many tests failed. The caller prints its counts after it. */
static inline int trust_run(void)
{
    SRunner *runner = srunner_create(trust_suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

/* The line that docs/reliability.md quotes. */
static inline int trust_end(int failed, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline int trust_end(int failed, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("%s\n", failed ? " (there are failures)" : "");
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
