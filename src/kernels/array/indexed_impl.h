/* A run of indexed elements, as a function NAME: X is the element type, PUT(to, from) what is done with two of them. No
 * include guard: one inclusion, one function. */
static void NAME(const indexed_run *r)
{
    X *to = r->to;
    const X *from = r->from;
    const int64_t n = r->n, to_stride = r->to_stride, from_stride = r->from_stride;
    if (r->index_stride == 0) { /* one index for the whole run */
        const int64_t at = indexed_at(r, 0);
        to += at * r->to_step;
        from += at * r->from_step;
        if (to_stride == 1 && from_stride == 1) {
            CNN__IVDEP
            for (int64_t i = 0; i < n; i++) {
                PUT(to[i], from[i]);
            }
            return;
        }
        for (int64_t i = 0; i < n; i++) {
            PUT(to[i * to_stride], from[i * from_stride]);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = indexed_at(r, i);
        PUT(to[i * to_stride + at * r->to_step], from[i * from_stride + at * r->from_step]);
    }
}
#undef X
#undef NAME
