/* pthread_cancel of a thread that is inside the library: the cancellation takes effect when the thread begins its
 * next step, and leaves nothing locked, open or running. The cancelled threads contain no assertions, because the
 * test framework has cancellation points. */
#include "base/context.h"
#include "support/data.h"
#include "support/elements.h"

#include <pthread.h>
#include <time.h>

enum { ROUNDS = 30 };

static atomic_bool inside;

static void wait_until_inside(void)
{
    while (!atomic_load(&inside)) {
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
}

/* Cancels it and waits; a thread that hangs fails the test. */
static void end(pthread_t thread)
{
    struct timespec limit;
    void *result;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 60;
    ck_assert_int_eq(pthread_cancel(thread), 0);
    ck_assert_msg(pthread_timedjoin_np(thread, &result, &limit) == 0, "the cancelled thread still runs");
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
}

static void free_tape(void *tape)
{
    cnn_tape_free(tape);
}

static double product(cnn_tape *tape, cnn_tensor *x)
{
    cnn_tape_begin(tape, CNN_EVAL);
    return cnn_tensor_item(cnn_sum(cnn_matmul(cnn_input(tape, x), x), CNN_ALL_DIMS, false));
}

/* ---- steps ---- */

typedef struct trainer {
    cnn_context *ctx;
    cnn_tensor *x;
} trainer;

static void *step_for_ever(void *arg)
{
    trainer *t = arg;
    cnn_tape *tape = cnn_tape_new(t->ctx);
    pthread_cleanup_push(free_tape, tape);
    for (;;) {
        product(tape, t->x);
        atomic_store(&inside, true);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

START_TEST(a_cancelled_step_leaves_its_context_whole)
{
    for (int round = 0; round < ROUNDS; round++) {
        trainer t = { .ctx = cnn_context_new(.threads = 4) };
        t.x = cnn_tensor_ones(t.ctx, CNN_F32, CNN_SHAPE(200, 200));
        pthread_t thread;
        atomic_store(&inside, false);
        ck_assert_int_eq(pthread_create(&thread, NULL, step_for_ever, &t), 0);
        wait_until_inside();
        nanosleep(&(struct timespec){ .tv_nsec = round * 50000 }, NULL);
        end(thread);
        cnn_tape *tape = cnn_tape_new(t.ctx);
        ck_assert(product(tape, t.x) == 200.0 * 200 * 200);
        cnn_tape_free(tape);
        cnn_tensor_free(t.x);
        cnn_context_free(t.ctx);
    }
}
END_TEST

/* ---- a dataset's callback, which waits at a cancellation point ---- */

static cnn_status slow_get(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    atomic_store(&inside, true);
    nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    *(float *)image = (float)index;
    *(int64_t *)label = index;
    return CNN_OK;
}

static cnn_dataset *slow_dataset(void)
{
    cnn_dataset_callbacks callbacks = {
        .struct_size = sizeof callbacks, .size = 64, .label_dtype = CNN_I64, .get = slow_get
    };
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &callbacks);
    ck_assert_ptr_nonnull(d);
    return d;
}

static bool get_one(cnn_dataset *d)
{
    cnn_tensor *image, *label;
    if (cnn_dataset_get(d, 5, &image, &label) != CNN_OK) {
        return false;
    }
    bool right = cnn_tensor_item(image) == 5;
    cnn_tensor_free(image);
    cnn_tensor_free(label);
    return right;
}

static void *get_for_ever(void *arg)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    pthread_cleanup_push(free_tape, tape);
    for (;;) {
        get_one(arg);
        cnn_tape_begin(tape, CNN_EVAL);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

START_TEST(a_cancelled_get_leaves_its_dataset_free)
{
    cnn_dataset *d = slow_dataset();
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        atomic_store(&inside, false);
        ck_assert_int_eq(pthread_create(&thread, NULL, get_for_ever, d), 0);
        wait_until_inside();
        end(thread);
        ck_assert(get_one(d));
    }
    cnn_dataset_free(d);
}
END_TEST

static void *load_for_ever(void *arg)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_batch batch;
    pthread_cleanup_push(free_tape, tape);
    for (;;) {
        cnn_loader_next(arg, &batch);
        cnn_tape_begin(tape, CNN_EVAL);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

START_TEST(a_cancelled_wait_for_a_batch_leaves_its_loader_usable)
{
    cnn_loader *loader = cnn_loader_new(slow_dataset(), 4);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        cnn_batch batch;
        atomic_store(&inside, false);
        ck_assert_int_eq(pthread_create(&thread, NULL, load_for_ever, loader), 0);
        wait_until_inside();
        end(thread);
        ck_assert_int_eq(cnn_loader_set_epoch(loader, 0), CNN_OK);
        ck_assert(cnn_loader_next(loader, &batch) && cnn_tensor_numel(batch.images) == 4);
        ck_assert(((const float *)host_elements(batch.images))[3] == 3);
    }
    cnn_loader_free(loader);
}
END_TEST

/* ---- files ---- */

static int open_files(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

static void *save_for_ever(void *arg)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    pthread_cleanup_push(free_tape, tape);
    for (;;) {
        cnn_tensor *t = arg;
        const char *name = "t", *path = in_folder("weights");
        cnn_tensors_save(&name, &t, 1, path);
        atomic_store(&inside, true);
        cnn_tensor_free(cnn_tensor_load(ctx, path, name));
        cnn_tape_begin(tape, CNN_EVAL);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

START_TEST(a_cancelled_save_or_load_leaves_nothing_open_or_half_done)
{
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(100000));
    int before = open_files();
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        atomic_store(&inside, false);
        ck_assert_int_eq(pthread_create(&thread, NULL, save_for_ever, t), 0);
        wait_until_inside();
        nanosleep(&(struct timespec){ .tv_nsec = round * 50000 }, NULL);
        end(thread);
        ck_assert_int_eq(folder_count(false), 1); /* no temporary file */
        ck_assert_int_eq(open_files(), before);
    }
    cnn_tensor_free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cancel");
    TCase *tests = suite_case(suite, "cancel", setup, teardown);
    tcase_add_test(tests, a_cancelled_step_leaves_its_context_whole);
    tcase_add_test(tests, a_cancelled_get_leaves_its_dataset_free);
    tcase_add_test(tests, a_cancelled_wait_for_a_batch_leaves_its_loader_usable);
    tcase_add_test(tests, a_cancelled_save_or_load_leaves_nothing_open_or_half_done);
    return suite_run(suite);
}
