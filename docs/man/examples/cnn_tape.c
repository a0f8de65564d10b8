/* The gradient of x1 * x1 + 3 * x2 at (5, 7). */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(2), (double[]){ 5, 7 });
    cnn_tensor *factors = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(2), (double[]){ 0, 3 });
    cnn_tensor *squares = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(2), (double[]){ 1, 0 });
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *in = cnn_input(tape, x);
    cnn_tensor *terms = cnn_add(cnn_mul(cnn_mul(in, in), squares), cnn_mul(in, factors));
    cnn_tensor *y = cnn_sum(terms, CNN_ALL_DIMS, false);
    int failed = cnn_backward(y) != CNN_OK; /* the first error of the step, if there was one */
    if (failed) {
        fprintf(stderr, "%s\n", cnn_tape_error(tape));
    } else {
        const double *gradient = cnn_tensor_data(cnn_tensor_grad(x));
        printf("y = %g, gradient (%g, %g)\n", cnn_tensor_item(y), gradient[0], gradient[1]);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(factors);
    cnn_tensor_free(squares);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
y = 46, gradient (10, 3)
*/
