/* A run of indexed elements, as a function NAME: X is the element type, PUT(to, from) what is done with two of them;
 * GATHERS is defined where it moves them, ADDS where scatters along the last dimension have a loop of their own; SPEED
 * stands before the function. No include guard: one inclusion, one function. */
static SPEED void NAME(const indexed_run *given)
{
    const indexed_run r = *given; /* a copy, which no element can be written over */
    X *to = r.to;
    const X *from = r.from;
    if (r.index_stride == 0) { /* one index for the whole run */
        const int64_t at = indexed_at(&r, 0);
        to += at * r.to_step;
        from += at * r.from_step;
        if (r.to_stride == 1 && r.from_stride == 1) {
#ifdef GATHERS
            memcpy(to, from, (size_t)r.n * sizeof *to);
#else
            CNN__IVDEP
            for (int64_t i = 0; i < r.n; i++) {
                PUT(to[i], from[i]);
            }
#endif
            return;
        }
        for (int64_t i = 0; i < r.n; i++) {
            PUT(to[i * r.to_stride], from[i * r.from_stride]);
        }
        return;
    }
#ifdef GATHERS
    if (r.wide && r.index_stride == 1 && r.to_stride == 1 && r.to_step == 0) {
        const int64_t *index = r.index, stride = r.from_stride, step = r.from_step;
        if (stride == 0 && step == 1) { /* along the last dimension */
#pragma GCC unroll 4
            for (int64_t i = 0; i < r.n; i++) {
                to[i] = from[index[i]];
            }
            return;
        }
        for (int64_t i = 0; i < r.n; i++) {
            to[i] = from[i * stride + index[i] * step];
        }
        return;
    }
#endif
#ifdef ADDS
    if (r.wide && r.index_stride == 1 && r.to_stride == 0 && r.to_step == 1 && r.from_stride == 1 && r.from_step == 0) {
        const int64_t *index = r.index;
#pragma GCC unroll 4
        for (int64_t i = 0; i < r.n; i++) {
            PUT(to[index[i]], from[i]);
        }
        return;
    }
#endif
    for (int64_t i = 0; i < r.n; i++) {
        const int64_t at = indexed_at(&r, i);
        PUT(to[i * r.to_stride + at * r.to_step], from[i * r.from_stride + at * r.from_step]);
    }
}
#undef X
#undef NAME
