/* Comparisons of an integer dtype: X is its type, FN(name) its name. In logic every number but 0 is true. No include
 * guard: one inclusion, one dtype. */
static inline uint8_t FN(eq)(X a, X b)
{
    return a == b;
}

static inline uint8_t FN(lt)(X a, X b)
{
    return a < b;
}

static inline uint8_t FN(both)(X a, X b)
{
    return (a != 0) & (b != 0);
}

static inline uint8_t FN(either)(X a, X b)
{
    return (a != 0) | (b != 0);
}

static inline uint8_t FN(unlike)(X a, X b)
{
    return (a != 0) ^ (b != 0);
}

#define Y uint8_t
#define NAME FN(run_eq)
#define F FN(eq)
#include "kernels/array/loop2.h"
#define NAME FN(run_lt)
#define F FN(lt)
#include "kernels/array/loop2.h"
#define NAME FN(run_both)
#define F FN(both)
#include "kernels/array/loop2.h"
#define NAME FN(run_either)
#define F FN(either)
#include "kernels/array/loop2.h"
#define NAME FN(run_unlike)
#define F FN(unlike)
#include "kernels/array/loop2.h"

static void FN(run_ne)(const cnn__nest_run *run)
{
    FN(run_eq)(run);
    negate(run);
}

/* Both operands are the same one. */
static void FN(run_not)(const cnn__nest_run *run)
{
    FN(run_both)(run);
    negate(run);
}

static void FN(run_gt)(const cnn__nest_run *run)
{
    cnn__nest_run other = swapped_operands(run);
    FN(run_lt)(&other);
}

static void FN(run_le)(const cnn__nest_run *run)
{
    FN(run_gt)(run);
    negate(run);
}

static void FN(run_ge)(const cnn__nest_run *run)
{
    cnn__nest_run other = swapped_operands(run);
    FN(run_le)(&other);
}

static const cnn__run_fn FN(compare)[CNN_COMPARE_COUNT] = {
    [CNN_COMPARE_EQ] = FN(run_eq),    [CNN_COMPARE_NE] = FN(run_ne),     [CNN_COMPARE_LT] = FN(run_lt),
    [CNN_COMPARE_LE] = FN(run_le),    [CNN_COMPARE_GT] = FN(run_gt),     [CNN_COMPARE_GE] = FN(run_ge),
    [CNN_COMPARE_AND] = FN(run_both), [CNN_COMPARE_OR] = FN(run_either), [CNN_COMPARE_XOR] = FN(run_unlike),
    [CNN_COMPARE_NOT] = FN(run_not),
};
#undef Y
#undef X
#undef FN
