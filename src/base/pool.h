/* The thread pool of a context.
 *
 * Work is cut into tasks whose number and borders depend on the problem alone, never on the number of threads;
 * that is what makes results bit-identical for any thread count. The pool only decides who runs which task. */
#ifndef CNN_BASE_POOL_H
#define CNN_BASE_POOL_H

#include "base/target.h"

#include <stdint.h>

struct cnn_context;
typedef struct cnn__pool cnn__pool;

/* Runs task number `task`. `worker` is in [0, cnn__pool_size): no two tasks run at once under one worker number,
 * so it may index per-worker scratch memory, but no result may depend on it. */
typedef void (*cnn__task_fn)(void *arg, int64_t task, int worker);

/* Work below this many elementary operations (about 10 µs) is run by the caller alone. */
#define CNN__POOL_GRAIN 32768

cnn__pool *cnn__pool_new(struct cnn_context *ctx, int threads);
void cnn__pool_free(cnn__pool *pool);

/* How many worker numbers there are; 1 for a NULL pool. */
int cnn__pool_size(const cnn__pool *pool);

/* Runs fn(arg, 0..tasks-1, worker) and returns when all are done. `work` estimates the elementary operations of the
 * whole call: small calls never leave the calling thread. Cannot fail. A NULL pool runs everything here, and so does a
 * pool that another thread is using at the moment. */
void cnn__pool_run(cnn__pool *pool, int64_t tasks, double work, cnn__task_fn fn, void *arg);

/* The task to do for `task` of `tasks` where each worker is to go through its part from the end. What reads more
 * than the caches hold, and is done again and again, finds there what it read last when it turns around each time. */
int64_t cnn__pool_turned(const cnn__pool *pool, int64_t tasks, int64_t task);

#endif
