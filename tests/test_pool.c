/* The thread pool: each task once, workers that are not disturbed, nesting, several threads, forks. */
#include "base/pool.h"
#include "platform/thread.h"
#include "support/shims.h"

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#if CNN__POSIX
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#endif

#if CNN__THREADS

typedef struct tally {
    atomic_int runs[1000];
    atomic_int inside[16];
    atomic_bool clash;
    cnn__pool *pool;
} tally;

static void count_task(void *arg, int64_t task, int worker)
{
    tally *t = arg;
    if (atomic_fetch_add(&t->inside[worker], 1) != 0) {
        atomic_store(&t->clash, true);
    }
    atomic_fetch_add(&t->runs[task], 1);
    atomic_fetch_sub(&t->inside[worker], 1);
}

START_TEST(every_task_runs_once_and_no_worker_number_twice_at_a_time)
{
    for (int threads = 1; threads <= 4; threads++) {
        cnn__pool *pool = cnn__pool_new(NULL, threads);
        ck_assert_int_eq(cnn__pool_size(pool), threads);
        for (int round = 0; round < 200; round++) {
            tally t = { .pool = pool };
            cnn__pool_run(pool, 1 + round * 5 % 1000, 1e9, count_task, &t);
            for (int i = 0; i < 1000; i++) {
                if (atomic_load(&t.runs[i]) != (i < 1 + round * 5 % 1000)) {
                    ck_abort_msg("%d threads: task %d of %d ran %d times", threads, i, 1 + round * 5 % 1000, atomic_load(&t.runs[i]));
                }
            }
            ck_assert(!atomic_load(&t.clash));
        }
        cnn__pool_free(pool);
    }
    ck_assert_int_eq(cnn__pool_size(NULL), 1);
}
END_TEST

START_TEST(turned_tasks_are_each_worker_s_from_the_end)
{
    cnn__pool *pool = cnn__pool_new(NULL, 3);
    for (int64_t tasks = 1; tasks < 60; tasks++) {
        int seen[60] = { 0 };
        for (int64_t task = 0; task < tasks; task++) {
            int64_t turned = cnn__pool_turned(pool, tasks, task);
            ck_assert(turned >= 0 && turned < tasks);
            ck_assert_int_eq(seen[turned]++, 0);
            ck_assert_int_eq(cnn__pool_turned(pool, tasks, turned), task);
            ck_assert_int_eq(cnn__pool_turned(NULL, tasks, task), tasks - 1 - task);
        }
    }
    static const int64_t expected[] = { 2, 1, 0, 5, 4, 3, 9, 8, 7, 6 }; /* ranges of 3, 3 and 4 */
    for (int64_t task = 0; task < 10; task++) {
        ck_assert_int_eq(cnn__pool_turned(pool, 10, task), expected[task]);
    }
    cnn__pool_free(pool);
}
END_TEST

#ifdef __linux__
static void compare_mask(void *arg, int64_t task, int worker)
{
    (void)task;
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0 || !CPU_EQUAL(&mask, (cpu_set_t *)arg)) {
        ck_abort_msg("worker %d may run on %d CPUs, expected those of the process, %d", worker, CPU_COUNT(&mask),
                     CPU_COUNT((cpu_set_t *)arg));
    }
}

START_TEST(workers_that_slept_may_run_where_they_could_before)
{
    cpu_set_t mask;
    ck_assert_int_eq(sched_getaffinity(0, sizeof mask, &mask), 0);
    cnn__pool *pool = cnn__pool_new(NULL, 2);
    for (int round = 0; round < 50; round++) {
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL); /* longer than a worker spins */
        cnn__pool_run(pool, 1000, 1e9, compare_mask, &mask);
    }
    cnn__pool_free(pool);
}
END_TEST
#endif

static void nested_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    tally *t = arg;
    tally inner = { .pool = t->pool };
    cnn__pool_run(t->pool, 10, 1e9, count_task, &inner);
    for (int i = 0; i < 10; i++) {
        atomic_fetch_add(&t->runs[task], atomic_load(&inner.runs[i]));
    }
}

START_TEST(a_task_may_use_the_pool_itself)
{
    cnn__pool *pool = cnn__pool_new(NULL, 3);
    tally t = { .pool = pool };
    cnn__pool_run(pool, 20, 1e9, nested_task, &t);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(atomic_load(&t.runs[i]), 10);
    }
    cnn__pool_free(pool);
}
END_TEST

typedef struct pool_user {
    cnn__pool *pool;
    cnn__thread thread;
    bool failed;
} pool_user;

static void *use_pool(void *arg)
{
    pool_user *user = arg;
    for (int round = 0; round < 300; round++) {
        tally t = { .pool = user->pool };
        cnn__pool_run(user->pool, 50, 1e9, count_task, &t);
        for (int i = 0; i < 50; i++) {
            user->failed |= atomic_load(&t.runs[i]) != 1;
        }
    }
    return NULL;
}

START_TEST(several_threads_may_use_one_pool)
{
    cnn__pool *pool = cnn__pool_new(NULL, 3);
    pool_user users[4];
    for (int i = 0; i < 4; i++) {
        users[i] = (pool_user){ .pool = pool };
        ck_assert_int_eq(cnn__thread_start(&users[i].thread, use_pool, &users[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        cnn__thread_join(&users[i].thread);
        ck_assert(!users[i].failed);
    }
    cnn__pool_free(pool);
}
END_TEST

#if CNN__POSIX
START_TEST(a_forked_child_computes_alone)
{
    cnn__pool *pool = cnn__pool_new(NULL, 3);
    tally t = { .pool = pool };
    cnn__pool_run(pool, 100, 1e9, count_task, &t);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        tally own = { .pool = pool };
        cnn__pool_run(pool, 100, 1e9, count_task, &own);
        int done = 0;
        for (int i = 0; i < 100; i++) {
            done += atomic_load(&own.runs[i]);
        }
        cnn__pool_free(pool);
        _exit(done == 100 ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cnn__pool_free(pool);
}
END_TEST
#endif
#endif

START_TEST(no_pool_is_one_worker)
{
    ck_assert_int_eq(cnn__pool_size(NULL), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, no_pool_is_one_worker);
#if CNN__THREADS
    tcase_add_test(tests, every_task_runs_once_and_no_worker_number_twice_at_a_time);
    tcase_add_test(tests, turned_tasks_are_each_worker_s_from_the_end);
    tcase_add_test(tests, a_task_may_use_the_pool_itself);
    tcase_add_test(tests, several_threads_may_use_one_pool);
#endif
#if CNN__THREADS && defined(__linux__)
    tcase_add_test(tests, workers_that_slept_may_run_where_they_could_before);
#endif
#if CNN__POSIX
    tcase_add_test(tests, a_forked_child_computes_alone);
#endif
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
