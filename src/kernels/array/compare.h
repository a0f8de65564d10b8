/* What choice.c does with bytes: the comparisons, and bits of any integer dtype. */
#ifndef CNN_KERNELS_ARRAY_COMPARE_H
#define CNN_KERNELS_ARRAY_COMPARE_H

#include "kernels/array/array.h"
#include "kernels/array/nest.h"

/* The comparisons of u8 and bool (choice.c), by cnn_compare. */
extern const cnn__run_fn cnn__compare_bytes[CNN_COMPARE_COUNT];

/* The bits of rows by one of CNN_BINARY_BIT_AND, OR and XOR, which do not ask how long an element is; false: no rows. */
bool cnn__bits_of_rows(const cnn__nest_run *run, cnn__binary op, size_t size);

#endif
