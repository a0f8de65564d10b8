/* cnn_onnx_load of any bytes. What is loaded has readable state, can be cloned, is traced on shapes of the file's, and
 * is run on small inputs, in one of four files for training too.
 *
 * A model may ask for any amount of work, as a program may: two functions of the reader are wrapped by the linker
 * (-Wl,--wrap, fuzz.mk), so that a run ends with the first result that is large, and a trace with the first that comes
 * late; a run has little memory, too. */
#include "fuzz.h"

#include "../../onnx/run.h"

#include <cnn/onnx.h>
#include <cnn/ops.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_INPUTS = 8, MOST_OUTPUTS = 8, MOST_ELEMENTS = 4096, MOST_RESULTS = 4096, MOST_MEMORY = 1 << 24 };

static struct {
    int64_t elements; /* the most elements that a result may have; 0: any number */
    int results;      /* how many results are still allowed */
} limit;

/* ---- the wrapped functions ---- */

bool __real_cnn__onnx_out(cnn__onnx_run *run, int i, cnn_tensor *tensor, int type);
bool __wrap_cnn__onnx_out(cnn__onnx_run *run, int i, cnn_tensor *tensor, int type);
bool __real_cnn__onnx_out_host(cnn__onnx_run *run, int i, const cnn__onnx_host *host);
bool __wrap_cnn__onnx_out_host(cnn__onnx_run *run, int i, const cnn__onnx_host *host);

static bool is_allowed(cnn__onnx_run *run, int64_t elements)
{
    bool few = limit.results-- > 0, small = limit.elements == 0 || elements <= limit.elements;
    return (few && small) || cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "more than the fuzzer waits for");
}

bool __wrap_cnn__onnx_out(cnn__onnx_run *run, int i, cnn_tensor *tensor, int type)
{
    bool good = tensor && cnn_tensor_status(tensor) == CNN_OK;
    return (!good || is_allowed(run, cnn_tensor_numel(tensor))) && __real_cnn__onnx_out(run, i, tensor, type);
}

bool __wrap_cnn__onnx_out_host(cnn__onnx_run *run, int i, const cnn__onnx_host *host)
{
    return (!host || is_allowed(run, host->numel)) && __real_cnn__onnx_out_host(run, i, host);
}

/* ---- loading ---- */

/* A file in memory, which holds the bytes. */
static const char *real_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("fuzz-onnx", MFD_CLOEXEC);
        fuzz_require(fd >= 0, "a file in memory can be made");
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "a file in memory can be written");
    return path;
}

static void check_message(const char *message)
{
    fuzz_require(*message && strchr(message, '\n') == NULL, "a message is one line");
}

static void check_failure(void)
{
    cnn_status status = cnn_context_status(fuzz_context());
    fuzz_require(status == CNN_ERROR_FORMAT || status == CNN_ERROR_UNSUPPORTED || status == CNN_ERROR_NOT_FOUND || status == CNN_ERROR_IO ||
                     status == CNN_ERROR_NO_MEMORY || status == CNN_ERROR_INVALID_ARGUMENT || status == CNN_ERROR_SHAPE,
                 "the status is one of a model's");
    check_message(cnn_last_error(fuzz_context()));
}

/* ---- running ---- */

typedef struct ports {
    cnn_trace_input inputs[MOST_INPUTS];
    int64_t shapes[MOST_INPUTS][CNN_MAX_DIMS];
    int input_count, output_count;
    int64_t elements; /* all inputs' elements, at most INT32_MAX */
} ports;

/* Sizes that are open are 2 or 3, as are all dimensions of what the file says nothing of. */
static bool read_ports(const cnn_module *module, unsigned hash, ports *p)
{
    p->input_count = cnn_onnx_input_count(module);
    p->output_count = cnn_onnx_output_count(module);
    if (p->input_count > MOST_INPUTS || p->output_count < 1) {
        return false;
    }
    p->output_count = p->output_count > MOST_OUTPUTS ? MOST_OUTPUTS : p->output_count;
    p->elements = 0;
    for (int i = 0; i < p->input_count; i++) {
        cnn_onnx_value value = { .struct_size = sizeof value };
        fuzz_require(cnn_onnx_input(module, i, &value) == CNN_OK, "an input can be asked for");
        int64_t numel = 1;
        int ndim = value.ndim < 0 ? (int)(hash % 4) : value.ndim;
        for (int d = 0; d < ndim; d++) {
            int64_t size = value.ndim < 0 || value.shape[d] < 0 ? 2 + (hash >> (4 + d) & 1) : value.shape[d];
            p->shapes[i][d] = size;
            numel = size == 0 ? 0 : numel > INT32_MAX / size ? INT32_MAX : numel * size;
        }
        p->inputs[i] = (cnn_trace_input){ .shape = p->shapes[i], .ndim = ndim, .dtype = value.dtype };
        p->elements = p->elements + numel > INT32_MAX ? INT32_MAX : p->elements + numel;
    }
    return true;
}

