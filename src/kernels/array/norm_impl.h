/* Parts of a norm and of a scaling, over the type X. */

static double FN(norm_squares)(const X *x, int64_t n)
{
    double strand[NORM_STRANDS] = { 0 };
    int64_t i = 0;
    for (; i + NORM_STRANDS <= n; i += NORM_STRANDS) {
        for (int k = 0; k < NORM_STRANDS; k++) {
            strand[k] += (double)x[i + k] * (double)x[i + k];
        }
    }
    for (int k = 0; i < n; k++, i++) {
        strand[k] += (double)x[i] * (double)x[i];
    }
    double sum = 0;
    for (int k = 0; k < NORM_STRANDS; k++) {
        sum += strand[k];
    }
    return sum;
}

static void FN(norm_part)(void *arg, int64_t part, int worker)
{
    norm_job *job = arg;
    int64_t begin = part * job->part, n = job->n - begin < job->part ? job->n - begin : job->part;
    const X *x = (const X *)job->x + begin;
    double sum = 0;
    (void)worker;
    if (job->p == 2) {
        sum = FN(norm_squares)(x, n);
    } else {
        for (int64_t i = 0; i < n; i++) {
            sum = norm_join(sum, norm_power((double)x[i], job->p), job->p);
        }
    }
    job->partial[part] = sum;
}

static void FN(clip_task)(void *arg, int64_t task, int worker)
{
    const clip_job *job = arg;
    int64_t begin = task * CLIP_TASK, end = job->n - begin < CLIP_TASK ? job->n : begin + CLIP_TASK;
    X *x = job->x;
    const X scale = (X)job->scale;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        x[i] *= scale;
    }
}

#undef X
#undef FN
