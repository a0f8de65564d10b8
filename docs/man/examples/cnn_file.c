/* What is in a file of tensors. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *model = cnn_linear_new(ctx, 4, 2);
    cnn_module_save(model, "model.safetensors");
    cnn_file *file = cnn_file_open(ctx, "model.safetensors");
    if (!file) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    for (int i = 0; i < cnn_file_count(file); i++) {
        printf("%s: %s, %d bytes\n", cnn_file_name(file, i), cnn_file_dtype_name(file, i),
               (int)cnn_file_bytes(file, i));
    }
    cnn_file_free(file);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
bias: F32, 8 bytes
weight: F32, 32 bytes
*/
