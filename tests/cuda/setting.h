/* What the tests of the CUDA back end on the stand-in share: a net with cuDNN's convolutions, cuBLASLt's products and
 * everything between, and children, since a process finds the back end once. */
#ifndef CNN_TESTS_CUDA_SETTING_H
#define CNN_TESTS_CUDA_SETTING_H

#include "support/device_net.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 5 };

typedef struct setting {
    cnn_context *ctx;
    cnn_tape *tape;
    cnn_module *net;
    cnn_optimizer *optimizer;
} setting;

typedef device_state state;

static inline bool setting_make(setting *s, const char *device)
{
    *s = (setting){ .ctx = cnn_context_new(.device = device, .seed = 5, .threads = 1) };
    if (!s->ctx) {
        return false;
    }
    s->tape = cnn_tape_new(s->ctx);
    s->net = device_net_new(s->ctx, 0.2);
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
    cnn_random_state random = { 0 };
    cnn_context_random_state(s->ctx, &random);
    cnn_tensor *x, *labels;
    bool made = device_batch(s->ctx, number, wrong_class, &x, &labels);
    cnn_status status = made ? cnn_tape_begin(s->tape, CNN_TRAIN) : CNN_ERROR_DEVICE;
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
    return device_state_read(s->net, to);
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
