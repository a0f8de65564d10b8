/* Elementwise operations with one operand. Reals have all of them; integers have those that ops.h promises, and
 * wrap. */
#include "kernels/array/array.h"
#include "kernels/array/nest.h"

#include "kernels/array/blocks.h"
#include "kernels/array/convert.h"
#include "kernels/array/math.h"

#define X float
#define MATH(name) name##f
#define OWN(name) cnn__##name##_f32
#define FN(name) CNN__JOIN(name, f32)
#include "kernels/array/unary_real_impl.h"

#define X double
#define MATH(name) name
#define OWN(name) cnn__##name##_f64
#define FN(name) CNN__JOIN(name, f64)
#include "kernels/array/unary_real_impl.h"

#define X int64_t
#define U uint64_t
#define PARAMETER(v) cnn__i64_of_real(v)
#define FN(name) CNN__JOIN(name, i64)
#include "kernels/array/unary_integer_impl.h"

#define X int32_t
#define U uint32_t
#define PARAMETER(v) cnn__i32_of_real(v)
#define FN(name) CNN__JOIN(name, i32)
#include "kernels/array/unary_integer_impl.h"

#define X uint8_t
#define U uint32_t
#define PARAMETER(v) cnn__u8_of_real(v)
#define FN(name) CNN__JOIN(name, u8)
#include "kernels/array/unary_integer_impl.h"

static const cnn__run_fn *const unary_tables[] = {
    [CNN_F32] = unary_f32, [CNN_F64] = unary_f64, [CNN_I64] = unary_i64, [CNN_I32] = unary_i32, [CNN_U8] = unary_u8,
};

static const unsigned char unary_costs[CNN_UNARY_COUNT] = {
#define CNN__UNARY(NAME, name, cost) [CNN_UNARY_##NAME] = cost,
#define CNN__UNARY_BLOCK(NAME, name, cost) [CNN_UNARY_##NAME] = cost,
#include "kernels/array/unary.def"
#undef CNN__UNARY
#undef CNN__UNARY_BLOCK
};

static const cnn__block_fn unary_blocks[CNN_UNARY_COUNT] = {
#define CNN__UNARY(NAME, name, cost)
#define CNN__UNARY_BLOCK(NAME, name, cost) [CNN_UNARY_##NAME] = cnn__##name##_block,
#include "kernels/array/unary.def"
#undef CNN__UNARY
#undef CNN__UNARY_BLOCK
};

void cnn__array_unary(cnn__unary op, const cnn__nest *nest, cnn_dtype dtype, const double parameters[2], void *y,
                      const void *x, cnn__pool *pool)
{
    static const double none[2] = { 0, 0 };
    size_t size = cnn__array_size(dtype);
    bool power = op == CNN_UNARY_POW; /* of f32 and f64 only */
    cnn__run_fn run = !power             ? unary_tables[dtype][op]
                      : dtype == CNN_F64 ? power_f64(parameters[0])
                                         : power_f32(parameters[0]);
    bool cheap = power && run != unary_f32[op] && run != unary_f64[op];
    cnn__walk walk = {
        .nest = nest,
        .count = 2,
        .base = { y, (void *)x },
        .size = { size, size },
        .fn = run,
        .block = unary_blocks[op],
        .parameters = parameters ? parameters : none,
        .cost = cheap ? 1 : unary_costs[op],
    };
    cnn__nest_walk(&walk, pool);
}
