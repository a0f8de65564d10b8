/* Compiles the kernels' sources by NVRTC, for the device's own architecture. What comes out is kept in
 * $XDG_CACHE_HOME/cnn (without it ~/.cache/cnn), since it takes seconds: a file for each source, architecture, version
 * of NVRTC and of the driver, which is written under another name first, so that a reader sees the whole or nothing. A
 * file that is not what it should be is made anew; where no file can be written, every process compiles for itself. */
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 4096, KEY = 256, MOST_BYTES = 1 << 28 };

static const char *const options_always[] = { CUDA_PLAN_OPTIONS };
enum { OPTIONS_ALWAYS = sizeof options_always / sizeof *options_always };

/* FNV-1a. */
static uint64_t hash_of(const void *data, size_t bytes, uint64_t hash)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ p[i]) * 0x100000001b3u;
    }
    return hash;
}
static const uint64_t hash_start = 0xcbf29ce484222325u;

/* ---- the cache ---- */

typedef struct cached {
    char folder[PATH], path[PATH + KEY];
    char key[KEY]; /* what the file is of: its first line */
} cached;

/* False: there is no place for a cache. */
static bool cache_place(cached *c, const cuda_library *library, const cuda_module *module, int architecture)
{
    int major = 0, minor = 0;
    library->nvrtcVersion(&major, &minor);
    uint64_t source = hash_of(module->source, module->bytes, hash_start);
    for (int i = 0; i < OPTIONS_ALWAYS; i++) {
        source = hash_of(options_always[i], strlen(options_always[i]) + 1, source);
    }
    snprintf(c->key, sizeof c->key, "libcnn %s %zu %016llx sm_%d nvrtc %d.%d driver %d\n", module->name, module->bytes,
             (unsigned long long)source, architecture, major, minor, library->driver_version);
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = base && *base == '/'   ? snprintf(c->folder, sizeof c->folder, "%s/cnn", base)
                 : home && *home == '/' ? snprintf(c->folder, sizeof c->folder, "%s/.cache/cnn", home)
                                        : -1;
    if (length < 0 || (size_t)length >= sizeof c->folder) {
        return false;
    }
    snprintf(c->path, sizeof c->path, "%s/%s-%016llx.cubin", c->folder, module->name,
             (unsigned long long)hash_of(c->key, strlen(c->key), hash_start));
    return true;
}

/* What is in the file runs on the device, so it must be a file that nobody else can write; and what is none, such as a
 * pipe, is not waited for. */
