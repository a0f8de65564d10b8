/* What bench_kernels times: the convolutions and the linear layers of well-known networks, each shape once. */
#ifndef CNN_BENCH_KERNELS_CASES_H
#define CNN_BENCH_KERNELS_CASES_H

#include "kernels/kernels.h"

typedef enum bench_pass { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHT, PASSES } bench_pass;

extern const char *const pass_names[PASSES];

typedef struct conv_shape {
    const char *net; /* the first that has it */
    int channels, h, w, outputs, kernel_h, kernel_w, stride, pad_h, pad_w, groups;
} conv_shape;

typedef struct linear_shape {
    const char *net;
    int inputs, outputs;
} linear_shape;

extern const conv_shape conv_shapes[];
extern const int conv_shape_count;
extern const linear_shape linear_shapes[];
extern const int linear_shape_count;

/* Is shape i the same as one before it? */
bool conv_shape_repeats(int i);

cnn__conv conv_of(const conv_shape *s, int batch);

/* The product of a pass of y = x · weightᵀ, of `batch` rows. */
cnn__gemm gemm_of(const linear_shape *s, int batch, bench_pass pass);

/* Floats of the two operands and the result of a pass. */
typedef struct bench_sizes {
    int64_t a, b, out;
} bench_sizes;

/* a, b → out is x, weight → y;  dy, weight → dx;  x, dy → dweight. */
bench_sizes conv_sizes(const cnn__conv *g, bench_pass pass);
bench_sizes gemm_sizes(const cnn__gemm *g);

double conv_gflop(const cnn__conv *g);

#endif
