/* Softmax makes probabilities of scores; BatchNorm2d is a layer with four numbers per channel and a count. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *norm = cnn_batch_norm2d_new(ctx, 8);
    cnn_tensor *scores = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 2), (float[]){ 3, 3 });
    cnn_tape_begin(tape, CNN_EVAL);
    float is[2] = { 0 };
    int failed = cnn_tensor_read(cnn_softmax(cnn_input(tape, scores), 1), is, sizeof is) != CNN_OK;
    printf("%g %g\n", is[0], is[1]);
    for (int i = 0; i < cnn_module_state_count(norm); i++) {
        char name[64];
        cnn_module_state_name(norm, i, name, sizeof name);
        printf("%s: %lld\n", name, (long long)cnn_tensor_numel(cnn_module_state(norm, i)));
    }
    cnn_tensor_free(scores);
    cnn_module_free(norm);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
0.5 0.5
weight: 8
bias: 8
running_mean: 8
running_var: 8
num_batches_tracked: 1
*/
