/* The blocks of one group of draws, over the type X: elements [at, end), of which block number `first` has draws[0]. */

static void FN(drop_group)(const drop_job *job, const uint32_t draws[CNN__DRAWS], int64_t first, int64_t at,
                           int64_t end)
{
    const cnn_drop_blocks_parameters *p = job->p;
    const X factors[2] = { 0, (X)p->scale }, shifts[2] = { (X)p->dropped, (X)p->kept }, *x = job->x;
    const uint32_t threshold = job->threshold;
    const bool any = p->p < 1;
    X *y = job->y;
    for (; p->inner == 1 && at < end; at++) { /* without a branch, which would be mispredicted */
        int keep = any & (draws[at - first] >= threshold);
        y[at] = x[at] * factors[keep] + shifts[keep];
    }
    for (int64_t block = at / p->inner; at < end; block++) {
        int keep = any & (draws[block - first] >= threshold);
        const X factor = factors[keep], shift = shifts[keep];
        int64_t past = (block + 1) * p->inner < end ? (block + 1) * p->inner : end;
        for (; at < past; at++) {
            y[at] = x[at] * factor + shift;
        }
    }
}

#undef X
#undef FN
