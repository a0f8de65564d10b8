/* Losses that are a function of each element: their values, sums and slopes. Operands have any strides; blocks of them
 * are brought into rows, which the maps of the losses go over (map.h). How the elements are cut into tasks depends on
 * their number alone, and the sums of the tasks are added in their order. */
#include "kernels/array/map.h"
#include "kernels/launch.h"

#include <cnn/ops.h>

#include <math.h>

enum { LOSS_BLOCK = 256, LOSS_OPERANDS = 4, LOSS_WEIGHT = 3 };

/* n neighbouring elements of each operand: x, t, c, weight. */
typedef struct loss_block {
    int n;
    const void *at[LOSS_OPERANDS];
} loss_block;

#define X float
#define FN(name) CNN__JOIN(name, f32)
#include "kernels/array/element_loss_block.h"

#define X double
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/element_loss_block.h"

static const struct {
    const void *(*gather)(const void *from, int64_t offset, int64_t stride, int n, void *room);
    void (*scale)(int n, const void *weight, double factor, const void *dy, void *to);
} loss_kernels[] = { [CNN_F32] = { loss_gather_f32, loss_scale_f32 }, [CNN_F64] = { loss_gather_f64, loss_scale_f64 } };

/* A pass over all elements. */
typedef struct loss_job {
    const cnn_launch *l;
    const cnn_element_loss_parameters *p;
    int64_t total;
    cnn__map map[CNN__LOSS_PARTS]; /* the loss and its slopes */
    const cnn__reducer *sum;
    double *partial; /* a sum per task; NULL: the losses themselves are asked for */
    double factor;   /* what slopes are multiplied by */
} loss_job;

static double loss_real_at(cnn_dtype dtype, const void *x)
{
    return dtype == CNN_F32 ? (double)*(const float *)x : *(const double *)x;
}

static void *element_at(cnn_dtype dtype, const void *x, int64_t i)
{
    return (char *)(uintptr_t)x + i * (int64_t)cnn__array_size(dtype);
}

/* The losses of a block, to the results or into a sum. */
static void loss_forward(const loss_job *j, const loss_block *b, int64_t first, double *sum)
{
    _Alignas(64) double room[LOSS_BLOCK];
    cnn_dtype dtype = j->l->dtype;
    void *to = j->partial ? room : element_at(dtype, j->l->out[0], first);
    cnn__map_rows(&j->map[0], b->n, to, b->at);
    loss_kernels[dtype].scale(b->n, b->at[LOSS_WEIGHT], 1, NULL, to);
    if (j->partial) {
        *sum += cnn__reduce_row(j->sum, to, b->n);
    }
}

static void loss_slopes(const loss_job *j, const loss_block *b, int64_t first)
{
    cnn_dtype dtype = j->l->dtype;
    bool each = j->p->reduction == (int)CNN_REDUCE_NONE;
    for (int k = 0; k < 3; k++) {
        if (j->l->out[k]) {
            void *to = element_at(dtype, j->l->out[k], first);
            cnn__map_rows(&j->map[k + 1], b->n, to, b->at);
            loss_kernels[dtype].scale(b->n, b->at[LOSS_WEIGHT], j->factor,
                                      each ? element_at(dtype, j->l->in[4], first) : NULL, to);
        }
    }
}

static void loss_task(void *arg, int64_t task, int worker)
{
    const loss_job *j = arg;
    const cnn_nest *nest = &j->p->nest;
    _Alignas(64) double room[LOSS_OPERANDS][LOSS_BLOCK];
    int64_t first = task * CNN__NEST_TASK, left = cnn__min(CNN__NEST_TASK, j->total - first);
    loss_block b;
    double sum = 0;
    cnn__cursor cursor;
    (void)worker;
    for (int k = 0; k < LOSS_OPERANDS; k++) {
        const bool ones = !j->l->in[k] && k != LOSS_WEIGHT;
        b.at[k] = ones ? loss_kernels[j->l->dtype].gather(NULL, 0, 0, LOSS_BLOCK, room[k]) : NULL;
    }
    cnn__cursor_seek(&cursor, nest, first);
    while (left > 0) {
        b.n = (int)cnn__min(cnn__min(left, LOSS_BLOCK), cnn__cursor_run(&cursor));
        for (int k = 0; k < LOSS_OPERANDS; k++) {
            int64_t stride = nest->ndim ? nest->stride[k][nest->ndim - 1] : 1;
            if (j->l->in[k]) {
                b.at[k] = loss_kernels[j->l->dtype].gather(j->l->in[k], cursor.offset[k], stride, b.n, room[k]);
            }
        }
        if (j->l->kernel == CNN_KERNEL_ELEMENT_LOSS) {
            loss_forward(j, &b, first, &sum);
        } else {
            loss_slopes(j, &b, first);
        }
        first += b.n;
        left -= b.n;
        if (left > 0) {
            cnn__cursor_advance(&cursor, b.n);
        }
    }
    if (j->partial) {
        j->partial[task] = sum;
    }
}

