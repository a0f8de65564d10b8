/* Gradient descent finds the smallest value of (w - 3)^2. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *w = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(1));
    cnn_tensor *three = cnn_tensor_full(ctx, CNN_F64, 3, CNN_SHAPE(1));
    cnn_tensor_set_requires_grad(w, true);
    cnn_optimizer *sgd = cnn_sgd_create_for(ctx, &w, 1, CNN_OPTIONS(cnn_sgd_options, .lr = 0.25));
    cnn_status status = CNN_OK;
    for (int step = 0; step < 4 && status == CNN_OK; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *off = cnn_sub(cnn_input(tape, w), three);
        cnn_optimizer_zero_grad(sgd);
        cnn_backward(cnn_sum(cnn_mul(off, off), CNN_ALL_DIMS, false));
        status = cnn_optimizer_step(sgd);
        printf("%g\n", cnn_tensor_item(w));
    }
    cnn_optimizer_free(sgd);
    cnn_tensor_free(w);
    cnn_tensor_free(three);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return status == CNN_OK ? 0 : 1;
}
/* It prints:
1.5
2.25
2.625
2.8125
*/
