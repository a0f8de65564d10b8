/* Norms of many arrays as one vector, in f32 and f64: a sum or a maximum in double that launches add to, and a scale
 * that follows from it on the device. A sum is cut into parts by the number of elements alone, and each part into
 * eight strands, which vectorise. */
#include "base/math.h"
#include "kernels/array/norm.h"
#include "kernels/launch.h"

enum { NORM_STRANDS = 8, NORM_PART = 1 << 14, NORM_PARTS = 256, CLIP_TASK = 1 << 14 };

typedef struct norm_job {
    const void *x;
    int64_t n, part; /* elements of a part: a multiple of the strands */
    double p;
    double partial[NORM_PARTS];
} norm_job;

/* The larger one; a NaN wins. */
static inline double norm_max(double a, double b)
{
    return isnan(a) || a >= b ? a : b;
}

static double norm_power(double x, double p)
{
    return p == 1 || isinf(p) ? fabs(x) : cnn__pow_f64(fabs(x), p);
}

static double norm_join(double a, double b, double p)
{
    return isinf(p) ? norm_max(a, b) : a + b;
}

typedef struct clip_job {
    void *x;
    int64_t n;
    double scale;
} clip_job;

#define X float
#define FN(name) name##_f32
#include "kernels/array/norm_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/norm_impl.h"

static bool run_norm(cnn__cpu_call *j)
{
    const cnn_norm_parameters *p = j->l->parameters;
    int64_t n = j->l->count, least = (n + NORM_PARTS - 1) / NORM_PARTS;
    double *total = j->l->out[0];
    norm_job job = { .x = j->l->in[0], .n = n, .p = p->p };
    job.part = least < NORM_PART ? NORM_PART : (least + NORM_STRANDS - 1) / NORM_STRANDS * NORM_STRANDS;
    int64_t parts = (n + job.part - 1) / job.part;
    cnn__pool_run(j->pool, parts, (double)n, j->l->dtype == CNN_F64 ? norm_part_f64 : norm_part_f32, &job);
    double sum = p->first ? 0 : *total;
    for (int64_t i = 0; i < parts; i++) {
        sum = norm_join(sum, job.partial[i], p->p);
    }
    *total = sum;
    return true;
}

const cnn__cpu_kernel cnn__cpu_norm = {
    .run = run_norm, .flops = 2, .measure = cnn__measure_counted, .in = "x", .out = ""
};

double cnn__norm_of_total(double total, double p)
{
    return p == 2 ? sqrt(total) : p == 1 || isinf(p) ? total : cnn__pow_f64(total, 1 / p);
}

/* ---- scaling ---- */

static bool run_clip(cnn__cpu_call *j)
{
    const cnn_clip_parameters *p = j->l->parameters;
    double scale = p->max_norm / (cnn__norm_of_total(*(const double *)j->l->in[0], p->p) + p->eps);
    clip_job job = { .x = j->l->out[0], .n = j->l->count, .scale = scale };
    if (!(scale >= 1)) { /* NaN scales, too */
        cnn__pool_run(j->pool, (job.n + CLIP_TASK - 1) / CLIP_TASK, (double)job.n,
                      j->l->dtype == CNN_F64 ? clip_task_f64 : clip_task_f32, &job);
    }
    return true;
}

static int64_t clip_measure(const cnn_launch *launch, char letter, bool *updates)
{
    (void)letter;
    *updates = true;
    return launch->count;
}

const cnn__cpu_kernel cnn__cpu_clip = { .run = run_clip, .measure = clip_measure, .in = "-", .out = "x" };
