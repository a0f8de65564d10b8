/* The reference kernels for f32 and f64: one set of plain loops, compiled for both types. */
#include "kernels/reference.h"

#include "base/known.h"
#include "base/random.h"
#include "kernels/convpool.h"

#include <math.h>
#include <string.h>

bool cnn__convpool_fits(const cnn__conv *g)
{
    return g->groups == 1 && g->stride_h == 1 && g->stride_w == 1 && g->dilation_h == 1 && g->dilation_w == 1 &&
           g->pad_top >= 0 && g->pad_left >= 0;
}

#define CNN__NAME2(a, b) cnn__##a##_##b
#define CNN__NAME(a, b) CNN__NAME2(a, b)

#define REAL float
#define SQRT sqrtf
#define NAME(name) CNN__NAME(name, f32)
#include "kernels/reference_impl.h"
#undef REAL
#undef SQRT
#undef NAME

#define REAL double
#define SQRT sqrt
#define NAME(name) CNN__NAME(name, f64)
#include "kernels/reference_impl.h"
