/* The keys of n elements, `stride` elements apart, as a function NAME: X is a type of the elements' size, KEY(bits)
 * the key of one. No include guard: one inclusion, one dtype. */
static void NAME(int64_t n, const void *from, int64_t stride, uint64_t *key)
{
    const X *x = from;
    for (int64_t i = 0; i < n; i++) {
        key[i] = KEY(x[i * stride]);
    }
}
#undef X
#undef NAME
#undef KEY
