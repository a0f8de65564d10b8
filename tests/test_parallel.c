/* cnn_parallel_for: every item once, ranges that depend on count and cost alone, failures that do not depend on threads,
 * nesting, use inside a custom operation. */
#include <cnn/cnn.h>

#include "support/elements.h"
#include "support/suite.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 100000 };

typedef struct visits {
    atomic_int items[MOST];
    atomic_long calls;
    int64_t borders[MOST]; /* where an item's range begins */
} visits;

static visits seen[2];

static cnn_status visit(int64_t begin, int64_t end, void *user)
{
    visits *v = user;
    atomic_fetch_add(&v->calls, 1);
    for (int64_t i = begin; i < end; i++) {
        atomic_fetch_add(&v->items[i], 1);
        v->borders[i] = begin;
    }
    return CNN_OK;
}

START_TEST(every_item_is_done_once_in_the_same_ranges)
{
    const int64_t counts[] = { 0, 1, 2, 7, 1000, MOST };
    const double costs[] = { 0, 1e-3, 1, 100, 5000, 1e6, 1e300 };
    for (int c = 0; c < 6; c++) {
        for (int k = 0; k < 7; k++) {
            for (int threads = 1; threads <= 4; threads += 3) {
                cnn_context *ctx = cnn_context_new(.threads = threads);
                visits *v = &seen[threads > 1];
                memset(v, 0, sizeof *v);
                ck_assert_int_eq(cnn_parallel_for(ctx, counts[c], costs[k], visit, v), CNN_OK);
                for (int64_t i = 0; i < MOST; i++) {
                    if (atomic_load(&v->items[i]) != (i < counts[c])) {
                        ck_abort_msg("item %lld of %lld: %d times", (long long)i, (long long)counts[c],
                                     atomic_load(&v->items[i]));
                    }
                }
                cnn_context_free(ctx);
            }
            ck_assert_int_eq(atomic_load(&seen[0].calls), atomic_load(&seen[1].calls));
            ck_assert_mem_eq(seen[0].borders, seen[1].borders, sizeof seen[0].borders);
        }
    }
}
END_TEST

/* Several threads take part. The pool's threads stay away from the caller's CPU, so that each kind has a CPU of its own here: on a
 * busy machine the system may keep all of them on one for as long as it likes. */
typedef struct party {
    pthread_t caller;
    atomic_int guests;
} party;

static cnn_status work(int64_t begin, int64_t end, void *user)
{
    party *p = user;
    (void)begin, (void)end;
    atomic_fetch_add(&p->guests, !pthread_equal(pthread_self(), p->caller));
    for (volatile int i = 0; i < 100000; i++) {
    }
    return CNN_OK;
}

static void stay_on(pid_t thread, int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(thread, sizeof one, &one), 0);
}

/* The first CPU from `cpu` on that this process may use; CPU_SETSIZE if there is none. */
static int next_cpu(const cpu_set_t *mine, int cpu)
{
    while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, mine)) {
        cpu++;
    }
    return cpu;
}

/* The calling thread stays on one CPU and all others of the process on another. Returns false if there is one CPU alone. */
static bool separate(void)
{
    cpu_set_t mine;
    ck_assert_int_eq(sched_getaffinity(0, sizeof mine, &mine), 0);
    int first = next_cpu(&mine, 0), second = next_cpu(&mine, first + 1);
    if (second >= CPU_SETSIZE) {
        return false;
    }
    DIR *threads = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(threads);
    for (struct dirent *entry; (entry = readdir(threads));) {
        pid_t thread = (pid_t)atol(entry->d_name);
        if (thread > 0) {
            stay_on(thread, thread == gettid() ? first : second);
        }
    }
    closedir(threads);
    return true;
}

START_TEST(threads_share_the_work)
{
    cnn_context *ctx = cnn_context_new(.threads = 2);
    if (separate()) {
        party p = { .caller = pthread_self() };
        for (int i = 0; i < 20000 && !atomic_load(&p.guests); i++) { /* the guest's CPU may be busy with other programs */
            ck_assert_int_eq(cnn_parallel_for(ctx, 8, 1e6, work, &p), CNN_OK);
        }
        ck_assert_int_gt(atomic_load(&p.guests), 0);
    } else {
        printf("skipped: one CPU\n");
    }
    cnn_context_free(ctx);
}
END_TEST

static cnn_status add_size(int64_t begin, int64_t end, void *user)
{
    atomic_fetch_add((atomic_int_fast64_t *)user, end - begin);
    return CNN_OK;
}

START_TEST(any_count_is_covered)
{
    const int64_t counts[] = { INT64_MAX, INT64_MAX - 1, ((int64_t)1 << 40) + 1, 4097 };
    cnn_context *ctx = cnn_context_new(.threads = 2);
    for (int i = 0; i < 4; i++) {
        atomic_int_fast64_t total = 0;
        ck_assert_int_eq(cnn_parallel_for(ctx, counts[i], 1e300, add_size, &total), CNN_OK);
        ck_assert(total == counts[i]);
    }
    cnn_context_free(ctx);
}
END_TEST

/* ---- failures ---- */

typedef struct failing {
    atomic_long calls;
    cnn_tensor *tensor;
} failing;

static cnn_status fail_late(int64_t begin, int64_t end, void *user)
{
    failing *f = user;
    atomic_fetch_add(&f->calls, 1);
    for (int64_t i = begin; i < end; i++) {
        if (i == 7) {
            return cnn_tensor_size(f->tensor, 5) ? CNN_OK : CNN_ERROR_SHAPE; /* with a message of the library's */
        }
        if (i > 7) {
            return CNN_ERROR_IO;
        }
    }
    return CNN_OK;
}

