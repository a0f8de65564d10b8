/* Which kernels there are for which dtypes, and the walk over a launch. */
#include "planner.h"

#include <string.h>

_Static_assert(sizeof(cuda_status) == sizeof(queue_status), "the record of a queue");
_Static_assert(sizeof(nested_arguments) <= CUDA_ARGUMENT_BYTES && sizeof(plain_arguments) <= CUDA_ARGUMENT_BYTES,
               "arguments fit into a call");
_Static_assert((int)NEST_DIMS == (int)CNN_MAX_DIMS, "nests");

enum { THREADS = 256, MOST_BLOCKS = 1 << 16 };

void *plan_take(planner *p, int64_t count, size_t size)
{
    char *at = p->measures ? NULL : (char *)p->l->workspace + p->used;
    p->used += ((size_t)count * size + 63) / 64 * 64;
    return at;
}

/* Kernels of doubles have modules of their own, which are compiled when there are any. */
static int number_of(module in, const char *kernel)
{
    const size_t length = strlen(kernel);
    const bool f64 = in != INDICES && length > 4 && strcmp(kernel + length - 4, "_f64") == 0;
    return !f64 ? (int)in : (int)(in < INDICES ? MODULES + in : MODULES + in - 1);
}

void plan_blocks(planner *p, module in, const char *kernel, int64_t blocks, const void *argument, size_t size)
{
    if (p->measures || p->failed || blocks <= 0) {
        return;
    }
    if (blocks > INT32_MAX) {
        p->failed = true;
        return;
    }
    cuda_call call = { .kernel = kernel,
                       .module = number_of(in, kernel),
                       .grid = { (unsigned)blocks, 1, 1 },
                       .block = { THREADS, 1, 1 },
                       .argument_size = size };
    memcpy(call.argument, argument, size);
    memcpy(call.argument, &p->status, sizeof p->status); /* its first member */
    p->failed = !p->emit(p->to, &call);
}

void plan_each(planner *p, module in, const char *kernel, int64_t count, const void *argument, size_t size)
{
    int64_t blocks = (count + THREADS - 1) / THREADS;
    plan_blocks(p, in, kernel, blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS, argument, size);
}

kernel_nest plan_nest(const cnn_nest *nest, unsigned operands)
{
    kernel_nest made = { .ndim = 0, .count = 1 };
    for (int d = 0; d < nest->ndim; d++) {
        made.count *= nest->shape[d];
        if (nest->shape[d] == 1) {
            continue;
        }
        bool joins = made.ndim > 0;
        for (int k = 0; k < NEST_OPERANDS && joins; k++) {
            joins = !(operands >> k & 1) || made.stride[k][made.ndim - 1] == nest->shape[d] * nest->stride[k][d];
        }
        const int at = joins ? made.ndim - 1 : made.ndim++;
        made.shape[at] = (joins ? made.shape[at] : 1) * nest->shape[d];
        for (int k = 0; k < NEST_OPERANDS; k++) {
            made.stride[k][at] = operands >> k & 1 ? nest->stride[k][d] : 0;
        }
    }
    return made;
}

/* ---- the list ---- */

enum {
    F32 = 1 << CNN_F32,
    F64 = 1 << CNN_F64,
    I64 = 1 << CNN_I64,
    I32 = 1 << CNN_I32,
    U8 = 1 << CNN_U8,
    BOOL = 1 << CNN_BOOL,
    BF16 = 1 << CNN_BF16,
    REALS = F32 | F64,
    NUMBERS = REALS | I64 | I32 | U8,
    ALL = NUMBERS | BOOL | BF16,
};

static const struct {
    plan_fn *plan;
    unsigned dtypes;
} kernels[CNN_KERNEL_LIMIT] = {
#define KERNEL_OF(NAME, name, set) [CNN_KERNEL_##NAME] = { plan_##name, set },
#include "kernels.def"
};

bool cuda_plan_supports(cnn_kernel kernel, cnn_dtype dtype)
{
    return (int)kernel >= 0 && kernel < CNN_KERNEL_LIMIT && kernels[kernel].plan && (int)dtype >= 0 &&
           dtype <= CNN_BF16 && (kernels[kernel].dtypes >> dtype & 1 || (dtype == CNN_BF16 && plan_is_stored(kernel)));
}

static void plan_whole(planner *p)
{
    if (kernels[p->l->kernel].dtypes >> p->l->dtype & 1) {
        kernels[p->l->kernel].plan(p);
    } else {
        plan_stored(p, kernels[p->l->kernel].plan);
    }
}

size_t cuda_plan_workspace(const cnn_launch *launch)
{
    planner p = { .l = launch, .measures = true };
    if (cuda_plan_supports(launch->kernel, launch->dtype)) {
        plan_whole(&p);
    }
    return p.used;
}

bool cuda_plan(const cnn_launch *launch, void *status, cuda_emit *emit, void *to)
{
    planner p = { .l = launch, .status = status, .emit = emit, .to = to };
    if (!cuda_plan_supports(launch->kernel, launch->dtype)) {
        return false;
    }
    plan_whole(&p);
    return !p.failed;
}

bool cuda_plan_copy(void *to_address, const void *from, size_t bytes, void *status, cuda_emit *emit, void *to)
{
    planner p = { .status = status, .emit = emit, .to = to };
    bool wide = ((uintptr_t)to_address | (uintptr_t)from) % 16 == 0;
    int64_t pieces = wide ? (int64_t)(bytes / 16) : 0, rest = (int64_t)bytes - 16 * pieces;
    PLAIN(&p, ELEMENTS, "move_16", pieces, plan_each, .in = { from }, .out = { to_address }, .size = { pieces });
    PLAIN(&p, ELEMENTS, "move_1", rest, plan_each, .in = { (const char *)from + 16 * pieces },
          .out = { (char *)to_address + 16 * pieces }, .size = { rest });
    return !p.failed;
}
