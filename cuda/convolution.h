/* What the two files of convolutions share: convolution_plan.c asks cuDNN for a plan, convolution.c knows which there
 * are and what stands around them. */
#ifndef CNN_CUDA_CONVOLUTION_H
#define CNN_CUDA_CONVOLUTION_H

#include "queue.h"

enum { CONVOLUTION_PARTS = 80, CONVOLUTION_DIMS = 3 };

/* What makes a convolution another one, of two or three dimensions. Filled with zeros first, for memcmp(). */
typedef struct convolution_form {
    int64_t dims, x[2 + CONVOLUTION_DIMS], w[2 + CONVOLUTION_DIMS], y[2 + CONVOLUTION_DIMS];
    int64_t stride[CONVOLUTION_DIMS], dilation[CONVOLUTION_DIMS], before[CONVOLUTION_DIMS], behind[CONVOLUTION_DIMS];
    int32_t kernel, dtype; /* the kernel is that of two dimensions */
    uint32_t align;
    uint8_t strict, bias; /* bias: of each channel of y, which is added before y is rounded */
} convolution_form;

struct cuda_convolution {
    convolution_form form;
    cudnnBackendDescriptor_t plan; /* NULL: cuDNN has none */
    size_t workspace;
    cudnnBackendDescriptor_t parts[CONVOLUTION_PARTS]; /* what the plan was made of, which lives as long */
    int part_count;
};

typedef struct convolution_making {
    cuda_queue *q;
    cuda_convolution *c;
    const char *function; /* the one that has failed */
    int status;
} convolution_making;

/* Makes the plan of a form. Without one its parts may stay, and what was refused is in `m`. */
void cuda_convolution_make(convolution_making *m);
/* Destroys what was created behind the first `count` parts. */
void cuda_convolution_drop(convolution_making *m, int count);

#endif
