/* The steps of the optimizers, with the formulas and the numbers of the CPU (src/kernels/optimizers_impl.h), which they
 * give the bits of its reference. A thread has an element. The numbers are those that plan_optimizers.c lists. */
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

#define X float
#define FN(name) name##_f32
#define ROOT(x) sqrtf(x)
#include "optimizers_real.h"
#undef X
#undef FN
#undef ROOT

#define X double
#define FN(name) name##_f64
#define ROOT(x) sqrt(x)
#include "optimizers_real.h"
#undef X
#undef FN
#undef ROOT