START_TEST(the_first_range_that_fails_is_reported)
{
    char messages[2][512];
    for (int threads = 1; threads <= 4; threads += 3) {
        cnn_context *ctx = cnn_context_new(.threads = threads);
        failing f = { .tensor = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2)) };
        ck_assert_int_eq(cnn_parallel_for(ctx, 40, 1e6, fail_late, &f), CNN_ERROR_CALLBACK);
        ck_assert_int_eq(atomic_load(&f.calls), 40); /* the others run too */
        ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_CALLBACK);
        snprintf(messages[threads > 1], sizeof messages[0], "%s", cnn_last_error(ctx));
        cnn_tensor_free(f.tensor);
        cnn_context_free(ctx);
    }
    ck_assert_str_eq(messages[0], messages[1]);
    const char *expected = "parallel_for: fn returned CNN_ERROR_SHAPE for items 7 to 7 (tensor_size: ";
    ck_assert_msg(strncmp(messages[0], expected, strlen(expected)) == 0, "%s", messages[0]);
}
END_TEST

START_TEST(misuse_is_reported)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    ck_assert_int_eq(cnn_parallel_for(NULL, 1, 1, visit, &seen[0]), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(NULL), "parallel_for: ctx is NULL");
    ck_assert_int_eq(cnn_parallel_for(ctx, 1, 1, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(ctx), "parallel_for: fn is NULL");
    ck_assert_int_eq(cnn_parallel_for(ctx, -1, 1, visit, &seen[0]), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(ctx), "parallel_for: count is -1, expected 0 or more");
    const double bad[] = { -1, NAN, INFINITY };
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cnn_parallel_for(ctx, 1, bad[i], visit, &seen[0]), CNN_ERROR_INVALID_ARGUMENT);
    }
    ck_assert_str_eq(cnn_last_error(ctx), "parallel_for: cost is inf, expected a finite number of at least 0");
    cnn_context_free(ctx);
}
END_TEST

/* ---- nesting ---- */

typedef struct nest {
    cnn_context *ctx;
    atomic_int inner[50][50];
    atomic_int out_of_order;
} nest;

typedef struct row {
    nest *n;
    int64_t i, next;
} row;

static cnn_status inner(int64_t begin, int64_t end, void *user)
{
    row *r = user;
    atomic_fetch_add(&r->n->out_of_order, begin != r->next); /* one thread runs the inner ranges, in order */
    r->next = end;
    for (int64_t j = begin; j < end; j++) {
        atomic_fetch_add(&r->n->inner[r->i][j], 1);
    }
    return CNN_OK;
}

static cnn_status outer(int64_t begin, int64_t end, void *user)
{
    for (int64_t i = begin; i < end; i++) {
        row r = { .n = user, .i = i };
        cnn_status status = cnn_parallel_for(r.n->ctx, 50, 1e5, inner, &r);
        if (status != CNN_OK) {
            return status;
        }
    }
    return CNN_OK;
}

START_TEST(nested_calls_run_in_their_thread)
{
    static nest n;
    memset(&n, 0, sizeof n);
    n.ctx = cnn_context_new(.threads = 3);
    ck_assert_int_eq(cnn_parallel_for(n.ctx, 50, 1e6, outer, &n), CNN_OK);
    for (int i = 0; i < 50; i++) {
        for (int j = 0; j < 50; j++) {
            ck_assert_int_eq(atomic_load(&n.inner[i][j]), 1);
        }
    }
    ck_assert_int_eq(atomic_load(&n.out_of_order), 0);
    cnn_context_free(n.ctx);
}
END_TEST

/* ---- a custom operation ---- */

typedef struct cube {
    const float *x;
    float *y;
} cube;

static cnn_status cube_range(int64_t begin, int64_t end, void *user)
{
    const cube *c = user;
    for (int64_t i = begin; i < end; i++) {
        c->y[i] = c->x[i] * c->x[i] * c->x[i];
    }
    return CNN_OK;
}

static cnn_status cube_infer(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                             void *user)
{
    (void)count, (void)user;
    *dtype = CNN_F32;
    *ndim = 1;
    shape[0] = cnn_tensor_numel(inputs[0]);
    return CNN_OK;
}

static cnn_status cube_forward(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)count, (void)user;
    cube c = { host_elements(inputs[0]), writable_elements(output) };
    cnn_status status = cnn_parallel_for(cnn_tensor_context(output), cnn_tensor_numel(output), 2, cube_range, &c);
    elements_written(output, c.y);
    return status;
}

START_TEST(custom_operations_use_it)
{
    const cnn_custom_op op = { .struct_size = sizeof op, .name = "cube", .infer = cube_infer, .forward = cube_forward };
    cnn_context *ctx = cnn_context_new(.threads = 2);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_arange(ctx, CNN_F32, 0, MOST, 1);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *in = cnn_input(tape, x), *y = cnn_custom(&op, &in, 1, NULL);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    const float *cubes = host_elements(y);
    for (int i = 0; i < MOST; i++) {
        float v = (float)i;
        if (cubes[i] != v * v * v) {
            ck_abort_msg("element %d", i);
        }
    }
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parallel");
    TCase *tests = suite_case(suite, "parallel", NULL, NULL);
    tcase_add_test(tests, every_item_is_done_once_in_the_same_ranges);
    tcase_add_test(tests, any_count_is_covered);
    tcase_add_test(tests, threads_share_the_work);
    tcase_add_test(tests, the_first_range_that_fails_is_reported);
    tcase_add_test(tests, misuse_is_reported);
    tcase_add_test(tests, nested_calls_run_in_their_thread);
    tcase_add_test(tests, custom_operations_use_it);
    return suite_run(suite);
}
