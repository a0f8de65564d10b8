/* All processes that mpirun started add up a number; alone, it is one process. */
#include <cnn/cnn.h>
#include <cnn/mpi.h>
#include <stdio.h>

int main(void)
{
    if (cnn_mpi_begin() != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    cnn_context *ctx = cnn_context_new(.threads = cnn_mpi_threads());
    cnn_group *group = cnn_mpi_world(ctx);
    double sum = 1;
    int failed = cnn_group_allreduce(group, &sum, 1, CNN_F64) != CNN_OK;
    if (!failed && cnn_group_rank(group) == 0) {
        printf("%g of %d\n", sum, cnn_group_size(group));
    }
    cnn_group_free(group);
    cnn_context_free(ctx);
    cnn_mpi_end();
    return failed;
}
/* It prints:
1 of 1
*/
