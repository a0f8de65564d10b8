/* A kernel that finds the edge between dark and light columns. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *image =
        cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 1, 3, 4), (float[]){ 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1 });
    cnn_tensor *kernel = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 1, 1, 2), (float[]){ -1, 1 });
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *edges = cnn_conv2d(cnn_input(tape, image), kernel, NULL, NULL); /* [1,1,3,3] */
    float is[9] = { 0 };
    int failed = cnn_tensor_read(edges, is, sizeof is) != CNN_OK;
    printf(failed ? "failed\n" : "%g %g %g\n", is[0], is[1], is[2]);
    cnn_tensor_free(image);
    cnn_tensor_free(kernel);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
0 1 0
*/
