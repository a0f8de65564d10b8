/* The back end: which devices there are, and the table of its functions. */
#include "device.h"

#include <stdio.h>

const cnn_backend_host *cuda_host;

static int count(void)
{
    const cuda_library *l = cuda_library_open();
    return l ? l->devices : 0;
}

/* Free memory is known in a context alone, which this makes for a moment. False: the device cannot be used now, as when
 * another process has it for itself. */
static bool free_memory(const cuda_library *l, CUdevice device, uint64_t *bytes)
{
    CUcontext context, left;
    size_t free = 0, total = 0;
    if (l->cuDevicePrimaryCtxRetain(&context, device) != CUDA_SUCCESS) {
        return false;
    }
    bool known = l->cuCtxPushCurrent(context) == CUDA_SUCCESS;
    if (known) {
        known = l->cuMemGetInfo(&free, &total) == CUDA_SUCCESS;
        l->cuCtxPopCurrent(&left);
    }
    l->cuDevicePrimaryCtxRelease(device);
    *bytes = free;
    return known;
}

static bool properties(int index, cnn_device_properties *p)
{
    const cuda_library *l = cuda_library_open();
    CUdevice device = 0;
    size_t bytes = 0;
    if (!l || index < 0 || index >= l->devices || l->cuDeviceGet(&device, index) != CUDA_SUCCESS ||
        l->cuDeviceGetName(p->description, (int)sizeof p->description, device) != CUDA_SUCCESS ||
        l->cuDeviceTotalMem(&bytes, device) != CUDA_SUCCESS) {
        return false;
    }
    snprintf(p->name, sizeof p->name, "cuda:%d", index);
    p->memory = bytes;
    return free_memory(l, device, &p->memory_free);
}

static const cnn_backend backend = { .struct_size = sizeof backend,
                                     .api_version = CNN_BACKEND_VERSION,
                                     .name = "cuda",
                                     .count = count,
                                     .properties = properties,
                                     .open = cuda_open,
                                     .close = cuda_close,
                                     .allocate = cuda_allocate,
                                     .deallocate = cuda_deallocate,
                                     .supports = cuda_supports,
                                     .workspace = cuda_workspace,
                                     .launch = cuda_launch,
                                     .write = cuda_write,
                                     .copy = cuda_copy,
                                     .read = cuda_read,
                                     .wait = cuda_wait,
                                     .problem = cuda_problem,
                                     .math = cuda_math };

CNN_API const cnn_backend *cnn_backend_query(uint32_t api_version, const cnn_backend_host *host)
{
    cuda_host = host;
    return api_version == CNN_BACKEND_VERSION ? &backend : NULL;
}
