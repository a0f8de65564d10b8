/* A context whose memory is counted, a tape and a folder for each test of the ONNX reader. */
#ifndef CNN_TESTS_SUPPORT_ONNX_CASE_H
#define CNN_TESTS_SUPPORT_ONNX_CASE_H

#include "support/onnx_models.h"

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    folder_make();
    ctx = metered_context(1);
    tape = cnn_tape_new(ctx);
}

static void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

/* Rows of three numbers, 0, 1/4, 2/4, …; at most ten. */
static inline cnn_tensor *rows(int64_t count)
{
    float x[30];
    for (int i = 0; i < 30; i++) {
        x[i] = (float)i / 4;
    }
    return cnn_tensor_from_data(ctx, CNN_F32, 2, (int64_t[]){ count, 3 }, x);
}

#endif
