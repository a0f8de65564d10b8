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

/* y = x · factor + shift for elements [begin, end) */
static void drop_move(const drop_job *job, int64_t begin, int64_t end, double factor, double shift)
{
    if (job->f64) {
        for (int64_t i = begin; i < end; i++) {
            ((double *)job->y)[i] = ((const double *)job->x)[i] * factor + shift;
        }
        return;
    }
    const float f = (float)factor, s = (float)shift;
    for (int64_t i = begin; i < end; i++) {
        ((float *)job->y)[i] = ((const float *)job->x)[i] * f + s;
    }
}

static void drop_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const drop_job *job = arg;
    const cnn_drop_blocks_parameters *p = job->p;
    uint32_t draws[CNN__DRAWS];
    int64_t drawn = -1, at = task * DROP_TASK, end = job->n - at < DROP_TASK ? job->n : at + DROP_TASK;
    while (at < end) {
        int64_t block = at / p->inner, group = block / CNN__DRAWS, left = (block + 1) * p->inner - at;
        int64_t past = left < end - at ? at + left : end;
        if (group != drawn) {
            cnn__philox_group(p->key, (uint64_t)group * CNN__GROUP, draws);
            drawn = group;
        }
        bool keep = p->p < 1 && draws[block % CNN__DRAWS] >= job->threshold;
        drop_move(job, at, past, keep ? p->scale : 0, keep ? p->kept : p->dropped);
        at = past;
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
    .run = run_drop_blocks, .measure = cnn__measure_counted, .in = "x", .out = "x"
};
