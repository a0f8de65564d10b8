/* What tests of devices train, on the test device and on the CUDA back end's stand-in: a net with convolutions, buffers, dropout
 * and a product, a batch for each step, and the bits that training leaves in the net. Nothing here asserts: a child that a test
 * forks calls it as well. */
#ifndef CNN_TESTS_DEVICE_NET_H
#define CNN_TESTS_DEVICE_NET_H

#include <cnn/cnn.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SAMPLES = 12, CLASSES = 5, SIDE = 8 };

/* NULL on failure. */
static inline cnn_module *device_net_new(cnn_context *ctx, double dropout)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 2, 6, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 6), cnn_relu_new(ctx),
                              cnn_maxpool2d_new(ctx, 2), cnn_conv2d_new(ctx, 6, 8, 3, .padding = 1), cnn_relu_new(ctx),
                              cnn_maxpool2d_new(ctx, 2), cnn_flatten_new(ctx), cnn_dropout_new(ctx, dropout),
                              cnn_linear_new(ctx, 32, CLASSES));
}

/* Makes the batch of a step: images [SAMPLES,2,SIDE,SIDE] and classes [SAMPLES], one of them out of range if `bad`. False leaves
 * neither. */
static inline bool device_batch(cnn_context *ctx, int number, bool bad, cnn_tensor **images, cnn_tensor **labels)
{
    float pixels[SAMPLES * 2 * SIDE * SIDE];
    int64_t classes[SAMPLES];
    for (int i = 0; i < SAMPLES * 2 * SIDE * SIDE; i++) {
        pixels[i] = (float)((i * 7919 + number * 104729) % 1000) / 500 - 1;
    }
    for (int i = 0; i < SAMPLES; i++) {
        classes[i] = (i * 3 + number) % CLASSES;
    }
    classes[3] = bad ? 99 : classes[3];
    *images = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(SAMPLES, 2, SIDE, SIDE), pixels);
    *labels = *images ? cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(SAMPLES), classes) : NULL;
    if (!*labels) {
        cnn_tensor_free(*images);
        *images = NULL;
    }
    return *labels != NULL;
}

/* All parameters and buffers, one after the other. */
typedef struct device_state {
    size_t bytes;
    char data[1 << 16];
} device_state;

/* False: one could not be read, or they are too many. */
static inline bool device_state_read(const cnn_module *net, device_state *to)
{
    to->bytes = 0;
    for (int i = 0; i < cnn_module_state_count(net); i++) {
        const cnn_tensor *t = cnn_module_state(net, i);
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        if (to->bytes + bytes > sizeof to->data || cnn_tensor_read(t, to->data + to->bytes, bytes) != CNN_OK) {
            return false;
        }
        to->bytes += bytes;
    }
    return true;
}

#endif
