/* Forks at the worst moments: with a live context, while other threads keep its pool busy or hold its lock, with a
 * loader whose thread is at work. The child goes on, or gets a clear error for what it cannot do; it never hangs. */
#include "trust/work.h"

#include "base/context.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

static long forks_made;

/* ThreadSanitizer cannot make threads in a child of a process that has some. */
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
enum { CHILD_THREADS = 1 };
#else
enum { CHILD_THREADS = 3 };
#endif

/* The child's exit status; a child that hangs is killed and fails the test. */
static int wait_for(pid_t child)
{
    int status, patience = under_valgrind() || TRUST_SANITIZED ? 6000 : 2000;
    for (int i = 0; i < patience; i++) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            ck_assert_msg(WIFEXITED(status), "the child died of signal %d", WTERMSIG(status));
            forks_made++;
            return WEXITSTATUS(status);
        }
        usleep(10000);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ck_abort_msg("the forked child hung");
    return -1;
}

/* What a child does with a context that it was born with, and with one of its own. */
static int child_work(cnn_context *ctx, uint64_t expected)
{
    cnn_random_state start = { .seed = 3 };
    cnn_context_set_random_state(ctx, &start);
    if (train_on(ctx) != expected) {
        return 1;
    }
    if (train(CHILD_THREADS) != expected) {
        return 2;
    }
    cnn_context_free(ctx);
    return 0;
}

START_TEST(a_forked_child_works_on)
{
    cnn_context *ctx = cnn_context_new(.seed = 3, .threads = 4);
    uint64_t expected = train_on(ctx);
    ck_assert(expected != 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit(child_work(ctx, expected));
    }
    ck_assert_int_eq(wait_for(child), 0);
    cnn_random_state start = { .seed = 3 }; /* the parent trains as the child did */
    cnn_context_set_random_state(ctx, &start);
    ck_assert(train_on(ctx) == expected);
    cnn_context_free(ctx);
}
END_TEST

static atomic_bool enough;

/* Keeps the pool busy, and its own tape's and the context's memory. */
static void *keep_busy(void *arg)
{
    cnn_context *ctx = arg;
    while (!atomic_load(&enough)) {
        train_on(ctx);
    }
    return NULL;
}

/* The C library's allocator is whole in a child whatever other threads were doing; that of the sanitizers is not, and the
 * child would wait for the sanitizer's lock. */
START_TEST(a_fork_while_the_pool_is_busy_works_on)
{
    if (TRUST_SANITIZED) {
        printf("skipped: forks while threads allocate; the sanitizer's allocator does not survive them\n");
        return;
    }
    cnn_context *ctx = cnn_context_new(.seed = 3, .threads = 3);
    uint64_t expected = train(1);
    pthread_t busy[2];
    atomic_store(&enough, false);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&busy[i], NULL, keep_busy, ctx), 0);
    }
    for (int i = 0; i < rounds(40); i++) {
        usleep(1000);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            _exit(child_work(ctx, expected));
        }
        ck_assert_int_eq(wait_for(child), 0);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(busy[i], NULL);
    }
    cnn_context_free(ctx);
}
END_TEST

static pthread_barrier_t locked;

static void *hold_lock(void *arg)
{
    cnn__context_lock(arg);
    pthread_barrier_wait(&locked);
    pthread_barrier_wait(&locked);
    cnn__context_unlock(arg);
    return NULL;
}

/* The moment that a hundred random forks may miss: another thread is inside the context's lock. */
START_TEST(a_fork_while_the_context_is_locked_works_on)
{
    if (under_valgrind()) { /* Helgrind in the child goes on to believe in the thread that is not there */
        return;
    }
    cnn_context *ctx = cnn_context_new(.seed = 3, .threads = 2);
    uint64_t expected = train(1);
    pthread_t holder;
    pthread_barrier_init(&locked, NULL, 2);
    ck_assert_int_eq(pthread_create(&holder, NULL, hold_lock, ctx), 0);
    pthread_barrier_wait(&locked);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit(child_work(ctx, expected));
    }
    ck_assert_int_eq(wait_for(child), 0);
    pthread_barrier_wait(&locked);
    pthread_join(holder, NULL);
    pthread_barrier_destroy(&locked);
    ck_assert(train_on(ctx) == expected);
    cnn_context_free(ctx);
}
END_TEST

static int child_loads(cnn_loader *loader)
{
    cnn_batch batch;
    if (cnn_loader_next(loader, &batch) || cnn_loader_status(loader) != CNN_ERROR_STATE ||
        !strstr(cnn_last_error(NULL), "forked")) {
        return 1;
    }
    cnn_loader_free(loader);
    return 0;
}

START_TEST(a_forked_childs_loader_says_so)
{
    cnn_context *ctx = cnn_context_new(.threads = 2);
    cnn_tensor *x = make_images(ctx), *y = make_labels(ctx);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_from_tensors(x, y), 6, .shuffle = true);
    cnn_batch batch;
    for (int i = 0; i < rounds(40); i++) {
        cnn_loader_next(loader, &batch); /* its thread is busy with the next one */
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            _exit(child_loads(loader));
        }
        ck_assert_int_eq(wait_for(child), 0);
    }
    cnn_loader_free(loader);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    trust_begin("forks");
    TCase *tests = trust_case("forks", 600);
    tcase_add_test(tests, a_forked_child_works_on);
    tcase_add_test(tests, a_fork_while_the_pool_is_busy_works_on);
    tcase_add_test(tests, a_fork_while_the_context_is_locked_works_on);
    tcase_add_test(tests, a_forked_childs_loader_says_so);
    int failed = trust_run();
    return trust_end(failed, "forks: %ld children", forks_made);
}
