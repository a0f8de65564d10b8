/* From main to the end of the first training step, in milliseconds: context, MNIST from DIRECTORY, the tutorial's model, Adam,
 * loader, one step of 200. Prints the parts: opening the data, building the rest, the step, and all. */
#include "nets.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    double start = bench_now();
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_dataset *dataset = ctx ? cnn_mnist_open(ctx, argv[1], CNN_MNIST_TRAIN) : NULL;
    double opened = bench_now();
    cnn_module *model = ctx ? net_find("tutorial")->make(ctx) : NULL;
    cnn_optimizer *adam = model ? cnn_adam_new(model, .lr = 1e-3) : NULL;
    cnn_loader *loader = cnn_loader_new(dataset, 200, .shuffle = true);
    cnn_tape *tape = cnn_tape_new(ctx);
    double built = bench_now();
    if (!adam || !loader || !tape || net_train(model, adam, loader, tape) != CNN_OK) {
        bench_die("bench_start");
    }
    double done = bench_now();
    printf("%.2f %.2f %.2f %.2f\n", 1e3 * (opened - start), 1e3 * (built - opened), 1e3 * (done - built),
           1e3 * (done - start));
    cnn_tape_free(tape);
    cnn_loader_free(loader);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
