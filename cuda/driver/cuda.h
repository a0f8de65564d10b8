/* The part of CUDA's driver interface that the back end uses: types, numbers and functions, which are found in libcuda
 * at run time. The numbers and layouts are those of CUDA 12.0 and all later versions. */
#ifndef CNN_CUDA_DRIVER_CUDA_H
#define CNN_CUDA_DRIVER_CUDA_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUkern_st *CUkernel;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphNode_st *CUgraphNode;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_ECC_UNCORRECTABLE = 214,
    CUDA_ERROR_NOT_FOUND = 500,
    CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_LAUNCH_TIMEOUT = 702,
    CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
    CUDA_ERROR_ASSERT = 710,
    CUDA_ERROR_HARDWARE_STACK_ERROR = 714, /* this and the four behind it: a kernel could not go on */
    CUDA_ERROR_LAUNCH_FAILED = 719,
    CUDA_ERROR_UNKNOWN = 999
};

enum { CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76 };
enum { CU_STREAM_NON_BLOCKING = 1 };
enum { CU_EVENT_DISABLE_TIMING = 2 };
enum { CU_MEMHOSTALLOC_PORTABLE = 1, CU_MEMHOSTALLOC_DEVICEMAP = 2 };
enum { CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1 };
enum { CU_STREAM_CAPTURE_STATUS_ACTIVE = 1 };

/* The parameters of a kernel in a graph; `kern` and `ctx` may stay NULL where `func` is set. */
typedef struct CUDA_KERNEL_NODE_PARAMS {
    CUfunction func;
    unsigned gridDimX, gridDimY, gridDimZ;
    unsigned blockDimX, blockDimY, blockDimZ;
    unsigned sharedMemBytes;
    void **kernelParams;
    void **extra;
    CUkernel kern;
    CUcontext ctx;
} CUDA_KERNEL_NODE_PARAMS;

/* X(name, symbol, parameters): the functions, all of which return a CUresult. */
/* clang-format off */
#define CUDA_DRIVER_FUNCTIONS(X) \
    X(cuInit, "cuInit", (unsigned flags)) \
    X(cuDriverGetVersion, "cuDriverGetVersion", (int *version)) \
    X(cuGetErrorName, "cuGetErrorName", (CUresult error, const char **text)) \
    X(cuGetErrorString, "cuGetErrorString", (CUresult error, const char **text)) \
    X(cuDeviceGetCount, "cuDeviceGetCount", (int *count)) \
    X(cuDeviceGet, "cuDeviceGet", (CUdevice *device, int ordinal)) \
    X(cuDeviceGetName, "cuDeviceGetName", (char *name, int size, CUdevice device)) \
    X(cuDeviceTotalMem, "cuDeviceTotalMem_v2", (size_t *bytes, CUdevice device)) \
    X(cuDeviceGetAttribute, "cuDeviceGetAttribute", (int *value, int attribute, CUdevice device)) \
    X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (CUcontext *context, CUdevice device)) \
    X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CUdevice device)) \
    X(cuCtxPushCurrent, "cuCtxPushCurrent_v2", (CUcontext context)) \
    X(cuCtxPopCurrent, "cuCtxPopCurrent_v2", (CUcontext *context)) \
    X(cuMemGetInfo, "cuMemGetInfo_v2", (size_t *free, size_t *total)) \
    X(cuMemAlloc, "cuMemAlloc_v2", (CUdeviceptr *address, size_t bytes)) \
    X(cuMemFree, "cuMemFree_v2", (CUdeviceptr address)) \
    X(cuMemHostAlloc, "cuMemHostAlloc", (void **address, size_t bytes, unsigned flags)) \
    X(cuMemFreeHost, "cuMemFreeHost", (void *address)) \
    X(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2", (CUdeviceptr to, const void *from, size_t bytes, CUstream stream)) \
    X(cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2", (void *to, CUdeviceptr from, size_t bytes, CUstream stream)) \
    X(cuStreamCreate, "cuStreamCreate", (CUstream *stream, unsigned flags)) \
    X(cuStreamDestroy, "cuStreamDestroy_v2", (CUstream stream)) \
    X(cuStreamSynchronize, "cuStreamSynchronize", (CUstream stream)) \
    X(cuEventCreate, "cuEventCreate", (CUevent *event, unsigned flags)) \
    X(cuEventRecord, "cuEventRecord", (CUevent event, CUstream stream)) \
    X(cuEventSynchronize, "cuEventSynchronize", (CUevent event)) \
    X(cuEventDestroy, "cuEventDestroy_v2", (CUevent event)) \
    X(cuModuleLoadData, "cuModuleLoadData", (CUmodule *module, const void *image)) \
    X(cuModuleUnload, "cuModuleUnload", (CUmodule module)) \
    X(cuModuleGetFunction, "cuModuleGetFunction", (CUfunction *function, CUmodule module, const char *name)) \
    X(cuLaunchKernel, "cuLaunchKernel", (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, \
        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared, CUstream stream, void **arguments, \
        void **extra)) \
    X(cuStreamBeginCapture, "cuStreamBeginCapture_v2", (CUstream stream, int mode)) \
    X(cuStreamEndCapture, "cuStreamEndCapture", (CUstream stream, CUgraph *graph)) \
    X(cuStreamGetCaptureInfo, "cuStreamGetCaptureInfo_v2", (CUstream stream, int *status, uint64_t *id, \
        CUgraph *graph, const CUgraphNode **dependencies, size_t *dependency_count)) \
    X(cuGraphInstantiate, "cuGraphInstantiateWithFlags", (CUgraphExec *exec, CUgraph graph, \
        unsigned long long flags)) \
    X(cuGraphExecKernelNodeSetParams, "cuGraphExecKernelNodeSetParams_v2", (CUgraphExec exec, CUgraphNode node, \
        const CUDA_KERNEL_NODE_PARAMS *parameters)) \
    X(cuGraphLaunch, "cuGraphLaunch", (CUgraphExec exec, CUstream stream)) \
    X(cuGraphExecDestroy, "cuGraphExecDestroy", (CUgraphExec exec)) \
    X(cuGraphDestroy, "cuGraphDestroy", (CUgraph graph))
/* clang-format on */

#endif
