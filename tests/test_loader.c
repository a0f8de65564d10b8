/* Loaders: the order of samples, the bits of batches, and threads. */
#include "base/random.h"
#include "support/data.h"
#include "support/elements.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* ---- loaders ---- */

/* What a loader must give: the order recomputed from the definition. */
static void expected_order(uint64_t seed, int64_t epoch, int64_t n, int64_t *order)
{
    const uint64_t key[2] = { seed, (uint64_t)1 << 63 | (uint64_t)epoch };
    cnn__random_permutation(key, n, order);
}

static void assert_batch(const cnn_batch *b, int64_t index, int64_t size, const int64_t *samples)
{
    ck_assert_int_eq((int)b->index, (int)index);
    ck_assert_int_eq((int)b->size, (int)size);
    ck_assert(cnn_tensor_size(b->images, 0) == size && cnn_tensor_size(b->labels, 0) == size);
    const float *x = host_elements(b->images);
    const int64_t *y = host_elements(b->labels);
    for (int64_t i = 0; i < size; i++) {
        ck_assert_int_eq((int)y[i], (int)(3 * samples[i]));
        bool same = true;
        for (int k = 0; k < IMAGE; k++) {
            same &= x[IMAGE * i + k] == (float)((IMAGE * samples[i] + k) % 200);
        }
        ck_assert(same);
    }
}

START_TEST(batches_follow_the_epochs_order)
{
    enum { N = 23 };
    for (int variant = 0; variant < 16; variant++) {
        bool shuffle = variant & 1, drop = variant & 2, foreground = variant & 4;
        int64_t batch_size = variant & 8 ? 5 : 40;
        cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), batch_size, .shuffle = shuffle,
                                       .drop_last = drop, .no_background = foreground, .seed = 77);
        int64_t count = drop ? N / batch_size : (N + batch_size - 1) / batch_size;
        ck_assert_int_eq((int)cnn_loader_batch_count(l), (int)count);
        ck_assert_int_eq((int)cnn_loader_sample_count(l), N);
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            int64_t order[N];
            expected_order(77, epoch, N, order);
            for (int64_t i = 0; i < N && !shuffle; i++) {
                order[i] = i;
            }
            cnn_batch b, previous = { .size = 0 };
            for (int64_t i = 0; i < count; i++) {
                ck_assert_int_eq((int)cnn_loader_epoch(l), (int)epoch);
                ck_assert(cnn_loader_next(l, &b));
                int64_t left = N - i * batch_size;
                assert_batch(&b, i, left < batch_size ? left : batch_size, order + i * batch_size);
                if (i > 0) { /* the batch before still has its values */
                    assert_batch(&previous, i - 1, batch_size, order + (i - 1) * batch_size);
                }
                previous = b;
            }
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        }
        cnn_loader_free(l);
    }
}
END_TEST

START_TEST(batches_belong_to_the_loader)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(5, CNN_F32, CNN_I64), 2);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    cnn_context_clear_error(ctx);
    cnn_tensor_free(b.images);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_STATE);
    cnn_loader_free(l);
}
END_TEST

START_TEST(empty_datasets_and_bad_loaders)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(0, CNN_U8, CNN_U8), 4, .shuffle = true);
    cnn_batch b;
    ck_assert_int_eq((int)cnn_loader_batch_count(l), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq((int)cnn_loader_epoch(l), i);
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
    }
    ck_assert(!cnn_loader_next(l, NULL));
    ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert(!cnn_loader_next(NULL, &b));
    assert_error(cnn_loader_set_epoch(l, -1), CNN_ERROR_INVALID_ARGUMENT, "epoch is -1");
    assert_error(cnn_loader_set_epoch(l, INT64_MAX), CNN_ERROR_INVALID_ARGUMENT, "expected 0 to 2^62");
    assert_error(cnn_loader_set_epoch(NULL, 1), CNN_ERROR_INVALID_ARGUMENT, "loader is NULL");
    assert_error(cnn_loader_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "loader is NULL");
    cnn_loader_free(l);
    cnn_loader_free(NULL);
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 0));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "batch_size is 0");
    ck_assert_ptr_null(cnn_loader_new(cnn_mnist_open(ctx, "/nowhere", CNN_MNIST_TRAIN), 10));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "mnist_open");
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_loader_create(NULL, 10, NULL));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "dataset is NULL");
    cnn_loader_options garbage = { .struct_size = 3 };
    ck_assert_ptr_null(cnn_loader_create(memory_dataset(3, CNN_U8, CNN_U8), 1, &garbage));
    l = cnn_loader_create(memory_dataset(3, CNN_F32, CNN_I64), INT64_MAX, NULL);
    ck_assert(cnn_loader_next(l, &b));
    ck_assert_int_eq((int)b.size, 3);
    cnn_loader_free(l);
}
END_TEST

