/* The driver's part of the stand-in. */
#include "standin.h"

#include "reference.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, POISON = 0xa5, LATEST = 20000 };

_Noreturn void standin_wrong(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "CUDA's stand-in: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

uint64_t standin_number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- calls, and those that fail ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of everything */
static uint64_t calls;

int standin_call(const char *name, int failure)
{
    uint64_t number = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    bool fails = number == standin_number("CNN_STANDIN_FAIL", 0) || number >= standin_number("CNN_STANDIN_LOST", UINT64_MAX);
    const char *log = getenv("CNN_STANDIN_LOG");
    FILE *file = log ? fopen(log, "ae") : NULL;
    if (file) {
        fprintf(file, "%llu %s%s\n", (unsigned long long)number, name, fails ? " fails" : "");
        fclose(file);
    }
    return fails ? failure : 0;
}

#define CALL(failure) \
    do { \
        int failed = standin_call(__func__, failure); \
        if (failed) { \
            return failed; \
        } \
    } while (0)

/* ---- objects ---- */

typedef struct object {
    struct object *next;
    const char *kind;
    void *memory;
} object;
static object *objects;

void *standin_object_new(const char *kind, size_t bytes)
{
    object *o = malloc(sizeof *o);
    *o = (object){ objects, kind, calloc(1, bytes) };
    pthread_mutex_lock(&lock);
    o->next = objects;
    objects = o;
    pthread_mutex_unlock(&lock);
    return o->memory;
}

static object **find_object(const char *kind, const void *memory)
{
    object **o = &objects;
    while (*o && (*o)->memory != memory) {
        o = &(*o)->next;
    }
    if (!*o || strcmp((*o)->kind, kind) != 0) {
        standin_wrong("%p is no %s%s%s", memory, kind, *o ? ", but a " : "", *o ? (*o)->kind : "");
    }
    return o;
}

void standin_object_check(const char *kind, const void *memory)
{
    pthread_mutex_lock(&lock);
    find_object(kind, memory);
    pthread_mutex_unlock(&lock);
}

void standin_object_free(const char *kind, void *memory)
{
    pthread_mutex_lock(&lock);
    object **o = find_object(kind, memory), *found = *o;
    *o = found->next;
    free(found->memory);
    free(found);
    pthread_mutex_unlock(&lock);
}

/* ---- memory ---- */

typedef struct region {
    struct region *next;
    char *address;
    size_t bytes;
} region;
static region *device_memory, *host_memory;
static size_t device_bytes;
static int retained;

static size_t pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static bool within(const region *r, const void *address, size_t bytes)
{
    const char *a = address;
    while (r && !(a >= r->address && a + bytes <= r->address + r->bytes)) {
        r = r->next;
    }
    return r != NULL;
}

void standin_check_device(const char *what, const void *address, size_t bytes)
{
    if (!within(device_memory, address, bytes)) {
        standin_wrong("%s: %zu bytes at %p are no memory of the device", what, bytes, address);
    }
}

static void open_memory(bool open)
{
    for (region *r = device_memory; r; r = r->next) {
        if (mprotect(r->address, pages(r->bytes), open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) {
            standin_wrong("mprotect fails");
        }
    }
}

/* ---- contexts: a stack for each thread ---- */

struct CUctx_st {
    int unused;
};
static struct CUctx_st the_context;
static _Thread_local int pushed;

/* A lost device does not let a context be made current any more. */
static void need_context(const char *name)
{
    if (pushed <= 0 && calls < standin_number("CNN_STANDIN_LOST", UINT64_MAX)) {
        standin_wrong("%s without a current context", name);
    }
}

/* ---- streams, events, graphs ---- */

typedef struct node {
    standin_work *work;
    void *data;
    size_t bytes;
    bool kernel;
    size_t index;
} node;

struct CUgraph_st {
    node **nodes;
    size_t count, room;
};
struct CUgraphExec_st {
    struct CUgraph_st graph;
};
struct CUstream_st {
    struct CUgraph_st waiting; /* what was handed over and is not done */
    struct CUgraph_st *capture;
};
struct CUevent_st {
    CUstream stream; /* where it was recorded */
};

static void graph_add(struct CUgraph_st *g, standin_work *work, const void *data, size_t bytes, bool kernel)
{
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 64;
        g->nodes = realloc(g->nodes, g->room * sizeof *g->nodes);
    }
    node *n = malloc(sizeof *n);
    *n = (node){ work, malloc(bytes ? bytes : 1), bytes, kernel, g->count };
    memcpy(n->data, data, bytes);
    g->nodes[g->count++] = n;
}

static void graph_clear(struct CUgraph_st *g)
{
    for (size_t i = 0; i < g->count; i++) {
        free(g->nodes[i]->data);
        free(g->nodes[i]);
    }
    free(g->nodes);
    *g = (struct CUgraph_st){ 0 };
}

static void graph_append(struct CUgraph_st *to, const struct CUgraph_st *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const node *n = from->nodes[i];
        graph_add(to, n->work, n->data, n->bytes, n->kernel);
    }
}

