/* The C end of weights that travel to PyTorch and back: usage: weights SEED OUT [IN]: a model from SEED, with the weights of
 * IN where given, is saved to OUT. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    cnn_context *ctx = cnn_context_new(.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, .threads = 1);
    cnn_module *model = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 5), cnn_relu_new(ctx), cnn_flatten_new(ctx),
                                           cnn_linear_new(ctx, 16, 7, .no_bias = true, .dtype = CNN_F64));
    int status = argc > 2 && (argc < 4 || cnn_module_load(model, argv[3]) == CNN_OK) &&
                 cnn_module_save(model, argv[2]) == CNN_OK ? 0 : 1;
    if (status != 0) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
    }
    cnn_module_free(model);
    cnn_context_free(ctx);
    return status;
}
