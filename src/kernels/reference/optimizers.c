/* The steps of optimizers on single numbers, in f32 and f64, and their descriptors. */
#include "kernels/launch.h"
#include "kernels/optimizer_loops.h"
#include "kernels/reference/reference.h"

#include <math.h>
#include <string.h>

#define CNN__INLINE static inline
#define WIDTH 1
#define READ(from) (*(from))
#define WRITE(to, value) (*(to) = (value))
#define CHOOSE(condition, a, b) ((condition) ? (a) : (b))

#define REAL float
#define VALUE float
#define ROOT(x) sqrtf(x)
#define NAME(name) cnn__##name##_f32
#define NUMBERS(name) cnn__##name##_numbers_f32
#define LAUNCH_LINKAGE
#include "kernels/optimizers_impl.h"
#undef REAL
#undef VALUE
#undef ROOT
#undef NAME
#undef NUMBERS

#define REAL double
#define VALUE double
#define ROOT(x) sqrt(x)
#define NAME(name) cnn__##name##_f64
#define NUMBERS(name) cnn__##name##_numbers_f64
#define LAUNCH_LINKAGE static
#include "kernels/optimizers_impl.h"

static bool run_optimizer(cnn__cpu_call *j)
{
    j->real->optimizer(j->l, j->pool);
    return true;
}

#define DESCRIPTOR(NUMBER, name, flops_each) \
    const cnn__cpu_kernel cnn__cpu_##name = { .run = run_optimizer, .flops = (flops_each) };
CNN__OPTIMIZERS(DESCRIPTOR)
