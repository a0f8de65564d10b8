/* The learning rate is halved every two epochs. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_module *model = cnn_linear_new(ctx, 4, 2);
    cnn_optimizer *sgd = cnn_sgd_new(model, .lr = 0.5);
    cnn_scheduler *halved = cnn_step_lr_new(sgd, .step_size = 2, .gamma = 0.5);
    for (int epoch = 0; epoch < 5; epoch++) {
        printf("epoch %d: %g\n", epoch, cnn_scheduler_get_lr(halved, 0));
        cnn_scheduler_step(halved); /* after the batches of an epoch */
    }
    cnn_scheduler_free(halved);
    cnn_optimizer_free(sgd);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
epoch 0: 0.5
epoch 1: 0.5
epoch 2: 0.25
epoch 3: 0.25
epoch 4: 0.125
*/
