/* A user's program compiled with -ffast-math: CNN_ZERO is 0 in every option that takes it, also as version 0.1 wrote it, and
 * the number of threads does not change a bit of a training whose numbers are partly subnormal. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(bool true_here, const char *what)
{
    if (!true_here) {
        fprintf(stderr, "fast_math: %s\n", what);
        failures++;
    }
}

static bool is_zero(double x)
{
    return memcmp(&x, &(double){ 0 }, sizeof x) == 0;
}

static void check_zero(cnn_context *ctx, double zero)
{
    cnn_module *m = cnn_linear_new(ctx, 2, 1);
    cnn_optimizer *adam = cnn_adam_new(m, .lr = zero), *sgd = cnn_sgd_new(m, .lr = zero);
    expect(adam && is_zero(cnn_optimizer_lr(adam, 0)), "Adam's lr of CNN_ZERO is not 0");
    expect(sgd && is_zero(cnn_optimizer_lr(sgd, 0)), "SGD's lr of CNN_ZERO is not 0");
    expect(cnn_optimizer_set_lr(adam, 0, 0.5) == CNN_OK && cnn_optimizer_set_lr(adam, 0, zero) == CNN_OK &&
               is_zero(cnn_optimizer_lr(adam, 0)),
           "cnn_optimizer_set_lr() of CNN_ZERO is not 0");
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1000));
    cnn_tape_begin(tape, CNN_TRAIN);
    expect(cnn_tensor_item(cnn_sum(cnn_dropout(cnn_input(tape, x), zero), CNN_ALL_DIMS, false)) == 1000,
           "dropout with CNN_ZERO drops something");
    cnn_module *dropout = cnn_dropout_new(ctx, zero);
    char text[64];
    cnn_module_format(dropout, text, sizeof text);
    expect(strcmp(text, "Dropout(p=0.0, inplace=False)") == 0, text);
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_module_free(dropout);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(sgd);
    cnn_module_free(m);
}

/* Adam's second moments are subnormal here. Returns the weights, to be freed. */
static void *train(int threads, size_t *bytes)
{
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = threads);
    cnn_module *m = cnn_linear_new(ctx, 2000, 500);
    cnn_optimizer *adam = cnn_adam_new(m, .eps = 1e-30);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, 1e-20, CNN_SHAPE(16, 2000));
    for (int step = 0; step < 3; step++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_sum(cnn_forward(m, cnn_input(tape, x)), CNN_ALL_DIMS, false);
        cnn_optimizer_zero_grad(adam);
        cnn_backward(loss);
        expect(cnn_optimizer_step(adam) == CNN_OK, cnn_last_error(ctx));
    }
    *bytes = (size_t)cnn_tensor_numel(cnn_module_parameter(m, 0)) * sizeof(float);
    void *weights = malloc(*bytes);
    expect(weights && cnn_tensor_read(cnn_module_parameter(m, 0), weights, *bytes) == CNN_OK, cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
    cnn_context_free(ctx);
    return weights;
}

int main(void)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    check_zero(ctx, CNN_ZERO);
    check_zero(ctx, 4.9406564584124654e-324); /* what it was in version 0.1 */
    cnn_context_free(ctx);
    size_t bytes;
    void *one = train(1, &bytes);
    for (int threads = 2; threads <= 3; threads++) {
        void *several = train(threads, &bytes);
        expect(one && several && memcmp(one, several, bytes) == 0, "the weights depend on the number of threads");
        free(several);
    }
    free(one);
    return failures ? 1 : 0;
}
