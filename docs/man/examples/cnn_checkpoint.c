/* A training run is saved, and goes on from the file. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *model = cnn_linear_new(ctx, 4, 2);
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 1e-3);
    cnn_checkpoint run = { .struct_size = sizeof run, .module = model, .optimizer = adam, .epoch = 3 };
    cnn_status status =
        cnn_checkpoint_save(&run, "run.safetensors"); /* the old file or the new one, never half of it */
    run.epoch = 0;
    if (status == CNN_OK) {
        status = cnn_checkpoint_load(&run, "run.safetensors");
    }
    if (status != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(ctx));
    } else {
        printf("go on with epoch %d\n", (int)run.epoch);
    }
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return status == CNN_OK ? 0 : 1;
}
/* It prints:
go on with epoch 3
*/
