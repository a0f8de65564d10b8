/* The thread pool of a context.
 *
 * Work is divided into tasks whose number and borders depend on the problem alone and never on the number of
 * threads, which makes results bit-identical for any thread count. The pool only decides which thread runs which
 * task. */
#ifndef CNN_BASE_POOL_H
#define CNN_BASE_POOL_H

#include "platform/target.h"

#include <stdint.h>

struct cnn_context;
typedef struct cnn__pool cnn__pool;

/* Runs task number `task`. `worker` is in [0, cnn__pool_size), and no two tasks run at the same time under the same
 * worker number, so it may be used to index per-worker scratch memory. No result may depend on it. */
typedef void (*cnn__task_fn)(void *arg, int64_t task, int worker);

/* Work below this many elementary operations (about 10 µs) is run by the caller alone. */
#define CNN__POOL_GRAIN 32768

cnn__pool *cnn__pool_new(struct cnn_context *ctx, int threads);
void cnn__pool_free(cnn__pool *pool);

/* The number of workers; 1 for a NULL pool. */
int cnn__pool_size(const cnn__pool *pool);

/* Runs fn(arg, 0..tasks-1, worker) and returns when all are done. `work` estimates the elementary operations of the
 * whole call: small calls never leave the calling thread. Cannot fail. A NULL pool runs everything here, and so does a
 * pool that another thread is using at the moment. */
void cnn__pool_run(cnn__pool *pool, int64_t tasks, double work, cnn__task_fn fn, void *arg);

/* Maps a task to the one at the mirrored position of its worker's range, so that each worker runs its range in
 * reverse. Repeated work that reads more than the caches hold alternates between the two orders and so finds in the
 * caches what it read last. */
int64_t cnn__pool_turned(const cnn__pool *pool, int64_t tasks, int64_t task);

#endif
