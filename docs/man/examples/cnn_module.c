/* A network of named layers, and what is in it. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *model = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 4, 3, .padding = 1), cnn_relu_new(ctx),
                                           cnn_flatten_new(ctx), cnn_linear_new(ctx, 4 * 8 * 8, 10));
    if (!model) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL)); /* the constructor that failed; the others are freed */
        return 1;
    }
    char text[512];
    cnn_module_format(model, text, sizeof text);
    printf("%s\n%lld numbers in %d parameters\n", text, (long long)cnn_module_parameter_numel(model),
           cnn_module_parameter_count(model));
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
Sequential(
  (0): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (1): ReLU()
  (2): Flatten(start_dim=1, end_dim=-1)
  (3): Linear(in_features=256, out_features=10, bias=True)
)
2610 numbers in 4 parameters
*/
