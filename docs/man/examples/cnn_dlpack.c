/* A tensor is handed out and taken back without a copy. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_tensor *mine = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3));
    cnn_dlpack *handed = cnn_tensor_to_dlpack(mine);
    cnn_tensor *taken = cnn_tensor_from_dlpack(ctx, handed); /* as another library would; owns `handed` now */
    if (!taken) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    printf("the same elements: %s\n", cnn_tensor_data(mine) == cnn_tensor_data(taken) ? "yes" : "no");
    cnn_tensor_free(mine);
    cnn_tensor_free(taken);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
the same elements: yes
*/
