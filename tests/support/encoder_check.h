/* An encoder of transformers beside a fixture of PyTorch: its result for x, a mask and a padding, and all gradients. Frees it. */
#ifndef CNN_TESTS_ENCODER_CHECK_H
#define CNN_TESTS_ENCODER_CHECK_H

#include "support/layer_fixture.h"

static inline void check_encoder(const char *name, cnn_module *m, cnn_dtype dtype, double tolerance)
{
    static const char *const names[] = { "x", "mask", "padding" };
    ck_assert_msg(m != NULL, "%s", cnn_last_error(NULL));
    fixture_load(m, name, dtype);
    cnn_tensor *leaves[3], *sum = NULL, *y;
    for (int k = 0; k < 3; k++) {
        leaves[k] = fixture_leaf(name, names[k], dtype);
    }
    ck_assert_msg(cnn_forward_many(tape, m, leaves, 3, &y, 1) == CNN_OK, "%s: %s", name, cnn_tape_error(tape));
    fixture_result(name, "y", y, dtype, tolerance, &sum);
    ck_assert_int_eq(cnn_backward(sum), CNN_OK);
    fixture_gradients(m, name, leaves, names, 3, tolerance);
    cnn_module_free(m);
}

#endif
