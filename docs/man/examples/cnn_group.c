/* An epoch by all processes that mpirun started; alone, by one, with the same weights. */
#include <cnn/cnn.h>
#include <cnn/mpi.h>
#include <stdio.h>

int main(void)
{
    if (cnn_mpi_begin() != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    cnn_context *ctx = cnn_context_new(.seed = 1);
    cnn_group *group = cnn_mpi_world(ctx);
    cnn_tensor *numbers = cnn_tensor_full(ctx, CNN_F32, 0.5, CNN_SHAPE(10, 1));
    cnn_module *model = cnn_linear_new(ctx, 1, 1);
    cnn_optimizer *sgd = cnn_sgd_new(model, .lr = 0.01);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_data_parallel *parallel =
        cnn_data_parallel_new(group, model, cnn_dataset_from_tensors(numbers, NULL), .batch_size = 4, .shards = 2);
    cnn_batch batch;
    int steps = 0, failed = !parallel;
    while (!failed && cnn_data_parallel_begin(parallel)) {
        while (cnn_data_parallel_next(parallel, &batch)) {
            cnn_tape_begin(tape, CNN_TRAIN);
            cnn_tensor *input = cnn_input(tape, batch.images);
            cnn_data_parallel_backward(parallel, cnn_mse_loss(cnn_forward(model, input), input, NULL));
        }
        failed = cnn_data_parallel_end(parallel, CNN_OK) != CNN_OK || cnn_optimizer_step(sgd) != CNN_OK;
        steps++;
    }
    if (!failed && cnn_group_rank(group) == 0) {
        printf("%d steps, %d samples\n", steps, (int)cnn_data_parallel_sample_count(parallel));
    }
    cnn_data_parallel_free(parallel);
    cnn_tape_free(tape);
    cnn_optimizer_free(sgd);
    cnn_module_free(model);
    cnn_tensor_free(numbers);
    cnn_group_free(group);
    cnn_context_free(ctx);
    cnn_mpi_end();
    return failed;
}
/* It prints:
3 steps, 10 samples
*/
