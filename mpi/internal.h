/* The inside of libcnn-mpi: the group's queue of jobs, messages, and the sums over parts of a batch. */
#ifndef CNN_MPI_INTERNAL_H
#define CNN_MPI_INTERNAL_H

#include <cnn/group.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Reports a failure of `ctx` with a message in the library's form; returns `status`. */
cnn_status cnn__mpi_fail(cnn_context *ctx, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads an options struct of a caller that may be older or newer; `known` bytes of it have a meaning here. */
cnn_status cnn__mpi_options_read(cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                                 const void *given);

double cnn__mpi_now(void); /* seconds of a monotonic clock */

/* ---- jobs: everything that is sent is sent by one thread, in the order in which it was asked for ---- */
typedef struct cnn__job cnn__job;
struct cnn__job {
    cnn_status (*run)(cnn_group *group, void *argument); /* may wait for messages */
    void *argument;
    cnn__job *next;
    cnn_status status;
    bool done;
};

enum { REASON = 256 }; /* bytes of what cnn_transport.tell() tells */

typedef struct cnn__request {
    void *of_transport;
    int64_t number; /* grows from one to the next */
} cnn__request;

struct cnn_group {
    cnn_context *ctx; /* borrowed */
    cnn_transport transport;
    double timeout;
    /* What the current job waits for. */
    cnn__request *requests; /* in the order of their numbers */
    int request_count, request_room;
    int64_t next_number;
    /* The queue, under `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    cnn__job *first, *last;
    bool threaded, ends;
    pthread_t thread;
    /* Why nothing works any more; written once, under `lock`. */
    cnn_status broken;
    char reason[REASON];
    bool untold; /* the others do not know it yet */
    /* Signs of life (alive.c). */
    double silence;        /* seconds without one that are allowed, under `lock`; 0: any */
    bool beats;            /* signs are given and awaited */
    bool leaves;           /* this process has given its last one */
    bool heard, left;      /* the process before this one has given one; it has given its last one */
    double looked, silent; /* when signs were looked for, and the seconds for which none came */
    atomic_ulong calls;    /* odd while the group's thread is within a call of the transport's */
    bool abandoned;        /* the group's thread does not return from a call: its memory stays as it is; under `lock` */
    void *held;            /* what it was given, which stays as long as the process */
    unsigned long watched; /* `calls` when the waiting thread last looked, */
    double watched_at, unmoved; /* when that was, and for how many seconds it has been the same call */
};

void cnn__group_begin_job(cnn_group *group, cnn__job *job); /* `job` stays where it is until it was waited for */
cnn_status cnn__group_wait(cnn_group *group, cnn__job *job, const char *call);
cnn_status cnn__group_settle(cnn_group *group, cnn__job *job); /* waits for it without a message */
cnn_status cnn__group_run(cnn_group *group, const char *call, cnn_status (*run)(cnn_group *, void *), void *argument);

/* ---- signs of life (alive.c) ---- */

/* Every call of the transport by the thread that runs the jobs stands between these two. The second does not return
 * where the group was abandoned in the meantime. */
void cnn__group_enter(cnn_group *group);
void cnn__group_leave(cnn_group *group);
/* Gives and looks for signs of life when it is time; breaks the group where none came for too long, or where this
 * process `waits` within a job for one that has freed its group. Called by the thread that runs the jobs. */
void cnn__group_live(cnn_group *group, bool waits);
/* A job: gives the last sign, and returns when all processes have come to it. */
cnn_status cnn__group_part(cnn_group *group, void *argument);
/* Waits on `condition` with the group's lock held, until half a second is over at most. */
void cnn__group_doze(cnn_group *group, pthread_cond_t *condition);
/* Whether the group's thread has been within one call of the transport's for too long, which breaks the group and
 * abandons that thread. Called with the lock held by the thread that waits. */
bool cnn__group_is_stuck(cnn_group *group);

/* Within a job: messages begin at once, and cnn__group_finish() waits for all of them, cnn__group_finish_until() for
 * those that began before group->next_number was `number`. */
cnn_status cnn__group_send(cnn_group *group, int to, const void *data, size_t bytes);
cnn_status cnn__group_receive(cnn_group *group, int from, void *data, size_t bytes);
cnn_status cnn__group_finish(cnn_group *group);
cnn_status cnn__group_finish_until(cnn_group *group, int64_t number);
cnn_status cnn__group_broadcast_now(cnn_group *group, void *data, size_t bytes, int root);
/* Breaks the group, and tells the others. Also outside of a job. */
cnn_status cnn__group_break(cnn_group *group, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds `request` to those that cnn__group_finish() waits for. */
cnn_status cnn__group_note(cnn_group *group, void *request);

/* ---- the tree over the parts of a batch (tree.c) ---- */
typedef struct cnn__parts {
    int shards, ranks;
    int filled; /* how many parts this batch has; the others are absent */
} cnn__parts;

/* The first part of a rank; that of `rank + 1` ends its range. */
int cnn__parts_first(const cnn__parts *parts, int rank);
/* How many sums of whole subtrees a rank ends with. */
int cnn__parts_nodes(const cnn__parts *parts, int rank);
/* How many sums a rank holds at most at once, over all batches. */
int cnn__parts_depth(const cnn__parts *parts, int rank);
/* For each part of a rank, in order: how many times the two newest sums are joined after it. */
void cnn__parts_joins(const cnn__parts *parts, int rank, int *joins);

/* A range of elements that is summed over all ranks, piece by piece. stack[k] is this rank's k-th sum; the result is in
 * stack[0]. */
typedef struct cnn__range_sum {
    const cnn__parts *parts;
    char *const *stack;   /* at least one */
    size_t offset;        /* bytes */
    int64_t count, piece; /* elements; the last piece may be smaller */
    cnn_dtype dtype;      /* CNN_F32 or CNN_F64 */
    char *received;       /* cnn__range_sum_room() bytes for each of the pieces that are on their way at once */
    size_t room;
    int64_t sent; /* bytes; added to */
} cnn__range_sum;

enum { PIECES_AT_ONCE = 2 };
/* A multiple of the alignment of every dtype; `bytes` are those of a piece. */
size_t cnn__range_sum_room(const cnn__parts *parts, int rank, size_t bytes);
cnn_status cnn__range_sum_now(cnn_group *group, cnn__range_sum *sum);
void cnn__add(cnn_dtype dtype, void *to, const void *from, int64_t count);

/* ---- data_parallel.c and step.c ---- */
typedef struct cnn__entry { /* a gradient or a buffer */
    cnn_tensor *tensor;
    int64_t numel;
    size_t offset; /* where its elements are in each sum, bytes */
    size_t before; /* those of a buffer in `before` */
    int bucket;
    cnn_dtype dtype, summed; /* bfloat16 is summed as float32 */
    bool is_buffer, final;
} cnn__entry;

typedef struct cnn__bucket {
    cnn__job job;
    cnn_data_parallel *parallel;
    cnn__range_sum sum;
    int entries, missing; /* how many gradients it has, and how many of them are not final yet */
    bool begun;
    double seconds;
} cnn__bucket;

struct cnn_data_parallel {
    cnn_group *group;
    cnn_module *module;
    cnn_context *ctx;
    cnn_loader *loader;
    cnn_data_parallel_options o;
    int64_t most_piece; /* bytes; 0: as many as the slices want */
    cnn__parts parts;
    int64_t samples, part_size, steps;
    /* Entries in the order in which they are sent: parameters from the last to the first, then buffers. */
    cnn__entry *entries, **by_tensor;
    int entry_count, gradient_count;
    cnn__bucket *buckets;
    int bucket_count, next_bucket;
    char **stack; /* `depth` sums of `bytes` */
    int depth;
    size_t bytes;
    char *before; /* the buffers before the step: entries' in their summed dtype, then those of integers */
    size_t integers_before;
    cnn_tensor **integers;
    int integer_count;
    char *scratch; /* room for the elements of any entry */
    int *joins;
    bool sync_norm; /* forward and backward are collective */
    /* The step. */
    bool in_step, part_open;
    int64_t step, epoch;         /* the number of the step in the epoch, and that of the epoch */
    int64_t batch, part_samples; /* the samples of the step, and those of the open part */
    int first, end, next, top;   /* this rank's parts; the next of them; how many sums there are */
    bool last_part;
    cnn_gradient_fn callers_call; /* what the tape of the open part called before, while backward runs */
    void *callers_user;
    uint64_t stream;
    cnn_status status; /* the first failure of this rank in the step */
    char message[512];
    double begun;
    cnn_data_parallel_times times;
};

/* watch.c: ends the process if nobody says within the time that a call of MPI's is over, which may hang without a limit
 * of its own. */
typedef struct cnn__watch {
    pthread_mutex_t lock;
    pthread_cond_t over;
    pthread_t thread, caller;
    struct timespec until;
    bool is_over, runs, halts; /* runs: there is a thread */
    int status;                /* the exit status of the process */
} cnn__watch;

/* Returns whether there is a thread that watches. */
bool cnn__watch_begin(cnn__watch *w, double seconds, int status);
/* As well halts the calling thread when the time is over, and then ends the process as one whose work is done. */
bool cnn__watch_begin_halting(cnn__watch *w, double seconds, int status);
void cnn__watch_end(cnn__watch *w);

/* sync_norm.c: whether a module or one below it sums over the group in its forward. */
bool cnn__has_sync_norm(const cnn_module *module);

/* entry.c: elements of gradients and buffers in the dtype that they are summed in. */
const void *cnn__entry_read(cnn_data_parallel *p, const cnn__entry *e, cnn_tensor *from); /* NULL on failure */
cnn_status cnn__entry_write(cnn_data_parallel *p, const cnn__entry *e, cnn_tensor *to, const void *elements);
cnn_status cnn__buffers_read(cnn_data_parallel *p);
cnn_status cnn__buffers_restore(cnn_data_parallel *p);

#endif
