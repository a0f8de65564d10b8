/* NVIDIA's libraries, which are opened at run time: libcuda, cuBLASLt, cuDNN and NVRTC. Nothing of them is linked, so
 * the back end is built without CUDA and loads on every machine, where it says what is missing. */
#ifndef CNN_CUDA_LIBRARY_H
#define CNN_CUDA_LIBRARY_H

#include "driver/cublaslt.h"
#include "driver/cuda.h"
#include "driver/cudnn.h"
#include "driver/nvrtc.h"

#include <stdbool.h>

#define CUDA_POINTER(name, symbol, parameters) int(*name) parameters;

typedef struct cuda_library {
    CUDA_DRIVER_FUNCTIONS(CUDA_POINTER)
    CUDA_CUBLASLT_FUNCTIONS(CUDA_POINTER)
    CUDA_CUDNN_FUNCTIONS(CUDA_POINTER)
    CUDA_NVRTC_FUNCTIONS(CUDA_POINTER)
    const char *(*cublasLtGetStatusString)(int status);
    const char *(*cudnnGetErrorString)(int status);
    const char *(*nvrtcGetErrorString)(int result);
    int driver_version; /* 13000: CUDA 13.0 */
    int devices;        /* how many there are */
} cuda_library;

/* The libraries, which are opened by the first call and stay open. NULL: the machine has no device that can be used;
 * cuda_library_problem() says why, in a line that begins with "no CUDA device: ". Thread-safe. */
const cuda_library *cuda_library_open(void);
const char *cuda_library_problem(void);

/* Writes "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory" of a function and what it has returned. */
void cuda_describe(const cuda_library *library, const char *function, CUresult result, char *text, size_t size);

#endif
