/* The steps of optimizers on vectors of f32. */
#include "kernels/simd/table.h"
#include "kernels/simd/vector/partial.h"

#include <math.h>

#define REAL float
#define VALUE lanes
#define WIDTH LANES
#define NAME(name) CNN__SIMD(name)
#define READ(from) load(from)
#define WRITE(to, value) store(to, value)
#define ROOT(x) square_root(x)
#define CHOOSE(condition, a, b) blend(condition, a, b)
#include "kernels/optimizers_impl.h"

#undef NAME
