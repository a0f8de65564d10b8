/* The tutorial's model, and images and weights that are a formula of integers, the same here and in tools/fixtures/training.py. */
#ifndef CNN_TESTS_SUPPORT_NET_H
#define CNN_TESTS_SUPPORT_NET_H

#include "support/elements.h"

#include <cnn/cnn.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NET_SIDE = 28, NET_PIXELS = NET_SIDE * NET_SIDE };

/* A bijection of 32-bit integers whose bits look random. */
static inline uint32_t net_mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    return x ^ x >> 16;
}

/* Image n: a horizontal and a vertical bar where the label says, moved a little, and noise. Returns the label. */
static inline int net_digit(uint32_t n, unsigned char *pixels)
{
    int label = (int)(net_mix(n) % 10);
    int down = (int)(net_mix(4 * n + 1000001) % 5) - 2, right = (int)(net_mix(4 * n + 1000002) % 5) - 2;
    int row = 4 + 2 * label + down, column = (label % 2 ? 22 - 2 * label : 4 + label) + right;
    for (int i = 0; i < NET_PIXELS; i++) {
        int y = i / NET_SIDE, x = i % NET_SIDE;
        int shade = (int)(net_mix((uint32_t)i + n * NET_PIXELS) % 64);
        shade += abs(y - row) <= 1 && x >= 4 && x < 24 ? 150 : 0;
        shade += abs(x - column) <= 1 && y >= 4 && y < 24 ? 190 : 0;
        pixels[i] = (unsigned char)(shade > 255 ? 255 : shade);
    }
    return label;
}

/* Images first to first + count − 1, normalised as MNIST is. */
static inline cnn_dataset *net_dataset(cnn_context *ctx, uint32_t first, int64_t count)
{
    const double mean = 0.1307, deviation = 0.3081;
    cnn_tensor *images = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(count, 1, NET_SIDE, NET_SIDE));
    cnn_tensor *labels = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(count));
    unsigned char *pixels = malloc((size_t)count * NET_PIXELS);
    int64_t *digits = malloc((size_t)count * sizeof *digits);
    ck_assert(images && labels && pixels && digits);
    for (int64_t i = 0; i < count; i++) {
        digits[i] = net_digit(first + (uint32_t)i, pixels + i * NET_PIXELS);
    }
    set_elements(images, pixels);
    set_elements(labels, digits);
    free(pixels);
    free(digits);
    cnn_dataset *dataset = cnn_dataset_from_tensors(images, labels);
    ck_assert_int_eq(cnn_dataset_normalize(dataset, 1, &mean, &deviation), CNN_OK);
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    return dataset;
}

/* Parameter number p of the model: uniform in ±1/√fan_in, the biases as their weights. */
static inline void net_weights(cnn_module *model)
{
    double bound = 0;
    for (int p = 0; p < cnn_module_parameter_count(model); p++) {
        cnn_tensor *t = cnn_module_parameter(model, p);
        int64_t n = cnn_tensor_numel(t);
        float *x = malloc((size_t)n * sizeof *x);
        ck_assert_ptr_nonnull(x);
        bound = cnn_tensor_ndim(t) > 1 ? 1 / sqrt((double)(n / cnn_tensor_size(t, 0))) : bound;
        for (int64_t i = 0; i < n; i++) {
            x[i] = (float)(((double)(net_mix((uint32_t)i + (uint32_t)p * 0x1000000u) >> 8) / (1 << 23) - 1) * bound);
        }
        set_elements(t, x);
        free(x);
    }
}

/* Runs the children one after the other, each as an operation of its own: nothing is fused. */
static inline cnn_tensor *net_one_by_one(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < cnn_module_child_count(self); i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    return x;
}

/* `children` as a sequential module, which fuses chains, or as one that does not. */
static inline cnn_module *net_chain(cnn_context *ctx, bool fused, cnn_module *const *children, int count)
{
    if (fused) {
        return cnn_sequential_create(ctx, children, count);
    }
    cnn_module *chain = cnn_module_new(ctx, net_one_by_one);
    for (int i = 0; i < count; i++) {
        char name[12];
        snprintf(name, sizeof name, "%d", i);
        ck_assert_ptr_nonnull(cnn_module_add(chain, name, children[i]));
    }
    return chain;
}

/* The tutorial's model with `width` features between the linear layers (1000 in the tutorial); p 0 leaves dropout out. */
static inline cnn_module *net_new(cnn_context *ctx, bool fused, double p, int64_t width)
{
    cnn_module *l1[] = { cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2) };
    cnn_module *l2[] = { cnn_conv2d_new(ctx, 32, 64, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2) };
    cnn_module *parts[6] = { net_chain(ctx, fused, l1, 3), net_chain(ctx, fused, l2, 3), cnn_flatten_new(ctx) };
    int count = 3;
    if (p > 0) {
        parts[count++] = cnn_dropout_new(ctx, p);
    }
    parts[count++] = cnn_linear_new(ctx, 3136, width);
    parts[count++] = cnn_linear_new(ctx, width, 10);
    cnn_module *model = cnn_sequential_create(ctx, parts, count);
    ck_assert_ptr_nonnull(model);
    return model;
}

/* One step of training; the loss. */
static inline double net_step(cnn_module *model, cnn_optimizer *optimizer, cnn_tape *tape, const cnn_batch *batch)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, batch->images)), batch->labels);
    cnn_optimizer_zero_grad(optimizer);
    cnn_backward(loss);
    if (cnn_optimizer_step(optimizer) != CNN_OK) { /* an assertion that holds allocates */
        ck_abort_msg("%s", cnn_tape_error(tape));
    }
    return cnn_tensor_item(loss);
}

#endif
