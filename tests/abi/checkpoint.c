/* Writes a checkpoint as a release does, for tests/fixtures/checkpoint-VERSION.safetensors: compiled with that release's headers and
 * library, by functions that all of them have, once, when it is made (docs/release.md). Usage: checkpoint FILE. It prints the parameters,
 * which tests/test_checkpoint.c expects of that file. */
#include <cnn/cnn.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    /* The reference kernels are the same in every release and on every machine. */
    cnn_context *ctx = cnn_context_new(.seed = 5, .threads = 1, .kernels = "reference");
    cnn_module *model =
        cnn_sequential_new(ctx, cnn_linear_new(ctx, 3, 2), cnn_relu_new(ctx), cnn_linear_new(ctx, 2, 1));
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 0.0625);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(4, 3));
    if (argc != 2 || !adam || !tape || !x) {
        return 2;
    }
    for (int i = 0; i < cnn_module_parameter_count(model); i++) {
        float *numbers = cnn_tensor_data(cnn_module_parameter(model, i));
        for (int64_t k = 0; k < cnn_tensor_numel(cnn_module_parameter(model, i)); k++) {
            numbers[k] = (float)(k + i + 1) / 8;
        }
    }
    for (int step = 0; step < 3; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_mean(cnn_forward(model, cnn_input(tape, x)), CNN_ALL_DIMS, false);
        cnn_optimizer_zero_grad(adam);
        cnn_backward(loss);
        if (cnn_optimizer_step(adam) != CNN_OK) {
            return 1;
        }
    }
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = model, .optimizer = adam, .epoch = 7 };
    if (cnn_checkpoint_save(&checkpoint, argv[1]) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(ctx));
        return 1;
    }
    for (int i = 0; i < cnn_module_parameter_count(model); i++) {
        const float *numbers = cnn_tensor_data(cnn_module_parameter(model, i));
        for (int64_t k = 0; k < cnn_tensor_numel(cnn_module_parameter(model, i)); k++) {
            printf("%aF, ", (double)numbers[k]);
        }
    }
    puts("");
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
