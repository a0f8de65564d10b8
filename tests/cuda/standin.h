/* A stand-in for NVIDIA's libraries: one shared object with the functions of libcuda, cuBLASLt, cuDNN and NVRTC that the
 * plug-in uses, under their names, so that the plug-in itself runs where there is no GPU. What a device does late, it
 * does late: work of a stream is carried out when somebody waits. The memory of the device has no access but while that
 * work runs, so a host that follows an address dies at once, and so does a kernel that uses memory that was freed.
 *
 * A call that is wrong ends the program with a line that says why; so does what is left over at the program's end.
 *
 * CNN_STANDIN_FAIL=N     the call with that number fails once; those of freeing and describing are not counted
 * CNN_STANDIN_LOST=N     from that call on the device is lost, as by a kernel that faults: every call of the driver that needs its
 *                        context returns CUDA_ERROR_LAUNCH_FAILED, and those of the libraries fail
 * CNN_STANDIN_MEMORY=B   the device has B bytes
 * CNN_STANDIN_ENGINES=0  cuBLASLt and cuDNN support nothing
 * CNN_STANDIN_FUSION=0   cuDNN supports no convolution with a bias in one graph
 * CNN_STANDIN_COMPILES=0  NVRTC compiles nothing
 * CNN_STANDIN_DRIVER=V   the driver's version, such as 11040
 * CNN_STANDIN_LOG=FILE   every call's name and result */
#ifndef CNN_TESTS_CUDA_STANDIN_H
#define CNN_TESTS_CUDA_STANDIN_H

#include "driver/cublaslt.h"
#include "driver/cuda.h"
#include "driver/cudnn.h"
#include "driver/nvrtc.h"

#include <cnn/backend.h>

#include <stdbool.h>

#define EXPORTED __attribute__((visibility("default")))

_Noreturn void standin_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Counts a call; what it is to return: `success`, or `failure` where this one is to fail. */
int standin_call(const char *name, int failure);
uint64_t standin_number(const char *variable, uint64_t otherwise);

typedef void standin_work(void *data);
/* Puts work at the end of a stream, or of the graph that is captured from it. The data is copied. `kernel` marks that
 * of cuLaunchKernel(). */
void standin_add(CUstream stream, standin_work *work, const void *data, size_t bytes, bool kernel);
/* An address of the device, and all of `bytes` behind it, is memory that was given out. */
void standin_check_device(const char *what, const void *address, size_t bytes);

/* A function of the stand-in begins with it. */
#define CALL(failure) \
    do { \
        int failed = standin_call(__func__, failure); \
        if (failed) { \
            return failed; \
        } \
    } while (0)

/* Objects that somebody has to free. */
void *standin_object_new(const char *kind, size_t bytes);
void standin_object_check(const char *kind, const void *object);
void standin_object_free(const char *kind, void *object);
/* Bodies of functions that make and free one. */
#define CREATED(kind, place, failure) \
    CALL(failure); \
    *(place) = standin_object_new(kind, sizeof **(place))
#define DESTROYED(kind, object) \
    standin_object_free(kind, object); \
    return 0

/* Elements of float32 as tensor cores take them, rounded to 10 bits, in memory that the caller frees. */
float *standin_tf32(const void *elements, int64_t count);

/* Carries a product or a convolution out by the library's own kernels of the CPU. */
void standin_run_on_cpu(cnn_launch *launch);

#endif
