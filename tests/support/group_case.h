/* Processes that make a group by sockets, and what each of them leaves for the test. */
#ifndef CNN_TESTS_SUPPORT_GROUP_CASE_H
#define CNN_TESTS_SUPPORT_GROUP_CASE_H

#include "support/parallel_net.h"
#include "support/socket_group.h"
#include "support/suite.h"

#include <sys/mman.h>
#include <sys/wait.h>

/* What processes leave for the test. */
typedef struct outcome {
    uint64_t digest;
    double loss;
    double communication, waiting;
    size_t largest; /* bytes of a message */
    int64_t sent;   /* bytes of gradients and buffers */
    cnn_status status;
    char error[512];
} outcome;

static outcome *outcomes;

static void setup(void)
{
    outcomes = mmap(NULL, SOCKET_MOST * sizeof *outcomes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(outcomes, MAP_FAILED);
}

static void teardown(void)
{
    munmap(outcomes, SOCKET_MOST * sizeof *outcomes);
}

typedef void (*process_fn)(cnn_context *ctx, cnn_group *group, const void *with, outcome *out);

static inline void run_process(const socket_mesh *mesh, int rank, int threads, process_fn process, const void *with)
{
    mesh_keep(mesh, rank);
    cnn_context *ctx = cnn_context_new(.seed = (uint64_t)rank + 1, .threads = threads);
    cnn_group *group = ctx ? socket_group(ctx, mesh, rank) : NULL;
    if (group) {
        process(ctx, group, with, &outcomes[rank]);
    }
    cnn_group_free(group);
    cnn_context_free(ctx);
    exit(group ? 0 : 3);
}

/* Runs `process` in as many processes, and waits for all of them. */
static inline void run_all(int size, int threads, process_fn process, const void *with)
{
    socket_mesh mesh;
    pid_t children[SOCKET_MOST];
    memset(outcomes, 0, SOCKET_MOST * sizeof *outcomes);
    mesh_open(&mesh, size);
    fflush(NULL);
    for (int rank = 0; rank < size; rank++) {
        children[rank] = fork();
        ck_assert_int_ge(children[rank], 0);
        if (children[rank] == 0) {
            run_process(&mesh, rank, threads, process, with);
        }
    }
    mesh_keep(&mesh, -1);
    for (int rank = 0; rank < size; rank++) {
        int status;
        ck_assert_int_eq(waitpid(children[rank], &status, 0), children[rank]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d of %d ended with %d", rank, size, status);
    }
}

#endif
