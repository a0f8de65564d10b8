/* The steps of optimizers on single numbers, in f32 and f64, and their descriptors. */
#include "kernels/launch.h"
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
#include "kernels/optimizers_impl.h"
#undef REAL
#undef VALUE
#undef ROOT
#undef NAME

#define REAL double
#define VALUE double
#define ROOT(x) sqrt(x)
#define NAME(name) cnn__##name##_f64
#include "kernels/optimizers_impl.h"

static bool run_optimizer(cnn__cpu_call *j)
{
    j->real->optimizer(j->l, j->pool);
    return true;
}

/* FLOPs per element of the formulas in <cnn/kernels/optimizers.h>, with all that may be left out. */
enum {
    FLOPS_adam = 13,
    FLOPS_sgd = 7,
    FLOPS_rmsprop = 14,
    FLOPS_adagrad = 8,
    FLOPS_adadelta = 16,
    FLOPS_nadam = 15,
    FLOPS_radam = 13,
    FLOPS_adamax = 10,
    FLOPS_lion = 11,
    FLOPS_lamb = 13,
    FLOPS_lars = 6,
    FLOPS_muon = 6,
    FLOPS_combine = 3
};

#define DESCRIPTOR(NUMBER, name) \
    const cnn__cpu_kernel cnn__cpu_##name = { .run = run_optimizer, .flops = FLOPS_##name };
CNN__OPTIMIZERS(DESCRIPTOR)
