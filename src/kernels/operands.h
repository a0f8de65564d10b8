/* How many elements of a launch's dtype each of its operands has, by the kernel and its parameters alone. */
#ifndef CNN_KERNELS_OPERANDS_H
#define CNN_KERNELS_OPERANDS_H

#include <cnn/backend.h>

enum { CNN__IN = 6, CNN__OUT = 4 }; /* as cnn_launch has them */

typedef struct cnn__operands {
    int64_t in[CNN__IN], out[CNN__OUT]; /* 0: the operand is not of the launch's dtype, or is not there */
    bool updates;                       /* elements of results that are not written stay, or are read first */
} cnn__operands;

/* false: nothing is known of this kernel. Operands that may be NULL count as if they were there. */
bool cnn__operands_of(const cnn_launch *launch, cnn__operands *operands);

#endif
