/* Threads: contexts side by side, one model that serves eight threads, contexts made and freed anywhere, forks at the worst
 * moments, and pools that rest when there is nothing to do. Run as it is, under ThreadSanitizer and under Helgrind. */
#include "trust/trust.h"

#include "base/context.h"

#include <cnn/cnn.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ThreadSanitizer cannot make threads in a child of a process that has some. */
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
enum { CHILD_THREADS = 1 };
#else
enum { CHILD_THREADS = 3 };
#endif

enum { IMAGES = 12, SIZE = 28, CLASSES = 10, STEPS = 3 };

static long threads_run, forks_made;

/* Everything is slower by a hundred times there, and idleness cannot be measured. */
static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

static int rounds(int normal)
{
    return under_valgrind() ? (normal + 9) / 10 : TRUST_SANITIZED ? (normal + 2) / 3 : normal;
}

/* ---- a model and its work ---- */

static cnn_module *make_model(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 8, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_conv2d_new(ctx, 8, 16, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 7 * 7 * 16, CLASSES));
}

static uint64_t mix(uint64_t hash, const cnn_tensor *t)
{
    const unsigned char *bytes = cnn_tensor_data(t);
    size_t size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return hash;
}

static uint64_t digest(const cnn_module *model)
{
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < cnn_module_state_count(model); i++) {
        hash = mix(hash, cnn_module_state(model, i, NULL, 0));
    }
    return hash;
}

static cnn_tensor *make_images(cnn_context *ctx)
{
    return cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(IMAGES, 1, SIZE, SIZE));
}

static cnn_tensor *make_labels(cnn_context *ctx)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(IMAGES));
    for (int i = 0; t && i < IMAGES; i++) {
        ((int64_t *)cnn_tensor_data(t))[i] = i % CLASSES;
    }
    return t;
}

/* Trains a model of its own for some steps on `ctx`; 0 on failure. */
static uint64_t train_on(cnn_context *ctx)
{
    cnn_module *model = make_model(ctx);
    cnn_optimizer *adam = cnn_adam_new(model);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = make_images(ctx), *y = make_labels(ctx);
    bool good = adam && tape && x && y;
    for (int i = 0; i < STEPS && good; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, x)), y);
        cnn_optimizer_zero_grad(adam);
        good = cnn_backward(loss) == CNN_OK && cnn_optimizer_step(adam) == CNN_OK;
    }
    uint64_t hash = good ? digest(model) : 0;
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    return hash;
}

static uint64_t train(int threads)
{
    cnn_context *ctx = cnn_context_new(.seed = 3, .threads = threads);
    uint64_t hash = ctx ? train_on(ctx) : 0;
    cnn_context_free(ctx);
    return hash;
}

static void run_threads(int count, void *(*work)(void *arg), void **args)
{
    pthread_t threads[16];
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, args[i]), 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    threads_run += count;
}

/* ---- contexts side by side ---- */

typedef struct job {
    int threads;
    uint64_t hash;
} job;

static void *train_job(void *arg)
{
    job *j = arg;
    j->hash = train(j->threads);
    return NULL;
}

START_TEST(contexts_work_side_by_side)
{
    job jobs[6];
    void *args[6];
    uint64_t alone = train(1);
    ck_assert(alone != 0);
    for (int i = 0; i < 6; i++) {
        jobs[i] = (job){ .threads = 1 + i % 3 };
        args[i] = &jobs[i];
    }
    run_threads(6, train_job, args);
    for (int i = 0; i < 6; i++) {
        ck_assert(jobs[i].hash == alone);
    }
}
END_TEST

/* ---- one model, eight threads ---- */

typedef struct server {
    cnn_context *ctx;
    cnn_module *model;
    cnn_tensor *const *images;
    const uint64_t *expected;
    int wrong;
} server;

enum { SERVERS = 8, REQUESTS = 6 };

static uint64_t answer(const server *s, cnn_tape *tape, int request)
{
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = cnn_softmax(cnn_forward(s->model, cnn_input(tape, s->images[request])), 1);
    return cnn_tape_status(tape) == CNN_OK ? mix(1, y) : 0;
}

static void *serve(void *arg)
{
    server *s = arg;
    cnn_tape *tape = cnn_tape_new(s->ctx);
    for (int round = 0; round < rounds(20); round++) {
        for (int i = 0; i < REQUESTS; i++) {
            s->wrong += answer(s, tape, i) != s->expected[i];
        }
    }
    cnn_tape_free(tape);
    return NULL;
}

