/* The thread pool: workers sleep on a condition variable, wake for a job, and run its tasks. docs/diagrams.md draws the
 * states of a job.
 *
 * The tasks of a job are divided into one range per worker; a worker that has finished its own range takes tasks that
 * are left in another's. Each worker therefore runs the same part of successive jobs and finds in its caches what it
 * left there.
 *
 * One atomic word opens and closes a job, so a worker that wakes late finds the job closed and goes back to sleep, and
 * the caller never waits for it. Idle workers spin for some tens of microseconds and then sleep: an idle pool uses no
 * CPU.
 *
 * The system may wake a worker on the CPU of its caller. The two would then take turns of some milliseconds each on
 * that CPU while a task that was already taken waits, and the pool would be slower than one thread. A worker therefore
 * takes no part in a job while it is on the CPU that the job was opened on: it yields, which lets the caller go on and
 * lets an idle CPU pull the worker over. The pool does not set an affinity mask for this purpose, because that would
 * undo a mask that somebody else sets in the meantime. */
#include "base/pool.h"

#include "base/context.h"
#include "platform/annotate.h"
#include "platform/float_mode.h"
#include "platform/process.h"
#include "platform/thread.h"
#include "platform/vectors.h"

enum {
    SPINS = 2000, /* pause instructions: 20 to 100 µs, longer than the serial stretches within a step */
    YIELDS = 64
};

/* The fields of the state word: the job's number, whether it is open, and how many workers are inside. */
static const uint64_t INSIDE = 0xffff, OPEN = 0x10000, NUMBER = 0x20000;

/* A cache line goes from core to core in 0.03 to 0.16 µs. What a caller and a worker tell each other for each job has
 * three: one that idle workers look at all the time, one that the caller fills in undisturbed, and the worker's
 * range. */
