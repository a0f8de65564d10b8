/* The largest element of rows h[0] … h[1] − 1 and columns w[0] … w[1] − 1 of the plane that begins at element `plane`,
 * written to result number `at`. X is the element type. No include guard: one inclusion, one dtype. */
static void FN(adaptive_window)(const adaptive_job *job, int64_t plane, const int64_t h[2], const int64_t w[2],
                                int64_t at)
{
    const X *x = (const X *)job->x + plane;
    X best = (X)-INFINITY;
    int64_t winner = h[0] * job->g->in_w + w[0];
    for (int64_t row = h[0]; row < h[1]; row++) {
        for (int64_t i = row * job->g->in_w + w[0]; i < row * job->g->in_w + w[1]; i++) {
            const bool wins = (x[i] > best) | (x[i] != x[i]);
            best = wins ? x[i] : best;
            winner = wins ? i : winner;
        }
    }
    ((X *)job->y)[at] = best;
    if (job->index) {
        job->index[at] = (int32_t)winner;
    }
}
#undef X
#undef FN
