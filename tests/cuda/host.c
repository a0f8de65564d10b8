/* The test device of tests/device/late.c with the kernels of the CUDA back end: a launch is planned as for a GPU
 * (cuda/plan.h), and its calls are carried out by the kernels' own sources, compiled for the host, block after block.
 * What the plan has no kernels for is handed to the library's CPU, where cuda/missing.txt lists it; else the device
 * does not support it. Its devices have that device's names, which some tests expect in messages.
 *
 * CNN_CUDA_HOST_COUNT=1   prints how many calls of each kernel there were when the process ends */
#define cnn_backend_query late_backend_query
#include "../device/late.c"
#undef cnn_backend_query

#include "plan.h"

#include "kernels/arguments.h"

typedef void kernel_fn(const void *argument, int64_t block, int64_t blocks);

/* Made of the objects' symbols, in the order of strcmp(). */
typedef struct kernel_row {
    const char *name;
    kernel_fn *run;
} kernel_row;
#define HOST_KERNEL(name) void name(const void *argument, int64_t block, int64_t blocks);
#include "host_kernels.def"
#undef HOST_KERNEL
static const kernel_row rows[] = {
#define HOST_KERNEL(name) { #name, name },
#include "host_kernels.def"
#undef HOST_KERNEL
};
enum { ROWS = sizeof rows / sizeof *rows };
static long long calls_of[ROWS];

/* What cuda/missing.txt lists. */
static const struct {
    cnn_kernel kernel;
    cnn_dtype dtype;
} missing[] = {
#define MISSING(kernel, dtype) { CNN_KERNEL_##kernel, CNN_##dtype },
#include "host_missing.def"
#undef MISSING
    { CNN_KERNEL_LIMIT, CNN_F32 },
};

static const cnn_backend_host *library;

static int compare_rows(const void *name, const void *row)
{
    return strcmp(name, ((const kernel_row *)row)->name);
}

static bool carry_out(void *status, const cuda_call *call)
{
    const kernel_row *row = bsearch(call->kernel, rows, ROWS, sizeof *rows, compare_rows);
    if (!row) {
        fprintf(stderr, "cuda on the host: there is no kernel %s\n", call->kernel);
        abort();
    }
    __atomic_fetch_add(&calls_of[row - rows], 1, __ATOMIC_RELAXED);
    for (unsigned block = 0; block < call->grid[0] && !((cuda_status *)status)->failed; block++) {
        row->run(call->argument, block, call->grid[0]);
    }
    return true;
}

static bool is_missing(cnn_kernel kernel, cnn_dtype dtype)
{
    size_t i = 0;
    while (missing[i].kernel != CNN_KERNEL_LIMIT && (missing[i].kernel != kernel || missing[i].dtype != dtype)) {
        i++;
    }
    return missing[i].kernel != CNN_KERNEL_LIMIT;
}

static bool host_launch(const cnn_launch *launch, cnn_backend_failure *failure)
{
    if (!cuda_plan_supports(launch->kernel, launch->dtype)) {
        return library->cpu_launch(launch, failure);
    }
    cuda_status status = CUDA_STATUS_NONE;
    if (!cuda_plan(launch, &status, carry_out, &status)) {
        fprintf(stderr, "cuda on the host: no plan for kernel %d\n", (int)launch->kernel);
        abort();
    }
    if (status.failed) {
        failure->number = launch->number;
        failure->status = CNN_ERROR_INVALID_ARGUMENT;
        failure->kernel = (int)status.kernel;
        failure->position = (int64_t)status.position;
        failure->value = status.value;
        snprintf(failure->message, sizeof failure->message, "the index at %lld is %lld", (long long)status.position,
                 (long long)status.value);
    }
    return !status.failed;
}

static size_t host_workspace(const cnn_launch *launch)
{
    return cuda_plan_supports(launch->kernel, launch->dtype) ? cuda_plan_workspace(launch)
                                                             : library->cpu_workspace(launch);
}

static bool host_supports(void *queue_of, cnn_kernel kernel, cnn_dtype dtype)
{
    return supports(queue_of, kernel, dtype) && (cuda_plan_supports(kernel, dtype) || is_missing(kernel, dtype));
}

static __attribute__((destructor)) void print_calls(void)
{
    const char *wanted = getenv("CNN_CUDA_HOST_COUNT");
    for (int i = 0; wanted && *wanted && i < ROWS; i++) {
        if (calls_of[i]) {
            fprintf(stderr, "cuda on the host: %s %lld\n", rows[i].name, calls_of[i]);
        }
    }
}

EXPORTED const cnn_backend *cnn_backend_query(uint32_t api_version, const cnn_backend_host *given)
{
    static cnn_backend_host own;
    static cnn_backend made;
    library = given;
    own = *given;
    own.cpu_launch = host_launch;
    own.cpu_workspace = host_workspace;
    if (!late_backend_query(api_version, &own)) {
        return NULL;
    }
    made = backend;
    made.supports = host_supports;
    return &made;
}
