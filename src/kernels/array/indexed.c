/* Elements that are read or written where indices say: torch.gather, scatter and scatter_add. What an index moves
 * along is the last dimension of a scatter's nest, and the others are its lines. No two lines write the same
 * element, so lines are shared out among tasks, and within a line indices count in their order: results do not
 * depend on the threads. */
#include "kernels/array/nest.h"
#include "kernels/launch.h"

#include <string.h>

typedef cnn_index_parameters indexed_parameters;

enum { INDEXED_ACROSS = 64 }; /* neighbouring lines of a task, at least, where lines are taken together */

/* n elements of both operands and of the index. */
typedef struct indexed_run {
    int64_t n;
    void *to;
    const void *from, *index;
    int64_t to_stride, from_stride, index_stride; /* from one element of the run to the next */
    int64_t to_step, from_step;                   /* from what one index names to what the next one does */
    bool wide;                                    /* indices are i64, else i32 */
} indexed_run;

static inline int64_t indexed_at(const indexed_run *r, int64_t i)
{
    return r->wide ? ((const int64_t *)r->index)[i * r->index_stride]
                   : ((const int32_t *)r->index)[i * r->index_stride];
}

/* What hardly any program does is kept small. */
#define RARELY __attribute__((cold))

#define PUT(to, from) (to) = (from)
#define GATHERS
#define SPEED
#define X cnn__bits_8
#define NAME indexed_move_8
#include "kernels/array/indexed_impl.h"
#define X cnn__bits_4
#define NAME indexed_move_4
#include "kernels/array/indexed_impl.h"
#define X cnn__bits_2
#define NAME indexed_move_2
#include "kernels/array/indexed_impl.h"
#undef SPEED
#define SPEED RARELY
#define X cnn__bits_1
#define NAME indexed_move_1
#include "kernels/array/indexed_impl.h"
#undef PUT
#undef GATHERS
#undef SPEED

#define PUT(to, from) (to) += (from)
#define SPEED
#define X float
#define NAME indexed_add_f32
#define ADDS
#include "kernels/array/indexed_impl.h"
#undef ADDS
#undef SPEED
#define SPEED RARELY
#define X double
#define NAME indexed_add_f64
#include "kernels/array/indexed_impl.h"
#undef PUT

/* Integers wrap. */
#define PUT(to, from) (to) = (X)((uint64_t)(to) + (uint64_t)(from))
#define X cnn__bits_8
#define NAME indexed_add_i64
#include "kernels/array/indexed_impl.h"
#define X cnn__bits_4
#define NAME indexed_add_i32
#include "kernels/array/indexed_impl.h"
#define X cnn__bits_1
#define NAME indexed_add_u8
#include "kernels/array/indexed_impl.h"
#undef PUT

typedef void (*indexed_fn)(const indexed_run *run);

static const indexed_fn indexed_move[] = {
    [1] = indexed_move_1, [2] = indexed_move_2, [4] = indexed_move_4, [8] = indexed_move_8
};
static const indexed_fn indexed_add[] = { [CNN_F32] = indexed_add_f32,
                                          [CNN_F64] = indexed_add_f64,
                                          [CNN_I64] = indexed_add_i64,
                                          [CNN_I32] = indexed_add_i32,
                                          [CNN_U8] = indexed_add_u8 };

typedef struct indexed_job {
    indexed_run run; /* what all runs share */
    cnn__nest lines;
    int64_t n, along[3];  /* how often the last loop runs, and its strides */
    bool across;          /* several lines at a time: their elements are closer than those of one */
    int64_t count, group; /* lines in all, and of a task */
    size_t size;
    indexed_fn fn;
} indexed_job;

