/* Lines of a resampled array, over the type X. */

/* The sum of the lines of x that line number `line` of the result is made of, with their weights. */
static void FN(resample_sum)(const resample_job *job, int64_t line, double *restrict sum)
{
    const resample_matrix *d = &job->axis[0], *h = &job->axis[1];
    const int64_t n = job->axis[2].columns, row = line % h->rows, slice = line / h->rows % d->rows,
                  plane = line / h->rows / d->rows;
    bool empty = true;
    for (int64_t i = d->start[slice]; i < d->start[slice + 1]; i++) {
        for (int64_t k = h->start[row]; k < h->start[row + 1]; k++) {
            const X *x =
                (const X *)job->from + ((plane * d->columns + d->taps[i].from) * h->columns + h->taps[k].from) * n;
            const double weight = d->taps[i].weight * h->taps[k].weight;
            for (int64_t c = 0; c < n && empty; c++) {
                sum[c] = weight * (double)x[c];
            }
            for (int64_t c = 0; c < n && !empty; c++) {
                sum[c] += weight * (double)x[c];
            }
            empty = false;
        }
    }
    for (int64_t c = 0; c < n && empty; c++) {
        sum[c] = 0;
    }
}

static void FN(resample_line)(const resample_matrix *w, const double *restrict sum, X *restrict y)
{
    const int64_t n = w->rows;
    if (w->same) {
        for (int64_t i = 0; i < n; i++) {
            y[i] = (X)sum[i];
        }
        return;
    }
    if (w->picks) {
        for (int64_t i = 0; i < n; i++) {
            y[i] = (X)sum[w->taps[i].from];
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        double total = 0;
        for (int64_t k = w->start[i]; k < w->start[i + 1]; k++) {
            total += w->taps[k].weight * sum[w->taps[k].from];
        }
        y[i] = (X)total;
    }
}

static void FN(resample_task)(void *arg, int64_t task, int worker)
{
    const resample_job *job = arg;
    const resample_matrix *w = &job->axis[2];
    double *sum = job->sums + (int64_t)worker * w->columns;
    const int64_t past = (task + 1) * job->lines_per_task < job->lines ? (task + 1) * job->lines_per_task : job->lines;
    for (int64_t line = task * job->lines_per_task; line < past; line++) {
        X *y = (X *)job->to + line * w->rows;
        if (line > task * job->lines_per_task && resample_repeats(&job->axis[1], line % job->axis[1].rows)) {
            memcpy(y, y - w->rows, (size_t)w->rows * sizeof *y);
        } else {
            FN(resample_sum)(job, line, sum);
            FN(resample_line)(w, sum, y);
        }
    }
}

#undef X
#undef FN
