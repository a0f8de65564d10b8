/* The kernels of real elements: X is the type, the other names are those of functions.h. No include guard: one
 * inclusion, one dtype. */
#include "functions.h"
#include "losses.h"

/* Operands: y, x; sizes: function; values: its two. */
KERNEL(FN(unary), nested_arguments)
{
    X *y = (X *)a->out[0];
    const X *x = (const X *)a->in[0], p = (X)a->value[0], q = (X)a->value[1];
    const int64_t function = a->size[0];
    EACH (i, a->nest.count) {
        int64_t at[2];
        nest_seek(&a->nest, i, 2, at);
        y[at[0]] = FN(unary_of)(function, x[at[1]], p, q);
    }
}

/* Operands: dx, x, dy. */
KERNEL(FN(slope), nested_arguments)
{
    X *dx = (X *)a->out[0];
    const X *x = (const X *)a->in[0], *dy = (const X *)a->in[1], p = (X)a->value[0], q = (X)a->value[1];
    const int64_t function = a->size[0];
    EACH (i, a->nest.count) {
        int64_t at[3];
        nest_seek(&a->nest, i, 3, at);
        dx[at[0]] = FN(unary_of)(function, x[at[1]], p, q) * dy[at[2]];
    }
}

/* Operands: y, a, b. */
KERNEL_OF_STEPS(FN(binary), nested_arguments)
{
    X *y = (X *)a->out[0];
    const X *left = (const X *)a->in[0], *right = (const X *)a->in[1];
    const int64_t function = a->size[0];
    EACH (i, a->nest.count) {
        int64_t at[3];
        nest_seek(&a->nest, i, 3, at);
        y[at[0]] = FN(binary_of)(function, left[at[1]], right[at[2]]);
    }
}

KERNEL(FN(compare), nested_arguments)
{
    uint8_t *y = (uint8_t *)a->out[0];
    const X *left = (const X *)a->in[0], *right = (const X *)a->in[1];
    const int64_t function = a->size[0];
    EACH (i, a->nest.count) {
        int64_t at[3];
        nest_seek(&a->nest, i, 3, at);
        y[at[0]] = FN(compare_of)(function, left[at[1]], right[at[2]]);
    }
}

/* sizes: n */
KERNEL(FN(relu), plain_arguments)
{
    X *y = (X *)a->out[0];
    const X *x = (const X *)a->in[0];
    EACH (i, a->size[0]) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
}

KERNEL(FN(relu_backward), plain_arguments)
{
    X *dx = (X *)a->out[0];
    const X *y = (const X *)a->in[0], *dy = (const X *)a->in[1];
    EACH (i, a->size[0]) {
        dx[i] = y[i] <= 0 ? 0 : dy[i];
    }
}

/* ---- random numbers: a thread has the four elements of a block of Philox ---- */

/* sizes: n, the key's two words, the threshold, whether anything is kept; values: scale. */
KERNEL_OF_STEPS(FN(dropout), plain_arguments)
{
    X *y = (X *)a->out[0];
    const X *x = (const X *)a->in[0], scale = (X)a->value[0];
    const int64_t n = a->size[0];
    EACH (block_of_four, (n + 3) / 4) {
        uint32_t words[4];
        philox((uint64_t)a->size[1], (uint64_t)a->size[2], (uint64_t)block_of_four, words);
        UNROLL
        for (int k = 0; k < 4; k++) {
            const int64_t i = 4 * block_of_four + k;
            if (i < n) {
                y[i] = x[i] * (a->size[4] && words[k] >= (uint32_t)a->size[3] ? scale : 0);
            }
        }
    }
}