/* The part of `lines` lines from the cursor on, n elements each. */
static void indexed_lines(const indexed_job *j, const cnn__cursor *cursor, int64_t lines)
{
    const int last = j->lines.ndim - 1;
    int64_t step[3] = { 0, 0, 0 };
    for (int k = 0; k < 3 && last >= 0; k++) {
        step[k] = j->lines.stride[k][last];
    }
    const int64_t *inside = j->across ? step : j->along, *outside = j->across ? j->along : step;
    const int64_t index_size = j->run.wide ? 8 : 4, size = (int64_t)j->size;
    indexed_run run = j->run;
    run.n = j->across ? lines : j->n;
    run.to_stride = inside[0];
    run.from_stride = inside[1];
    run.index_stride = inside[2];
    for (int64_t i = 0; i < (j->across ? j->n : lines); i++) {
        run.to = (char *)j->run.to + (cursor->offset[0] + i * outside[0]) * size;
        run.from = (const char *)j->run.from + (cursor->offset[1] + i * outside[1]) * size;
        run.index = (const char *)j->run.index + (cursor->offset[2] + i * outside[2]) * index_size;
        j->fn(&run);
    }
}

static void indexed_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const indexed_job *j = arg;
    int64_t left = cnn__min(j->group, j->count - task * j->group);
    cnn__cursor cursor;
    cnn__cursor_seek(&cursor, &j->lines, task * j->group);
    for (;;) {
        int64_t lines = cnn__min(left, cnn__cursor_run(&cursor));
        indexed_lines(j, &cursor, lines);
        left -= lines;
        if (left == 0) {
            return;
        }
        cnn__cursor_advance(&cursor, lines);
    }
}

static bool indexed_run_all(const cnn__cpu_call *c, indexed_job *j)
{
    const indexed_parameters *p = c->l->parameters;
    j->run.to = c->l->out[0];
    j->run.from = c->l->in[0];
    j->run.index = c->l->in[1];
    j->run.wide = p->index_dtype == CNN_I64;
    j->size = cnn__array_size(c->l->dtype);
    j->count = cnn__nest_count(&j->lines);
    j->group = cnn__max(j->across ? INDEXED_ACROSS : 1, CNN__NEST_TASK / cnn__max(1, j->n));
    if (j->count && j->n) {
        cnn__pool_run(c->pool, cnn__ceil_div(j->count, j->group), (double)j->count * (double)j->n * 4, indexed_task, j);
    }
    return true;
}

/* Each element of the result is a line. */
static bool run_gather(cnn__cpu_call *c)
{
    const indexed_parameters *p = c->l->parameters;
    indexed_job j = { .run = { .from_step = p->step }, .lines = p->nest, .n = 1, .across = true };
    j.fn = indexed_move[cnn__array_size(c->l->dtype)];
    return indexed_run_all(c, &j);
}

const cnn__cpu_kernel cnn__cpu_gather = { .run = run_gather, .flops = CNN__NO_FLOPS, .moves = true };

static bool indexed_scatter(const cnn__cpu_call *c, indexed_fn fn)
{
    const indexed_parameters *p = c->l->parameters;
    indexed_job j = { .run = { .to_step = p->step }, .lines = p->nest, .fn = fn };
    const int last = --j.lines.ndim;
    j.n = p->nest.shape[last];
    for (int k = 0; k < 3; k++) {
        j.along[k] = p->nest.stride[k][last];
    }
    j.across = last > 0 && p->nest.stride[0][last - 1] <= p->step;
    return indexed_run_all(c, &j);
}

static bool run_scatter(cnn__cpu_call *c)
{
    return indexed_scatter(c, indexed_move[cnn__array_size(c->l->dtype)]);
}

const cnn__cpu_kernel cnn__cpu_scatter = { .run = run_scatter, .flops = CNN__NO_FLOPS, .moves = true };

static bool run_scatter_add(cnn__cpu_call *c)
{
    return indexed_scatter(c, indexed_add[c->l->dtype]);
}

/* y, all of it, and src up to its last element. */
static int64_t scatter_measure(const cnn_launch *launch, char letter, bool *updates)
{
    const indexed_parameters *p = launch->parameters;
    const int k = letter == 'y' ? 0 : 1;
    int64_t last = letter == 'y' ? (p->n - 1) * p->step : 0;
    *updates = true;
    for (int d = 0; d < p->nest.ndim; d++) {
        last += (p->nest.shape[d] - 1) * p->nest.stride[k][d];
    }
    return cnn__nest_count(&p->nest) ? last + 1 : 0;
}

const cnn__cpu_kernel cnn__cpu_scatter_add = {
    .run = run_scatter_add, .unit = 's', .measure = scatter_measure, .in = "s-", .out = "y"
};
