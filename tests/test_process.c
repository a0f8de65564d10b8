/* Forked children are recognised whatever their process id. On request, getpid() returns the same id for every
 * process here, as for a child that is the first process of a PID namespace and whose parent was the first of
 * another. */
#include "base/context.h"
#include "platform/process.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pinned;

pid_t getpid(void)
{
    return pinned ? pinned : (pid_t)syscall(SYS_getpid);
}

static void pin(void)
{
    pinned = getpid();
}

static void unpin(void)
{
    pinned = 0;
}

/* The child's exit status; it is killed after 60 seconds, and a signal fails the test. */
static int ends_with(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static pid_t fork_plainly(void)
{
    return fork();
}

/* Without the C library, so that no handler of pthread_atfork() runs. */
static pid_t fork_by_the_kernel(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t (*const forks[])(void) = { fork_plainly, fork_by_the_kernel };

START_TEST(every_generation_has_its_own_number)
{
    uint64_t ours = cnn__process();
    ck_assert(ours != 0 && cnn__process() == ours);
    pid_t child = forks[_i]();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        uint64_t childs = cnn__process();
        pid_t grandchild = forks[_i]();
        if (grandchild == 0) {
            _exit(cnn__process() == childs || cnn__process() == ours || cnn__process() == 0);
        }
        int status;
        waitpid(grandchild, &status, 0);
        _exit(status != 0 || childs == ours || childs == 0 || cnn__process() != childs);
    }
    ck_assert_int_eq(ends_with(child), 0);
    ck_assert(cnn__process() == ours);
}
END_TEST

static void *number_of_thread(void *arg)
{
    *(uint64_t *)arg = cnn__process();
    return NULL;
}

START_TEST(the_threads_of_a_process_agree)
{
    enum { THREADS = 8 };
    pid_t child = fork();
    if (child == 0) { /* where nobody has asked yet */
        uint64_t numbers[THREADS] = { 0 };
        pthread_t threads[THREADS];
        bool same = true;
        for (int i = 0; i < THREADS; i++) {
            same &= pthread_create(&threads[i], NULL, number_of_thread, &numbers[i]) == 0;
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            same &= numbers[i] == cnn__process();
        }
        _exit(!same);
    }
    ck_assert_int_eq(ends_with(child), 0);
}
END_TEST

/* ---- contexts, datasets and loaders in a child ---- */

static double work(cnn_context *ctx)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *a = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(300, 300));
    cnn_tape_begin(tape, CNN_EVAL);
    double sum = cnn_tensor_item(cnn_sum(cnn_matmul(cnn_input(tape, a), a), CNN_ALL_DIMS, false));
    cnn_tensor_free(a);
    cnn_tape_free(tape);
    return sum;
}

static cnn_status get(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    *(float *)image = (float)index;
    *(int64_t *)label = index;
    return CNN_OK;
}

static int child_work(cnn_context *ctx, cnn_dataset *dataset, cnn_loader *loader)
{
    cnn_batch batch;
    cnn_tensor *image, *label;
    alarm(60);
    if (work(ctx) != 300.0 * 300 * 300) {
        return 1;
    }
    if (cnn_loader_next(loader, &batch) || cnn_loader_status(loader) != CNN_ERROR_STATE) {
        return 2;
    }
    if (cnn_dataset_get(dataset, 0, &image, &label) != CNN_ERROR_STATE) {
        return 3;
    }
    cnn__context_lock(ctx); /* the parent's was held by a thread that is not here */
    cnn__context_unlock(ctx);
    cnn_loader_free(loader);
    cnn_dataset_free(dataset);
    cnn_context_free(ctx);
    return 0;
}

static pthread_barrier_t locked;

static void *hold_lock(void *arg)
{
    cnn__context_lock(arg);
    pthread_barrier_wait(&locked);
    pthread_barrier_wait(&locked);
    cnn__context_unlock(arg);
    return NULL;
}

static void run_child(pid_t (*make)(void))
{
    cnn_context *ctx = cnn_context_new(.threads = 3);
    cnn_dataset_callbacks callbacks = {
        .struct_size = sizeof callbacks, .size = 64, .label_dtype = CNN_I64, .get = get
    };
    cnn_dataset *dataset = cnn_dataset_from_callbacks(ctx, &callbacks);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(dataset), 8);
    cnn_batch batch;
    ck_assert(cnn_loader_next(loader, &batch) && work(ctx) == 300.0 * 300 * 300);
    pthread_t holder;
    pthread_barrier_init(&locked, NULL, 2);
    ck_assert_int_eq(pthread_create(&holder, NULL, hold_lock, ctx), 0);
    pthread_barrier_wait(&locked);
    pid_t child = make();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit(child_work(ctx, dataset, loader));
    }
    int status = ends_with(child);
    pthread_barrier_wait(&locked);
    pthread_join(holder, NULL);
    ck_assert_msg(status == 0, "the child ended with %d", status);
    ck_assert(cnn_loader_next(loader, &batch) && work(ctx) == 300.0 * 300 * 300);
    cnn_loader_free(loader);
    cnn_dataset_free(dataset);
    cnn_context_free(ctx);
}

START_TEST(a_child_with_its_parents_id_works_on)
{
    run_child(fork_plainly);
}
END_TEST

static pid_t fork_into_a_namespace(void)
{
    return unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0 ? fork() : -1;
}

/* Two levels: the outer child is process 1 of its namespace, and so is the child that it forks into another one. */
START_TEST(process_1_of_a_namespace_works_on)
{
    pid_t outer = fork();
    ck_assert_int_ge(outer, 0);
    if (outer == 0) {
        pid_t first = fork_into_a_namespace();
        if (first < 0) {
            _exit(77);
        }
        if (first == 0) {
            run_child(fork_into_a_namespace);
            _exit(syscall(SYS_getpid) == 1 ? 0 : 78);
        }
        _exit(ends_with(first));
    }
    int status = ends_with(outer);
    if (status == 77) {
        printf("skipped: a child in a PID namespace; this system lets nobody make one\n");
        return;
    }
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process");
    TCase *numbers = suite_case(suite, "numbers", pin, unpin);
    tcase_add_loop_test(numbers, every_generation_has_its_own_number, 0, 2);
    tcase_add_test(numbers, the_threads_of_a_process_agree);
    TCase *children = suite_case(suite, "children", NULL, NULL);
    tcase_add_test(children, process_1_of_a_namespace_works_on);
    TCase *same = suite_case(suite, "children with the same id", pin, unpin);
    tcase_add_test(same, a_child_with_its_parents_id_works_on);
    return suite_run(suite);
}
