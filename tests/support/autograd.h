/* What the tests of the tape share: a context whose memory is counted, a tape that trains, a leaf. */
#ifndef CNN_TESTS_SUPPORT_AUTOGRAD_H
#define CNN_TESTS_SUPPORT_AUTOGRAD_H

#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;
static cnn_tensor *leaf; /* [3], f64, wants a gradient: 1, 2, 3 */

static inline void setup(void)
{
    const double values[3] = { 1, 2, 3 };
    ctx = metered_context(1);
    tape = cnn_tape_new(ctx);
    ck_assert_ptr_nonnull(tape);
    leaf = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(3), values);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(leaf, true), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}

/* Every test gives back all memory. */
static inline void teardown(void)
{
    meter_reset();
    cnn_tensor_free(leaf);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static inline cnn_tensor *all(cnn_tensor *x)
{
    return cnn_sum(x, CNN_ALL_DIMS, false);
}

static inline void elements_are(const cnn_tensor *t, int n, const double *expected)
{
    ck_assert_ptr_nonnull(t);
    ck_assert_msg(cnn_tensor_status(t) == CNN_OK, "%s", cnn_last_error(NULL));
    ck_assert_int_eq(cnn_tensor_numel(t), n);
    double *values = as_doubles(t);
    for (int i = 0; i < n; i++) {
        ck_assert_msg(fabs(values[i] - expected[i]) <= 1e-12 * (1 + fabs(expected[i])), "element %d is %.17g, expected %.17g",
                      i, values[i], expected[i]);
    }
    free(values);
}
#define ELEMENTS_ARE(t, ...)                                                                                         \
    elements_are((t), (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (double[]){ __VA_ARGS__ })

static inline void tape_failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_tape_status(tape), status);
    ck_assert_msg(strstr(cnn_tape_error(tape), text), "\"%s\" does not say \"%s\"", cnn_tape_error(tape), text);
}

#endif
