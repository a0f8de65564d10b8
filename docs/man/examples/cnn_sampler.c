/* Two processes share seven samples: this is the order of the second one. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_sampler *mine = cnn_distributed_sampler_create(ctx, 7, 2, 1, false, false);
    int64_t order[8] = { 0 };
    if (!mine || cnn_sampler_order(mine, 0, 0, order) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    for (int64_t i = 0; i < cnn_sampler_count(mine); i++) {
        printf("%d ", (int)order[i]);
    }
    puts("");
    cnn_sampler_free(mine); /* unless a loader owns it */
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
1 3 5 0 
*/
