/* What the checks of threads and forks share: a model with some work to do, and its result as one number. */
#ifndef CNN_TESTS_TRUST_WORK_H
#define CNN_TESTS_TRUST_WORK_H

#include "trust/trust.h"

#include <cnn/cnn.h>

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 12, SIZE = 28, CLASSES = 10, STEPS = 3 };

/* Everything is slower by a hundred times there, and idleness cannot be measured. */
static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

static int rounds(int normal)
{
    return under_valgrind() ? (normal + 9) / 10 : TRUST_SANITIZED ? (normal + 2) / 3 : normal;
}

/* ---- a model and its work ---- */

static cnn_module *make_model(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 8, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_conv2d_new(ctx, 8, 16, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5), cnn_linear_new(ctx, 7 * 7 * 16, CLASSES));
}

static uint64_t mix(uint64_t hash, const cnn_tensor *t)
{
    const unsigned char *bytes = cnn_tensor_data(t);
    size_t size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return hash;
}

static uint64_t digest(const cnn_module *model)
{
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < cnn_module_state_count(model); i++) {
        hash = mix(hash, cnn_module_state(model, i));
    }
    return hash;
}

static cnn_tensor *make_images(cnn_context *ctx)
{
    return cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(IMAGES, 1, SIZE, SIZE));
}

static cnn_tensor *make_labels(cnn_context *ctx)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(IMAGES));
    for (int i = 0; t && i < IMAGES; i++) {
        ((int64_t *)cnn_tensor_data(t))[i] = i % CLASSES;
    }
    return t;
}

/* Trains a model of its own for some steps on `ctx`; 0 on failure. */
static uint64_t train_on(cnn_context *ctx)
{
    cnn_module *model = make_model(ctx);
    cnn_optimizer *adam = cnn_adam_new(model);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = make_images(ctx), *y = make_labels(ctx);
    bool good = adam && tape && x && y;
    for (int i = 0; i < STEPS && good; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, x)), y);
        cnn_optimizer_zero_grad(adam);
        good = cnn_backward(loss) == CNN_OK && cnn_optimizer_step(adam) == CNN_OK;
    }
    uint64_t hash = good ? digest(model) : 0;
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    return hash;
}

static uint64_t train(int threads)
{
    cnn_context *ctx = cnn_context_new(.seed = 3, .threads = threads);
    uint64_t hash = ctx ? train_on(ctx) : 0;
    cnn_context_free(ctx);
    return hash;
}

#endif