static FILE *open_own(const char *path)
{
    struct stat s;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool own = descriptor >= 0 && fstat(descriptor, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid() &&
               (s.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    FILE *file = own ? fdopen(descriptor, "rb") : NULL;
    if (!file && descriptor >= 0) {
        close(descriptor);
    }
    return file;
}

/* The file is the key's line, the hash of the cubin in a line, and the cubin. */
static char *cache_read(const cached *c, size_t *bytes)
{
    FILE *file = open_own(c->path);
    char key[KEY] = "", line[32] = "";
    char *cubin = NULL;
    if (!file) {
        return NULL;
    }
    if (fgets(key, sizeof key, file) && strcmp(key, c->key) == 0 && fgets(line, sizeof line, file)) {
        long begin = ftell(file);
        long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
        if (begin > 0 && end > begin && end - begin < MOST_BYTES && fseek(file, begin, SEEK_SET) == 0) {
            *bytes = (size_t)(end - begin);
            cubin = malloc(*bytes);
            bool whole = cubin && fread(cubin, 1, *bytes, file) == *bytes &&
                         hash_of(cubin, *bytes, hash_start) == strtoull(line, NULL, 16);
            if (!whole) {
                free(cubin);
                cubin = NULL;
            }
        }
    }
    fclose(file);
    return cubin;
}

static bool make_folders(const char *folder)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s", folder);
    for (char *p = path + 1; *p; p++) {
        if (*p == '/') {
            *p = '\0';
            mkdir(path, 0700);
            *p = '/';
        }
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* A cache that cannot be written is no failure. */
static void cache_write(const cached *c, const char *cubin, size_t bytes)
{
    char path[PATH + KEY + 32];
    snprintf(path, sizeof path, "%s.XXXXXX", c->path);
    int descriptor = make_folders(c->folder) ? mkstemp(path) : -1;
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (!file) {
        if (descriptor >= 0) {
            close(descriptor);
            unlink(path);
        }
        return;
    }
    bool written = fprintf(file, "%s%016llx\n", c->key, (unsigned long long)hash_of(cubin, bytes, hash_start)) > 0 &&
                   fwrite(cubin, 1, bytes, file) == bytes;
    if (fclose(file) != 0 || !written || rename(path, c->path) != 0) {
        unlink(path);
    }
}

/* ---- the compiler ---- */

/* The first line of the compiler's log that speaks of an error. */
static void tell_log(const cuda_library *library, nvrtcProgram program, char *why, size_t size)
{
    size_t bytes = 0;
    char *log = library->nvrtcGetProgramLogSize(program, &bytes) == NVRTC_SUCCESS && bytes > 1 ? malloc(bytes) : NULL;
    if (log && library->nvrtcGetProgramLog(program, log) == NVRTC_SUCCESS) {
        log[bytes - 1] = '\0';
        char *error = strstr(log, "error");
        while (error && error > log && error[-1] != '\n') {
            error--;
        }
        error = error ? error : log;
        error[strcspn(error, "\n")] = '\0';
        size_t length = strlen(why);
        snprintf(why + length, size - length, ": %s", error);
    }
    free(log);
}

static int compile_program(const cuda_library *library, nvrtcProgram program, int architecture, const char **function)
{
    char option[48];
    const char *options[OPTIONS_ALWAYS + 1];
    snprintf(option, sizeof option, "--gpu-architecture=sm_%d", architecture);
    memcpy(options, options_always, sizeof options_always);
    options[OPTIONS_ALWAYS] = option;
    *function = "nvrtcCompileProgram";
    return library->nvrtcCompileProgram(program, OPTIONS_ALWAYS + 1, options);
}

static char *compile_new(const cuda_library *library, const cuda_module *module, int architecture, size_t *bytes,
                         char *why, size_t size)
{
    nvrtcProgram program = NULL;
    const char *function = "nvrtcCreateProgram";
    char *cubin = NULL;
    int result = library->nvrtcCreateProgram(&program, module->source, module->name, 0, NULL, NULL);
    if (result == NVRTC_SUCCESS) {
        result = compile_program(library, program, architecture, &function);
    }
    if (result == NVRTC_SUCCESS) {
        function = "nvrtcGetCUBINSize";
        result = library->nvrtcGetCUBINSize(program, bytes);
    }
    if (result == NVRTC_SUCCESS && (cubin = malloc(*bytes ? *bytes : 1)) != NULL) {
        function = "nvrtcGetCUBIN";
        result = library->nvrtcGetCUBIN(program, cubin);
    }
    if (result != NVRTC_SUCCESS) {
        const char *words = library->nvrtcGetErrorString(result);
        snprintf(why, size, "%s: %s of the kernels in %s", function, words ? words : "no reason given", module->name);
        if (program) {
            tell_log(library, program, why, size);
        }
        free(cubin);
        cubin = NULL;
    } else if (!cubin) {
        snprintf(why, size, "no memory for %zu bytes of compiled kernels", *bytes);
    }
    if (program) {
        library->nvrtcDestroyProgram(&program);
    }
    return cubin;
}

void *cuda_compile(const cuda_library *library, const cuda_module *module, int architecture, char *why, size_t size)
{
    cached c;
    size_t bytes = 0;
    bool caches = cache_place(&c, library, module, architecture);
    char *cubin = caches ? cache_read(&c, &bytes) : NULL;
    if (!cubin) {
        cubin = compile_new(library, module, architecture, &bytes, why, size);
        if (cubin && caches) {
            cache_write(&c, cubin, bytes);
        }
    }
    return cubin;
}

/* ---- functions ---- */

static CUmodule load(cuda_queue *q, int number, uint64_t launch, int kernel)
{
    char why[256] = "";
    if (!q->modules[number]) {
        void *cubin = cuda_compile(q->library, &cuda_modules[number], q->architecture, why, sizeof why);
        if (!cubin) {
            cuda_fail(q, launch, kernel, "%s", why);
            return NULL;
        }
        CUresult result = q->library->cuModuleLoadData(&q->modules[number], cubin);
        free(cubin);
        if (!cuda_ok(q, launch, kernel, "cuModuleLoadData", result)) {
            q->modules[number] = NULL;
        }
    }
    return q->modules[number];
}

static size_t slot_of(const cuda_queue *q, const char *name)
{
    size_t slot = (size_t)hash_of(name, strlen(name), hash_start) % q->function_room;
    while (q->functions[slot].name && strcmp(q->functions[slot].name, name) != 0) {
        slot = (slot + 1) % q->function_room;
    }
    return slot;
}

static bool more_slots(cuda_queue *q)
{
    cuda_queue larger = { .function_room = q->function_room ? 2 * q->function_room : 256 };
    larger.functions = calloc(larger.function_room, sizeof *larger.functions);
    if (!larger.functions) {
        return false;
    }
    for (size_t i = 0; i < q->function_room; i++) {
        if (q->functions[i].name) {
            larger.functions[slot_of(&larger, q->functions[i].name)] = q->functions[i];
        }
    }
    free(q->functions);
    q->functions = larger.functions;
    q->function_room = larger.function_room;
    return true;
}

/* Names are the plan's own and stay in place. */
CUfunction cuda_function_find(cuda_queue *q, const char *name, int module, uint64_t number, int kernel)
{
    if (2 * q->function_count >= q->function_room && !more_slots(q)) {
        cuda_fail(q, number, kernel, "no memory for the table of kernels");
        return NULL;
    }
    cuda_function *slot = &q->functions[slot_of(q, name)];
    if (!slot->name) {
        CUmodule loaded = module >= 0 && module < CUDA_MODULES ? load(q, module, number, kernel) : NULL;
        CUfunction found = NULL;
        if (!loaded ||
            !cuda_ok(q, number, kernel, "cuModuleGetFunction", q->library->cuModuleGetFunction(&found, loaded, name))) {
            return NULL;
        }
        *slot = (cuda_function){ name, found };
        q->function_count++;
    }
    return slot->function;
}
