/* The blocks of one group of draws, over the type X: elements [at, end), of which block number `first` has draws[0]. */

static void FN(drop_group)(const drop_job *job, const uint32_t draws[CNN__DRAWS], int64_t first, int64_t at,
                           int64_t end)
{
    const cnn_drop_blocks_parameters *p = job->p;
    const X *x = job->x, scale = (X)p->scale, kept = (X)p->kept, dropped = (X)p->dropped;
    const uint32_t threshold = job->threshold;
    const bool all = p->p >= 1;
    X *y = job->y;
    if (p->inner == 1) {
        for (; at < end; at++) {
            bool keep = !all && draws[at - first] >= threshold;
            y[at] = x[at] * (keep ? scale : 0) + (keep ? kept : dropped);
        }
        return;
    }
    for (int64_t block = at / p->inner; at < end; block++) {
        bool keep = !all && draws[block - first] >= threshold;
        const X factor = keep ? scale : 0, shift = keep ? kept : dropped;
        int64_t past = (block + 1) * p->inner < end ? (block + 1) * p->inner : end;
        for (; at < past; at++) {
            y[at] = x[at] * factor + shift;
        }
    }
}

#undef X
#undef FN
