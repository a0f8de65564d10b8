/* The reference kernels: one set of plain loops, compiled for f32 and for f64. */
#include "kernels/reference/reference.h"

#include "base/known.h"
#include "base/random.h"
#include "kernels/conv_relu_pool.h"

#include <math.h>
#include <string.h>

#define CNN__NAME2(a, b) cnn__##a##_##b
#define CNN__NAME(a, b) CNN__NAME2(a, b)

#define REAL float
#define SQRT sqrtf
#define NAME(name) CNN__NAME(name, f32)
#include "kernels/reference/reference_impl.h"
#undef REAL
#undef SQRT
#undef NAME

#define REAL double
#define SQRT sqrt
#define NAME(name) CNN__NAME(name, f64)
#include "kernels/reference/reference_impl.h"