/* Carries out what waits. */
static void drain(CUstream s)
{
    struct CUgraph_st now = s->waiting;
    s->waiting = (struct CUgraph_st){ 0 };
    if (now.count > 0) {
        open_memory(true);
        for (size_t i = 0; i < now.count; i++) {
            now.nodes[i]->work(now.nodes[i]->data);
        }
        open_memory(false);
    }
    graph_clear(&now);
}

void standin_add(CUstream s, standin_work *work, const void *data, size_t bytes, bool kernel)
{
    standin_object_check("stream", s);
    graph_add(s->capture ? s->capture : &s->waiting, work, data, bytes, kernel);
    if (s->waiting.count >= LATEST) {
        drain(s);
    }
}

static void not_capturing(const char *name, CUstream s)
{
    standin_object_check("stream", s);
    if (s->capture) {
        standin_wrong("%s while the stream is captured", name);
    }
}

/* ---- the end ---- */

__attribute__((destructor)) static void at_the_end(void)
{
    const char *count = getenv("CNN_STANDIN_COUNT");
    FILE *file = count ? fopen(count, "we") : NULL;
    if (file) {
        fprintf(file, "%llu\n", (unsigned long long)calls);
        fclose(file);
    }
    for (object *o = objects; o; o = o->next) {
        fprintf(stderr, "CUDA's stand-in: a %s is left\n", o->kind);
    }
    if (objects || device_memory || host_memory || retained) {
        fprintf(stderr, "CUDA's stand-in: %s%s%s%s left\n", objects ? "objects " : "", device_memory ? "memory " : "",
                host_memory ? "pinned memory " : "", retained ? "a context " : "");
        _Exit(86);
    }
}

/* ---- libcuda ---- */

