/* Each row of a matrix is divided by its sum: a size of 1 is broadcast. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *counts = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 2), (float[]){ 1, 3, 6, 2 });
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, counts);
    cnn_tensor *parts = cnn_div(x, cnn_sum(x, CNN_DIMS(1), true)); /* [2,2] by [2,1] */
    float is[4] = { 0 };
    int failed = cnn_tensor_read(parts, is, sizeof is) != CNN_OK;
    printf(failed ? "failed\n" : "%g %g, %g %g\n", is[0], is[1], is[2], is[3]);
    cnn_tensor_free(counts);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
0.25 0.75, 0.75 0.25
*/
