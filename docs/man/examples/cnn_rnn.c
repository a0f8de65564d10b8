/* An LSTM reads a sequence of ten steps of three samples. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *lstm = cnn_lstm_new(ctx, 4, 8);
    cnn_tensor *sequence = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(10, 3, 4)), *last;
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = cnn_lstm_forward(lstm, cnn_input(tape, sequence), NULL, NULL, NULL, &last, NULL);
    int failed = cnn_tape_status(tape) != CNN_OK;
    printf("all steps [%d,%d,%d], the last one [%d,%d]\n", (int)cnn_tensor_size(y, 0), (int)cnn_tensor_size(y, 1),
           (int)cnn_tensor_size(y, 2), (int)cnn_tensor_size(last, -2), (int)cnn_tensor_size(last, -1));
    cnn_tensor_free(sequence);
    cnn_module_free(lstm);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
all steps [10,3,8], the last one [3,8]
*/
