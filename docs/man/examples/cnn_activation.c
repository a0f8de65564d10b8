/* ReLU as an operation, and LeakyReLU as a layer. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *leaky = cnn_leaky_relu_new(ctx, .negative_slope = 0.5);
    cnn_tensor *numbers = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2), (float[]){ -4, 4 });
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, numbers);
    float relu[2] = { 0 }, leaked[2] = { 0 };
    cnn_tensor_read(cnn_relu(x), relu, sizeof relu);
    cnn_tensor_read(cnn_forward(leaky, x), leaked, sizeof leaked);
    int failed = cnn_tape_status(tape) != CNN_OK;
    printf(failed ? "failed\n" : "%g %g, %g %g\n", relu[0], relu[1], leaked[0], leaked[1]);
    cnn_tensor_free(numbers);
    cnn_module_free(leaky);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
0 4, -2 4
*/