START_TEST(an_epoch_can_be_chosen)
{
    enum { N = 23 };
    for (int foreground = 0; foreground < 2; foreground++) {
        cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), 6, .shuffle = true, .seed = 5,
                                       .no_background = foreground);
        static const int64_t epochs[] = { 4, 0, 0, 1000000007, 2 };
        for (int k = 0; k < 5; k++) {
            int64_t order[N];
            cnn_batch b;
            ck_assert_int_eq(cnn_loader_set_epoch(l, epochs[k]), CNN_OK);
            ck_assert(cnn_loader_epoch(l) == epochs[k]);
            expected_order(5, epochs[k], N, order);
            for (int i = 0; i < 1 + k % 3; i++) { /* the epoch is left in its middle */
                ck_assert(cnn_loader_next(l, &b));
                assert_batch(&b, i, 6, order + 6 * i);
            }
        }
        cnn_loader_free(l);
    }
}
END_TEST

/* The default seed is the context's, also when a checkpoint changes that between two epochs. */
START_TEST(the_contexts_seed_is_the_default)
{
    enum { N = 12 };
    cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), 4, .shuffle = true);
    int64_t order[N];
    cnn_batch b;
    for (int epoch = 0; epoch < 4; epoch++) {
        cnn_random_state state = { .seed = epoch < 2 ? 7 : 8, .stream = 3 };
        ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
        expected_order(state.seed, epoch, N, order);
        for (int i = 0; i < 3; i++) {
            ck_assert(cnn_loader_next(l, &b));
            assert_batch(&b, i, 4, order + 4 * i);
        }
        ck_assert(!cnn_loader_next(l, &b));
    }
    ck_assert(cnn_loader_next(l, &b)); /* within an epoch the order stays */
    cnn_random_state state = { .seed = 99 };
    ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
    expected_order(8, 4, N, order);
    ck_assert(cnn_loader_next(l, &b));
    assert_batch(&b, 1, 4, order + 4);
    cnn_loader_free(l);
}
END_TEST

START_TEST(background_and_foreground_give_the_same_bits)
{
    const double mean[] = { 0.3, 0.4 }, std[] = { 0.7, 0.9 };
    cnn_dataset *d = memory_dataset(57, CNN_U8, CNN_U8);
    ck_assert_int_eq(cnn_dataset_normalize(d, 2, mean, std), CNN_OK);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 10, .shuffle = true),
               *b = cnn_loader_new(d, 10, .shuffle = true, .no_background = true);
    assert_same_batches(a, b, 30);
}
END_TEST

START_TEST(next_never_allocates)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        cnn_loader *l = cnn_loader_new(memory_dataset(57, CNN_U8, CNN_U8), 10, .shuffle = true, .no_background = foreground);
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
}
END_TEST

START_TEST(a_failing_callback_ends_the_epoch)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        source s = { .fails = 7 };
        cnn_dataset_callbacks c = source_callbacks(&s, 12);
        cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 3, .no_background = foreground);
        cnn_batch b;
        for (int epoch = 0; epoch < 2; epoch++) {
            for (int i = 0; i < 2; i++) {
                ck_assert(cnn_loader_next(l, &b));
                ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
            }
            cnn_context_clear_error(ctx);
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_CALLBACK);
            assert_error(cnn_context_status(ctx), CNN_ERROR_CALLBACK,
                         "loader_next: the dataset's get returned CNN_ERROR_NOT_FOUND for sample 7");
            ck_assert_int_eq((int)cnn_loader_epoch(l), epoch + 1);
        }
        s.fails = -1;
        for (int i = 0; i < 4; i++) {
            ck_assert(cnn_loader_next(l, &b));
        }
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        ck_assert_int_eq(atomic_load(&s.away) == 0, foreground);
        cnn_loader_free(l);
        ck_assert_int_eq(atomic_load(&s.freed), 1);
    }
}
END_TEST

START_TEST(callbacks_are_called_one_at_a_time)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 400);
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 50, .shuffle = true), *b = cnn_loader_new(d, 50);
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

