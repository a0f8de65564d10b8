/* A plan (cuda/plan.h) for tests of the plug-in without its kernels: each launch is one call of the kernel `reference`,
 * whose argument is the launch itself, and which the stand-in carries out with the library's own kernels of the CPU. So
 * what the plug-in does has the CPU's bits, and is as fast as the CPU. */
#include "device.h"
#include "reference.h"

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
    cuda_call call = { .kernel = "reference", .grid = { 1, 1, 1 }, .block = { 256, 1, 1 }, .argument_size = sizeof *a };
    a->cpu_launch = cuda_host->cpu_launch;
    _Static_assert(sizeof *a <= sizeof call.argument, "an argument is too large");
    memcpy(call.argument, a, sizeof *a);
    return emit(to, &call);
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
    return emit_one(&a, emit, to);
}

bool cuda_plan_copy(void *to_address, const void *from, size_t bytes, void *status, cuda_emit *emit, void *to)
{
    reference_argument a = { .status = status, .copy_to = to_address, .copy_from = from, .copy_bytes = bytes };
    return emit_one(&a, emit, to);
}
