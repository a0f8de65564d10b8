/* A context with two threads, and the message of a call that failed. */
#include <cnn/cnn.h>
#include <stdio.h>

static cnn_status square(int64_t begin, int64_t end, void *user)
{
    double *numbers = user;
    for (int64_t i = begin; i < end; i++) {
        numbers[i] *= numbers[i];
    }
    return CNN_OK;
}

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 7, .threads = 2);
    if (!ctx) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    double numbers[4] = { 1, 2, 3, 4 };
    cnn_parallel_for(ctx, 4, 1, square, numbers);
    printf("%d threads: %g %g %g %g\n", cnn_context_threads(ctx), numbers[0], numbers[1], numbers[2], numbers[3]);
    if (!cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, -3))) {
        printf("%s: %s\n", cnn_status_name(cnn_context_status(ctx)), cnn_last_error(ctx));
    }
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
2 threads: 1 4 9 16
CNN_ERROR_SHAPE: tensor_zeros: shape [2,-3] has a negative size
*/
