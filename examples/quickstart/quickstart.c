/* A whole training program: a network for MNIST's digits, one epoch, the accuracy on the test set.
 *
 *     quickstart data/mnist            the folder of the four IDX files, plain or .gz (`make mnist` fetches them)
 *
 * Errors stick: within a step nothing is checked, because an operation on a failed result gives a failed result and
 * cnn_optimizer_step() reports the first failure of the step without touching a weight. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <stdlib.h>

static cnn_module *new_model(cnn_context *ctx)
{
    return cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 32, 64, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5),
        cnn_linear_new(ctx, 7 * 7 * 64, 1000), cnn_linear_new(ctx, 1000, 10));
}

/* One pass over the training set. */
static cnn_status train(cnn_module *model, cnn_optimizer *optimizer, cnn_loader *loader, cnn_tape *tape)
{
    cnn_batch batch;
    while (cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, CNN_TRAIN); /* drops the last step's results */
        cnn_tensor *out = cnn_forward(model, cnn_input(tape, batch.images));
        cnn_tensor *loss = cnn_cross_entropy(out, batch.labels);
        cnn_optimizer_zero_grad(optimizer);
        cnn_backward(loss);
        cnn_status status = cnn_optimizer_step(optimizer);
        if (status != CNN_OK) {
            return status;
        }
        if (batch.index % 50 == 0) {
            printf("batch %lld of %lld, loss %.4f\n", (long long)batch.index, (long long)cnn_loader_batch_count(loader),
                   cnn_tensor_item(loss));
        }
    }
    return cnn_loader_status(loader); /* the loop also ends if a batch could not be made */
}

/* Counts in *correct how many samples of the loader the model classifies correctly. */
static cnn_status test(cnn_module *model, cnn_loader *loader, cnn_tape *tape, double *correct)
{
    cnn_batch batch;
    *correct = 0;
    while (cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, CNN_EVAL); /* no dropout, no gradients */
        cnn_tensor *guess = cnn_argmax(cnn_forward(model, cnn_input(tape, batch.images)), CNN_DIMS(1), false);
        cnn_tensor *right = cnn_sum(cnn_eq(guess, batch.labels), CNN_ALL_DIMS, false);
        if (cnn_tape_status(tape) != CNN_OK) {
            return cnn_tape_status(tape);
        }
        *correct += cnn_tensor_item(right);
    }
    return cnn_loader_status(loader);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "data/mnist";
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *model = new_model(ctx);
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 1e-3);
    cnn_loader *train_data = cnn_loader_new(cnn_mnist_open(ctx, folder, CNN_MNIST_TRAIN), 200, .shuffle = true);
    cnn_loader *test_data = train_data ? cnn_loader_new(cnn_mnist_open(ctx, folder, CNN_MNIST_TEST), 500) : NULL;
    cnn_tape *tape = cnn_tape_new(ctx);
    double correct = 0;

    bool good = ctx && model && adam && train_data && test_data && tape;
    good = good && train(model, adam, train_data, tape) == CNN_OK && test(model, test_data, tape, &correct) == CNN_OK;
    if (good) {
        printf("%.2f %% of %lld test digits are right\n", 100 * correct / (double)cnn_loader_sample_count(test_data),
               (long long)cnn_loader_sample_count(test_data));
    } else {
        fprintf(stderr, "quickstart: %s\n", cnn_last_error(NULL));
    }

    cnn_tape_free(tape); /* all of these accept NULL and may be called in any order */
    cnn_loader_free(test_data);
    cnn_loader_free(train_data);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
