/* The frame of a test program: a suite of cases with checked fixtures, and the exit status. */
#ifndef CNN_TESTS_SUPPORT_SUITE_H
#define CNN_TESTS_SUPPORT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Tests of one idea, each with its own setup and teardown (NULL: none); a test may take 120 seconds. */
static inline TCase *suite_case(Suite *suite, const char *name, void (*setup)(void), void (*teardown)(void))
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
