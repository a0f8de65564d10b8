/* Pictures of 8 x 8 pixels are cropped at random and flipped every other time. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_augmentation *chain = cnn_augmentation_new(ctx);
    cnn_augment_random_crop(chain, 6, 6);
    cnn_augment_horizontal_flip(chain, 0.5);
    cnn_tensor *pictures = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(100, 3, 8, 8)), *one;
    cnn_dataset *augmented = cnn_dataset_augment(cnn_dataset_from_tensors(pictures, NULL), chain);
    if (cnn_dataset_get(augmented, 0, &one, NULL) != CNN_OK) { /* also where a transform did not fit */
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    printf("[%d,%d,%d]\n", (int)cnn_tensor_size(one, 0), (int)cnn_tensor_size(one, 1), (int)cnn_tensor_size(one, 2));
    cnn_tensor_free(one);
    cnn_tensor_free(pictures);
    cnn_dataset_free(augmented);
    cnn_augmentation_free(chain);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
[3,6,6]
*/
