/* The table of the array kernels. */
#include "kernels/array/array.h"

const cnn__array_kernels cnn__array_kernels_table = {
#define CNN__ARRAY_KERNEL(name, parameters) .name = cnn__array_##name,
#include "kernels/array/array.def"
#undef CNN__ARRAY_KERNEL
};
