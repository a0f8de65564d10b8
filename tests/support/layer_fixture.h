/* Layers with parameters against fixtures of PyTorch: a case has the layer's state under its names, operands, results,
 * a seed for each result that has a gradient, and the gradients of operands and state as grad_….
 *
 * The file that includes this defines LAYER_FIXTURE, the name of the fixture. */
#ifndef CNN_TESTS_SUPPORT_LAYER_FIXTURE_H
#define CNN_TESTS_SUPPORT_LAYER_FIXTURE_H

#include "support/elements.h"
#include "support/nn.h"

/* A tensor of case `name`, real numbers in the dtype that is tested; NULL: there is none. */
static inline cnn_tensor *fixture_part(const char *name, const char *what, cnn_dtype dtype)
{
    cnn_tensor *wide = fixture(ctx, LAYER_FIXTURE, name, what);
    if (!wide || dtype == CNN_F64 || cnn_tensor_dtype(wide) != CNN_F64) {
        return wide;
    }
    cnn_tensor *t = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(wide), cnn_tensor_shape(wide));
    ck_assert_int_eq(cnn_tensor_copy_from(t, wide), CNN_OK);
    cnn_tensor_free(wide);
    return t;
}

/* The same as an operand that wants its gradient, where it is real. */
static inline cnn_tensor *fixture_leaf(const char *name, const char *what, cnn_dtype dtype)
{
    cnn_tensor *t = fixture_part(name, what, dtype);
    ck_assert(!t || cnn_tensor_dtype(t) != dtype || cnn_tensor_set_requires_grad(t, true) == CNN_OK);
    return t;
}

static inline void fixture_agrees(const char *name, const char *what, const cnn_tensor *given, double tolerance)
{
    cnn_tensor *expected = fixture_part(name, what, CNN_F64);
    ck_assert_msg(expected != NULL, "%s has no %s", name, what);
    tensors_agree(name, what, given, expected, tolerance);
    cnn_tensor_free(expected);
}

static inline void fixture_load(cnn_module *m, const char *name, cnn_dtype dtype)
{
    for (int i = 0; i < cnn_module_state_count(m); i++) {
        char key[64];
        ck_assert_uint_lt(cnn_module_state_name(m, i, key, sizeof key), sizeof key);
        cnn_tensor *to = cnn_module_state(m, i), *from = fixture_part(name, key, dtype);
        ck_assert_msg(from != NULL, "PyTorch has no %s", key);
        ck_assert_int_eq(cnn_tensor_copy_from(to, from), CNN_OK);
        cnn_tensor_free(from);
    }
}

/* Compares a result, and adds Σ seed · result to *sum where it has a seed. */
static inline void fixture_result(const char *name, const char *what, cnn_tensor *result, cnn_dtype dtype, double tolerance,
                                  cnn_tensor **sum)
{
    char key[64];
    snprintf(key, sizeof key, "seed_%s", what);
    fixture_agrees(name, what, result, tolerance);
    cnn_tensor *seed = fixture_part(name, key, dtype);
    if (seed) {
        cnn_tensor *term = cnn_sum(cnn_mul(result, seed), CNN_ALL_DIMS, false);
        *sum = *sum ? cnn_add(*sum, term) : term;
        cnn_tensor_free(seed);
    }
}

/* Compares the gradients of operands, some of which may be NULL or have none, and of the state; frees the operands. */
static inline void fixture_gradients(cnn_module *m, const char *name, cnn_tensor *const *leaves, const char *const *names,
                                     int count, double tolerance)
{
    char key[64];
    for (int i = 0; i < count; i++) {
        if (leaves[i] && cnn_tensor_requires_grad(leaves[i])) {
            snprintf(key, sizeof key, "grad_%s", names[i]);
            fixture_agrees(name, key, cnn_tensor_grad(leaves[i]), tolerance);
        }
        cnn_tensor_free(leaves[i]);
    }
    for (int i = 0; i < cnn_module_state_count(m); i++) {
        snprintf(key, sizeof key, "grad_");
        ck_assert_uint_lt(cnn_module_state_name(m, i, key + 5, sizeof key - 5), sizeof key - 5);
        fixture_agrees(name, key, cnn_tensor_grad(cnn_module_state(m, i)), tolerance);
    }
}

#endif