static cnn_status slow_get(int64_t index, void *image, void *label, void *user)
{
    const struct timespec wait = { .tv_nsec = 2000000 };
    nanosleep(&wait, NULL);
    return source_get(index, image, label, user);
}

START_TEST(freeing_does_not_wait_for_the_batch)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 3000);
    c.get = slow_get;
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 1500);
    cnn_loader_options small = { .struct_size = sizeof small };
    cnn_loader_free(l); /* before the first batch */
    c.get = slow_get;
    l = cnn_loader_create(cnn_dataset_from_callbacks(ctx, &c), 10, &small);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    int before = atomic_load(&s.calls);
    cnn_loader_free(l); /* while the next one is written */
    ck_assert_int_lt(atomic_load(&s.calls) - before, 5);
}
END_TEST

START_TEST(the_loaders_thread_takes_no_signals)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 30);
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 3);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
    cnn_loader_free(l);
}
END_TEST

#ifdef __GLIBC__
/* No stack is as large as this one is asked to be, so no thread begins. */
START_TEST(a_thread_that_cannot_begin_is_reported)
{
    pthread_attr_t usual, huge;
    ck_assert_int_eq(pthread_getattr_default_np(&usual), 0);
    ck_assert_int_eq(pthread_getattr_default_np(&huge), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    cnn_dataset *d = memory_dataset(5, CNN_F32, CNN_I64);
    ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
    cnn_loader *l = cnn_loader_new(cnn_dataset_share(d), 2), *small = cnn_loader_new(cnn_dataset_share(d), 1);
    ck_assert_int_eq(pthread_setattr_default_np(&usual), 0);
    ck_assert_ptr_null(l);
    assert_error(cnn_context_status(ctx), CNN_ERROR_THREAD, "loader_create: the background thread: ");
    cnn_batch b;
    ck_assert(cnn_loader_next(small, &b)); /* its batches are too small for a thread */
    cnn_loader_free(small);
    l = cnn_loader_new(d, 2, .no_background = true);
    ck_assert(cnn_loader_next(l, &b));
    cnn_loader_free(l);
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&huge);
}
END_TEST
#endif

/* A child has no background thread: it is told so, and whatever it can do, it does; nothing hangs. It ends by a signal, so
 * that no tool looks for leaks of a thread that it never had. */
START_TEST(forked_children_get_an_error)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 30);
    cnn_loader *threaded = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 3),
               *plain = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 3, .no_background = true),
               *small = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 1);
    cnn_dataset *callbacks = cnn_dataset_from_callbacks(ctx, &c);
    cnn_batch b;
    cnn_loader_next(threaded, &b);
    int answer[2];
    ck_assert_int_eq(pipe(answer), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(20);
        cnn_tensor *x;
        bool good = !cnn_loader_next(threaded, &b) && cnn_loader_status(threaded) == CNN_ERROR_STATE &&
                    cnn_loader_next(plain, &b) && cnn_loader_next(small, &b) && cnn_dataset_get(callbacks, 0, &x, NULL) == CNN_ERROR_STATE;
        cnn_loader_free(threaded);
        cnn_loader_free(plain);
        cnn_loader_free(small);
        cnn_dataset_free(callbacks);
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
    cnn_loader_free(threaded);
    cnn_loader_free(plain);
    cnn_loader_free(small);
    cnn_dataset_free(callbacks);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *tests = suite_case(suite, "data", setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, batches_follow_the_epochs_order);
    tcase_add_test(tests, batches_belong_to_the_loader);
    tcase_add_test(tests, empty_datasets_and_bad_loaders);
    tcase_add_test(tests, an_epoch_can_be_chosen);
    tcase_add_test(tests, the_contexts_seed_is_the_default);
    tcase_add_test(tests, background_and_foreground_give_the_same_bits);
    tcase_add_test(tests, next_never_allocates);
    tcase_add_test(tests, a_failing_callback_ends_the_epoch);
    tcase_add_test(tests, callbacks_are_called_one_at_a_time);
    tcase_add_test(tests, freeing_does_not_wait_for_the_batch);
    tcase_add_test(tests, the_loaders_thread_takes_no_signals);
#ifdef __GLIBC__
    tcase_add_test(tests, a_thread_that_cannot_begin_is_reported);
#endif
    tcase_add_test(tests, forked_children_get_an_error);
    return suite_run(suite);
}
