/* What the tests of tensors share: a context whose memory is counted, a tape, elements compared exactly. */
#ifndef CNN_TESTS_SUPPORT_TENSOR_H
#define CNN_TESTS_SUPPORT_TENSOR_H

#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;

static inline void setup(void)
{
    ctx = metered_context(3);
    tape = cnn_tape_new(ctx);
    ck_assert_ptr_nonnull(tape);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
}

/* Every test gives back all memory. */
static inline void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64, CNN_I64, CNN_I32, CNN_U8, CNN_BOOL };
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

static inline void elements_are(const cnn_tensor *t, int n, const double *expected)
{
    ck_assert_ptr_nonnull(t);
    ck_assert_msg(cnn_tensor_status(t) == CNN_OK, "%s", cnn_last_error(NULL));
    ck_assert_int_eq(cnn_tensor_numel(t), n);
    double *values = as_doubles(t);
    for (int i = 0; i < n; i++) {
        bool same = isnan(expected[i]) ? isnan(values[i]) : values[i] == expected[i];
        ck_assert_msg(same, "element %d is %.17g, expected %.17g", i, values[i], expected[i]);
    }
    free(values);
}
#define ELEMENTS_ARE(t, ...)                                                                                         \
    elements_are((t), (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (double[]){ __VA_ARGS__ })

static inline void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(ctx), status);
    ck_assert_msg(strstr(cnn_last_error(ctx), text), "\"%s\" does not say \"%s\"", cnn_last_error(ctx), text);
    cnn_context_clear_error(ctx);
}

#endif
