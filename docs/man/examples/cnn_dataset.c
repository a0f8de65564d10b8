/* A dataset of five numbers, split into two parts. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_tensor *numbers = cnn_tensor_arange(ctx, CNN_F32, 10, 15, 1), *sample;
    cnn_dataset *all = cnn_dataset_from_tensors(numbers, NULL), *parts[2];
    cnn_tensor_free(numbers); /* the dataset keeps it */
    if (cnn_dataset_get(all, 3, &sample, NULL) != CNN_OK ||
        cnn_dataset_random_split(all, (double[]){ 0.8, 0.2 }, 2, 0, parts) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    printf("sample 3 is %g; the parts have %d and %d samples\n", cnn_tensor_item(sample),
           (int)cnn_dataset_size(parts[0]), (int)cnn_dataset_size(parts[1]));
    cnn_tensor_free(sample);
    cnn_dataset_free(parts[0]);
    cnn_dataset_free(parts[1]);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
sample 3 is 13; the parts have 4 and 1 samples
*/
