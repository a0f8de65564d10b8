/* A user's program, built from an installed prefix with the flags of pkg-config and nothing else. It trains a small
 * network until the loss falls, saves and loads it, and compares what both compute. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <string.h>

static cnn_module *network(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 4, 3, .padding = 1), cnn_relu_new(ctx),
                              cnn_maxpool2d_new(ctx, 2), cnn_flatten_new(ctx), cnn_linear_new(ctx, 64, 10));
}

static double step(cnn_tape *tape, cnn_module *model, cnn_optimizer *adam, cnn_tensor *images, cnn_tensor *labels)
{
    cnn_tensor *loss;
    cnn_tape_begin(tape, CNN_TRAIN);
    loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, images)), labels);
    cnn_optimizer_zero_grad(adam);
    cnn_backward(loss);
    return cnn_optimizer_step(adam) == CNN_OK ? cnn_tensor_item(loss) : -1;
}

static int same_outputs(cnn_tape *tape, cnn_module *one, cnn_module *other, cnn_tensor *images)
{
    float a[80], b[80];
    cnn_tape_begin(tape, CNN_EVAL);
    return cnn_tensor_read(cnn_forward(one, cnn_input(tape, images)), a, sizeof a) == CNN_OK &&
           cnn_tensor_read(cnn_forward(other, cnn_input(tape, images)), b, sizeof b) == CNN_OK &&
           memcmp(a, b, sizeof a) == 0;
}

static int fail(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, cnn_last_error(NULL));
    return 1;
}

int main(int argc, char **argv)
{
    cnn_context *ctx = cnn_context_new(.seed = 3);
    cnn_module *model = network(ctx), *copy = network(ctx);
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 0.01);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *images = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(8, 1, 8, 8));
    cnn_tensor *labels = cnn_tensor_arange(ctx, CNN_I64, 0, 8, 1);
    double first, last = 0;
    int i;

    if (argc != 2 || strcmp(cnn_version(), CNN_VERSION_STRING) != 0) {
        return fail("usage: client FILE, and the library of the headers");
    }
    first = step(tape, model, adam, images, labels);
    for (i = 0; i < 30; i++) {
        last = step(tape, model, adam, images, labels);
    }
    if (!(last >= 0 && last < first / 2)) {
        return fail("training does not lower the loss");
    }
    if (cnn_module_save(model, argv[1]) != CNN_OK || cnn_module_load(copy, argv[1]) != CNN_OK) {
        return fail("saving and loading");
    }
    if (!same_outputs(tape, model, copy, images)) {
        return fail("what was loaded computes something else");
    }
    printf("client: libcnn %s, loss %.3f to %.3f\n", cnn_version(), first, last);
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(copy);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
