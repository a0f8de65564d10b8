/* How many elements of a launch's dtype each of its operands has, by the kernel and its parameters alone. What operands
 * mean is in <cnn/backend.h>. */
#ifndef CNN_KERNELS_OPERANDS_H
#define CNN_KERNELS_OPERANDS_H

#include "platform/target.h"

#include <cnn/backend.h>

enum { CNN__IN = 6, CNN__OUT = 4 }; /* as cnn_launch has them */

typedef struct cnn__operands {
    int64_t in[CNN__IN], out[CNN__OUT]; /* 0: the operand is not of the launch's dtype, or is not there */
    bool updates;                       /* elements of results that are not written stay, or are read first */
} cnn__operands;

/* The descriptor of a kernel (kernels/launch.h) names the operands that have the launch's dtype, each by a letter,
 * which its measure turns into a number of elements; it sets *updates where the results are as above. For '*' some say
 * how many times the kernel's formula is computed. */
typedef int64_t cnn__measure_fn(const cnn_launch *launch, char letter, bool *updates);

/* Measures that several kernels share: */
cnn__measure_fn cnn__measure_elementwise;
cnn__measure_fn cnn__measure_reduced;
cnn__measure_fn cnn__measure_counted;
cnn__measure_fn cnn__measure_along;
cnn__measure_fn cnn__measure_matrix;
cnn__measure_fn cnn__measure_gemm;
cnn__measure_fn cnn__measure_matmul;
cnn__measure_fn cnn__measure_convolution;
cnn__measure_fn cnn__measure_conv3d;
cnn__measure_fn cnn__measure_pooling;
cnn__measure_fn cnn__measure_lookup;
cnn__measure_fn cnn__measure_loss;

#endif
