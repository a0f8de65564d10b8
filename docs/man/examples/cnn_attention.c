/* Self-attention with two heads over five tokens of eight numbers. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *attention = cnn_multihead_attention_new(ctx, 8, 2, .batch_first = true);
    cnn_tensor *tokens = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(1, 5, 8));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, tokens);
    cnn_tensor *y = cnn_multihead_attention_forward(attention, x, x, x, NULL, NULL, NULL, NULL);
    int failed = cnn_tape_status(tape) != CNN_OK;
    printf("[%d,%d,%d]\n", (int)cnn_tensor_size(y, 0), (int)cnn_tensor_size(y, 1), (int)cnn_tensor_size(y, 2));
    cnn_tensor_free(tokens);
    cnn_module_free(attention);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
[1,5,8]
*/
