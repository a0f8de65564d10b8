/* The steps of reductions, for reduce_impl.h. */
#ifndef CNN_KERNELS_ARRAY_REDUCE_STEPS_H
#define CNN_KERNELS_ARRAY_REDUCE_STEPS_H

enum { MOST = 4096 };

#define SUM_REAL(a, b) ((a) + (b))
/* Integers wrap. */
#define SUM_INTEGER(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define PRODUCT_REAL(a, b) ((a) * (b))
#define PRODUCT_INTEGER(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))
/* A NaN, once in, stays: it fails the comparison as a, and passes the first test as b. */
#define MAX_REAL(a, b) ((b) != (b) ? (b) : (b) > (a) ? (b) : (a))
#define MIN_REAL(a, b) ((b) != (b) ? (b) : (b) < (a) ? (b) : (a))

#endif
