/* A user's program with libcnn-mpi: a group of all processes that MPI started, one where none did. */
#include <cnn/cnn.h>
#include <cnn/mpi.h>

#include <stdio.h>

int main(void)
{
    if (cnn_mpi_begin() != CNN_OK) {
        return 1;
    }
    cnn_context *ctx = cnn_context_new(.threads = cnn_mpi_threads());
    cnn_group *group = cnn_mpi_group(ctx, MPI_COMM_WORLD);
    int status = cnn_group_barrier(group) == CNN_OK && cnn_group_size(group) >= 1 ? 0 : 1;
    printf("%s, %d processes\n", cnn_mpi_name(), cnn_group_size(group));
    cnn_group_free(group);
    cnn_context_free(ctx);
    cnn_mpi_end();
    return status;
}
