/* A picture is written as a PNG file and read again. */
#include <cnn/cnn.h>
#include <cnn/image.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tensor *gray = cnn_tensor_full(ctx, CNN_U8, 128, CNN_SHAPE(1, 24, 32));
    if (cnn_image_write_png(gray, "gray.png", 6) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    cnn_image_options rgb = { .struct_size = sizeof rgb, .mode = CNN_IMAGE_RGB };
    cnn_tensor *read = cnn_image_read(ctx, "gray.png", &rgb);
    printf("[%d,%d,%d]\n", (int)cnn_tensor_size(read, 0), (int)cnn_tensor_size(read, 1), (int)cnn_tensor_size(read, 2));
    cnn_tensor_free(gray);
    cnn_tensor_free(read);
    cnn_context_free(ctx);
    return read ? 0 : 1;
}
/* It prints:
[3,24,32]
*/
