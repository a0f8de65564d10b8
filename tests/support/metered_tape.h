/* A context of one thread whose memory is counted, and a tape, for each test; every test gives back all memory. */
#ifndef CNN_TESTS_SUPPORT_METERED_TAPE_H
#define CNN_TESTS_SUPPORT_METERED_TAPE_H

#include "support/files.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;

static inline void setup(void)
{
    ctx = metered_context(1);
    tape = cnn_tape_new(ctx);
    ck_assert_ptr_nonnull(tape);
}

static inline void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

#endif
