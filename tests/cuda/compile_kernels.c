/* Compiles sources of CUDA kernels by NVRTC, which needs no GPU: compile_kernels ARCHITECTURES FILE...
 * ARCHITECTURES are numbers with commas between, such as 75,90; CNN_NVRTC may name the library. Exit code 77: there
 * is no NVRTC. An architecture that this NVRTC does not know is left out, and said. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct program *program;
static int (*create)(program *, const char *, const char *, int, const char *const *, const char *const *);
static int (*compile)(program, int, const char *const *);
static int (*log_size)(program, size_t *), (*get_log)(program, char *), (*cubin_size)(program, size_t *);
static int (*destroy)(program *), (*architectures)(int *), (*known_architectures)(int *);

static void *open_nvrtc(void)
{
    const char *names[] = { getenv("CNN_NVRTC"), "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = names[i] && *names[i] ? dlopen(names[i], RTLD_NOW) : NULL;
        if (library) {
            return library;
        }
    }
    return NULL;
}

static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static char *text_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        return NULL;
    }
    long bytes = ftell(file);
    char *text = calloc((size_t)bytes + 1, 1);
    rewind(file);
    bool whole = text && fread(text, 1, (size_t)bytes, file) == (size_t)bytes;
    fclose(file);
    return whole ? text : NULL;
}

static bool compile_file(const char *path, const char *text, const char *architecture)
{
    char option[64];
    snprintf(option, sizeof option, "--gpu-architecture=sm_%s", architecture);
    const char *const options[] = { option, "--fmad=false", "--std=c++17" }; /* CUDA_PLAN_OPTIONS */
    program made;
    size_t bytes = 0, words = 0;
    if (create(&made, text, path, 0, NULL, NULL) != 0) {
        return false;
    }
    bool good = compile(made, 3, options) == 0 && cubin_size(made, &bytes) == 0 && bytes > 0;
    log_size(made, &words);
    char *log = calloc(words + 1, 1);
    if (log && words > 1 && get_log(made, log) == 0 && strspn(log, "\n ") != strlen(log)) {
        printf("%s", log);
        good = good && !strstr(log, "warning");
    }
    printf("%s for sm_%s: %s, %zu bytes\n", path, architecture, good ? "compiles" : "FAILS", bytes);
    fflush(stdout);
    free(log);
    destroy(&made);
    return good;
}

static bool is_known(const char *architecture)
{
    int count = 0, numbers[256];
    bool known = architectures(&count) == 0 && count <= 256 && known_architectures(numbers) == 0;
    bool found = false;
    for (int i = 0; known && i < count; i++) {
        found |= numbers[i] == atoi(architecture);
    }
    return found;
}

int main(int argc, char **argv)
{
    void *library = open_nvrtc();
    if (!library) {
        return 77;
    }
    if (argc < 3 || !find(library, "nvrtcCreateProgram", &create) || !find(library, "nvrtcCompileProgram", &compile) ||
        !find(library, "nvrtcGetProgramLogSize", &log_size) || !find(library, "nvrtcGetProgramLog", &get_log) ||
        !find(library, "nvrtcGetCUBINSize", &cubin_size) || !find(library, "nvrtcDestroyProgram", &destroy) ||
        !find(library, "nvrtcGetNumSupportedArchs", &architectures) ||
        !find(library, "nvrtcGetSupportedArchs", &known_architectures)) {
        fprintf(stderr, "usage: compile_kernels ARCHITECTURES FILE...; or this NVRTC is older than CUDA 11.2\n");
        return 1;
    }
    bool good = true;
    for (char *one = strtok(argv[1], ","); one; one = strtok(NULL, ",")) {
        if (!is_known(one)) {
            printf("skipped: sm_%s (this NVRTC does not know it)\n", one);
            continue;
        }
        for (int i = 2; i < argc; i++) {
            char *text = text_of(argv[i]);
            good = text && compile_file(argv[i], text, one) && good;
            free(text);
        }
    }
    return good ? 0 : 1;
}
