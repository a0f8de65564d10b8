/* Finds NVIDIA's libraries and their functions. A library is taken from the folders of CNN_CUDA_LIBRARIES (separated by
 * colons), then from where the system's loader finds it. cuBLASLt and NVRTC are taken in the newest version that the
 * driver can serve: those of CUDA 13 need a driver of CUDA 13. */
#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST_DRIVER = 12000, PATH = 4096 };

/* POSIX gives an address of a function the form of a pointer to an object. */
typedef struct symbol {
    const char *name;
    size_t offset; /* where its pointer is in cuda_library */
} symbol;

#define SYMBOL(name, symbol, parameters) { symbol, offsetof(cuda_library, name) },
static const symbol driver_symbols[] = { CUDA_DRIVER_FUNCTIONS(SYMBOL){ NULL, 0 } };
static const symbol cublaslt_symbols[] = {
    CUDA_CUBLASLT_FUNCTIONS(SYMBOL){ "cublasLtGetStatusString", offsetof(cuda_library, cublasLtGetStatusString) },
    { NULL, 0 }
};
static const symbol cudnn_symbols[] = {
    CUDA_CUDNN_FUNCTIONS(SYMBOL){ "cudnnGetErrorString", offsetof(cuda_library, cudnnGetErrorString) }, { NULL, 0 }
};
static const symbol nvrtc_symbols[] = {
    CUDA_NVRTC_FUNCTIONS(SYMBOL){ "nvrtcGetErrorString", offsetof(cuda_library, nvrtcGetErrorString) }, { NULL, 0 }
};

static cuda_library libraries;
static char problem[512];
static bool usable;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *open_in(const char *list, const char *name)
{
    char path[PATH];
    while (list && *list) {
        size_t length = strcspn(list, ":");
        int written = snprintf(path, sizeof path, "%.*s/%s", (int)length, list, name);
        void *library =
            length > 0 && written > 0 && (size_t)written < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
        if (library) {
            return library;
        }
        list += length + (list[length] == ':');
    }
    return NULL;
}

/* Opens the first of several names. They stay open until the process ends: their own threads and handlers may outlive a
 * context. NULL: what the loader says of the first name is in `problem`. */
static void *open_first(const char *const *names)
{
    const char *folders = getenv("CNN_CUDA_LIBRARIES");
    bool told = false;
    for (; *names; names++) {
        void *library = open_in(folders, *names);
        library = library ? library : dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        if (library) {
            return library;
        }
        if (!told) {
            const char *why = dlerror();
            snprintf(problem, sizeof problem, "no CUDA device: %s", why ? why : *names);
            told = true;
        }
    }
    return NULL;
}

static bool find_symbols(void *library, const char *name, const symbol *s)
{
    for (; s->name; s++) {
        void *found = dlsym(library, s->name);
        if (!found) {
            snprintf(problem, sizeof problem, "no CUDA device: %s has no function %s, so it is too old", name, s->name);
            return false;
        }
        memcpy((char *)&libraries + s->offset, &found, sizeof found);
    }
    return true;
}

static bool open_one(const char *const *names, const symbol *symbols)
{
    void *library = open_first(names);
    return library && find_symbols(library, *names, symbols);
}

/* The names of a library that comes with the toolkit, the newest that the driver can serve first. */
static bool open_of_toolkit(const char *const *names, const symbol *symbols)
{
    return open_one(names + (libraries.driver_version < 13000), symbols);
}

static bool refuse(const char *called, CUresult result)
{
    size_t length = (size_t)snprintf(problem, sizeof problem, "no CUDA device: ");
    cuda_describe(&libraries, called, result, problem + length, sizeof problem - length);
    return false;
}

static bool open_driver(void)
{
    static const char *const names[] = { "libcuda.so.1", NULL };
    if (!open_one(names, driver_symbols)) {
        return false;
    }
    CUresult result = libraries.cuInit(0);
    if (result != CUDA_SUCCESS) {
        return refuse("cuInit", result);
    }
    result = libraries.cuDriverGetVersion(&libraries.driver_version);
    if (result != CUDA_SUCCESS) {
        return refuse("cuDriverGetVersion", result);
    }
    if (libraries.driver_version < OLDEST_DRIVER) {
        snprintf(problem, sizeof problem, "no CUDA device: the driver is for CUDA %d.%d, expected 12.0 or newer",
                 libraries.driver_version / 1000, libraries.driver_version % 1000 / 10);
        return false;
    }
    result = libraries.cuDeviceGetCount(&libraries.devices);
    if (result == CUDA_SUCCESS && libraries.devices <= 0) {
        result = CUDA_ERROR_NO_DEVICE;
    }
    return result == CUDA_SUCCESS || refuse("cuDeviceGetCount", result);
}

static void open_all(void)
{
    static const char *const cublaslt[] = { "libcublasLt.so.13", "libcublasLt.so.12", NULL };
    static const char *const cudnn[] = { "libcudnn.so.9", NULL };
    static const char *const nvrtc[] = { "libnvrtc.so.13", "libnvrtc.so.12", NULL };
    usable = open_driver() && open_of_toolkit(cublaslt, cublaslt_symbols) && open_one(cudnn, cudnn_symbols) &&
             open_of_toolkit(nvrtc, nvrtc_symbols);
    if (usable) {
        problem[0] = '\0';
    }
}

const cuda_library *cuda_library_open(void)
{
    pthread_once(&once, open_all);
    return usable ? &libraries : NULL;
}

const char *cuda_library_problem(void)
{
    pthread_once(&once, open_all);
    return problem;
}

void cuda_describe(const cuda_library *library, const char *function, CUresult result, char *text, size_t size)
{
    const char *name = NULL, *words = NULL;
    if (library->cuGetErrorName(result, &name) != CUDA_SUCCESS || !name) {
        name = "an unknown error";
    }
    if (library->cuGetErrorString(result, &words) != CUDA_SUCCESS || !words) {
        words = "the driver has no text for it";
    }
    snprintf(text, size, "%s: %s: %s", function, name, words);
}
