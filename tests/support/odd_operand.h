/* Operands for tests that compare bits: numbers in [−1, 1], some of them 0 or −0 in places that `odd` moves. */
#ifndef CNN_TESTS_SUPPORT_ODD_OPERAND_H
#define CNN_TESTS_SUPPORT_ODD_OPERAND_H

#include "support/elements.h"

#include <math.h>

/* In f32 or f64. `special` puts an infinity and a NaN in two places, so that most sums stay finite. */
static inline cnn_tensor *odd_operand(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape, int odd,
                                      bool special)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, dtype, ndim, shape);
    ck_assert_ptr_nonnull(t);
    const int64_t n = cnn_tensor_numel(t);
    double *v = malloc((size_t)n * sizeof *v);
    float *f = malloc((size_t)n * sizeof *f);
    ck_assert(v && f);
    for (int64_t i = 0; i < n; i++) {
        v[i] = (double)((i * 7919 + odd * 31) % 20011) / 10007 - 1;
        v[i] = i % 17 == odd ? 0 : i % 19 == odd ? -0.0 : v[i];
    }
    if (special) {
        v[n / 2] = INFINITY;
        v[n / 3] = NAN;
    }
    for (int64_t i = 0; i < n; i++) {
        f[i] = (float)v[i];
    }
    ck_assert_int_eq(cnn_tensor_write(t, dtype == CNN_F32 ? (const void *)f : v, elements_size(t)), CNN_OK);
    free(f);
    free(v);
    return t;
}

#endif
