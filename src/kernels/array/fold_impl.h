/* Lines of columns and of images, over the type X. Columns are [planes, kernel_h, kernel_w, out_h, out_w]. */

static void FN(unfold_task)(void *arg, int64_t task, int worker)
{
    (void)worker;
    const fold_job *job = arg;
    const cnn_maxpool *g = job->g;
    const int64_t past = (task + 1) * job->lines_per_task < job->lines ? (task + 1) * job->lines_per_task : job->lines;
    for (int64_t line = task * job->lines_per_task; line < past; line++) {
        const int64_t out_h = line % g->out_h, tap = line / g->out_h, j = tap % g->kernel_w,
                      i = tap / g->kernel_w % g->kernel_h, plane = tap / g->kernel_w / g->kernel_h;
        const int64_t h = out_h * g->stride_h + i * g->dilation_h - g->pad_top,
                      offset = j * g->dilation_w - g->pad_left;
        const int64_t at = (plane * g->in_h + h) * g->in_w + offset;
        X *y = (X *)job->to + line * g->out_w;
        int64_t begin = 0, end = 0;
        if (h >= 0 && h < g->in_h) {
            fold_inside(offset, g->stride_w, g->in_w, g->out_w, &begin, &end);
        }
        memset(y, 0, (size_t)begin * sizeof *y);
        for (int64_t w = begin; w < end; w++) {
            y[w] = ((const X *)job->from)[at + w * g->stride_w];
        }
        memset(y + end, 0, (size_t)(g->out_w - end) * sizeof *y);
    }
}

/* Adds row i of the windows at out_h to a line of the image. */
static void FN(fold_row)(const cnn_maxpool *g, const X *columns, int64_t i, int64_t out_h, X *restrict x)
{
    for (int64_t j = 0; j < g->kernel_w; j++) {
        const int64_t offset = j * g->dilation_w - g->pad_left;
        const X *y = columns + ((i * g->kernel_w + j) * g->out_h + out_h) * g->out_w;
        int64_t begin, end;
        fold_inside(offset, g->stride_w, g->in_w, g->out_w, &begin, &end);
        for (int64_t w = begin; w < end; w++) {
            x[offset + w * g->stride_w] += y[w];
        }
    }
}

static void FN(fold_task)(void *arg, int64_t task, int worker)
{
    (void)worker;
    const fold_job *job = arg;
    const cnn_maxpool *g = job->g;
    const int64_t past = (task + 1) * job->lines_per_task < job->lines ? (task + 1) * job->lines_per_task : job->lines;
    for (int64_t line = task * job->lines_per_task; line < past; line++) {
        const int64_t plane = line / g->in_h, h = line % g->in_h;
        const X *columns = (const X *)job->from + plane * g->kernel_h * g->kernel_w * g->out_h * g->out_w;
        X *x = (X *)job->to + line * g->in_w;
        memset(x, 0, (size_t)g->in_w * sizeof *x);
        for (int64_t i = 0; i < g->kernel_h; i++) {
            const int64_t at = h + g->pad_top - i * g->dilation_h; /* the windows that begin there have h in row i */
            if (at >= 0 && at % g->stride_h == 0 && at / g->stride_h < g->out_h) {
                FN(fold_row)(g, columns, i, at / g->stride_h, x);
            }
        }
    }
}

#undef X
#undef FN
