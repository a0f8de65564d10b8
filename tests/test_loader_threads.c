/* Loaders with several background threads: the same batches for any number, callbacks that overlap only where they may,
 * and the same failure whatever the threads. */
#include "support/data.h"

#include <sys/wait.h>
#include <time.h>

/* source_get() without what only one call at a time may do. */
static cnn_status number_get(int64_t index, void *image, void *label, void *user)
{
    atomic_fetch_add(&((source *)user)->calls, 1);
    for (int k = 0; k < 6; k++) {
        ((double *)image)[k] = (double)(index * 10 + k);
    }
    *(int64_t *)label = -index;
    return CNN_OK;
}

/* ---- the same bits ---- */

START_TEST(any_number_of_threads_gives_the_same_bits)
{
    static const int counts[] = { 1, 2, 3, 4, 9, 64 };
    const double mean[] = { 0.3, 0.4 }, std[] = { 0.7, 0.9 };
    cnn_dataset *d = memory_dataset(57, CNN_U8, CNN_U8);
    ck_assert_int_eq(cnn_dataset_normalize(d, 2, mean, std), CNN_OK);
    for (int i = 0; i < 6; i++) {
        assert_same_batches(cnn_loader_new(cnn_dataset_share(d), 10, .shuffle = true, .no_background = true),
                            cnn_loader_new(cnn_dataset_share(d), 10, .shuffle = true, .threads = counts[i]), 15);
    }
    assert_same_batches(cnn_loader_new(cnn_dataset_share(d), 1, .no_background = true),
                        cnn_loader_new(d, 1, .threads = 3), 70);
}
END_TEST

START_TEST(concurrent_callbacks_give_the_same_bits)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 101);
    c.get = number_get;
    c.concurrent = true;
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    assert_same_batches(cnn_loader_new(cnn_dataset_share(d), 7, .shuffle = true, .drop_last = true, .no_background = true),
                        cnn_loader_new(cnn_dataset_share(d), 7, .shuffle = true, .drop_last = true, .threads = 4), 40);
    const int64_t indices[] = { 100, 3, 3, 50, 7 };
    cnn_dataset *part = cnn_dataset_subset(d, indices, 5);
    assert_same_batches(cnn_loader_new(cnn_dataset_share(part), 2, .no_background = true), cnn_loader_new(part, 2, .threads = 4), 12);
}
END_TEST

START_TEST(next_never_allocates_with_threads)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(57, CNN_U8, CNN_U8), 10, .shuffle = true, .threads = 3);
    meter_reset();
    cnn_batch b;
    int given = 0;
    for (int i = 0; i < 40; i++) {
        given += cnn_loader_next(l, &b);
    }
    ck_assert_int_gt(given, 30);
    ck_assert_int_eq((int)atomic_load(&meter.calls), 0);
    cnn_loader_free(l);
}
END_TEST

/* ---- who calls whom ---- */

enum { TOGETHER = 4 };

typedef struct meeting {
    atomic_int inside, most;
} meeting;

/* Waits until four calls are inside at once: fewer threads would wait for ever, or until the patience ends. */
static cnn_status meet(int64_t index, void *image, void *label, void *user)
{
    meeting *m = user;
    const struct timespec wait = { .tv_nsec = 1000000 };
    int now = atomic_fetch_add(&m->inside, 1) + 1;
    for (int most = atomic_load(&m->most); most < now && !atomic_compare_exchange_weak(&m->most, &most, now);) {
    }
    for (int patience = 0; patience < 20000 && atomic_load(&m->most) < TOGETHER; patience++) {
        nanosleep(&wait, NULL);
    }
    *(float *)image = (float)index;
    *(int64_t *)label = index;
    atomic_fetch_sub(&m->inside, 1);
    return CNN_OK;
}

static cnn_dataset *meeting_dataset(meeting *m, bool concurrent)
{
    const cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = 12, .label_dtype = CNN_I64, .get = meet, .user = m,
                                      .concurrent = concurrent };
    return cnn_dataset_from_callbacks(ctx, &c);
}

START_TEST(four_threads_decode_four_samples_at_once)
{
    meeting m = { 0 };
    cnn_loader *l = cnn_loader_new(meeting_dataset(&m, true), 12, .threads = TOGETHER);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    for (int i = 0; i < 12; i++) {
        ck_assert(((const float *)host_elements(b.images))[i] == (float)i);
    }
    cnn_loader_free(l);
    ck_assert_int_eq(atomic_load(&m.most), TOGETHER);
}
END_TEST

START_TEST(callbacks_that_are_not_concurrent_are_called_in_order_one_at_a_time)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 400);
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 50, .shuffle = true, .threads = 4),
               *b = cnn_loader_new(cnn_dataset_slice(d, 0, 300), 50, .threads = 4);
    for (int i = 0; i < 40; i++) {
        cnn_batch x, y;
        cnn_loader_next(a, &x);
        cnn_loader_next(b, &y);
    }
    cnn_loader_free(a);
    cnn_loader_free(b);
    ck_assert(!s.overlapped);
}
END_TEST

/* ---- failures ---- */

typedef struct failing {
    atomic_int calls;
    int64_t first; /* every sample from this one on fails, the later ones at once */
} failing;

static cnn_status fail_late(int64_t index, void *image, void *label, void *user)
{
    failing *f = user;
    const struct timespec waits[] = { { .tv_nsec = 3000000 }, { .tv_nsec = 9000000 } };
    atomic_fetch_add(&f->calls, 1);
    if (index == f->first || index == f->first + 1) {
        nanosleep(&waits[index - f->first], NULL); /* its successors fail before it, but for one that fails after it */
    }
    *(float *)image = (float)index;
    *(int64_t *)label = index;
    return index < f->first ? CNN_OK : index == f->first ? CNN_ERROR_IO : CNN_ERROR_FORMAT;
}

