/* The recipe by which tools/fixtures/zoo.py makes weights, pictures and labels: element i of the tensor `name` is a hash of
 * both, scaled by the fan-in where there is one. Equal to Python's to the bit. */
#ifndef CNN_TESTS_SUPPORT_ZOO_RECIPE_H
#define CNN_TESTS_SUPPORT_ZOO_RECIPE_H

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static inline uint32_t recipe_seed(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text; text++) {
        h = (h ^ (unsigned char)*text) * 16777619u;
    }
    return h;
}

static inline uint32_t recipe_bits(uint32_t seed, int64_t i)
{
    uint32_t h = (uint32_t)i * 2654435761u + seed;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    return h ^ h >> 15;
}

/* offset + scale · [-1, 1) */
static inline void recipe_fill(cnn_tensor *t, const char *name, double offset, double scale)
{
    int64_t n = cnn_tensor_numel(t);
    uint32_t seed = recipe_seed(name);
    float *values = malloc((size_t)n * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = (float)(offset + scale * ((double)(recipe_bits(seed, i) >> 8) / 8388608 - 1));
    }
    ck_assert_int_eq(cnn_tensor_write(t, values, (size_t)n * sizeof *values), CNN_OK);
    free(values);
}

static inline bool recipe_ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

/* A parameter or running statistic; counts of batches stay 0. */
static inline bool recipe_visit(const char *name, cnn_tensor *t, bool is_parameter, void *user)
{
    (void)is_parameter, (void)user;
    if (cnn_tensor_dtype(t) != CNN_F32) {
        return true;
    }
    if (cnn_tensor_ndim(t) >= 2) {
        recipe_fill(t, name, 0, sqrt((double)(6 * cnn_tensor_size(t, 0)) / (double)cnn_tensor_numel(t)));
    } else if (recipe_ends_with(name, "running_var")) {
        recipe_fill(t, name, 1, 0.2);
    } else if (recipe_ends_with(name, "weight")) {
        recipe_fill(t, name, 0.4, 0.08);
    } else {
        recipe_fill(t, name, recipe_ends_with(name, "bias") ? 1 : 0, 0.1);
    }
    return true;
}

/* Whole numbers below `below`, i64; the caller's. */
static inline cnn_tensor *recipe_whole(cnn_context *ctx, const char *name, int64_t below, int ndim, const int64_t *shape)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_I64, ndim, shape);
    ck_assert_ptr_nonnull(t);
    int64_t n = cnn_tensor_numel(t), *values = malloc((size_t)n * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = (int64_t)(recipe_bits(recipe_seed(name), i) % (uint32_t)below);
    }
    ck_assert_int_eq(cnn_tensor_write(t, values, (size_t)n * sizeof *values), CNN_OK);
    free(values);
    return t;
}

#endif