START_TEST(a_model_serves_eight_threads)
{
    cnn_context *ctx = cnn_context_new(.seed = 2, .threads = 4);
    cnn_module *model = make_model(ctx);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *images[REQUESTS];
    uint64_t expected[REQUESTS];
    server servers[SERVERS];
    void *args[SERVERS];
    for (int i = 0; i < REQUESTS; i++) {
        images[i] = make_images(ctx);
    }
    for (int i = 0; i < SERVERS; i++) {
        servers[i] = (server){ ctx, model, images, expected, 0 };
        args[i] = &servers[i];
    }
    for (int i = 0; i < REQUESTS; i++) {
        expected[i] = answer(&servers[0], tape, i);
        ck_assert(expected[i] != 0);
    }
    run_threads(SERVERS, serve, args);
    for (int i = 0; i < SERVERS; i++) {
        ck_assert_int_eq(servers[i].wrong, 0);
    }
    for (int i = 0; i < REQUESTS; i++) {
        cnn_tensor_free(images[i]);
    }
    cnn_tape_free(tape);
    cnn_module_free(model);
    cnn_context_free(ctx);
}
END_TEST

/* ---- contexts made and freed anywhere ---- */

static void *make_and_free(void *arg)
{
    bool *good = arg;
    for (int i = 0; i < rounds(20); i++) {
        cnn_context *ctx = cnn_context_new(.threads = 1 + i % 4);
        cnn_tensor *t = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(100));
        *good &= ctx && t;
        cnn_context_free(ctx); /* the tensor holds it */
        cnn_tensor_free(t);
    }
    return NULL;
}

static void *make_only(void *arg)
{
    *(cnn_context **)arg = cnn_context_new(.seed = 3, .threads = 3);
    return NULL;
}

START_TEST(contexts_are_made_and_freed_in_threads)
{
    bool good[4] = { true, true, true, true };
    void *args[4] = { &good[0], &good[1], &good[2], &good[3] };
    run_threads(4, make_and_free, args);
    ck_assert(good[0] && good[1] && good[2] && good[3]);
    /* made in a thread that is gone, used and freed here */
    cnn_context *ctx = NULL;
    run_threads(1, make_only, (void *[]){ &ctx });
    ck_assert_ptr_nonnull(ctx);
    ck_assert(train_on(ctx) == train(1));
    cnn_context_free(ctx);
}
END_TEST

/* ---- forks ---- */

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
    cnn_random_state start = { .seed = 3 }; /* and the parent does too */
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

START_TEST(a_fork_while_the_pool_is_busy_works_on)
{
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
    threads_run += 2;
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
    threads_run++;
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
    cnn_loader *loader = cnn_loader_new(cnn_dataset_from_tensors(x, y), 5, .shuffle = true);
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

/* ---- idleness ---- */

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

START_TEST(an_idle_context_uses_no_cpu)
{
    if (under_valgrind() || TRUST_SANITIZED) {
        return;
    }
    cnn_context *ctx = cnn_context_new(.seed = 3, .threads = 8);
    cnn_tensor *x = make_images(ctx), *y = make_labels(ctx);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_from_tensors(x, y), 5);
    cnn_batch batch;
    ck_assert(cnn_loader_next(loader, &batch));
    ck_assert(train_on(ctx) != 0);
    usleep(50000);
    double before = cpu_seconds();
    usleep(400000);
    double used = cpu_seconds() - before;
    ck_assert_msg(used < 0.002, "8 idle threads used %.1f ms of CPU in 400 ms", 1e3 * used);
    cnn_loader_free(loader);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    trust_begin("threads");
    TCase *tests = trust_case("threads", 600);
    tcase_add_test(tests, contexts_work_side_by_side);
    tcase_add_test(tests, a_model_serves_eight_threads);
    tcase_add_test(tests, contexts_are_made_and_freed_in_threads);
    tcase_add_test(tests, a_forked_child_works_on);
    tcase_add_test(tests, a_fork_while_the_pool_is_busy_works_on);
    tcase_add_test(tests, a_fork_while_the_context_is_locked_works_on);
    tcase_add_test(tests, a_forked_childs_loader_says_so);
    tcase_add_test(tests, an_idle_context_uses_no_cpu);
    int failed = trust_run();
    return trust_end(failed, "threads: %ld threads, %ld forks", threads_run, forks_made);
}
