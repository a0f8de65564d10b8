/* Launches on the CPU: each is a call of the kernel that its number names, at once, in the calling thread and those of
 * the pool. */
#ifndef CNN_KERNELS_LAUNCH_H
#define CNN_KERNELS_LAUNCH_H

#include "kernels/kernels.h"

/* A launch in an initialiser: CNN__LAUNCH(RELU, dtype, .count = n, .in = { x }, .out = { y }). */
#define CNN__LAUNCH(name, type, ...) \
    { \
        .struct_size = sizeof(cnn_launch), .kernel = CNN_KERNEL_##name, .dtype = (type), __VA_ARGS__ \
    }
/* Its parameters: a struct that lives until the call. */
#define CNN__PARAMETERS(p) .parameters = &(p), .parameters_size = sizeof(p)

/* false: the kernel has failed, which it says in `failure` (may be NULL). */
bool cnn__cpu_run(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool, cnn_backend_failure *failure);
/* Bytes of workspace for that many workers. */
size_t cnn__cpu_workspace(const cnn_launch *launch, const cnn__kernels *kernels, int workers);
/* As messages say it: "gemm". */
const char *cnn__kernel_name(int kernel);

#endif
