/* What the tests of kernels share: buffers of exact size (so that a sanitizer sees any access past their ends) with
 * numbers that depend only on a seed, pools of 1 and 3 threads, and the comparison with the reference. */
#ifndef CNN_TESTS_SUPPORT_KERNELS_H
#define CNN_TESTS_SUPPORT_KERNELS_H

#include "base/context.h"
#include "base/random.h"
#include "kernels/kernels.h"

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 10, KEPT = (1 << 20) - 4 }; /* no multiple of a row's length */

static cnn_context *contexts[2];

/* The numbers of each seed, which are drawn once and come round again where more are asked for. */
static float *kept[SEEDS];
static int64_t kept_count[SEEDS];

static inline void pools_make(void)
{
    contexts[0] = cnn_context_new(.threads = 1);
    contexts[1] = cnn_context_new(.threads = 3);
    ck_assert_ptr_nonnull(contexts[0]);
    ck_assert_ptr_nonnull(contexts[1]);
}

static inline void pools_free(void)
{
    cnn_context_free(contexts[0]);
    cnn_context_free(contexts[1]);
    for (int seed = 0; seed < SEEDS; seed++) {
        free(kept[seed]);
        kept[seed] = NULL;
        kept_count[seed] = 0;
    }
}

static inline void *block(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    ck_assert_ptr_nonnull(p);
    return p;
}

static inline int shapes_wanted(int usual)
{
    const char *text = getenv("CNN_TEST_SHAPES");
    return text ? atoi(text) : usual;
}

static inline const cnn__real_kernels *reference(void)
{
    return cnn__kernels_select("reference")->f32;
}

/* At least `count` ≤ KEPT of a seed. */
static inline const float *kept_numbers(uint64_t seed, int64_t count)
{
    if (kept_count[seed] < count) {
        int64_t blocks = (count + 3) / 4;
        kept[seed] = realloc(kept[seed], (size_t)blocks * 4 * sizeof **kept);
        ck_assert_ptr_nonnull(kept[seed]);
        for (int64_t i = kept_count[seed]; i < 4 * blocks; i += 4) {
            uint32_t words[4];
            cnn__philox((const uint64_t[2]){ seed, 77 }, (uint64_t)i / 4, words);
            for (int k = 0; k < 4; k++) {
                kept[seed][i + k] = (float)(words[k] >> 8) * 0x1p-23f - 1;
            }
        }
        kept_count[seed] = 4 * blocks;
    }
    return kept[seed];
}

/* Uniform in [-1, 1). */
static inline float *numbers(int64_t n, uint64_t seed)
{
    float *p = block((size_t)n * sizeof *p);
    for (int64_t from = 0; from < n; from += KEPT) {
        int64_t count = n - from < KEPT ? n - from : KEPT;
        memcpy(p + from, kept_numbers(seed, count), (size_t)count * sizeof *p);
    }
    return p;
}

/* A number in [low, high], from a stream that advances. */
static inline int64_t draw(uint64_t *place, int64_t low, int64_t high)
{
    return low + (int64_t)(cnn__random_u32((const uint64_t[2]){ 12345, 1 }, (*place)++) % (uint64_t)(high - low + 1));
}

/* Memory as a kernel gets it: aligned, and full of what must not matter. */
static inline void *workspace_new(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    ck_assert_ptr_nonnull(p);
    memset(p, 0xff, bytes);
    return p;
}

/* |given - expected| ≤ tolerance · (1 + largest expected). */
static inline void close_to(const char *what, const char *table, const char *shape, const float *given,
                            const float *expected, int64_t n, double tolerance)
{
    double scale = 1;
    for (int64_t i = 0; i < n; i++) {
        scale = fabs((double)expected[i]) > scale ? fabs((double)expected[i]) : scale;
    }
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs((double)given[i] - (double)expected[i]) <= tolerance * scale)) { /* an assertion is a system call */
            ck_abort_msg("%s %s %s: element %lld is %g, expected %g", table, what, shape, (long long)i, (double)given[i],
                         (double)expected[i]);
        }
    }
}

static inline void same_bits(const char *what, const char *table, const char *shape, const void *a, const void *b,
                             size_t bytes)
{
    ck_assert_msg(bytes == 0 || memcmp(a, b, bytes) == 0, "%s %s %s: the bits differ between 1 and 3 threads", table, what,
                  shape);
}

/* Every table of this machine but the reference, which comes first; or of these the one that CNN_TEST_TABLE names. */
static inline int tables_wanted(const cnn__kernels *tables[8])
{
    const char *name = getenv("CNN_TEST_TABLE");
    int count = cnn__kernels_list(tables, 8);
    if (name) {
        tables[1] = cnn__kernels_select(name);
        ck_assert_msg(tables[1] != NULL, "CNN_TEST_TABLE is \"%s\", which this machine has not", name);
    }
    return name ? 2 : count;
}

#define FOR_TABLES(k)                                                                                                \
    const cnn__kernels *tables_[8];                                                                                  \
    int table_count_ = tables_wanted(tables_);                                                                       \
    for (int k##_i = 1; k##_i < table_count_; k##_i++)                                                               \
        for (const cnn__kernels *k = tables_[k##_i]; k; k = NULL)

#endif
