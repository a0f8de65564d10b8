/* Which kernels there are for which dtypes, and the walk over a launch. */
#include "planner.h"

#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(cuda_status) == sizeof(queue_status), "the record of a queue");
_Static_assert(sizeof(nested_arguments) <= CUDA_ARGUMENT_BYTES && sizeof(plain_arguments) <= CUDA_ARGUMENT_BYTES &&
                   sizeof(table_arguments) <= CUDA_ARGUMENT_BYTES,
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

/* A long argument is not cleared for a short one. */
static void make_call(cuda_call *call, const planner *p, module in, const char *kernel, int64_t blocks,
                      const void *argument, size_t size)
{
    call->kernel = kernel;
    call->module = number_of(in, kernel);
    call->grid[0] = (unsigned)blocks;
    call->grid[1] = call->grid[2] = call->block[1] = call->block[2] = 1;
    call->block[0] = THREADS;
    call->shared = 0;
    call->table = false;
    call->argument_size = size;
    memcpy(call->argument, argument, size);
    memcpy(call->argument, &p->status, sizeof p->status); /* its first member */
}

void plan_blocks(planner *p, module in, const char *kernel, int64_t blocks, const void *argument, size_t size)
{
    cuda_call call;
    if (p->measures || p->failed || blocks <= 0) {
        return;
    }
    if (blocks > INT32_MAX) {
        p->failed = true;
        return;
    }
    make_call(&call, p, in, kernel, blocks, argument, size);
    p->failed = !p->emit(p->to, &call);
}

void plan_each(planner *p, module in, const char *kernel, int64_t count, const void *argument, size_t size)
{
    int64_t blocks = (count + THREADS - 1) / THREADS;
    plan_blocks(p, in, kernel, blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS, argument, size);
}

/* ---- tables ---- */

static size_t bytes_of_rows(int64_t rows)
{
    return offsetof(table_arguments, row) + (size_t)rows * sizeof(table_row);
}

void plan_table(planner *p, const char *kernel, table_arguments *a)
{
    const int64_t blocks = (a->row[0].n + THREADS - 1) / THREADS;
    plan_table_blocks(p, kernel, a, blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS);
}

void plan_table_blocks(planner *p, const char *kernel, table_arguments *a, int64_t blocks)
{
    cuda_call call;
    if (p->measures || p->failed || blocks <= 0) {
        return;
    }
    a->rows = 1;
    a->row[0].begin = 0;
    a->row[0].blocks = (int32_t)blocks;
    make_call(&call, p, OPTIMIZERS, kernel, a->row[0].blocks, a, bytes_of_rows(1));
    call.table = true;
    p->failed = !p->emit(p->to, &call);
}

static const table_arguments *table_of(const cuda_call *call)
{
    return (const table_arguments *)(const void *)call->argument;
}

bool cuda_plan_join(cuda_call *group, const cuda_call *call)
{
    table_arguments *to = (table_arguments *)(void *)group->argument;
    const table_arguments *from = table_of(call);
    const size_t numbers = offsetof(table_arguments, row) - offsetof(table_arguments, element);
    if (!group->table || !call->table || strcmp(group->kernel, call->kernel) != 0 ||
        to->rows + from->rows > TABLE_ROWS || group->grid[0] > INT32_MAX - call->grid[0] ||
        memcmp(&to->element, &from->element, numbers) != 0) {
        return false;
    }
    for (int64_t i = 0; i < from->rows; i++) {
        table_row *row = &to->row[to->rows++];
        *row = from->row[i];
        row->begin += (int32_t)group->grid[0];
    }
    group->grid[0] += call->grid[0];
    group->argument_size = bytes_of_rows(to->rows);
    return true;
}

static bool meet(const void *a, int64_t a_bytes, const void *b, int64_t b_bytes)
{
    const uintptr_t first = (uintptr_t)a, second = (uintptr_t)b;
    return a && b && first < second + (uintptr_t)b_bytes && second < first + (uintptr_t)a_bytes;
}

static int64_t bytes_written(const table_arguments *a, const table_row *row)
{
    return a->doubles ? row->blocks * (int64_t)sizeof(double) : row->n * a->element;
}

/* Whether row a of the first table writes what row b of the second reads or writes. */
static bool disturbs(const table_arguments *first, const table_row *a, const table_arguments *second,
                     const table_row *b)
{
    enum { TOTALS = 16 };
    const int64_t bytes = bytes_written(first, a), b_written = bytes_written(second, b),
                  b_read = b->n * second->element;
    bool meets = false;
    for (int i = 0; i < 4 && !meets; i++) {
        if (!a->out[i]) {
            continue;
        }
        meets = meet(a->out[i], bytes, b->in[0], b_read) || meet(a->out[i], bytes, b->in[1], TOTALS);
        for (int k = 0; k < 4 && !meets; k++) {
            meets = meet(a->out[i], bytes, b->out[k], b_written);
        }
    }
    return meets;
}

bool cuda_plan_apart(const cuda_call *a, const cuda_call *b)
{
    const table_arguments *first = table_of(a), *second = table_of(b);
    bool apart = a->table && b->table;
    for (int64_t i = 0; apart && i < first->rows; i++) {
        for (int64_t k = 0; apart && k < second->rows; k++) {
            const table_row *one = &first->row[i], *other = &second->row[k];
            apart = !disturbs(first, one, second, other) && !disturbs(second, other, first, one);
        }
    }
    return apart;
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

const char *cuda_plan_distant(const char *kernel)
{
    static const char *const variants[][2] = {
#define STEP_KERNEL(name) { #name, #name "_at" },
#include "steps.def"
    };
    const char *found = NULL;
    for (size_t i = 0; i < sizeof variants / sizeof *variants && !found; i++) {
        found = strcmp(variants[i][0], kernel) == 0 ? variants[i][1] : NULL;
    }
    return found;
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
