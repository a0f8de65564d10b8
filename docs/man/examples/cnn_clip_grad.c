/* A gradient of norm 5 is shortened to norm 1. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *w = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(2));
    cnn_tensor *slope = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(2), (double[]){ 3, 4 });
    double norm = 0;
    cnn_tensor_set_requires_grad(w, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_backward(cnn_sum(cnn_mul(cnn_input(tape, w), slope), CNN_ALL_DIMS, false));
    int failed =
        cnn_clip_grad_norm_for(&w, 1, 1, NULL, &norm) != CNN_OK; /* between backward and the optimizer's step */
    const double *gradient = cnn_tensor_data(cnn_tensor_grad(w));
    printf("the norm was %g; now %.2f %.2f\n", norm, gradient[0], gradient[1]);
    cnn_tensor_free(w);
    cnn_tensor_free(slope);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
the norm was 5; now 0.60 0.80
*/
