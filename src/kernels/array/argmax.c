/* Positions of the largest or smallest elements. Each result is found by one task, in row-major order. The smallest
 * element is the largest one in the reversed order, which −x has for reals and ~x for integers, neither of which can
 * overflow; `flip` is what makes one of x: a factor of ±1, or a mask. */
#include "kernels/array/array.h"
#include "kernels/array/nest.h"

/* A NaN is larger than all but a NaN. */
#define LARGER(a, b) (!((a) <= (b)) && (b) == (b))
#define FLIP(x, flip) ((x) * (flip))
#define FLIPS(smallest) ((smallest) ? -1 : 1)
#define X float
#define NAME argmax_f32
#include "kernels/array/argmax_impl.h"
#define X double
#define NAME argmax_f64
#include "kernels/array/argmax_impl.h"
#undef LARGER
#undef FLIP
#undef FLIPS

#define LARGER(a, b) ((a) > (b))
#define FLIP(x, flip) ((x) ^ (flip))
#define FLIPS(smallest) ((smallest) ? -1 : 0)
#define X int64_t
#define NAME argmax_i64
#include "kernels/array/argmax_impl.h"
#define X int32_t
#define NAME argmax_i32
#include "kernels/array/argmax_impl.h"
#define X uint8_t
#define NAME argmax_u8
#include "kernels/array/argmax_impl.h"

typedef int64_t (*argmax_fn)(bool smallest, const void *x, const cnn__nest *nest, int64_t count);

static const argmax_fn table[] = {
    [CNN_F32] = argmax_f32, [CNN_F64] = argmax_f64, [CNN_I64] = argmax_i64,
    [CNN_I32] = argmax_i32, [CNN_U8] = argmax_u8,   [CNN_BOOL] = argmax_u8,
};

enum { ARGMAX_TASK = 16384 };

typedef struct search {
    bool smallest;
    const cnn__nest *outer, *inner;
    int64_t outer_count, inner_count, group;
    argmax_fn find;
    size_t size;
    int64_t *y;
    const char *x;
} search;

static void search_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const search *s = arg;
    int64_t end = cnn__min(s->outer_count, (task + 1) * s->group);
    cnn__cursor cursor;
    cnn__cursor_seek(&cursor, s->outer, task * s->group);
    for (int64_t i = task * s->group; i < end; i++) {
        const char *from = s->x + cursor.offset[1] * (int64_t)s->size;
        s->y[cursor.offset[0]] = s->find(s->smallest, from, s->inner, s->inner_count);
        if (i + 1 < end) {
            cnn__cursor_advance(&cursor, 1);
        }
    }
}

void cnn__array_argmax(bool smallest, const cnn__nest *outer, const cnn__nest *inner, cnn_dtype dtype, int64_t *y,
                       const void *x, cnn__pool *pool)
{
    search s = { .smallest = smallest, .outer = outer, .inner = inner, .find = table[dtype], .y = y, .x = x };
    s.size = cnn__array_size(dtype);
    s.outer_count = cnn__nest_count(outer);
    s.inner_count = cnn__nest_count(inner);
    if (s.outer_count == 0 || s.inner_count == 0) {
        return;
    }
    s.group = cnn__max(1, ARGMAX_TASK / s.inner_count);
    cnn__pool_run(pool, cnn__ceil_div(s.outer_count, s.group), (double)s.outer_count * (double)s.inner_count,
                  search_task, &s);
}
