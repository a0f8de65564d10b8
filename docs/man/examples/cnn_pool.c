/* The largest of each pair of numbers, and where it stood. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *row = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 1, 2, 4), (float[]){ 1, 5, 2, 0, 3, 4, 7, 1 });
    cnn_tensor *where;
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *largest =
        cnn_maxpool2d_with_indices(cnn_input(tape, row), CNN_OPTIONS(cnn_maxpool2d_options, .kernel = 2), &where);
    float is[2] = { 0 };
    int64_t at[2] = { 0 };
    cnn_tensor_read(largest, is, sizeof is);
    cnn_tensor_read(where, at, sizeof at);
    int failed = cnn_tape_status(tape) != CNN_OK;
    printf(failed ? "failed\n" : "%g at %d, %g at %d\n", is[0], (int)at[0], is[1], (int)at[1]);
    cnn_tensor_free(row);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
5 at 1, 7 at 6
*/
