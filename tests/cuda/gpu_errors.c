/* Failures of a real GPU, or of the stand-in: full memory and a bad index are errors that pass, and nothing is lost; after a kernel that
 * faults the device is lost to this process, which every call says, and the host's elements are as they were.
 *
 *     gpu_errors          errors that pass
 *     gpu_errors fault    a kernel of this program's own writes where nothing is; on the stand-in its device is told to be lost */
#include <cnn/cnn.h>

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static int failures;

static void expect(bool fact, const char *what, const char *said)
{
    printf("%s %s%s%s\n", fact ? "ok" : "FAILED", what, *said ? ": " : "", said);
    failures += !fact;
}

/* Takes memory in large pieces until there is none. */
static void fill_memory(cnn_context *ctx, uint64_t memory)
{
    cnn_tensor *pieces[MOST] = { NULL };
    const int64_t elements = (int64_t)(memory / (MOST - 8) / sizeof(float));
    float kept[3] = { 1, 2, 3 }, read[3] = { 0 };
    cnn_tensor *small = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(3), kept);
    int count = 0;
    while (count < MOST && (pieces[count] = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(elements)))) {
        count++;
    }
    expect(count > 0 && count < MOST, "memory runs out", cnn_last_error(ctx));
    expect(cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY, "its status is that of no memory", "");
    cnn_context_clear_error(ctx);
    for (int i = 0; i < count; i++) {
        cnn_tensor_free(pieces[i]);
    }
    pieces[0] = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2 * elements + 1));
    expect(pieces[0] != NULL, "what was freed is there for a larger piece", "");
    cnn_tensor_free(pieces[0]);
    expect(cnn_tensor_read(small, read, sizeof read) == CNN_OK && memcmp(read, kept, sizeof read) == 0, "other elements are as they were", "");
    cnn_tensor_free(small);
}

static void bad_index(cnn_context *ctx)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *bad = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), ((int64_t[]){ 1, 7 }));
    cnn_tensor *good = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), ((int64_t[]){ 1, 2 }));
    cnn_tape_begin(tape, CNN_EVAL);
    double loss = cnn_tensor_item(cnn_cross_entropy(cnn_input(tape, x), bad));
    expect(isnan(loss) && strstr(cnn_last_error(ctx), "index_check failed: the index at 1 is 7"), "a bad index is told", cnn_last_error(ctx));
    cnn_context_clear_error(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    loss = cnn_tensor_item(cnn_cross_entropy(cnn_input(tape, x), good));
    expect(fabs(loss - log(3)) < 1e-6, "the next step is right", "");
    cnn_tensor_free(x);
    cnn_tensor_free(bad);
    cnn_tensor_free(good);
    cnn_tape_free(tape);
}

/* ---- a kernel that faults ---- */

/* A kernel that writes to an address that does not exist; the driver compiles it for each GPU that the back end is for. */
static const char faulting_kernel[] = ".version 7.0\n.target sm_75\n.address_size 64\n"
                                      ".visible .entry fault()\n{\n.reg .u64 %rd1;\n.reg .u32 %r1;\n"
                                      "mov.u64 %rd1, 16;\nmov.u32 %r1, 1;\nst.global.u32 [%rd1], %r1;\nret;\n}\n";

/* The driver's functions, found as the back end finds them: in a library that is open already. */
typedef int driver_call();
static driver_call *driver(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    driver_call *function = NULL;
    memcpy(&function, &symbol, sizeof function);
    if (!function) {
        printf("FAILED there is no %s\n", name);
        exit(1);
    }
    return function;
}

/* Launches it in the device's primary context, which is the back end's, too. Returns what the wait for it says. */
static int let_a_kernel_fault(void)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW), *context = NULL, *module = NULL, *function = NULL;
    int device = 0, result = library ? 0 : -1;
    result = result ? result : driver(library, "cuDeviceGet")(&device, 0);
    result = result ? result : driver(library, "cuDevicePrimaryCtxRetain")(&context, device);
    result = result ? result : driver(library, "cuCtxPushCurrent_v2")(context);
    result = result ? result : driver(library, "cuModuleLoadData")(&module, (const void *)faulting_kernel);
    result = result ? result : driver(library, "cuModuleGetFunction")(&function, module, "fault");
    result = result ? result
                    : driver(library, "cuLaunchKernel")(function, 1u, 1u, 1u, 1u, 1u, 1u, 0u, NULL, (void **)NULL, (void **)NULL);
    if (result) {
        printf("FAILED the kernel that is to fault could not be launched: CUDA's error %d\n", result);
        exit(1);
    }
    result = driver(library, "cuCtxSynchronize")();
    driver(library, "cuCtxPopCurrent_v2")(&context);
    return result;
}

static bool says_lost(cnn_context *ctx)
{
    return strstr(cnn_last_error(ctx), ": CUDA_ERROR_") != NULL;
}

static void lose_device(cnn_context *ctx, const char *description)
{
    float host[4] = { 1, 2, 3, 4 }, kept[4] = { 1, 2, 3, 4 };
    cnn_tensor *t = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(4), host);
    cnn_context_synchronize(ctx);
    if (strcmp(description, "a stand-in") == 0) {
        setenv("CNN_STANDIN_LOST", "1", 1);
    } else {
        expect(let_a_kernel_fault() != 0, "a kernel that writes to nowhere faults", "");
    }
    for (int i = 0; i < 2; i++) {
        bool refused = cnn_tensor_read(t, host, sizeof host) != CNN_OK;
        expect(refused && says_lost(ctx), "a read says that the device is lost", cnn_last_error(ctx));
        cnn_context_clear_error(ctx);
        refused = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(100000000)) == NULL;
        expect(refused && says_lost(ctx), "an allocation says so", cnn_last_error(ctx));
        cnn_context_clear_error(ctx);
        refused = cnn_tensor_fill(t, 5) != CNN_OK || cnn_context_synchronize(ctx) != CNN_OK;
        expect(refused && says_lost(ctx), "a launch says so", cnn_last_error(ctx));
        cnn_context_clear_error(ctx);
    }
    expect(memcmp(host, kept, sizeof host) == 0, "what was to be read over is as it was", "");
    cnn_tensor_free(t);
    cnn_context *again = cnn_context_new(.device = "cuda");
    expect(!again, "the process opens the device no more", cnn_last_error(NULL));
    cnn_context *cpu = cnn_context_new(.device = "auto");
    expect(cpu && strcmp(cnn_context_device(cpu), "cpu") == 0, "auto takes the CPU", "");
    cnn_context_free(again);
    cnn_context_free(cpu);
}

int main(int argc, char **argv)
{
    cnn_device_properties p = { .struct_size = sizeof p };
    cnn_context *ctx = cnn_context_new(.device = "cuda");
    if (!ctx || cnn_device_describe(1, &p) != CNN_OK) {
        printf("FAILED %s\n", cnn_last_error(NULL));
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "fault") == 0) {
        lose_device(ctx, p.description);
    } else {
        bad_index(ctx);
        fill_memory(ctx, p.memory);
        bad_index(ctx);
    }
    cnn_context_free(ctx);
    return failures != 0;
}
