/* What the files of the plan share. A planner goes over a launch twice: once to measure its workspace, once to emit its
 * calls; both times it takes the same parts of the workspace. */
#ifndef CNN_CUDA_PLANNER_H
#define CNN_CUDA_PLANNER_H

#include "kernels/arguments.h"
#include "plan.h"

/* The order of cuda_modules. Those for doubles follow, named elements_f64 and so on; indices have none. */
typedef enum module { ELEMENTS, REDUCTIONS, INDICES, PRODUCTS, LAYERS, LOSSES, ATTENTION, OPTIMIZERS, MODULES } module;

typedef struct planner {
    const cnn_launch *l;
    void *status;
    cuda_emit *emit;
    void *to;
    bool measures; /* operands are not set */
    bool failed;
    size_t used; /* bytes of the workspace */
} planner;

/* What a kernel of the back-end interface is made of. */
typedef void plan_fn(planner *p);
#define PLAN_FUNCTION(NAME, name) plan_fn plan_##name;
CNN_KERNELS(PLAN_FUNCTION)

/* Launches of bfloat16, by the plan of float32; whether it knows the kernel's operands. */
bool plan_is_stored(cnn_kernel kernel);
void plan_stored(planner *p, plan_fn *plan);

/* The next part of the workspace; while measuring an address that is not used. */
void *plan_take(planner *p, int64_t count, size_t size);
/* A call of so many blocks, none of which makes none. */
void plan_blocks(planner *p, module in, const char *kernel, int64_t blocks, const void *argument, size_t size);
/* A call for so many elements: see EACH. */
void plan_each(planner *p, module in, const char *kernel, int64_t count, const void *argument, size_t size);
/* A call for the first row of a table, which needs no more than its operands and n, and the numbers of the table. */
void plan_table(planner *p, const char *kernel, table_arguments *a);
/* The same with as many blocks as are given. */
void plan_table_blocks(planner *p, const char *kernel, table_arguments *a, int64_t blocks);
/* Joins neighbouring dimensions where that is right for all operands whose bits are set in `operands`. */
kernel_nest plan_nest(const cnn_nest *nest, unsigned operands);
/* y = what x is reduced to. `divides`: by a divisor that makes the mean of nothing a NaN. */
void plan_reduction(planner *p, cnn_dtype dtype, int function, const cnn_nest *outer, const cnn_nest *inner,
                    const void *x, void *y, bool divides, double divisor);
/* The order that sorts x, [before, after, n], int64. */
const int64_t *plan_order(planner *p, cnn_dtype dtype, const cnn_along *along, bool descending, const void *x);

/* c = a · b + bias for each of a batch, whose nest has the operands c, a, b. */
void plan_products(planner *p, const cnn_gemm *g, const kernel_nest *batch, const void *left, const void *right,
                   const void *bias, void *c);

/* Whether an operand that may be missing is there; while measuring it always is. */
static inline bool plan_has(const planner *p, const void *operand)
{
    return p->measures || operand;
}

#define PLAIN(p, in_module, name, blocks_or_count, how, ...) \
    do { \
        plain_arguments arguments_ = { __VA_ARGS__ }; \
        how(p, in_module, name, blocks_or_count, &arguments_, sizeof arguments_); \
    } while (0)
#define NESTED(p, in_module, name, blocks_or_count, how, ...) \
    do { \
        nested_arguments arguments_ = { __VA_ARGS__ }; \
        how(p, in_module, name, blocks_or_count, &arguments_, sizeof arguments_); \
    } while (0)

/* A kernel's name for a dtype or a size of elements. */
#define REAL_OF(dtype, name) ((dtype) == CNN_F64 ? name "_f64" : name "_f32")
#define ANY_OF(dtype, name) \
    (((const char *const[]){ name "_f32", name "_f64", name "_i64", name "_i32", name "_u8", name "_u8" })[dtype])
#define SIZED(bytes, name) ((bytes) == 8 ? name "_8" : (bytes) == 4 ? name "_4" : (bytes) == 2 ? name "_2" : name "_1")

static inline size_t plan_size(cnn_dtype dtype)
{
    static const size_t sizes[] = {
        [CNN_F32] = 4, [CNN_F64] = 8, [CNN_I64] = 8, [CNN_I32] = 4, [CNN_U8] = 1, [CNN_BOOL] = 1, [CNN_BF16] = 2
    };
    return sizes[dtype];
}

#endif
