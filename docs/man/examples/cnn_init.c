/* The weights of all layers begin anew, as He and others proposed for ReLU, and biases at 0. */
#include <cnn/cnn.h>
#include <stdio.h>
#include <string.h>

static bool begin(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    (void)user;
    if (is_parameter && strstr(name, "weight")) {
        return cnn_init_kaiming_normal(tensor, NULL) == CNN_OK;
    }
    return cnn_init_zeros(tensor) == CNN_OK;
}

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *layer = cnn_linear_new(ctx, 300, 100);
    int failed = cnn_module_visit(layer, begin, NULL) != CNN_OK;
    printf("gain of ReLU %.4f, first bias %g\n", cnn_init_gain(CNN_NONLINEARITY_RELU, 0),
           ((const float *)cnn_tensor_data(cnn_module_find(layer, "bias")))[0]);
    cnn_module_free(layer);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
gain of ReLU 1.4142, first bias 0
*/
