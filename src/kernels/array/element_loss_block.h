/* Elements of losses before and behind their maps, for a real dtype: X is its type, FN(name) its name. No include
 * guard: one inclusion, one dtype. */
/* n elements of an operand in a row: where they are, or gathered into `room`; ones for NULL. */
static const void *FN(loss_gather)(const void *from, int64_t offset, int64_t stride, int n, void *room)
{
    const X *x = from;
    X *to = room;
    if (x && stride == 1) {
        return x + offset;
    }
    for (int i = 0; i < n; i++) {
        to[i] = x ? x[offset + i * stride] : 1;
    }
    return to;
}

/* y ← y · weight · factor, where there are such; `dy` has a factor for each element. */
static void FN(loss_scale)(int n, const void *weights, double factor, const void *dy, void *to)
{
    const X *weight = weights, *each = dy, one = (X)factor;
    X *y = to;
    for (int i = 0; weight && i < n; i++) {
        y[i] *= weight[i];
    }
    for (int i = 0; each && i < n; i++) {
        y[i] *= each[i];
    }
    for (int i = 0; one != 1 && i < n; i++) {
        y[i] *= one;
    }
}

static double FN(loss_sum)(const void *from, int n)
{
    const X *y = from;
    double lane[8] = { 0 };
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        for (int k = 0; k < 8; k++) {
            lane[k] += (double)y[i + k];
        }
    }
    for (; i < n; i++) {
        lane[i % 8] += (double)y[i];
    }
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}
#undef X
#undef FN
