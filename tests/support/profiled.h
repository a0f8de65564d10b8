/* What the tests of profiles and of FLOPs measure: a small network, and whether the CPU computes it. */
#ifndef CNN_TESTS_SUPPORT_PROFILED_H
#define CNN_TESTS_SUPPORT_PROFILED_H

#include "support/metered_tape.h"

/* Else a device may carry an operation out by other launches. */
static inline bool is_cpu(void)
{
    return strcmp(cnn_context_device(ctx), "cpu") == 0;
}

static inline cnn_module *make_net(void)
{
    cnn_module *block = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 2, 4, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 4),
                                           cnn_relu_new(ctx), cnn_dropout_new(ctx, 0.5));
    cnn_module *net = cnn_sequential_new(ctx, block, cnn_flatten_new(ctx), cnn_linear_new(ctx, 4 * 5 * 5, 3));
    ck_assert_msg(net != NULL, "%s", cnn_last_error(ctx));
    return net;
}

#endif
