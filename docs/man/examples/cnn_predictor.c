/* A layer is frozen, and called without a tape: the memory is the caller's. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_module *layer = cnn_linear_new(ctx, 3, 1);
    cnn_tensor_fill(cnn_module_find(layer, "weight"), 2);
    cnn_tensor_fill(cnn_module_find(layer, "bias"), 1);
    cnn_predictor *predictor = cnn_predictor_new(layer, CNN_F32, CNN_SHAPE(1, 3));
    cnn_module_free(layer); /* the predictor has copied what it needs */
    float in[3] = { 1, 2, 3 }, out[1] = { 0 };
    int failed = cnn_predictor_run(predictor, (const void *[]){ in }, (void *[]){ out }) != CNN_OK;
    printf(failed ? "failed\n" : "%g\n", out[0]);
    cnn_predictor_free(predictor);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
13
*/