static void loss_pass(loss_job *j, cnn__pool *pool)
{
    static const unsigned char costs[CNN_LOSS_COUNT] = {
#define CNN__ELEMENT_LOSS(NAME, name, cost) [CNN_LOSS_##NAME] = cost,
#include "kernels/array/element_loss.def"
#undef CNN__ELEMENT_LOSS
    };
    cnn__pool_run(pool, cnn__ceil_div(j->total, CNN__NEST_TASK), (double)j->total * costs[j->p->function], loss_task,
                  j);
}

static __attribute__((cold)) loss_job loss_job_of(const cnn__cpu_call *call)
{
    const cnn_element_loss_parameters *p = call->l->parameters;
    const cnn__map_tables *tables = call->kernels->array->maps;
    const cnn__maps *maps = call->l->dtype == CNN_F32 ? tables->f32 : tables->f64;
    maps = maps->loss[p->function][0] ? maps : tables->rare_f32;
    const size_t size = cnn__array_size(call->l->dtype);
    loss_job job = { .l = call->l, .p = p, .total = cnn__nest_count(&p->nest) };
    job.sum =
        call->l->dtype == CNN_F32 ? &tables->reduce_f32[CNN_REDUCE_OF_SUM] : &cnn__reducers[CNN_REDUCE_OF_SUM][CNN_F64];
    for (int k = 0; k < CNN__LOSS_PARTS; k++) {
        job.map[k] = (cnn__map){ .fn = maps->loss[p->function][k],
                                 .inputs = CNN__MAP_INPUTS,
                                 .size = size,
                                 .y_size = size,
                                 .values = { p->value[0], p->value[1] } };
    }
    return job;
}

static bool run_element_loss(cnn__cpu_call *call)
{
    loss_job j = loss_job_of(call);
    void *y = call->l->out[0];
    double sum = 0;
    if (j.p->reduction == (int)CNN_REDUCE_NONE) {
        loss_pass(&j, call->pool);
        return true;
    }
    j.partial = call->l->workspace;
    loss_pass(&j, call->pool);
    for (int64_t i = 0; i < cnn__ceil_div(j.total, CNN__NEST_TASK); i++) {
        sum += j.partial[i];
    }
    sum = j.p->divisor == 0 && sum == 0 ? (double)NAN : sum / j.p->divisor;
    if (call->l->dtype == CNN_F32) {
        *(float *)y = (float)sum;
    } else {
        *(double *)y = sum;
    }
    return true;
}

static size_t element_loss_workspace(cnn__cpu_call *call)
{
    loss_job j = loss_job_of(call);
    return (size_t)cnn__ceil_div(j.total, CNN__NEST_TASK) * sizeof(double);
}

static bool run_element_loss_backward(cnn__cpu_call *call)
{
    loss_job j = loss_job_of(call);
    bool each = j.p->reduction == (int)CNN_REDUCE_NONE;
    j.factor = each ? 1 : loss_real_at(call->l->dtype, call->l->in[4]) / j.p->divisor;
    loss_pass(&j, call->pool);
    return true;
}

/* Operands 0 to 3 of the nest, a result or gradient per element, and the loss. */
static int64_t measure_element_loss(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_element_loss_parameters *p = l->parameters;
    int64_t count = cnn__nest_count(&p->nest), last = 0;
    (void)updates;
    if (letter == 'n' || letter == 'y') {
        return letter == 'n' || p->reduction == (int)CNN_REDUCE_NONE ? count : 1;
    }
    for (int d = 0; d < p->nest.ndim; d++) {
        last += (p->nest.shape[d] - 1) * p->nest.stride[letter - '0'][d];
    }
    return count ? last + 1 : 0;
}

const cnn__cpu_kernel cnn__cpu_element_loss = { .run = run_element_loss,
                                                .flops = 3,
                                                .unit = 'n',
                                                .workspace = element_loss_workspace,
                                                .measure = measure_element_loss,
                                                .in = "0123",
                                                .out = "y" };
const cnn__cpu_kernel cnn__cpu_element_loss_backward = { .run = run_element_loss_backward,
                                                         .flops = 3,
                                                         .unit = 'n',
                                                         .measure = measure_element_loss,
                                                         .in = "0123y",
                                                         .out = "nnn" };
