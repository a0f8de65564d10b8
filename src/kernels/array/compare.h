/* The comparisons of bytes, which have loops of their own. */
#ifndef CNN_KERNELS_ARRAY_COMPARE_H
#define CNN_KERNELS_ARRAY_COMPARE_H

#include "kernels/array/array.h"
#include "kernels/array/nest.h"

/* The comparisons of u8 and bool (choice.c), by cnn_compare. */
extern const cnn__run_fn cnn__compare_bytes[CNN_COMPARE_COUNT];

#endif
