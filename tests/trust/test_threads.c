/* Threads: contexts side by side, one model that serves eight threads, contexts created and freed in any thread, and
 * idle pools, which use no CPU. It also runs under ThreadSanitizer and Helgrind. */
#include "trust/work.h"

#include <pthread.h>
#include <time.h>

static long threads_run;

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
    /* It is made in a thread that is gone, used and freed here. */
    cnn_context *ctx = NULL;
    run_threads(1, make_only, (void *[]){ &ctx });
    ck_assert_ptr_nonnull(ctx);
    ck_assert(train_on(ctx) == train(1));
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
    cnn_loader *loader = cnn_loader_new(cnn_dataset_from_tensors(x, y), 6);
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
    tcase_add_test(tests, an_idle_context_uses_no_cpu);
    int failed = trust_run();
    return trust_end(failed, "threads: %ld threads", threads_run);
}