/* sizes: n, the key's two words, the threshold, whether anything is kept, inner; values: scale, kept, dropped. */
KERNEL_OF_STEPS(FN(drop_blocks), plain_arguments)
{
    X *y = (X *)a->out[0];
    const X *x = (const X *)a->in[0];
    EACH (i, a->size[0]) {
        uint32_t words[4];
        const int64_t number = quotient(i, a->size[5]);
        philox((uint64_t)a->size[1], (uint64_t)a->size[2], (uint64_t)(number / 4), words);
        const bool keep = a->size[4] && words[number % 4] >= (uint32_t)a->size[3];
        y[i] = x[i] * (keep ? (X)a->value[0] : 0) + (keep ? (X)a->value[1] : (X)a->value[2]);
    }
}

/* sizes: n, the key's two words, the distribution, the threshold of 2^32; values: p. */
KERNEL_OF_STEPS(FN(draw), plain_arguments)
{
    X *y = (X *)a->out[0];
    const int64_t distribution = a->size[3];
    EACH (i, a->size[0]) {
        const uint64_t key0 = (uint64_t)a->size[1], key1 = (uint64_t)a->size[2];
        uint32_t words[4];
        double value;
        if (distribution == CNN_DRAW_NORMAL) { /* Box and Muller's: one of the two of a block */
            double cosine, sine;
            philox(key0, key1, (uint64_t)(i / 2), words);
            cnn__turn_f64(uniform_of(words[2], words[3]), &cosine, &sine);
            value = cnn__normal_radius_f64(1 - uniform_of(words[0], words[1])) * (i % 2 ? sine : cosine);
        } else if (sizeof(X) == sizeof(double) && distribution != CNN_DRAW_BERNOULLI) {
            philox(key0, key1, (uint64_t)(i / 2), words);
            value = uniform_of(words[i % 2 * 2], words[i % 2 * 2 + 1]);
        } else {
            philox(key0, key1, (uint64_t)(i / 4), words);
            value = distribution == CNN_DRAW_BERNOULLI ? (double)((int64_t)words[i % 4] < a->size[4])
                                                       : (double)(words[i % 4] >> 8) * 0x1p-24;
        }
        y[i] = (X)(distribution == CNN_DRAW_SYMMETRIC ? a->value[0] * (2 * value - 1) : value);
    }
}

/* ---- losses of each element. Operands: x, t, c, weight (may be NULL) ---- */

/* sizes: function; values: the function's two. With a workspace the sums of blocks go there, a double each. */
KERNEL(FN(element_loss), nested_arguments)
{
    X *y = (X *)a->out[0];
    const X *x = (const X *)a->in[0], *t = (const X *)a->in[1], *c = (const X *)a->in[2], *weight = (const X *)a->in[3],
            v0 = (X)a->value[0], v1 = (X)a->value[1];
    EACH (i, a->nest.count) {
        int64_t at[4];
        nest_seek(&a->nest, i, 4, at);
        X loss = FN(loss_of)(a->size[0], 0, x[at[0]], t[at[1]], c ? c[at[2]] : 1, v0, v1);
        y[i] = weight ? loss * weight[at[3]] : loss;
    }
}

/* sizes: function, whether each element has a dy; values: the function's two, the divisor. Results: dx, dt, dc. */
KERNEL(FN(element_loss_backward), nested_arguments)
{
    const X *x = (const X *)a->in[0], *t = (const X *)a->in[1], *c = (const X *)a->in[2], *weight = (const X *)a->in[3],
            *dy = (const X *)a->in[4], v0 = (X)a->value[0], v1 = (X)a->value[1];
    EACH (i, a->nest.count) {
        int64_t at[4];
        nest_seek(&a->nest, i, 4, at);
        const double factor = a->size[1] ? (double)dy[i] : (double)dy[0] / a->value[2];
        for (int part = 0; part < 3; part++) {
            X *to = (X *)a->out[part];
            if (to) {
                X slope = FN(loss_of)(a->size[0], part + 1, x[at[0]], t[at[1]], c ? c[at[2]] : 1, v0, v1);
                slope = weight ? slope * weight[at[3]] : slope;
                to[i] = a->size[1] ? slope * dy[i] : (X)((double)slope * factor);
            }
        }
    }
}

#undef X
#undef FN
#undef MATH
#undef OWN
