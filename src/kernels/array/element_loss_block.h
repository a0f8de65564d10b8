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
    for (int i = 0; i < n && x; i++) {
        to[i] = x[offset + i * stride];
    }
    for (int i = 0; i < n && !x; i++) {
        to[i] = 1;
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

#undef X
#undef FN
