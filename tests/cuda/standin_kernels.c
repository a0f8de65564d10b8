/* The driver's part of the stand-in: modules, kernels and graphs. */
#include "standin_driver.h"

#include "kernels/arguments.h"
#include "reference.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- kernels: functions of this object, called once for each block ---- */

typedef void kernel_function(const void *argument, int64_t block, int64_t blocks);
struct CUmod_st {
    int unused;
};
struct CUfunc_st {
    kernel_function *run;
};
typedef struct kernel_launch {
    kernel_function *run;
    unsigned grid[3], block[3];
    alignas(16) unsigned char argument[CUDA_ARGUMENT_BYTES];
} kernel_launch;

EXPORTED CUresult cuModuleLoadData(CUmodule *module, const void *image)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    standin_need_context(__func__);
    if (memcmp(image, "cubin of ", 9) != 0) {
        standin_wrong("a module that NVRTC has not compiled");
    }
    *module = standin_object_new("module", sizeof **module);
    return CUDA_SUCCESS;
}

static kernel_function reference, reference_at;
#define HOST_KERNEL(name) kernel_function name;
#include "host_kernels.def"
#undef HOST_KERNEL
static const struct {
    const char *name;
    kernel_function *run;
} rows[] = { { "reference", reference }, { "reference_at", reference_at },
#define HOST_KERNEL(name) { #name, name },
#include "host_kernels.def"
};

/* The linker proves that a variant exists for each kernel that is said to have one. */
#define STEP_KERNEL(name) kernel_function name##_at;
#include "steps.def"
static kernel_function *const variants[] __attribute__((used)) = {
#define STEP_KERNEL(name) name##_at,
#include "steps.def"
};

/* Functions live as long as the process: a driver frees them with their module. */
static struct CUfunc_st functions[4096];

EXPORTED CUresult cuModuleUnload(CUmodule module)
{
    standin_object_free("module", module);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    CALL(CUDA_ERROR_NOT_FOUND);
    standin_object_check("module", module);
    kernel_function *found = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !found; i++) {
        found = strcmp(rows[i].name, name) == 0 ? rows[i].run : NULL;
    }
    if (!found) {
        return CUDA_ERROR_NOT_FOUND;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (!functions[i].run) {
            functions[i].run = found;
        }
        if (functions[i].run == found) {
            *function = &functions[i];
            return CUDA_SUCCESS;
        }
    }
    return CUDA_ERROR_OUT_OF_MEMORY;
}

static void run_kernel(void *data)
{
    const kernel_launch *l = data;
    const uint64_t *failed;
    memcpy(&failed, l->argument, sizeof failed); /* the queue's record is the first member of each argument */
    standin_check_device("a kernel's record", failed, sizeof *failed);
    if (*failed == 0) {
        for (unsigned i = 0; i < l->grid[0]; i++) {
            l->run(l->argument, i, l->grid[0]);
        }
    }
}

static CUresult fill_launch(kernel_launch *l, CUfunction function, const unsigned *grid, const unsigned *block, void **arguments)
{
    for (int i = 0; i < 3; i++) {
        if (grid[i] == 0 || block[i] == 0 || block[i] > 1024 || (i > 0 && grid[i] > 1)) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        l->grid[i] = grid[i];
        l->block[i] = block[i];
    }
    l->run = function->run;
    memcpy(l->argument, arguments[0], sizeof l->argument);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                                 unsigned block_y, unsigned block_z, unsigned shared, CUstream stream, void **arguments,
                                 void **extra)
{
    kernel_launch l;
    CALL(CUDA_ERROR_INVALID_VALUE);
    standin_need_context(__func__);
    (void)extra;
    (void)shared;
    CUresult result = fill_launch(&l, function, (unsigned[]){ grid_x, grid_y, grid_z }, (unsigned[]){ block_x, block_y, block_z }, arguments);
    if (result == CUDA_SUCCESS) {
        standin_add(stream, run_kernel, &l, sizeof l, true);
    }
    return result;
}

static void carry_out(const reference_argument *a, cnn_launch l, const void *parameters)
{
    cnn_backend_failure failure = { .struct_size = sizeof failure };
    l.parameters = l.parameters_size ? parameters : NULL;
    if (!a->cpu_launch(&l, &failure)) {
        *a->status = (cuda_status){ l.number, (uint64_t)failure.position, failure.value, (int64_t)l.kernel };
    }
}

