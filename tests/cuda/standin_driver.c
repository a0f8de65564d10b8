/* The driver's part of the stand-in: memory, contexts, streams and events. */
#include "standin_driver.h"

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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one for everything */
static uint64_t calls;

/* What a driver answers although the device's context is broken: it needs none, or changes only which one is current. */
static bool is_harmless(const char *name)
{
    static const char *const names[] = { "cuInit", "cuDriverGetVersion", "cuCtxPushCurrent_v2", "cuDevicePrimaryCtxRetain" };
    bool found = strncmp(name, "cuDeviceGet", 11) == 0 || strncmp(name, "nvrtc", 5) == 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        found = found || strcmp(name, names[i]) == 0;
    }
    return found;
}

int standin_call(const char *name, int failure)
{
    uint64_t number = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    const bool lost = number >= standin_number("CNN_STANDIN_LOST", UINT64_MAX) && !is_harmless(name);
    const bool fails = number == standin_number("CNN_STANDIN_FAIL", 0) || lost;
    const char *log = getenv("CNN_STANDIN_LOG");
    FILE *file = log ? fopen(log, "ae") : NULL;
    if (file) {
        fprintf(file, "%llu %s%s\n", (unsigned long long)number, name, fails ? " fails" : "");
        fclose(file);
    }
    return !fails ? 0 : lost && strncmp(name, "cu", 2) == 0 && name[2] >= 'A' && name[2] <= 'Z' ? CUDA_ERROR_LAUNCH_FAILED : failure;
}

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

bool standin_is_pinned(const void *address, size_t bytes)
{
    return within(host_memory, address, bytes);
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

static bool is_lost(void)
{
    return calls >= standin_number("CNN_STANDIN_LOST", UINT64_MAX);
}

void standin_need_context(const char *name)
{
    if (pushed <= 0) {
        standin_wrong("%s without a current context", name);
    }
}

/* ---- streams, events, graphs ---- */

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

void standin_graph_clear(struct CUgraph_st *g)
{
    for (size_t i = 0; i < g->count; i++) {
        free(g->nodes[i]->data);
        free(g->nodes[i]);
    }
    free(g->nodes);
    *g = (struct CUgraph_st){ 0 };
}

void standin_graph_append(struct CUgraph_st *to, const struct CUgraph_st *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const node *n = from->nodes[i];
        graph_add(to, n->work, n->data, n->bytes, n->kernel);
    }
}

/* Carries out what waits; a lost device carries out nothing. */
static void drain(CUstream s)
{
    struct CUgraph_st now = s->waiting;
    s->waiting = (struct CUgraph_st){ 0 };
    if (now.count > 0 && !is_lost()) {
        open_memory(true);
        for (size_t i = 0; i < now.count; i++) {
            now.nodes[i]->work(now.nodes[i]->data);
        }
        open_memory(false);
    }
    standin_graph_clear(&now);
}

void standin_add(CUstream s, standin_work *work, const void *data, size_t bytes, bool kernel)
{
    standin_object_check("stream", s);
    graph_add(s->capture ? s->capture : &s->waiting, work, data, bytes, kernel);
    if (s->waiting.count >= LATEST) {
        drain(s);
    }
}

void standin_not_capturing(const char *name, CUstream s)
{
    standin_object_check("stream", s);
    if (s->capture) {
        standin_wrong("%s while the stream is captured", name);
    }
}

/* ---- the end ---- */

__attribute__((destructor)) static void at_the_end(void)
{
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
    standin_need_context(__func__);
    pushed--;
    *context = &the_context;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemGetInfo_v2(size_t *bytes, size_t *total)
{
    CALL(CUDA_ERROR_UNKNOWN);
    standin_need_context(__func__);
    *total = (size_t)standin_number("CNN_STANDIN_MEMORY", (uint64_t)1 << 36);
    *bytes = *total - device_bytes;
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    standin_need_context(__func__);
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

/* Waits for everything first, as CUDA does. The pages keep their place without any access, so that whoever still
 * uses them dies. */
EXPORTED CUresult cuMemFree_v2(CUdeviceptr address)
{
    standin_need_context(__func__);
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
    standin_need_context(__func__);
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
    standin_need_context(__func__);
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
    standin_need_context(name);
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
    standin_need_context(__func__);
    (void)flags;
    *stream = standin_object_new("stream", sizeof **stream);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuStreamDestroy_v2(CUstream stream)
{
    standin_not_capturing(__func__, stream);
    drain(stream);
    standin_object_free("stream", stream);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuStreamSynchronize(CUstream stream)
{
    CALL(CUDA_ERROR_LAUNCH_FAILED);
    standin_need_context(__func__);
    standin_not_capturing(__func__, stream);
    drain(stream);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuEventCreate(CUevent *event, unsigned flags)
{
    CALL(CUDA_ERROR_OUT_OF_MEMORY);
    standin_need_context(__func__);
    (void)flags;
    *event = standin_object_new("event", sizeof **event);
    return CUDA_SUCCESS;
}

EXPORTED CUresult cuEventRecord(CUevent event, CUstream stream)
{
    CALL(CUDA_ERROR_UNKNOWN);
    standin_object_check("event", event);
    standin_not_capturing(__func__, stream);
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