struct cnn__pool {
    _Alignas(64) atomic_uint_fast64_t state;
    atomic_int sleepers;
    atomic_int caller_cpu; /* the CPU that the job was opened on; unlike the other fields, may be read at any time */
    atomic_bool stop;
    _Alignas(64) cnn__task_fn fn;
    void *arg;
    cnn__float_mode mode; /* the caller's floating-point mode */
    int shares;           /* number of ranges; the first workers have one each */
    atomic_flag busy;
    cnn_context *ctx; /* for its allocator alone */
    int size;         /* number of workers, including the caller */
    int started;      /* number of threads that exist */
    uint64_t process; /* the process that the threads belong to: a forked child has none */
    cnn__mutex lock;
    cnn__condition wake, done;
    struct worker {
        _Alignas(64) atomic_int_fast64_t next; /* next task of its range */
        int64_t end;                           /* end of its range */
        cnn__pool *pool;
        int number;
        cnn__thread thread;
    } workers[];
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void run_tasks(cnn__pool *pool, int worker)
{
    for (int i = 0; i < pool->shares; i++) {
        struct worker *of = &pool->workers[(worker + i) % pool->shares];
        int64_t task;
        while ((task = atomic_fetch_add_explicit(&of->next, 1, memory_order_relaxed)) < of->end) {
            pool->fn(pool->arg, task, worker);
        }
    }
    cnn__vectors_leave();
}

static bool news(cnn__pool *pool, uint64_t seen)
{
    uint64_t state = atomic_load(&pool->state);
    return atomic_load(&pool->stop) || ((state & OPEN) && state / NUMBER != seen);
}

/* Always false under Valgrind, which runs one thread at a time on whichever CPU. */
static bool shares_callers_cpu(cnn__pool *pool)
{
#ifdef CNN_HELGRIND
    (void)pool;
    return false;
#else
    int cpu = cnn__thread_cpu();
    return cpu >= 0 && cpu == atomic_load_explicit(&pool->caller_cpu, memory_order_relaxed);
#endif
}

static void wait_for_news(cnn__pool *pool, uint64_t seen)
{
    int spins = shares_callers_cpu(pool) ? 1 : SPINS;
    for (int i = 0; i < spins; i++) {
        if (news(pool, seen)) {
            return;
        }
        pause_briefly();
    }
    cnn__mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!news(pool, seen)) {
        cnn__condition_wait(&pool->wake, &pool->lock);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    cnn__mutex_unlock(&pool->lock);
}

/* Waits until this thread is no longer on the CPU of its caller. Returns false if the job, which follows number `seen`,
 * ended in the meantime, or after YIELDS attempts. */
static bool leaves_callers_cpu(cnn__pool *pool, uint64_t seen)
{
    for (int i = 0; i < YIELDS && news(pool, seen); i++) {
        if (!shares_callers_cpu(pool)) {
            return true;
        }
        cnn__thread_yield();
    }
    return false;
}

/* Enters the job if it is still open. The job's fields may be read only between enter() and leave(). */
static bool pool_enter(cnn__pool *pool, uint64_t *seen)
{
    uint64_t state = atomic_load(&pool->state);
    while ((state & OPEN) && state / NUMBER != *seen) {
        if (atomic_compare_exchange_weak(&pool->state, &state, state + 1)) {
            CNN__HAPPENS_AFTER(&pool->fn);
            *seen = state / NUMBER;
            return true;
        }
    }
    return false;
}

static void pool_leave(cnn__pool *pool)
{
    CNN__HAPPENS_BEFORE(&pool->shares);
    uint64_t state = atomic_fetch_sub(&pool->state, 1) - 1;
    if (!(state & OPEN) && !(state & INSIDE)) {
        cnn__mutex_lock(&pool->lock);
        cnn__condition_signal(&pool->done);
        cnn__mutex_unlock(&pool->lock);
    }
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    cnn__pool *pool = worker->pool;
    uint64_t seen = UINT64_MAX;
    for (;;) {
        wait_for_news(pool, seen);
        if (atomic_load(&pool->stop)) {
            return NULL;
        }
        uint64_t job = atomic_load(&pool->state) / NUMBER;
        if (!leaves_callers_cpu(pool, seen)) {
            seen = job;
        } else if (pool_enter(pool, &seen)) {
            cnn__float_mode_set(pool->mode);
            run_tasks(pool, worker->number);
            pool_leave(pool);
        }
    }
}

static cnn_status start_workers(cnn__pool *pool)
{
    int error = 0;
    for (int i = 1; i < pool->size && !error; i++) {
        struct worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->number = i;
        error = cnn__thread_start(&worker->thread, worker_main, worker);
        pool->started += !error;
    }
    return error ? CNN_ERROR_THREAD : CNN_OK;
}

static void annotate(cnn__pool *pool)
{
    CNN__ATOMIC(&pool->busy);
    CNN__ATOMIC(&pool->stop);
    CNN__ATOMIC(&pool->state);
    CNN__ATOMIC(&pool->sleepers);
    CNN__ATOMIC(&pool->caller_cpu);
    for (int i = 0; i < pool->size; i++) {
        CNN__ATOMIC(&pool->workers[i].next);
    }
}

cnn__pool *cnn__pool_new(cnn_context *ctx, int threads)
{
    size_t bytes = sizeof(cnn__pool) + (size_t)threads * sizeof(struct worker);
    cnn__pool *pool = cnn__calloc(ctx, 1, bytes);
    if (!pool) {
        cnn__fail_memory(NULL, "context_create", bytes);
        return NULL;
    }
    pool->ctx = ctx;
    pool->size = threads;
    pool->process = cnn__process();
    atomic_flag_clear(&pool->busy);
    annotate(pool);
    cnn__mutex_init(&pool->lock);
    cnn__condition_init(&pool->wake);
    cnn__condition_init(&pool->done);
    if (start_workers(pool) != CNN_OK) {
        cnn__fail(NULL, CNN_ERROR_THREAD, "context_create: thread %d of %d could not be created", pool->started + 2,
                  threads);
        cnn__pool_free(pool);
        return NULL;
    }
    return pool;
}

/* In a forked child the threads do not exist, and the lock may be held by a thread of the parent for ever. */
static bool is_ours(const cnn__pool *pool)
{
    return pool->process == cnn__process();
}

void cnn__pool_free(cnn__pool *pool)
{
    if (!pool) {
        return;
    }
    if (is_ours(pool)) {
        cnn__mutex_lock(&pool->lock);
        atomic_store(&pool->stop, true);
        cnn__condition_broadcast(&pool->wake);
        cnn__mutex_unlock(&pool->lock);
        int cancel = cnn__cancel_defer();
        for (int i = 1; i <= pool->started; i++) {
            cnn__thread_join(&pool->workers[i].thread);
        }
        cnn__cancel_restore(cancel);
        cnn__condition_destroy(&pool->done);
        cnn__condition_destroy(&pool->wake);
        cnn__mutex_destroy(&pool->lock);
    }
    cnn__free(pool->ctx, pool);
}

int cnn__pool_size(const cnn__pool *pool)
{
    return pool ? pool->size : 1;
}

/* The number of ranges of a job. */
static int shares_of(const cnn__pool *pool, int64_t tasks)
{
    int size = cnn__pool_size(pool);
    return tasks < size ? (int)tasks : size;
}

static int64_t range_begin(int64_t tasks, int shares, int range)
{
    return tasks * range / shares;
}

int64_t cnn__pool_turned(const cnn__pool *pool, int64_t tasks, int64_t task)
{
    int shares = shares_of(pool, tasks), range = 0;
    while (range_begin(tasks, shares, range + 1) <= task) {
        range++;
    }
    return range_begin(tasks, shares, range) + range_begin(tasks, shares, range + 1) - 1 - task;
}

static void open_job(cnn__pool *pool, int64_t tasks, cnn__task_fn fn, void *arg)
{
    pool->fn = fn;
    pool->arg = arg;
    pool->mode = cnn__float_mode_get();
    pool->shares = shares_of(pool, tasks);
    for (int i = 0; i < pool->shares; i++) {
        atomic_store_explicit(&pool->workers[i].next, range_begin(tasks, pool->shares, i), memory_order_relaxed);
        pool->workers[i].end = range_begin(tasks, pool->shares, i + 1);
    }
    atomic_store_explicit(&pool->caller_cpu, cnn__thread_cpu(), memory_order_relaxed);
    uint64_t number = atomic_load(&pool->state) / NUMBER;
    CNN__HAPPENS_BEFORE(&pool->fn);
    atomic_store(&pool->state, (number + 1) * NUMBER + OPEN);
    if (atomic_load(&pool->sleepers) > 0) {
        cnn__mutex_lock(&pool->lock);
        cnn__condition_broadcast(&pool->wake);
        cnn__mutex_unlock(&pool->lock);
    }
}

static void close_job(cnn__pool *pool)
{
    atomic_fetch_and(&pool->state, ~OPEN);
    for (int i = 0; i < SPINS; i++) {
        if (!(atomic_load(&pool->state) & INSIDE)) {
            return;
        }
        pause_briefly();
    }
    int cancel = cnn__cancel_defer();
    cnn__mutex_lock(&pool->lock);
    while (atomic_load(&pool->state) & INSIDE) {
        cnn__condition_wait(&pool->done, &pool->lock);
    }
    cnn__mutex_unlock(&pool->lock);
    cnn__cancel_restore(cancel);
}

void cnn__pool_run(cnn__pool *pool, int64_t tasks, double work, cnn__task_fn fn, void *arg)
{
    bool shared =
        pool && tasks > 1 && work >= CNN__POOL_GRAIN && is_ours(pool) && !atomic_flag_test_and_set(&pool->busy);
    if (!shared) {
        for (int64_t task = 0; task < tasks; task++) {
            fn(arg, task, 0);
        }
        return;
    }
    CNN__HAPPENS_AFTER(&pool->busy);
    open_job(pool, tasks, fn, arg);
    run_tasks(pool, 0);
    close_job(pool);
    CNN__HAPPENS_AFTER(&pool->shares);
    CNN__HAPPENS_BEFORE(&pool->busy);
    atomic_flag_clear(&pool->busy);
}
