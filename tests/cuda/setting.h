/* What the tests of the CUDA back end on the stand-in share: a net with cuDNN's convolutions, cuBLASLt's products and
 * everything between, and children, since a process finds the back end once. */
#ifndef CNN_TESTS_CUDA_SETTING_H
#define CNN_TESTS_CUDA_SETTING_H

#include "support/suite.h"

#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 12, CLASSES = 5, SIDE = 8, STEPS = 5 };

typedef struct setting {
    cnn_context *ctx;
    cnn_tape *tape;
    cnn_module *net;
    cnn_optimizer *optimizer;
} setting;

typedef struct state {
    size_t bytes;
    char data[1 << 16];
} state;

static inline bool setting_make(setting *s, const char *device)
{
    *s = (setting){ .ctx = cnn_context_new(.device = device, .seed = 5, .threads = 1) };
    if (!s->ctx) {
        return false;
    }
    s->tape = cnn_tape_new(s->ctx);
    s->net = cnn_sequential_new(
        s->ctx, cnn_conv2d_new(s->ctx, 2, 6, 3, .padding = 1), cnn_batch_norm2d_new(s->ctx, 6), cnn_relu_new(s->ctx),
        cnn_maxpool2d_new(s->ctx, 2), cnn_conv2d_new(s->ctx, 6, 8, 3, .padding = 1), cnn_relu_new(s->ctx),
        cnn_maxpool2d_new(s->ctx, 2), cnn_flatten_new(s->ctx), cnn_dropout_new(s->ctx, 0.2), cnn_linear_new(s->ctx, 32, CLASSES));
    s->optimizer = s->net ? cnn_adam_new(s->net, .lr = 0.01) : NULL;
    return s->tape && s->optimizer && cnn_context_synchronize(s->ctx) == CNN_OK;
}

static inline void setting_free(setting *s)
{
    cnn_optimizer_free(s->optimizer);
    cnn_module_free(s->net);
    cnn_tape_free(s->tape);
    cnn_context_free(s->ctx);
}

static bool wrong_class; /* the next step has one */
static bool unwatched;   /* steps do not wait, so that only the optimizer waits, for its step before */

static inline cnn_status train(setting *s, int number)
{
    float pixels[SAMPLES * 2 * SIDE * SIDE];
    int64_t classes[SAMPLES];
    for (int i = 0; i < SAMPLES * 2 * SIDE * SIDE; i++) {
        pixels[i] = (float)((i * 7919 + number * 104729) % 1000) / 500 - 1;
    }
    for (int i = 0; i < SAMPLES; i++) {
        classes[i] = (i * 3 + number) % CLASSES;
    }
    classes[3] = wrong_class ? 99 : classes[3];
    cnn_random_state random = { 0 };
    cnn_context_random_state(s->ctx, &random);
    cnn_tensor *x = cnn_tensor_from_data(s->ctx, CNN_F32, CNN_SHAPE(SAMPLES, 2, SIDE, SIDE), pixels);
    cnn_tensor *labels = x ? cnn_tensor_from_data(s->ctx, CNN_I64, CNN_SHAPE(SAMPLES), classes) : NULL;
    cnn_status status = labels ? cnn_tape_begin(s->tape, CNN_TRAIN) : CNN_ERROR_DEVICE;
    if (status == CNN_OK) {
        cnn_optimizer_zero_grad(s->optimizer);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(s->net, cnn_input(s->tape, x)), labels);
        status = cnn_backward(loss);
    }
    if (status == CNN_OK) {
        status = cnn_optimizer_step(s->optimizer);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(labels);
    cnn_status waited = unwatched ? CNN_OK : cnn_context_synchronize(s->ctx);
    status = status == CNN_OK ? waited : status;
    if (status != CNN_OK) {
        cnn_context_set_random_state(s->ctx, &random); /* a step that is repeated drops the same elements */
    }
    return status;
}

static inline bool read_state(const setting *s, state *to)
{
    to->bytes = 0;
    for (int i = 0; i < cnn_module_state_count(s->net); i++) {
        const cnn_tensor *t = cnn_module_state(s->net, i);
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        if (cnn_tensor_read(t, to->data + to->bytes, bytes) != CNN_OK) {
            return false;
        }
        to->bytes += bytes;
    }
    return true;
}

static inline bool train_all(const char *device, state *to)
{
    setting s;
    bool done = setting_make(&s, device);
    for (int i = 0; i < STEPS && done; i++) {
        done = train(&s, i) == CNN_OK;
    }
    done = done && read_state(&s, to);
    setting_free(&s);
    return done;
}

static state right, now;

/* What a child that runs `fn` ends with. */
static inline int in_child(int (*fn)(void))
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        exit(fn());
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void same_bits(const char *what)
{
    ck_assert_uint_eq(now.bytes, right.bytes);
    ck_assert_msg(memcmp(now.data, right.data, now.bytes) == 0, "%s: the bits differ", what);
}

/* The plug-in with the CPU's kernels, on the stand-in. */
static inline void use_standin(void)
{
    setenv("CNN_BACKEND_PATH", CUDA_REFERENCE_FOLDER, 1);
    setenv("CNN_CUDA_LIBRARIES", CUDA_STANDIN_FOLDER, 1);
    setenv("XDG_CACHE_HOME", CUDA_STANDIN_FOLDER, 0);
    unsetenv("CNN_DEVICE");
}

#endif
