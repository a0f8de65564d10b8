#include "predict/recorder.h"

#include <string.h>

enum { FIRST_ADDRESS = 1 << 16, ADDRESS_GRAIN = 64 };

/* ---- what is noted ---- */

static bool record_refuse(cnn__recorder *r, cnn_status status, const char *reason)
{
    if (r->status == CNN_OK) {
        r->status = status;
        r->reason = reason;
    }
    return false;
}

static bool record_room(cnn__recorder *r, void **items, int count, int *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    int wanted = *capacity ? 2 * *capacity : 64;
    void *more = cnn__calloc(r->ctx, (size_t)wanted, size);
    if (!more) {
        return record_refuse(r, CNN_ERROR_NO_MEMORY, "there is no memory for the list of its kernels");
    }
    memcpy(more, *items ? *items : more, (size_t)count * size);
    cnn__free(r->ctx, *items);
    *items = more;
    *capacity = wanted;
    return true;
}

/* A new step, zeros; NULL: no memory, noted. */
static cnn__recorded *record_step(cnn__recorder *r)
{
    void *steps = r->steps;
    bool room = record_room(r, &steps, r->step_count, &r->step_capacity, sizeof *r->steps);
    r->steps = steps;
    return room ? &r->steps[r->step_count++] : NULL;
}

static void *record_bytes(cnn__recorder *r, const void *from, size_t bytes)
{
    void *copy = cnn__alloc(r->ctx, bytes);
    if (copy) {
        memcpy(copy, from, bytes);
    } else {
        record_refuse(r, CNN_ERROR_NO_MEMORY, "there is no memory for its weights");
    }
    return copy;
}

/* ---- the device ---- */

static int recorder_count(void)
{
    return 1;
}

static bool recorder_properties(int index, cnn_device_properties *properties)
{
    (void)index, (void)properties;
    return true;
}

static void *recorder_open(int index, char *message, size_t size)
{
    (void)index, (void)message, (void)size;
    return NULL; /* it is attached */
}

static void recorder_close(void *queue)
{
    (void)queue;
}

static void *recorder_allocate(void *queue, size_t bytes)
{
    cnn__recorder *r = queue;
    void *blocks = r->blocks;
    bool room = record_room(r, &blocks, r->block_count, &r->block_capacity, sizeof *r->blocks);
    r->blocks = blocks;
    if (!room || bytes > SIZE_MAX / 4) {
        return NULL;
    }
    const cnn__recorded_block *last = r->block_count ? &r->blocks[r->block_count - 1] : NULL;
    uintptr_t from = last ? last->address + last->bytes : FIRST_ADDRESS;
    uintptr_t address = (from + ADDRESS_GRAIN) / ADDRESS_GRAIN * ADDRESS_GRAIN; /* no two blocks touch */
    if (address < from || address > UINTPTR_MAX - bytes - ADDRESS_GRAIN) {
        return NULL;
    }
    r->blocks[r->block_count++] = (cnn__recorded_block){ address, bytes };
    return (void *)address;
}

static void recorder_deallocate(void *queue, void *address, size_t bytes)
{
    (void)queue, (void)address, (void)bytes;
}

static bool recorder_supports(void *queue, cnn_kernel kernel, cnn_dtype dtype)
{
    (void)queue;
    const cnn_launch launch = { .struct_size = sizeof launch, .kernel = kernel, .dtype = dtype };
    return cnn__cpu_supports(&launch);
}

static size_t recorder_workspace(void *queue, const cnn_launch *launch)
{
    (void)queue, (void)launch;
    return 0;
}

static bool recorder_launch(void *queue, const cnn_launch *launch)
{
    cnn__recorder *r = queue;
    if (launch->kernel == CNN_KERNEL_DRAW || launch->kernel == CNN_KERNEL_DROPOUT ||
        launch->kernel == CNN_KERNEL_DROP_BLOCKS) {
        return record_refuse(r, CNN_ERROR_UNSUPPORTED, "its forward draws random numbers");
    }
    void *parameters = launch->parameters_size ? record_bytes(r, launch->parameters, launch->parameters_size) : NULL;
    cnn__recorded *step = parameters || !launch->parameters_size ? record_step(r) : NULL;
    if (!step) {
        cnn__free(r->ctx, parameters);
        return false;
    }
    step->launch = *launch;
    step->launch.parameters = parameters;
    step->launch.workspace = NULL;
    step->call = r->device->call;
    return true;
}

