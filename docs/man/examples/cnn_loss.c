/* The mean squared error of two guesses, and its gradient. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *guess = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2), (float[]){ 1, 4 });
    cnn_tensor *truth = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2), (float[]){ 2, 1 });
    cnn_tensor_set_requires_grad(guess, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_mse_loss(cnn_input(tape, guess), truth, NULL);
    int failed = cnn_backward(loss) != CNN_OK;
    if (!failed) {
        const float *gradient = cnn_tensor_data(cnn_tensor_grad(guess));
        printf("loss %g, gradient %g %g\n", cnn_tensor_item(loss), gradient[0], gradient[1]);
    }
    cnn_tensor_free(guess);
    cnn_tensor_free(truth);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
loss 5, gradient -1 3
*/
