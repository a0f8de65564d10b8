/* Runs the node tests of the ONNX project: folders with a model.onnx and test_data_set_0 of input_*.pb and output_*.pb.
 *
 * usage: node_tests [--skip LIST] [--tolerance NUMBER] [--verbose] FOLDER...
 *
 * With a tolerance, errors are measured relative to the largest element of an output, or to 1.
 *
 * LIST has a name, perhaps with its folder before it, or a beginning of names that ends with an asterisk, and a reason per line: tests that do not apply. A test
 * that is listed and passes is a failure, too. */
#include "../../onnx/model.h"

#include <cnn/cnn.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST = 64, PATH = 1024 };

typedef struct value {
    unsigned char *bytes;
    cnn__onnx_arena arena;
    cnn__onnx_tensor_def def;
    bool is_there;
} value;

static cnn_context *ctx;
static bool verbose;
static double tolerance;

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = NULL;
    if (f) {
        fseek(f, 0, SEEK_END);
        *size = (size_t)ftell(f);
        rewind(f);
        bytes = malloc(*size + 1);
        if (bytes && fread(bytes, 1, *size, f) != *size) {
            free(bytes);
            bytes = NULL;
        }
        fclose(f);
    }
    return bytes;
}

/* Reads a TensorProto's elements, as libcnn holds them, into *elements. Returns false where it is none. */
static bool read_value(const char *path, value *v, void **elements)
{
    size_t size;
    *v = (value){ 0 };
    *elements = NULL;
    v->bytes = read_file(path, &size);
    if (!v->bytes) {
        return false;
    }
    v->is_there = true;
    cnn__onnx_file_bytes file = { .ctx = ctx, .call = "test", .path = path, .bytes = v->bytes, .size = size, .node_number = -1 };
    cnn__onnx_reading reading = { .file = &file, .arena = &v->arena };
    cnn_dtype dtype;
    if (!cnn__onnx_tensor_def_read(&reading, (cnn__onnx_text){ (const char *)v->bytes, size }, &v->def) || !cnn__onnx_dtype(v->def.type, &dtype)) {
        return false;
    }
    *elements = calloc((size_t)v->def.numel + 1, 8);
    return *elements && cnn__onnx_tensor_def_elements(&file, &v->def, *elements, false);
}

static void value_free(value *v)
{
    cnn__onnx_arena_free(&v->arena);
    free(v->bytes);
}

static double element(cnn_dtype dtype, const void *at, int64_t k)
{
    switch (dtype) {
    case CNN_F32: return (double)((const float *)at)[k];
    case CNN_F64: return ((const double *)at)[k];
    case CNN_I64: return (double)((const int64_t *)at)[k];
    case CNN_I32: return ((const int32_t *)at)[k];
    case CNN_BF16: {
        uint32_t bits = (uint32_t)((const uint16_t *)at)[k] << 16;
        float f;
        memcpy(&f, &bits, 4);
        return (double)f;
    }
    default: return ((const unsigned char *)at)[k];
    }
}

/* The tolerance of the ONNX project, 1e-3 relative and 1e-7 absolute, with 2e-7 in place of the latter: the expected results of
 * test_dft_inverse are up to 1.9e-7 where the exact ones are 0. Half-precision results are compared with f32 ones. */
static bool close_to(double got, double want, int type, double largest)
{
    if (tolerance > 0 && isfinite(want)) {
        return fabs(got - want) <= tolerance * fmax(largest, 1);
    }
    if (isnan(want) || isinf(want)) {
        return isnan(want) ? isnan(got) : isinf(got) ? got == want : type == CNN__ONNX_FLOAT16 && fabs(got) > 65504 && (got > 0) == (want > 0);
    }
    double loose = type == CNN__ONNX_FLOAT16 ? 2e-3 : type == CNN__ONNX_BFLOAT16 ? 1e-2 : 1e-3;
    double least = type == CNN__ONNX_FLOAT16 || type == CNN__ONNX_BFLOAT16 ? 1e-3 : cnn__onnx_is_float(type) ? 2e-7 : 0;
    return fabs(got - want) <= least + (cnn__onnx_is_float(type) ? loose * fabs(want) : 0);
}

static bool compare(const cnn_tensor *got, const value *want, const void *elements, char *why, size_t size)
{
    cnn_dtype dtype;
    cnn__onnx_dtype(want->def.type, &dtype);
    if (cnn_tensor_dtype(got) != dtype || cnn_tensor_ndim(got) != want->def.ndim) {
        snprintf(why, size, "%s of rank %d, expected %s of rank %d", cnn_dtype_name(cnn_tensor_dtype(got)), cnn_tensor_ndim(got),
                 cnn_dtype_name(dtype), want->def.ndim);
        return false;
    }
    for (int d = 0; d < want->def.ndim; d++) {
        if (cnn_tensor_shape(got)[d] != want->def.shape[d]) {
            snprintf(why, size, "size %d is %lld, expected %lld", d, (long long)cnn_tensor_shape(got)[d], (long long)want->def.shape[d]);
            return false;
        }
    }
    size_t bytes = cnn_dtype_size(dtype) * (size_t)want->def.numel;
    void *own = malloc(bytes + 1);
    bool good = own && (bytes == 0 || cnn_tensor_read(got, own, bytes) == CNN_OK);
    double largest = 0;
    for (int64_t k = 0; good && k < want->def.numel; k++) {
        largest = fmax(largest, fabs(element(dtype, elements, k)));
    }
    for (int64_t k = 0; good && k < want->def.numel; k++) {
        double a = element(dtype, own, k), b = element(dtype, elements, k);
        if (!close_to(a, b, want->def.type, largest)) {
            snprintf(why, size, "element %lld is %.9g, expected %.9g", (long long)k, a, b);
            good = false;
        }
    }
    free(own);
    return good;
}

