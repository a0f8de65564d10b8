/* The argument of the kernel `reference`, between plan_reference.c and the stand-in. */
#ifndef CNN_TESTS_CUDA_REFERENCE_H
#define CNN_TESTS_CUDA_REFERENCE_H

#include "plan.h"

enum { REFERENCE_ROWS = 12, REFERENCE_ROW_PARAMETERS = 96 };

/* A launch that is joined to others of an optimizer. */
typedef struct reference_row {
    cnn_launch launch;
    alignas(8) unsigned char parameters[REFERENCE_ROW_PARAMETERS];
} reference_row;

typedef struct reference_argument {
    cuda_status *status;
    bool (*cpu_launch)(const cnn_launch *launch, cnn_backend_failure *failure);
    void *copy_to; /* a copy; NULL: the launch, or the rows */
    const void *copy_from;
    size_t copy_bytes;
    cnn_launch launch; /* its parameters are those below, where it has any */
    alignas(16) unsigned char parameters[720];
    int64_t rows; /* 0: the launch above */
    reference_row row[REFERENCE_ROWS];
} reference_argument;

#endif
