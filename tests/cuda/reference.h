/* The argument of the kernel `reference`, between plan_reference.c and the stand-in. */
#ifndef CNN_TESTS_CUDA_REFERENCE_H
#define CNN_TESTS_CUDA_REFERENCE_H

#include "plan.h"

typedef struct reference_argument {
    cuda_status *status;
    bool (*cpu_launch)(const cnn_launch *launch, cnn_backend_failure *failure);
    void *copy_to; /* a copy; NULL: the launch */
    const void *copy_from;
    size_t copy_bytes;
    cnn_launch launch; /* its parameters are those below, where it has any */
    alignas(16) unsigned char parameters[720];
} reference_argument;

#endif
