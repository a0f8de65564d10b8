/* The kernels of integers, which wrap: X is the type, U the unsigned type that it wraps in, LOWEST its lowest value,
 * SATURATED(v) the number of a real. No include guard: one inclusion, one dtype. */

DEVICE X FN(unary_of)(int64_t function, X x, X p, X q)
{
    X y;
    switch (function) {
    case CNN_UNARY_NEG: return (X)(0 - (U)x);
    case CNN_UNARY_ABS: return x > 0 ? x : (X)(0 - (U)x);
    case CNN_UNARY_CLAMP: y = x < p ? p : x; return y > q ? q : y;
    case CNN_UNARY_SIGN: return x > 0 ? 1 : (X)(0 - (U)(x != 0));
    case CNN_UNARY_ADD: y = (X)((U)x + (U)p); return y < x ? SATURATED(INFINITY) : y; /* p is at least 0 */
    default: return x;
    }
}

DEVICE X FN(shifted)(int64_t function, X x, X b)
{
    if ((U)b >= 8 * sizeof(X)) {
        return function == CNN_BINARY_LEFT_SHIFT || LOWEST == 0 ? 0 : (X)(x >> (8 * sizeof(X) - 1));
    }
    return function == CNN_BINARY_LEFT_SHIFT ? (X)((U)x << b) : (X)(x >> b);
}

DEVICE X FN(binary_of)(int64_t function, X x, X b)
{
    switch (function) {
    case CNN_BINARY_ADD: return (X)((U)x + (U)b);
    case CNN_BINARY_SUB: return (X)((U)x - (U)b);
    case CNN_BINARY_MUL: return (X)((U)x * (U)b);
    case CNN_BINARY_DIV: return b == 0 ? 0 : x == LOWEST && b == (X)-1 ? x : (X)(x / b);
    case CNN_BINARY_MINIMUM: return x < b ? x : b;
    case CNN_BINARY_MAXIMUM: return x > b ? x : b;
    case CNN_BINARY_BIT_AND: return x & b;
    case CNN_BINARY_BIT_OR: return x | b;
    case CNN_BINARY_BIT_XOR: return x ^ b;
    default: return FN(shifted)(function, x, b);
    }
}

DEVICE uint8_t FN(compare_of)(int64_t function, X x, X b)
{
    switch (function) {
    case CNN_COMPARE_EQ: return x == b;
    case CNN_COMPARE_NE: return x != b;
    case CNN_COMPARE_LT: return x < b;
    case CNN_COMPARE_LE: return x <= b;
    case CNN_COMPARE_GT: return x > b;
    case CNN_COMPARE_GE: return x >= b;
    case CNN_COMPARE_AND: return (x != 0) & (b != 0);
    case CNN_COMPARE_OR: return (x != 0) | (b != 0);
    case CNN_COMPARE_XOR: return (x != 0) ^ (b != 0);
    default: return x == 0; /* not */
    }
}

KERNEL(FN(unary), nested_arguments)
{
    X *y = (X *)a->out[0];
    const X *x = (const X *)a->in[0], p = SATURATED(a->value[0]), q = SATURATED(a->value[1]);
    EACH (i, a->nest.count) {
        int64_t at[2];
        nest_seek(&a->nest, i, 2, at);
        y[at[0]] = FN(unary_of)(a->size[0], x[at[1]], p, q);
    }
}

KERNEL(FN(binary), nested_arguments)
{
    X *y = (X *)a->out[0];
    const X *left = (const X *)a->in[0], *right = (const X *)a->in[1];
    EACH (i, a->nest.count) {
        int64_t at[3];
        nest_seek(&a->nest, i, 3, at);
        y[at[0]] = FN(binary_of)(a->size[0], left[at[1]], right[at[2]]);
    }
}

KERNEL(FN(compare), nested_arguments)
{
    uint8_t *y = (uint8_t *)a->out[0];
    const X *left = (const X *)a->in[0], *right = (const X *)a->in[1];
    EACH (i, a->nest.count) {
        int64_t at[3];
        nest_seek(&a->nest, i, 3, at);
        y[at[0]] = FN(compare_of)(a->size[0], left[at[1]], right[at[2]]);
    }
}

/* sizes: n, the key's two words, a distribution, which is Bernoulli's, the threshold of 2^32. */
KERNEL_OF_STEPS(FN(draw), plain_arguments)
{
    EACH (i, a->size[0]) {
        uint32_t words[4];
        philox((uint64_t)a->size[1], (uint64_t)a->size[2], (uint64_t)(i / 4), words);
        ((X *)a->out[0])[i] = (int64_t)words[i % 4] < a->size[4];
    }
}

#undef X
#undef U
#undef LOWEST
#undef FN
#undef SATURATED
