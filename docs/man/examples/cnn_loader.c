/* Five samples in batches of two. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_tensor *numbers = cnn_tensor_arange(ctx, CNN_F32, 0, 5, 1);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_from_tensors(numbers, NULL), 2);
    cnn_batch batch;
    while (cnn_loader_next(loader, &batch)) {
        printf("batch %d of %d: %d samples\n", (int)batch.index, (int)cnn_loader_batch_count(loader), (int)batch.size);
    }
    int failed = cnn_loader_status(loader) != CNN_OK; /* the end of the epoch, or a failure? */
    cnn_loader_free(loader);
    cnn_tensor_free(numbers);
    cnn_context_free(ctx);
    return failed;
}
/* It prints:
batch 0 of 3: 2 samples
batch 1 of 3: 2 samples
batch 2 of 3: 1 samples
*/