/* The kernel of plan_reference.c. */
static void reference(const void *argument, int64_t block, int64_t blocks)
{
    const reference_argument *a = argument;
    if (block != 0 || blocks != 1) {
        standin_wrong("the kernel reference has %lld blocks", (long long)blocks);
    }
    if (a->copy_to) {
        standin_check_device("a copy", a->copy_to, a->copy_bytes);
        if (!standin_is_pinned(a->copy_from, a->copy_bytes)) {
            standin_check_device("a copy", a->copy_from, a->copy_bytes);
        }
        memcpy(a->copy_to, a->copy_from, a->copy_bytes);
        return;
    }
    for (int64_t k = a->rows; k-- > 0;) { /* in any order */
        carry_out(a, a->row[k].launch, a->row[k].parameters);
    }
    if (a->rows == 0) {
        carry_out(a, a->launch, a->parameters);
    }
}

/* The same, with its argument in the device's memory. */
static void reference_at(const void *argument, int64_t block, int64_t blocks)
{
    const distant_arguments *a = argument;
    standin_check_device("an argument", a->argument, offsetof(reference_argument, row));
    reference(a->argument, block, blocks);
}

/* ---- graphs ---- */

EXPORTED CUresult cuStreamBeginCapture_v2(CUstream stream, int mode)
{
    CALL(CUDA_ERROR_UNKNOWN);
    standin_not_capturing(__func__, stream);
    (void)mode;
    stream->capture = standin_object_new("graph", sizeof *stream->capture);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuStreamGetCaptureInfo_v2(CUstream stream, int *status, uint64_t *id, CUgraph *graph, const CUgraphNode **nodes,
                                            size_t *count)
{
    CALL(CUDA_ERROR_UNKNOWN);
    standin_object_check("stream", stream);
    struct CUgraph_st *g = stream->capture;
    *status = g ? CU_STREAM_CAPTURE_STATUS_ACTIVE : 0;
    *id = 1;
    *graph = g;
    *count = g && g->count > 0;
    *nodes = *count ? (const CUgraphNode *)(void *)&g->nodes[g->count - 1] : NULL;
    return CUDA_SUCCESS;
}

/* It ends the capture whatever it returns. */
EXPORTED CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph)
{
    standin_object_check("stream", stream);
    if (!stream->capture) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    CUgraph captured = stream->capture;
    stream->capture = NULL;
    *graph = NULL;
    if (standin_call(__func__, CUDA_ERROR_UNKNOWN)) {
        standin_graph_clear(captured);
        standin_object_free("graph", captured);
        return CUDA_ERROR_UNKNOWN;
    }
    *graph = captured;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    (void)flags;
    standin_object_check("graph", graph);
    *exec = standin_object_new("executable graph", sizeof **exec);
    standin_graph_append(&(*exec)->graph, graph);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode given, const CUDA_KERNEL_NODE_PARAMS *p)
{
    CALL(CUDA_ERROR_INVALID_VALUE);
    standin_object_check("executable graph", exec);
    size_t index = ((const node *)(const void *)given)->index;
    if (index >= exec->graph.count || !exec->graph.nodes[index]->kernel || p->kern || p->ctx) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const unsigned grid[] = { p->gridDimX, p->gridDimY, p->gridDimZ }, block[] = { p->blockDimX, p->blockDimY, p->blockDimZ };
    return fill_launch(exec->graph.nodes[index]->data, p->func, grid, block, p->kernelParams);
}

EXPORTED CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream)
{
    CALL(CUDA_ERROR_INVALID_VALUE);
    standin_need_context(__func__);
    standin_object_check("executable graph", exec);
    standin_not_capturing(__func__, stream);
    standin_graph_append(&stream->waiting, &exec->graph);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuGraphExecDestroy(CUgraphExec exec)
{
    standin_graph_clear(&exec->graph);
    standin_object_free("executable graph", exec);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuGraphDestroy(CUgraph graph)
{
    standin_object_check("graph", graph);
    standin_graph_clear(graph);
    standin_object_free("graph", graph);
    return CUDA_SUCCESS;
}