static bool run_set(cnn_module *module, const char *folder, char *why, size_t size)
{
    cnn_tensor *inputs[MOST] = { NULL }, *own[MOST] = { NULL }, *outputs[MOST] = { NULL };
    value wants[MOST];
    void *elements[MOST];
    char path[2 * PATH + 100];
    int in = 0, out = 0;
    bool good = true;
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    for (; in < MOST; in++) {
        value v;
        void *data;
        cnn_dtype dtype;
        snprintf(path, sizeof path, "%s/input_%d.pb", folder, in);
        bool read = read_value(path, &v, &data);
        if (v.is_there && read) {
            cnn__onnx_dtype(v.def.type, &dtype);
            own[in] = cnn_tensor_from_data(ctx, dtype, v.def.ndim, v.def.shape, data);
            inputs[in] = cnn_input(tape, own[in]);
        }
        free(data);
        bool there = v.is_there;
        value_free(&v);
        if (!there) {
            break;
        }
        if (!inputs[in]) {
            snprintf(why, size, "input %d cannot be read: %s", in, cnn_last_error(ctx));
            good = false;
        }
    }
    for (; out < MOST; out++) {
        snprintf(path, sizeof path, "%s/output_%d.pb", folder, out);
        bool read = read_value(path, &wants[out], &elements[out]);
        if (!wants[out].is_there) {
            break;
        }
        if (!read) {
            snprintf(why, size, "output %d cannot be read: %s", out, cnn_last_error(ctx));
            good = false;
        }
    }
    if (good && cnn_forward_many(tape, module, inputs, in, outputs, out) != CNN_OK) {
        snprintf(why, size, "%s", cnn_tape_error(tape));
        good = false;
    }
    for (int i = 0; good && i < out; i++) {
        good = compare(outputs[i], &wants[i], elements[i], why, size);
    }
    for (int i = 0; i < out; i++) {
        value_free(&wants[i]);
        free(elements[i]);
    }
    cnn_tape_free(tape);
    for (int i = 0; i < in; i++) {
        cnn_tensor_free(own[i]);
    }
    return good;
}

static bool run_test(const char *folder, char *why, size_t size)
{
    char path[2 * PATH];
    struct stat info;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    cnn_module *module = cnn_onnx_load(ctx, path, NULL);
    if (!module) {
        snprintf(why, size, "%s", cnn_last_error(ctx));
        return false;
    }
    bool good = true;
    for (int i = 0; good; i++) {
        snprintf(path, sizeof path, "%s/test_data_set_%d", folder, i);
        if (stat(path, &info) != 0) {
            if (i == 0) { /* a model that was never run has not passed */
                snprintf(why, size, "there is no test_data_set_0");
                good = false;
            }
            break;
        }
        good = run_set(module, path, why, size);
    }
    cnn_module_free(module);
    return good;
}

/* ---- the list of those that do not apply ---- */

static bool listed(char *list, const char *name)
{
    for (char *line = list; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t length = strcspn(line, " \n");
        if (*line == '#' || length == 0) {
            continue;
        }
        bool begins = line[length - 1] == '*';
        if (begins ? strncmp(line, name, length - 1) == 0 : strlen(name) == length && strncmp(line, name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* The last two parts of a path. */
static const char *with_parent(const char *path)
{
    const char *slash = strrchr(path, '/'), *at = slash;
    while (at && at > path && at[-1] != '/') {
        at--;
    }
    return at ? at : path;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_of(const char *folder, char ***names)
{
    int count = 0, room = 0;
    DIR *dir = opendir(folder);
    *names = NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (count == room) {
            room = room ? 2 * room : 256;
            *names = realloc(*names, (size_t)room * sizeof **names);
        }
        (*names)[count++] = strdup(entry->d_name);
    }
    if (dir) {
        closedir(dir);
    }
    if (count) {
        qsort(*names, (size_t)count, sizeof **names, by_name);
    }
    return count;
}

int main(int argc, char **argv)
{
    int passed = 0, skipped = 0, failed = 0, first = 1;
    size_t size;
    char *list = NULL, why[700];
    ctx = cnn_context_create(NULL);
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "--skip") == 0 && first + 1 < argc) {
            list = (char *)read_file(argv[++first], &size);
            if (list) {
                list[size] = '\0';
            }
        } else if (strcmp(argv[first], "--verbose") == 0) {
            verbose = true;
        } else if (strcmp(argv[first], "--tolerance") == 0 && first + 1 < argc) {
            tolerance = atof(argv[++first]);
        }
    }
    for (int i = first; i < argc; i++) {
        char **names, folder[PATH];
        int count = names_of(argv[i], &names);
        if (count == 0) {
            printf("FAIL %s: there is no test in it\n", argv[i]);
            failed++;
        }
        for (int k = 0; k < count; k++) {
            why[0] = '\0';
            snprintf(folder, sizeof folder, "%s/%s", argv[i], names[k]);
            bool expected = listed(list, names[k]) || listed(list, with_parent(folder)), good = run_test(folder, why, sizeof why);
            if (verbose) {
                printf("%s %s\n", good ? "ok" : "--", names[k]);
            }
            if (good && expected) {
                printf("FAIL %s: it passes, but the list says that it does not apply\n", names[k]);
            } else if (!good && !expected) {
                printf("FAIL %s: %s\n", names[k], why);
            }
            passed += good && !expected;
            skipped += !good && expected;
            failed += good == expected;
            free(names[k]);
        }
        free(names);
    }
    printf("onnx node tests: %d passed, %d do not apply, %d failed\n", passed, skipped, failed);
    free(list);
    cnn_context_free(ctx);
    return failed != 0;
}