static double number_of(cnn_dtype dtype, unsigned k)
{
    static const double reals[] = { 0, 1, -1, 0.5, 2.75, -3.25, 100, -0.0, 1e-3, 7, -1e30, 3e38, 0.1, -0.7, 1.5, 2 };
    static const double integers[] = { 0, 1, 2, 1, 0, 3, -1, 2, 5, 1, 0, -2, 100, 1, 0, 2 };
    switch (dtype) {
    case CNN_BOOL: return k & 1;
    case CNN_I32:
    case CNN_I64: return integers[k % 16];
    case CNN_U8: return integers[k % 16] < 0 ? 255 : integers[k % 16];
    default: return reals[k % 16];
    }
}

/* Numbers that depend on the file, some of which are no numbers. NULL: there is no such shape. */
static cnn_tensor *make_input(const cnn_trace_input *input, unsigned hash)
{
    double numbers[MOST_ELEMENTS];
    int64_t count = 1;
    for (int d = 0; d < input->ndim; d++) {
        count *= input->shape[d];
    }
    for (int64_t k = 0; k < count; k++) {
        hash = hash * 1664525u + 1013904223u;
        numbers[k] = number_of(input->dtype, hash >> 20);
        if (hash >> 29 == 0 && (input->dtype == CNN_F32 || input->dtype == CNN_F64)) {
            numbers[k] = hash >> 28 & 1 ? (double)__builtin_inff() : (double)__builtin_nanf("");
        }
    }
    cnn_tensor *wide = cnn_tensor_from_data(fuzz_context(), CNN_F64, input->ndim, input->shape, numbers);
    cnn_tensor *tensor = cnn_tensor_empty(fuzz_context(), input->dtype, input->ndim, input->shape);
    fuzz_require(!wide || !tensor || cnn_tensor_copy_from(tensor, wide) == CNN_OK, "an input can be filled");
    cnn_tensor_free(wide);
    return tensor;
}

static void trace(cnn_module *module, const ports *p)
{
    limit.elements = 0;
    limit.results = MOST_RESULTS;
    cnn_trace_options options = { .struct_size = sizeof options, .output_count = p->output_count };
    cnn_trace *made = cnn_trace_create(module, p->inputs, p->input_count, &options);
    if (!made) {
        check_message(cnn_last_error(fuzz_context()));
    }
    for (int i = 0; made && i < p->output_count; i++) {
        fuzz_require(cnn_trace_get_value(made, cnn_trace_get_output(made, i)) != NULL, "a trace has its outputs");
    }
    cnn_trace_free(made);
}

static void train(cnn_tensor *output)
{
    if (cnn_tensor_dtype(output) == CNN_F32 || cnn_tensor_dtype(output) == CNN_F64) {
        cnn_backward(cnn_sum(output, 0, NULL, false));
    }
}

static void run(cnn_module *module, const ports *p, unsigned hash, bool training)
{
    cnn_tensor *inputs[MOST_INPUTS], *outputs[MOST_OUTPUTS];
    bool made = true;
    cnn_tape *tape = cnn_tape_new(fuzz_context());
    fuzz_require(tape && cnn_tape_begin(tape, training ? CNN_TRAIN : CNN_EVAL) == CNN_OK, "a step begins");
    for (int i = 0; i < p->input_count; i++) {
        inputs[i] = make_input(&p->inputs[i], hash + (unsigned)i);
        made = made && inputs[i];
    }
    limit.elements = MOST_ELEMENTS;
    limit.results = MOST_RESULTS;
    fuzz_limit_memory(MOST_MEMORY);
    if (!made) {
        check_message(cnn_last_error(fuzz_context()));
    } else if (cnn_forward_many(tape, module, inputs, p->input_count, outputs, p->output_count) != CNN_OK) {
        check_message(cnn_tape_error(tape));
    } else {
        for (int i = 0; i < p->output_count; i++) {
            char text[64];
            cnn_tensor_format(outputs[i], text, sizeof text);
        }
        if (training) {
            train(outputs[0]);
        }
    }
    fuzz_limit_memory(0);
    cnn_tape_free(tape);
    for (int i = 0; i < p->input_count; i++) {
        cnn_tensor_free(inputs[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned hash = 2166136261u;
    ports p;
    cnn_context_clear_error(NULL);
    cnn_module *module = cnn_onnx_load(fuzz_context(), real_file(data, size), NULL);
    if (!module) {
        check_failure();
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 16777619u;
    }
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        cnn_tensor *tensor = cnn_module_state(module, i);
        fuzz_require(tensor != NULL, "state is there");
        fuzz_read_elements(tensor);
    }
    cnn_module *clone = cnn_module_clone(module);
    fuzz_require(clone != NULL || cnn_context_status(fuzz_context()) == CNN_ERROR_NO_MEMORY, "a module can be cloned");
    cnn_module_free(module);
    if (clone && read_ports(clone, hash, &p)) {
        trace(clone, &p);
        if (p.elements <= MOST_ELEMENTS) {
            run(clone, &p, hash, hash >> 16 & 1 && hash >> 17 & 1);
        }
    }
    cnn_module_free(clone);
    return 0;
}
