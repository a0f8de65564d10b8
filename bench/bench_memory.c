/* How much memory a tape needs, against batch size and against depth. Prints lines of
 *     KIND X TRAINING EVALUATION ACTIVATIONS
 * with the bytes of the tape after some steps of training and of evaluation, and the bytes of the two largest neighbouring
 * activations, which with a kernel's workspace is all that evaluation should need. KIND "batch": the tutorial's model, X images;
 * "depth": X convolutions 3×3 of 16 channels with ReLU on 16 images of 32×32. */
#include "nets.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANNELS = 16, SIDE = 32, IMAGES = 16, DEEPEST = 32 };

static size_t tape_bytes(cnn_module *model, cnn_tensor *images, cnn_tensor *labels, cnn_mode mode)
{
    cnn_context *ctx = cnn_module_context(model);
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < 3; i++) {
        cnn_tape_begin(tape, mode);
        cnn_tensor *out = cnn_forward(model, cnn_input(tape, images));
        if (mode == CNN_TRAIN) {
            cnn_module_zero_grad(model);
            cnn_backward(cnn_cross_entropy(out, labels));
        }
        if (cnn_tape_status(tape) != CNN_OK) {
            bench_die("step");
        }
    }
    size_t bytes = cnn_tape_memory(tape);
    cnn_tape_free(tape);
    return bytes;
}

static void report(const char *kind, int64_t x, cnn_module *model, int64_t batch, const int64_t *image, double activations)
{
    cnn_context *ctx = cnn_module_context(model);
    cnn_tensor *images = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(batch, image[0], image[1], image[2]));
    cnn_tensor *labels = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(batch));
    if (!images || !labels) {
        bench_die("data");
    }
    size_t evaluation = tape_bytes(model, images, labels, CNN_EVAL);
    printf("%s %lld %zu %zu %.0f\n", kind, (long long)x, tape_bytes(model, images, labels, CNN_TRAIN), evaluation,
           activations);
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    cnn_module_free(model);
}

static cnn_module *deep(cnn_context *ctx, int depth)
{
    cnn_module *children[2 * DEEPEST + 2];
    int count = 0;
    for (int i = 0; i < depth; i++) {
        children[count++] = cnn_conv2d_new(ctx, CHANNELS, CHANNELS, 3, .padding = 1);
        children[count++] = cnn_relu_new(ctx);
    }
    children[count++] = cnn_flatten_new(ctx);
    children[count++] = cnn_linear_new(ctx, CHANNELS * SIDE * SIDE, 10);
    return cnn_sequential_create(ctx, children, count);
}

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    const net *tutorial = net_find("tutorial");
    const int64_t digit[3] = { 1, 28, 28 }, image[3] = { CHANNELS, SIDE, SIDE };
    if (!ctx) {
        bench_die("context");
    }
    for (int64_t batch = 25; batch <= 800; batch *= 2) {
        report("batch", batch, tutorial->make(ctx), batch, digit, (double)batch * (32 * 14 * 14 + 64 * 7 * 7) * 4);
    }
    for (int depth = 2; depth <= DEEPEST; depth *= 2) {
        report("depth", depth, deep(ctx, depth), IMAGES, image, 2.0 * IMAGES * CHANNELS * SIDE * SIDE * 4);
    }
    cnn_context_free(ctx);
    return 0;
}
