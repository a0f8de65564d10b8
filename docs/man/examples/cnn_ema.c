/* The average of a weight over two values of it. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_module *model = cnn_linear_new(ctx, 1, 1, .no_bias = true);
    cnn_tensor *weight = cnn_module_find(model, "weight");
    cnn_ema *average = cnn_ema_new(model, .decay = 0.75);
    cnn_tensor_fill(weight, 4);
    cnn_ema_update(average, model); /* after the optimizer's step */
    cnn_tensor_fill(weight, 8);
    cnn_ema_update(average, model);
    printf("%g after %d updates\n", cnn_tensor_item(cnn_module_find(cnn_ema_module(average), "weight")),
           (int)cnn_ema_count(average));
    cnn_ema_free(average);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
5 after 2 updates
*/
