/* The part of NVRTC, which compiles CUDA C++ at run time, that the back end uses. */
#ifndef CNN_CUDA_DRIVER_NVRTC_H
#define CNN_CUDA_DRIVER_NVRTC_H

#include <stddef.h>

typedef struct _nvrtcProgram *nvrtcProgram;

enum { NVRTC_SUCCESS = 0, NVRTC_ERROR_COMPILATION = 6 };

/* X(name, symbol, parameters): the functions, all of which return a result, 0 for success. */
/* clang-format off */
#define CUDA_NVRTC_FUNCTIONS(X) \
    X(nvrtcVersion, "nvrtcVersion", (int *major, int *minor)) \
    X(nvrtcCreateProgram, "nvrtcCreateProgram", (nvrtcProgram *program, const char *source, const char *name, \
        int header_count, const char *const *headers, const char *const *header_names)) \
    X(nvrtcDestroyProgram, "nvrtcDestroyProgram", (nvrtcProgram *program)) \
    X(nvrtcCompileProgram, "nvrtcCompileProgram", (nvrtcProgram program, int option_count, \
        const char *const *options)) \
    X(nvrtcGetCUBINSize, "nvrtcGetCUBINSize", (nvrtcProgram program, size_t *bytes)) \
    X(nvrtcGetCUBIN, "nvrtcGetCUBIN", (nvrtcProgram program, char *cubin)) \
    X(nvrtcGetProgramLogSize, "nvrtcGetProgramLogSize", (nvrtcProgram program, size_t *bytes)) \
    X(nvrtcGetProgramLog, "nvrtcGetProgramLog", (nvrtcProgram program, char *log))
/* clang-format on */

#endif
