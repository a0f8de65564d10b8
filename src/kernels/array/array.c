/* The table of the array kernels. */
#include "kernels/array/impl.h"

const cnn__array_kernels cnn__array_kernels_table = {
    .fill = cnn__array_fill,
    .copy = cnn__array_copy,
    .unary = cnn__array_unary,
    .binary = cnn__array_binary,
    .compare = cnn__array_compare,
    .where = cnn__array_where,
    .reduce = cnn__array_reduce,
    .argmax = cnn__array_argmax,
    .log_softmax = cnn__array_log_softmax,
    .softmax = cnn__array_softmax,
};
