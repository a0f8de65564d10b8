/* Dropout of blocks, such as the channels of a picture, and dropout that moves what it keeps and what it drops. Which
 * block stays is a pure function of the key and the block's number, so tasks draw in any order. */
#include "base/random.h"
#include "kernels/launch.h"

enum { DROP_TASK = 1 << 14 /* elements */ };

typedef struct drop_job {
    const cnn_drop_blocks_parameters *p;
    bool f64;
    int64_t n;
    const void *x;
    void *y;
    uint32_t threshold;
} drop_job;

#define X float
#define FN(name) name##_f32
#include "kernels/drop_blocks_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/drop_blocks_impl.h"

static void drop_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const drop_job *job = arg;
    int64_t inner = job->p->inner, at = task * DROP_TASK;
    int64_t end = job->n - at < DROP_TASK ? job->n : at + DROP_TASK, block = at / inner;
    uint32_t draws[CNN__DRAWS];
    while (at < end) { /* the blocks of one group of draws */
        int64_t first = block / CNN__DRAWS * CNN__DRAWS, past = (first + CNN__DRAWS) * inner;
        cnn__philox_group(job->p->key, (uint64_t)first / 4, draws);
        past = past < end ? past : end;
        (job->f64 ? drop_group_f64 : drop_group_f32)(job, draws, first, at, past);
        at = past;
        block = first + CNN__DRAWS;
    }
}

static bool run_drop_blocks(cnn__cpu_call *j)
{
    const cnn_drop_blocks_parameters *p = j->l->parameters;
    drop_job job = { p, j->l->dtype == CNN_F64, j->l->count, j->l->in[0], j->l->out[0], cnn__dropout_threshold(p->p) };
    cnn__pool_run(j->pool, (job.n + DROP_TASK - 1) / DROP_TASK, 4 * (double)job.n, drop_task, &job);
    return true;
}

const cnn__cpu_kernel cnn__cpu_drop_blocks = {
    .run = run_drop_blocks, .flops = 2, .measure = cnn__measure_counted, .in = "x", .out = "x"
};
