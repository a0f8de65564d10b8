/* The steps of the optimizers, with the formulas and the numbers of the CPU (src/kernels/optimizers_impl.h), which they
 * give the bits of its reference. A thread has an element. The numbers are those that plan_optimizers.c lists. */
#ifndef WITHOUT_F32
#define WITHOUT_F64 /* they have a module of their own */
#endif
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

#ifndef WITHOUT_F32
#define X float
#define FN(name) name##_f32
#define ROOT(x) sqrtf(x)
#include "optimizers_real.h"
#undef X
#undef FN
#undef ROOT
#endif

#ifndef WITHOUT_F64
#define X double
#define FN(name) name##_f64
#define ROOT(x) sqrt(x)
#include "optimizers_real.h"
#undef X
#undef FN
#undef ROOT
#endif
