/* Copies from one dtype to all: X is its type, OF(to) its conversion in array/convert.h, FN(name) its name,
 * TO_INTEGERS an attribute of its copies to integers. No include guard: one inclusion, one dtype. */
#define Y float
#define NAME FN(to_f32)
#define F(x) (Y)(x)
#define ATTRIBUTE
#include "kernels/array/copy_loop.h"
#define Y double
#define NAME FN(to_f64)
#define F(x) (Y)(x)
#define ATTRIBUTE
#include "kernels/array/copy_loop.h"
#ifndef OWN_I64
#define Y int64_t
#define NAME FN(to_i64)
#define F OF(i64)
#define ATTRIBUTE TO_INTEGERS
#include "kernels/array/copy_loop.h"
#endif
#define Y int32_t
#define NAME FN(to_i32)
#define F OF(i32)
#define ATTRIBUTE TO_INTEGERS
#include "kernels/array/copy_loop.h"
#define Y uint8_t
#define NAME FN(to_u8)
#define F OF(u8)
#define ATTRIBUTE TO_INTEGERS
#include "kernels/array/copy_loop.h"
#define Y uint8_t
#define NAME FN(to_bool)
#define F OF(bool)
#define ATTRIBUTE TO_INTEGERS
#include "kernels/array/copy_loop.h"

static const cnn__run_fn FN(copy)[] = {
    [CNN_F32] = FN(to_f32), [CNN_F64] = FN(to_f64), [CNN_I64] = FN(to_i64),
    [CNN_I32] = FN(to_i32), [CNN_U8] = FN(to_u8),   [CNN_BOOL] = FN(to_bool),
};
#undef X
#undef TO_INTEGERS
#undef OF
#undef OWN_I64
#undef FN