START_TEST(the_first_failure_by_number_is_reported)
{
    static const int counts[] = { 0, 1, 2, 5, 16 };
    for (int i = 0; i < 5; i++) {
        failing f = { .first = 37 };
        const cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = 64, .label_dtype = CNN_I64, .get = fail_late,
                                          .user = &f, .concurrent = true };
        cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 32, .threads = counts[i], .no_background = !counts[i]);
        for (int epoch = 0; epoch < 3; epoch++) {
            cnn_batch b;
            ck_assert(cnn_loader_next(l, &b));
            cnn_context_clear_error(ctx);
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_CALLBACK);
            ck_assert_str_eq(cnn_last_error(ctx), "loader_next: the dataset's get returned CNN_ERROR_IO for sample 37");
            ck_assert_int_eq((int)cnn_loader_epoch(l), epoch + 1);
        }
        f.first = 64;
        cnn_loader_set_epoch(l, 9); /* a loader that failed goes on */
        cnn_batch b;
        ck_assert(cnn_loader_next(l, &b) && cnn_loader_next(l, &b) && !cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        cnn_loader_free(l);
    }
}
END_TEST

static cnn_status call_the_library(int64_t index, void *image, void *label, void *user)
{
    (void)index, (void)image, (void)label, (void)user;
    return cnn_tensor_fill(NULL, 1);
}

START_TEST(a_callbacks_own_failure_is_part_of_the_message)
{
    const cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = 3, .label_dtype = CNN_I64, .get = call_the_library };
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 3);
    cnn_batch b;
    ck_assert(!cnn_loader_next(l, &b));
    assert_error(cnn_context_status(ctx), CNN_ERROR_CALLBACK,
                 "the dataset's get returned CNN_ERROR_INVALID_ARGUMENT for sample 0 (tensor_fill: ");
    cnn_loader_free(l);
}
END_TEST

static cnn_status slow_get(int64_t index, void *image, void *label, void *user)
{
    const struct timespec wait = { .tv_nsec = 2000000 };
    nanosleep(&wait, NULL);
    return number_get(index, image, label, user);
}

START_TEST(freeing_does_not_wait_for_the_batch_of_several_threads)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 3000);
    c.get = slow_get;
    c.concurrent = true;
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 1500, .threads = 4);
    cnn_loader_free(l); /* before the first batch */
    l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 10, .threads = 4);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    int before = atomic_load(&s.calls);
    cnn_loader_free(l); /* while the next one is written */
    ck_assert_int_le(atomic_load(&s.calls) - before, 10);
}
END_TEST

START_TEST(numbers_of_threads_are_checked)
{
    static const int bad[] = { -1, 1025 };
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 1, .threads = bad[i]));
        assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, i ? "loader_create: threads is 1025, expected 0 to 1024"
                                                                            : "loader_create: threads is -1, expected 0 to 1024");
    }
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 1, .threads = 2, .no_background = true));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "both threads and no_background are set, expected one of them");
    cnn_loader *l = cnn_loader_new(memory_dataset(0, CNN_U8, CNN_U8), 4, .threads = 3);
    cnn_batch b;
    ck_assert(!cnn_loader_next(l, &b));
    ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
    cnn_loader_free(l);
}
END_TEST

/* No stack is as large as this one is asked to be, so no thread begins; nor does the second, if the first one did. */
START_TEST(threads_that_cannot_begin_are_reported)
{
    pthread_attr_t usual, huge;
    ck_assert_int_eq(pthread_getattr_default_np(&usual), 0);
    ck_assert_int_eq(pthread_getattr_default_np(&huge), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    cnn_dataset *d = memory_dataset(5, CNN_F32, CNN_I64);
    ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
    cnn_loader *l = cnn_loader_new(d, 4, .threads = 3);
    ck_assert_int_eq(pthread_setattr_default_np(&usual), 0);
    ck_assert_ptr_null(l);
    assert_error(cnn_context_status(ctx), CNN_ERROR_THREAD, "loader_create: the background thread: ");
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&huge);
}
END_TEST

START_TEST(forked_children_of_several_threads_get_an_error)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 6, .threads = 4);
    cnn_batch b;
    cnn_loader_next(l, &b);
    int answer[2];
    ck_assert_int_eq(pipe(answer), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(20);
        bool good = !cnn_loader_next(l, &b) && cnn_loader_status(l) == CNN_ERROR_STATE;
        cnn_loader_free(l);
        if (write(answer[1], good ? "y" : "n", 1) == 1) {
            raise(SIGKILL);
        }
    }
    char said = '?';
    close(answer[1]);
    ck_assert_int_eq((int)read(answer[0], &said, 1), 1);
    close(answer[0]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(said, 'y');
    cnn_loader_free(l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader threads");
    TCase *tests = suite_case(suite, "threads", setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, any_number_of_threads_gives_the_same_bits);
    tcase_add_test(tests, concurrent_callbacks_give_the_same_bits);
    tcase_add_test(tests, next_never_allocates_with_threads);
    tcase_add_test(tests, four_threads_decode_four_samples_at_once);
    tcase_add_test(tests, callbacks_that_are_not_concurrent_are_called_in_order_one_at_a_time);
    tcase_add_test(tests, the_first_failure_by_number_is_reported);
    tcase_add_test(tests, a_callbacks_own_failure_is_part_of_the_message);
    tcase_add_test(tests, freeing_does_not_wait_for_the_batch_of_several_threads);
    tcase_add_test(tests, numbers_of_threads_are_checked);
    tcase_add_test(tests, threads_that_cannot_begin_are_reported);
    tcase_add_test(tests, forked_children_of_several_threads_get_an_error);
    return suite_run(suite);
}
