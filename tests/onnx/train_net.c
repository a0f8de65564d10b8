/* Trains a model on one batch and prints the losses, for train_nets.py: usage: train_net MODEL BATCH, where BATCH has 4 pictures
 * [3,64,64] of f32 and 4 labels of i64. Momentum 0.9, rate 0.01, cross-entropy, 20 steps. */
#include <cnn/cnn.h>
#include <cnn/onnx.h>

#include <stdio.h>

enum { BATCH = 4, SIZE = 3 * 64 * 64, STEPS = 20 };

static int fail(const cnn_context *ctx)
{
    fprintf(stderr, "train_net: %s\n", cnn_last_error(ctx));
    return 1;
}

int main(int argc, char **argv)
{
    static float pictures[BATCH * SIZE];
    static int64_t labels[BATCH];
    FILE *f = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!f || fread(pictures, sizeof pictures, 1, f) != 1 || fread(labels, sizeof labels, 1, f) != 1) {
        fprintf(stderr, "usage: train_net MODEL BATCH\n");
        return 2;
    }
    fclose(f);
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *net = cnn_onnx_load(ctx, argv[1], NULL);
    if (!net) {
        return fail(ctx);
    }
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, 4, (int64_t[]){ BATCH, 3, 64, 64 }, pictures);
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_I64, 1, (int64_t[]){ BATCH }, labels);
    cnn_optimizer *sgd = cnn_sgd_new(net, .lr = 0.01, .momentum = 0.9);
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < STEPS; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(net, cnn_input(tape, x)), cnn_input(tape, t));
        printf("%.7f\n", cnn_tensor_item(loss));
        if (cnn_backward(loss) != CNN_OK || cnn_optimizer_step(sgd) != CNN_OK) {
            return fail(ctx);
        }
        cnn_optimizer_zero_grad(sgd);
    }
    cnn_tape_free(tape);
    cnn_optimizer_free(sgd);
    cnn_tensor_free(x);
    cnn_tensor_free(t);
    cnn_module_free(net);
    cnn_context_free(ctx);
    return 0;
}
