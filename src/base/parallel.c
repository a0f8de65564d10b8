/* The pool for functions of the user's. Items are cut into ranges by their number and cost alone; every range runs
 * whatever becomes of the others, and of those that fail the first is reported, so that nothing depends on the number
 * of threads. */
#include "base/context.h"
#include "base/pool.h"
#include "platform/thread.h"

#include <inttypes.h>
#include <string.h>

/* RANGE_COST is a fair part of what is worth a second thread. */
enum { RANGE_COST = CNN__POOL_GRAIN / 4, MAX_RANGES = 4096 };

typedef struct parallel {
    cnn_context *ctx;
    cnn_range_fn fn;
    void *user;
    int64_t count, per_range;
    cnn__mutex lock; /* guards the failure */
    int64_t failed;  /* the first range that failed; −1: none */
    cnn_status status;
    char cause[CNN__MESSAGE_SIZE]; /* the message of the library's call that failed in it; "" */
} parallel;

static int64_t end_of(const parallel *p, int64_t range)
{
    int64_t begin = range * p->per_range;
    return p->count - begin < p->per_range ? p->count : begin + p->per_range;
}

static void note_failure(parallel *p, int64_t range, cnn_status status, const char *cause)
{
    cnn__mutex_lock(&p->lock);
    if (p->failed < 0 || range < p->failed) {
        p->failed = range;
        p->status = status;
        cnn__message(p->cause, sizeof p->cause, "%s", cause);
    }
    cnn__mutex_unlock(&p->lock);
}

static void run_range(void *arg, int64_t range, int worker)
{
    parallel *p = arg;
    unsigned long failures = cnn__failure_number();
    (void)worker;
    cnn_status status = p->fn(range * p->per_range, end_of(p, range), p->user);
    if (status != CNN_OK) {
        note_failure(p, range, status, cnn__failure_number() != failures ? cnn__failure_message() : "");
    }
}

/* a / b, rounded up; both are positive. */
static int64_t parallel_divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static int64_t items_per_range(int64_t count, double cost)
{
    double by_cost = cost > 0 ? (double)RANGE_COST / cost : (double)count;
    int64_t most = by_cost < (double)count ? (int64_t)by_cost : count, least = parallel_divide_up(count, MAX_RANGES);
    most = most > 1 ? most : 1;
    return most > least ? most : least;
}

static cnn_status parallel_check(const cnn_context *ctx, const char *call, int64_t count, double cost, bool has_fn)
{
    if (!ctx || !has_fn) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "fn" : "ctx");
    }
    if (count < 0) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %" PRId64 ", expected 0 or more", call, count);
    }
    if (!(cost >= 0) || cost > 1e300) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: cost is %s, expected a finite number of at least 0",
                         call, CNN__G(cost));
    }
    return CNN_OK;
}

static cnn_status parallel_report(const parallel *p, const char *call)
{
    if (p->failed < 0) {
        return CNN_OK;
    }
    return cnn__fail(p->ctx, CNN_ERROR_CALLBACK, "%s: fn returned %s for items %" PRId64 " to %" PRId64 "%s%s%s", call,
                     cnn_status_name(p->status), p->failed * p->per_range, end_of(p, p->failed) - 1,
                     *p->cause ? " (" : "", p->cause, *p->cause ? ")" : "");
}

cnn_status cnn_parallel_for(cnn_context *ctx, int64_t count, double cost, cnn_range_fn fn, void *user)
{
    const char *call = "parallel_for";
    cnn_status status = parallel_check(ctx, call, count, cost, fn != NULL);
    if (status != CNN_OK || count == 0) {
        return status;
    }
    parallel p = { .ctx = ctx, .fn = fn, .user = user, .count = count, .failed = -1 };
    p.per_range = items_per_range(count, cost);
    if (cnn__mutex_init(&p.lock) != 0) {
        return cnn__fail(ctx, CNN_ERROR_NO_MEMORY, "%s: could not create a mutex", call);
    }
    int cancel = cnn__cancel_defer();
    cnn__pool_run(ctx->pool, parallel_divide_up(count, p.per_range), (double)count * cost, run_range, &p);
    cnn__cancel_restore(cancel);
    cnn__mutex_destroy(&p.lock);
    return parallel_report(&p, call);
}
