/* A plan (cuda/plan.h) for tests of the plug-in without its kernels: each launch is one call of the kernel `reference`,
 * whose argument is the launch itself, and which the stand-in carries out with the library's own kernels of the CPU. So
 * what the plug-in does has the CPU's bits, and is as fast as the CPU. */
#include "device.h"
#include "reference.h"

#include <stddef.h>
#include <string.h>

static const char source[] = "reference";
const cuda_module cuda_modules[] = { { "reference", source, sizeof source - 1 } };
const int cuda_module_count = 1;

#define EXISTS(NAME, name) [CNN_KERNEL_##NAME] = true,
static const bool exists[CNN_KERNEL_LIMIT] = { CNN_KERNELS(EXISTS) };

bool cuda_plan_supports(cnn_kernel kernel, cnn_dtype dtype)
{
    (void)dtype;
    return (int)kernel >= 0 && kernel < CNN_KERNEL_LIMIT && exists[kernel];
}

size_t cuda_plan_workspace(const cnn_launch *launch)
{
    return cuda_host->cpu_workspace(launch);
}

static bool emit_one(reference_argument *a, cuda_emit *emit, void *to)
{
    cuda_call call = { .kernel = "reference", .grid = { 1, 1, 1 }, .block = { 256, 1, 1 }, .table = a->rows > 0 };
    a->cpu_launch = cuda_host->cpu_launch;
    _Static_assert(sizeof *a <= sizeof call.argument, "an argument is too large");
    call.argument_size = offsetof(reference_argument, row) + (size_t)a->rows * sizeof(reference_row);
    memcpy(call.argument, a, call.argument_size);
    return emit(to, &call);
}

/* The kernels of optimizers that have their own operands alone. */
static bool is_table(const cnn_launch *l)
{
    return l->kernel == CNN_KERNEL_ADAM || l->kernel == CNN_KERNEL_SGD || l->kernel == CNN_KERNEL_RMSPROP ||
           l->kernel == CNN_KERNEL_ADAGRAD || l->kernel == CNN_KERNEL_ADADELTA || l->kernel == CNN_KERNEL_NADAM ||
           l->kernel == CNN_KERNEL_RADAM || l->kernel == CNN_KERNEL_ADAMAX || l->kernel == CNN_KERNEL_LION;
}

bool cuda_plan(const cnn_launch *launch, void *status, cuda_emit *emit, void *to)
{
    reference_argument a = { .status = status, .launch = *launch };
    if (launch->parameters_size > sizeof a.parameters) {
        return false;
    }
    if (launch->parameters) {
        memcpy(a.parameters, launch->parameters, launch->parameters_size);
    }
    a.launch.parameters = NULL;
    if (is_table(launch)) {
        if (launch->parameters_size > sizeof a.row[0].parameters) {
            return false;
        }
        a.rows = 1;
        a.row[0].launch = a.launch;
        memcpy(a.row[0].parameters, a.parameters, launch->parameters_size);
    }
    return emit_one(&a, emit, to);
}

static reference_argument *table_of(const cuda_call *call)
{
    return (reference_argument *)(uintptr_t)(const void *)call->argument;
}

bool cuda_plan_join(cuda_call *group, const cuda_call *call)
{
    reference_argument *to = table_of(group);
    const reference_row *row = table_of(call)->row, *first = to->row;
    if (!group->table || !call->table || to->rows == REFERENCE_ROWS || first->launch.kernel != row->launch.kernel ||
        first->launch.dtype != row->launch.dtype ||
        memcmp(first->parameters, row->parameters, row->launch.parameters_size) != 0) {
        return false;
    }
    to->row[to->rows++] = *row;
    group->argument_size += sizeof *row;
    return true;
}

static bool meet(const void *a, int64_t a_count, const void *b, int64_t b_count, size_t size)
{
    const uintptr_t first = (uintptr_t)a, second = (uintptr_t)b;
    return a && b && first < second + (uintptr_t)b_count * size && second < first + (uintptr_t)a_count * size;
}

static bool disturbs(const cnn_launch *a, const cnn_launch *b)
{
    const size_t size = a->dtype == CNN_F64 ? 8 : 4;
    bool meets = false;
    for (int i = 0; i < 4; i++) {
        meets = meets || meet(a->out[i], a->count, b->in[0], b->count, size);
        for (int k = 0; k < 4; k++) {
            meets = meets || meet(a->out[i], a->count, b->out[k], b->count, size);
        }
    }
    return meets;
}

bool cuda_plan_apart(const cuda_call *a, const cuda_call *b)
{
    const reference_argument *first = table_of(a), *second = table_of(b);
    bool apart = a->table && b->table;
    for (int64_t i = 0; apart && i < first->rows; i++) {
        for (int64_t k = 0; apart && k < second->rows; k++) {
            const cnn_launch *one = &first->row[i].launch, *other = &second->row[k].launch;
            apart = !disturbs(one, other) && !disturbs(other, one);
        }
    }
    return apart;
}

const char *cuda_plan_distant(const char *kernel)
{
    return strcmp(kernel, "reference") == 0 ? "reference_at" : NULL;
}

bool cuda_plan_copy(void *to_address, const void *from, size_t bytes, void *status, cuda_emit *emit, void *to)
{
    reference_argument a = { .status = status, .copy_to = to_address, .copy_from = from, .copy_bytes = bytes };
    return emit_one(&a, emit, to);
}