EXPORTED CUresult cuInit(unsigned flags)
{
    CALL(CUDA_ERROR_NO_DEVICE);
    return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORTED CUresult cuDriverGetVersion(int *version)
{
    CALL(CUDA_ERROR_UNKNOWN);
    *version = (int)standin_number("CNN_STANDIN_DRIVER", 13000);
    return CUDA_SUCCESS;
}

static const char *const names[][2] = { [CUDA_SUCCESS] = { "CUDA_SUCCESS", "no error" },
                                        [CUDA_ERROR_INVALID_VALUE] = { "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
                                        [CUDA_ERROR_OUT_OF_MEMORY] = { "CUDA_ERROR_OUT_OF_MEMORY", "out of memory" },
                                        [CUDA_ERROR_NO_DEVICE] = { "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected" },
                                        [CUDA_ERROR_NOT_FOUND] = { "CUDA_ERROR_NOT_FOUND", "named symbol not found" },
                                        [CUDA_ERROR_LAUNCH_FAILED] = { "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure" },
                                        [CUDA_ERROR_UNKNOWN] = { "CUDA_ERROR_UNKNOWN", "unknown error" } };

EXPORTED CUresult cuGetErrorName(CUresult error, const char **text)
{
    *text = error >= 0 && error <= CUDA_ERROR_UNKNOWN ? names[error][0] : NULL;
    return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORTED CUresult cuGetErrorString(CUresult error, const char **text)
{
    *text = error >= 0 && error <= CUDA_ERROR_UNKNOWN ? names[error][1] : NULL;
    return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORTED CUresult cuDeviceGetCount(int *count)
{
    CALL(CUDA_ERROR_UNKNOWN);
    *count = 1;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    CALL(CUDA_ERROR_UNKNOWN);
    *device = 7;
    return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static void check_device(CUdevice device)
{
    if (device != 7) {
        standin_wrong("%d is no device", device);
    }
}

EXPORTED CUresult cuDeviceGetName(char *name, int size, CUdevice device)
{
    CALL(CUDA_ERROR_UNKNOWN);
    check_device(device);
    snprintf(name, (size_t)size, "a stand-in");
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
    CALL(CUDA_ERROR_UNKNOWN);
    check_device(device);
    *bytes = (size_t)standin_number("CNN_STANDIN_MEMORY", (uint64_t)1 << 36);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device)
{
    CALL(CUDA_ERROR_UNKNOWN);
    check_device(device);
    *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 9 : 0;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    check_device(device);
    __atomic_add_fetch(&retained, 1, __ATOMIC_SEQ_CST);
    *context = &the_context;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    check_device(device);
    if (__atomic_sub_fetch(&retained, 1, __ATOMIC_SEQ_CST) < 0) {
        standin_wrong("a context is released that nobody has");
    }
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuCtxPushCurrent_v2(CUcontext context)
{
    CALL(CUDA_ERROR_UNKNOWN);
    if (context != &the_context || retained <= 0) {
        standin_wrong("%p is no context", (void *)context);
    }
    pushed++;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
    need_context(__func__);
    pushed--;
    *context = &the_context;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemGetInfo_v2(size_t *bytes, size_t *total)
{
    CALL(CUDA_ERROR_UNKNOWN);
    need_context(__func__);
    *total = (size_t)standin_number("CNN_STANDIN_MEMORY", (uint64_t)1 << 36);
    *bytes = *total - device_bytes;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    need_context(__func__);
    if (bytes == 0 || device_bytes + bytes > standin_number("CNN_STANDIN_MEMORY", (uint64_t)1 << 36)) {
        return bytes ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_VALUE;
    }
    char *memory = mmap(NULL, pages(bytes) + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    memset(memory, POISON, bytes < 1 << 22 ? bytes : 1 << 22);
    mprotect(memory, pages(bytes) + PAGE, PROT_NONE);
    region *r = malloc(sizeof *r);
    pthread_mutex_lock(&lock);
    *r = (region){ device_memory, memory, bytes };
    device_memory = r;
    device_bytes += bytes;
    pthread_mutex_unlock(&lock);
    *address = (CUdeviceptr)(uintptr_t)memory;
    return CUDA_SUCCESS;
}

static region *take_region(region **list, const void *address)
{
    while (*list && (*list)->address != address) {
        list = &(*list)->next;
    }
    if (!*list) {
        standin_wrong("memory at %p is freed that nobody has", address);
    }
    region *r = *list;
    *list = r->next;
    return r;
}

/* As CUDA does, it waits for everything first. The pages keep their place without any access, so that whoever still
 * uses them dies. */
EXPORTED CUresult cuMemFree_v2(CUdeviceptr address)
{
    need_context(__func__);
    for (object *o = objects; o; o = o->next) {
        if (strcmp(o->kind, "stream") == 0) {
            drain(o->memory);
        }
    }
    pthread_mutex_lock(&lock);
    region *r = take_region(&device_memory, (void *)(uintptr_t)address);
    device_bytes -= r->bytes;
    madvise(r->address, pages(r->bytes), MADV_DONTNEED);
    free(r);
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned flags)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    need_context(__func__);
    if (flags != (CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP)) {
        standin_wrong("pinned memory that the device cannot read");
    }
    region *r = malloc(sizeof *r);
    *r = (region){ host_memory, aligned_alloc(PAGE, pages(bytes)), bytes };
    memset(r->address, POISON, bytes);
    host_memory = r;
    *address = r->address;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemFreeHost(void *address)
{
    need_context(__func__);
    region *r = take_region(&host_memory, address);
    free(r->address);
    free(r);
    return CUDA_SUCCESS;
}

typedef struct transfer {
    void *to;
    const void *from;
    size_t bytes;
} transfer;

static void run_transfer(void *data)
{
    const transfer *t = data;
    memcpy(t->to, t->from, t->bytes);
}

static CUresult add_transfer(const char *name, void *to, const void *from, size_t bytes, const void *host, CUstream stream)
{
    need_context(name);
    if (!within(host_memory, host, bytes)) {
        standin_wrong("%s: the host's memory is not pinned, so the call would wait", name);
    }
    standin_check_device(name, host == to ? from : to, bytes);
    standin_add(stream, run_transfer, &(transfer){ to, from, bytes }, sizeof(transfer), false);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
    CALL(CUDA_ERROR_INVALID_VALUE);
    return add_transfer(__func__, (void *)(uintptr_t)to, from, bytes, from, stream);
}

EXPORTED CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    CALL(CUDA_ERROR_INVALID_VALUE);
    return add_transfer(__func__, to, (void *)(uintptr_t)from, bytes, to, stream);
}

EXPORTED CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    need_context(__func__);
    (void)flags;
    *stream = standin_object_new("stream", sizeof **stream);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuStreamDestroy_v2(CUstream stream)
{
    not_capturing(__func__, stream);
    drain(stream);
    standin_object_free("stream", stream);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuStreamSynchronize(CUstream stream)
{
    CALL(CUDA_ERROR_LAUNCH_FAILED);
    need_context(__func__);
    not_capturing(__func__, stream);
    drain(stream);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuEventCreate(CUevent *event, unsigned flags)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    need_context(__func__);
    (void)flags;
    *event = standin_object_new("event", sizeof **event);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuEventRecord(CUevent event, CUstream stream)
{
    CALL(CUDA_ERROR_UNKNOWN);
    standin_object_check("event", event);
    not_capturing(__func__, stream);
    event->stream = stream;
    return CUDA_SUCCESS;
}

/* What comes behind the event is done, too: a device may be that fast. */
EXPORTED CUresult cuEventSynchronize(CUevent event)
{
    CALL(CUDA_ERROR_LAUNCH_FAILED);
    standin_object_check("event", event);
    if (event->stream) {
        drain(event->stream);
    }
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuEventDestroy_v2(CUevent event)
{
    standin_object_free("event", event);
    return CUDA_SUCCESS;
}

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
    need_context(__func__);
    if (memcmp(image, "cubin of ", 9) != 0) {
        standin_wrong("a module that NVRTC has not compiled");
    }
    *module = standin_object_new("module", sizeof **module);
    return CUDA_SUCCESS;
}

static kernel_function reference;
#define HOST_KERNEL(name) kernel_function name;
#include "host_kernels.def"
#undef HOST_KERNEL
static const struct {
    const char *name;
    kernel_function *run;
} rows[] = { { "reference", reference },
#define HOST_KERNEL(name) { #name, name },
#include "host_kernels.def"
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
    need_context(__func__);
    (void)extra;
    (void)shared;
    CUresult result = fill_launch(&l, function, (unsigned[]){ grid_x, grid_y, grid_z }, (unsigned[]){ block_x, block_y, block_z }, arguments);
    if (result == CUDA_SUCCESS) {
        standin_add(stream, run_kernel, &l, sizeof l, true);
    }
    return result;
}

/* The kernel of plan_reference.c. */
static void reference(const void *argument, int64_t block, int64_t blocks)
{
    const reference_argument *a = argument;
    cnn_launch l = a->launch;
    cnn_backend_failure failure = { .struct_size = sizeof failure };
    if (block != 0 || blocks != 1) {
        standin_wrong("the kernel reference has %lld blocks", (long long)blocks);
    }
    if (a->copy_to) {
        standin_check_device("a copy", a->copy_to, a->copy_bytes);
        if (!within(host_memory, a->copy_from, a->copy_bytes)) {
            standin_check_device("a copy", a->copy_from, a->copy_bytes);
        }
        memcpy(a->copy_to, a->copy_from, a->copy_bytes);
        return;
    }
    l.parameters = l.parameters_size ? a->parameters : NULL;
    if (!a->cpu_launch(&l, &failure)) {
        *a->status = (cuda_status){ l.number, (uint64_t)failure.position, failure.value, (int64_t)l.kernel };
    }
}

/* ---- graphs ---- */

EXPORTED CUresult cuStreamBeginCapture_v2(CUstream stream, int mode)
{
    CALL(CUDA_ERROR_UNKNOWN);
    not_capturing(__func__, stream);
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
        graph_clear(captured);
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
    graph_append(&(*exec)->graph, graph);
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
    need_context(__func__);
    standin_object_check("executable graph", exec);
    not_capturing(__func__, stream);
    graph_append(&stream->waiting, &exec->graph);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuGraphExecDestroy(CUgraphExec exec)
{
    graph_clear(&exec->graph);
    standin_object_free("executable graph", exec);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuGraphDestroy(CUgraph graph)
{
    standin_object_check("graph", graph);
    graph_clear(graph);
    standin_object_free("graph", graph);
    return CUDA_SUCCESS;
}
