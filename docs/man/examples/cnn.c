/* A network of two layers learns the exclusive or of two bits. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *model =
        cnn_sequential_new(ctx, cnn_linear_new(ctx, 2, 16), cnn_relu_new(ctx), cnn_linear_new(ctx, 16, 2));
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 0.05);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *bits = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(4, 2), (float[]){ 0, 0, 0, 1, 1, 0, 1, 1 });
    cnn_tensor *labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(4), (int64_t[]){ 0, 1, 1, 0 });
    cnn_status status = adam && tape && bits && labels ? CNN_OK : CNN_ERROR_NO_MEMORY;
    for (int step = 0; step < 200 && status == CNN_OK; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, bits)), labels);
        cnn_optimizer_zero_grad(adam);
        cnn_backward(loss);
        status = cnn_optimizer_step(adam); /* the first error of the step */
    }
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *answers = cnn_argmax(cnn_forward(model, cnn_input(tape, bits)), CNN_DIMS(1), false);
    int64_t is[4] = { 0 };
    if (status != CNN_OK || cnn_tensor_read(answers, is, sizeof is) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
    } else {
        printf("%d %d %d %d\n", (int)is[0], (int)is[1], (int)is[2], (int)is[3]);
    }
    cnn_tensor_free(bits);
    cnn_tensor_free(labels);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return status == CNN_OK ? 0 : 1;
}
/* It prints:
0 1 1 0
*/