static bool record_copy(cnn__recorder *r, void *to, const void *from, size_t bytes, void *data)
{
    cnn__recorded *step = record_step(r);
    if (step) {
        step->launch.in[0] = from;
        step->launch.out[0] = to;
        step->bytes = bytes;
        step->data = data;
    }
    return step != NULL;
}

static bool recorder_write(void *queue, void *to, const void *from, size_t bytes, uint64_t number)
{
    (void)number;
    cnn__recorder *r = queue;
    void *data = record_bytes(r, from, bytes);
    bool noted = data && record_copy(r, to, NULL, bytes, data);
    if (!noted) {
        cnn__free(r->ctx, data);
    }
    return noted;
}

static bool recorder_copy(void *queue, void *to, const void *from, size_t bytes, uint64_t number)
{
    (void)number;
    return record_copy(queue, to, from, bytes, NULL);
}

static bool recorder_read(void *queue, void *to, const void *from, size_t bytes, uint64_t number)
{
    (void)to, (void)from, (void)bytes, (void)number;
    return record_refuse(queue, CNN_ERROR_UNSUPPORTED, "its forward reads elements");
}

static bool recorder_wait(void *queue, uint64_t number, cnn_backend_failure *failure)
{
    const cnn__recorder *r = queue;
    failure->number = number;
    failure->status = r->status;
    cnn__message(failure->message, sizeof failure->message, "%s", r->status == CNN_OK ? "" : r->reason);
    return r->status == CNN_OK;
}

static const cnn_backend recorder_backend = {
    .struct_size = sizeof recorder_backend,
    .api_version = CNN_BACKEND_VERSION,
    .name = "recorder",
    .count = recorder_count,
    .properties = recorder_properties,
    .open = recorder_open,
    .close = recorder_close,
    .allocate = recorder_allocate,
    .deallocate = recorder_deallocate,
    .supports = recorder_supports,
    .workspace = recorder_workspace,
    .launch = recorder_launch,
    .write = recorder_write,
    .copy = recorder_copy,
    .read = recorder_read,
    .wait = recorder_wait,
};

/* ---- life ---- */

cnn_context *cnn__recorder_begin(cnn__recorder *recorder, cnn_context *ctx)
{
    *recorder = (cnn__recorder){ .ctx = ctx };
    cnn_context *own = cnn_context_create(&(cnn_context_options){ .struct_size = sizeof(cnn_context_options),
                                                                  .threads = 1,
                                                                  .math = ctx->math,
                                                                  .device = "cpu",
                                                                  .allocate = ctx->allocate,
                                                                  .deallocate = ctx->deallocate,
                                                                  .allocator_user = ctx->allocator_user,
                                                                  .kernels = ctx->kernels->name });
    if (own && !cnn__device_attach(own, &recorder_backend, recorder)) {
        cnn_context_free(own);
        own = NULL;
    }
    recorder->device = own ? own->device : NULL;
    return own;
}

void cnn__recorder_end(cnn__recorder *recorder)
{
    for (int i = 0; i < recorder->step_count; i++) {
        cnn__free(recorder->ctx, (void *)(uintptr_t)recorder->steps[i].launch.parameters);
        cnn__free(recorder->ctx, recorder->steps[i].data);
    }
    cnn__free(recorder->ctx, recorder->steps);
    cnn__free(recorder->ctx, recorder->blocks);
    *recorder = (cnn__recorder){ .ctx = recorder->ctx };
}

int cnn__recorder_block(const cnn__recorder *recorder, const void *address, size_t *offset)
{
    int low = 0, high = recorder->block_count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        const cnn__recorded_block *b = &recorder->blocks[middle];
        if ((uintptr_t)address < b->address) {
            high = middle;
        } else if ((uintptr_t)address - b->address > b->bytes) {
            low = middle + 1;
        } else {
            *offset = (uintptr_t)address - b->address;
            return middle;
        }
    }
    return -1;
}
