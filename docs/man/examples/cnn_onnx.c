/* A layer is written as an ONNX model and read again. */
#include <cnn/cnn.h>
#include <cnn/onnx.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *layer = cnn_linear_new(ctx, 4, 2);
    cnn_trace_input input = { .shape = (int64_t[]){ -1, 4 }, .ndim = 2 }; /* any batch */
    cnn_onnx_save_options options = { .struct_size = sizeof options, .inputs = &input };
    cnn_module *read = NULL;
    cnn_onnx_value value = { .struct_size = sizeof value };
    if (cnn_onnx_save(layer, "layer.onnx", &options) != CNN_OK || !(read = cnn_onnx_load(ctx, "layer.onnx", NULL)) ||
        cnn_onnx_input(read, 0, &value) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    printf("%s [%d,%d]\n", value.name, (int)value.shape[0], (int)value.shape[1]); /* -1: open */
    cnn_module_free(read);
    cnn_module_free(layer);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
input [-1,4]
*/
