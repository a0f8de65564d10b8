/* The same kernels for doubles, which are compiled when there are any. */
#define WITHOUT_F32
#include "optimizers.cu"
