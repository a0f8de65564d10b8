/* The values of a run: tensors, host values, and each of them from the other. */
#include "run.h"

#include <cnn/ops.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 4096 }; /* elements that are made as they are */

/* ---- failures ---- */

bool cnn__onnx_step_fail(cnn__onnx_run *run, cnn_status status, const char *format, ...)
{
    char text[300];
    va_list arguments;
    if (run->status != CNN_OK) {
        return false;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    run->status = cnn__onnx_fail(run->ctx, status, "onnx: node %lld \"%.*s\" (%.*s): %s", (long long)run->step->number,
                                 CNN__TEXT(run->step->node->name), CNN__TEXT(run->step->node->op_type), text);
    return false;
}

static void *no_memory(cnn__onnx_run *run)
{
    cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory");
    return NULL;
}

/* ---- attributes ---- */

const cnn__onnx_attribute *cnn__onnx_attribute_of(const cnn__onnx_step *step, const char *name)
{
    for (int i = 0; i < step->attribute_count; i++) {
        if (cnn__onnx_text_is(step->attributes[i].name, name)) {
            return &step->attributes[i];
        }
    }
    return NULL;
}

int64_t cnn__onnx_int(const cnn__onnx_run *run, const char *name, int64_t otherwise)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(run->step, name);
    return a ? a->i : otherwise;
}

double cnn__onnx_float(const cnn__onnx_run *run, const char *name, double otherwise)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(run->step, name);
    return a ? (double)a->f : otherwise;
}

/* The number of at most 6 digits, none of them behind the 22nd place, that f32 holds as `value`, or else `value`: 1e-5
 * and not 9.99999975e-06. f32 tells all numbers of so many digits apart (FLT_DIG), and powers of ten up to 10^22 are
 * exact in double, so that the quotient is the double nearest to the number. */
double cnn__onnx_as_decimal(float value)
{
    double found = (double)value, power = 1;
    bool done = false;
    for (int places = 0; !done && places <= 22 && fabs((double)value) * power < 1e6; places++) {
        const double near = round((double)value * power) / power;
        done = (float)near == value;
        found = done ? near : found;
        power *= 10;
    }
    return found;
}

/* An attribute that libcnn and PyTorch compute with in double and that a file has in f32, as the program that wrote the
 * file had it. The two differ by a part of 2^-24 at most. Where results are rounded once, from double, this changes a
 * few of them, and training amplifies that. */
double cnn__onnx_decimal(const cnn__onnx_run *run, const char *name, double otherwise)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(run->step, name);
    return a ? cnn__onnx_as_decimal(a->f) : otherwise;
}

cnn__onnx_text cnn__onnx_string(const cnn__onnx_run *run, const char *name, const char *otherwise)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(run->step, name);
    return a ? a->s : cnn__onnx_text_of(otherwise);
}

const int64_t *cnn__onnx_ints(const cnn__onnx_run *run, const char *name, int *count)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(run->step, name);
    *count = a && a->int_count < INT32_MAX ? (int)a->int_count : 0;
    return a ? a->ints : NULL;
}

/* ---- tensors ---- */

static cnn_tensor *entered(cnn__onnx_run *run, cnn_tensor *made)
{
    cnn_tensor *tensor = cnn_input(run->tape, made);
    cnn_tensor_free(made);
    return tensor;
}

cnn_tensor *cnn__onnx_made(cnn__onnx_run *run, cnn_dtype dtype, int ndim, const int64_t *shape, const void *elements)
{
    return entered(run, cnn_tensor_from_data(run->ctx, dtype, ndim, shape, elements));
}

/* A view of one element where there are many: it takes no memory until an operation copies it. */
cnn_tensor *cnn__onnx_full(cnn__onnx_run *run, cnn_dtype dtype, int ndim, const int64_t *shape, double value)
{
    int64_t numel = 1;
    for (int d = 0; d < ndim; d++) {
        numel = shape[d] > FEW || numel > FEW ? FEW + 1 : numel * shape[d];
    }
    return numel <= FEW ? entered(run, cnn_tensor_full(run->ctx, dtype, value, ndim, shape))
                        : cnn_expand(entered(run, cnn_tensor_full(run->ctx, dtype, value, CNN_SCALAR)), ndim, shape);
}

/* Many are rows of few: the first of each row, and the numbers within a row. */
cnn_tensor *cnn__onnx_numbers(cnn__onnx_run *run, int64_t count)
{
    const int64_t all = -1, rows = count / FEW + (count % FEW != 0);
    if (count <= FEW) {
        return entered(run, cnn_tensor_arange(run->ctx, CNN_I64, 0, (double)count, 1));
    }
    cnn_tensor *first = cnn__onnx_numbers(run, rows), *within = cnn__onnx_numbers(run, FEW);
    first = cnn_mul(first, cnn__onnx_scalar(run, first, FEW));
    return cnn_slice(cnn_reshape(cnn_add(cnn_unsqueeze(first, 1), within), 1, &all), 0, 0, count, 1);
}

bool cnn__onnx_count_made(cnn__onnx_run *run, int64_t count)
{
    if (count < 0 || count > CNN__ONNX_MOST_MADE - run->made) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED,
                                   "a table of %lld elements, expected at most %d in all tables of a run",
                                   (long long)count, CNN__ONNX_MOST_MADE);
    }
    run->made += count;
    return true;
}

void *cnn__onnx_table(cnn__onnx_run *run, int64_t count, size_t size)
{
    if (!cnn__onnx_count_made(run, count)) {
        return NULL;
    }
    void *table = cnn__onnx_arena_get(run->arena, (size_t)count, size);
    return table ? table : no_memory(run);
}

bool cnn__onnx_count_rounds(cnn__onnx_run *run, int64_t count)
{
    run->rounds = count > CNN__ONNX_MOST_ROUNDS ? CNN__ONNX_MOST_ROUNDS + 1 : run->rounds + count;
    return run->rounds <= CNN__ONNX_MOST_ROUNDS ||
           cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "more than %d rounds and nodes in loops",
                               CNN__ONNX_MOST_ROUNDS);
}

cnn_tensor *cnn__onnx_scalar(cnn__onnx_run *run, const cnn_tensor *like, double value)
{
    return cnn__onnx_full(run, cnn_tensor_dtype(like), CNN_SCALAR, value);
}

static void narrow(cnn_dtype dtype, const cnn__onnx_host *from, void *to)
{
    for (int64_t k = 0; k < from->numel; k++) {
        switch (dtype) {
        case CNN_F32: ((float *)to)[k] = (float)from->f[k]; break;
        case CNN_F64: ((double *)to)[k] = from->f[k]; break;
        case CNN_I64: ((int64_t *)to)[k] = from->i[k]; break;
        case CNN_I32: ((int32_t *)to)[k] = (int32_t)from->i[k]; break;
        case CNN_BF16: {
            float value = (float)from->f[k];
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            bits += 0x7fff + (bits >> 16 & 1);
            ((uint16_t *)to)[k] = (uint16_t)(bits >> 16);
            break;
        }
        default: ((unsigned char *)to)[k] = (unsigned char)from->i[k]; break;
        }
    }
}

cnn_tensor *cnn__onnx_tensor_of(cnn__onnx_run *run, cnn__onnx_value *value)
{
    cnn_dtype dtype;
    if (value->tensor || !value->host) {
        return value->tensor;
    }
    const cnn__onnx_host *host = value->host;
    void *elements = cnn__onnx_arena_get(run->arena, (size_t)host->numel, 8);
    cnn__onnx_dtype(host->type, &dtype);
    if (!elements) {
        return no_memory(run);
    }
    narrow(dtype, host, elements);
    value->tensor = cnn__onnx_made(run, dtype, host->ndim, host->shape, elements);
    return value->tensor;
}

const cnn__onnx_host *cnn__onnx_host_of(cnn__onnx_run *run, cnn__onnx_value *value)
{
    if (value->host || !value->tensor) {
        return value->host;
    }
    const cnn_tensor *t = value->tensor;
    if (cnn_tensor_status(t) != CNN_OK) {
        run->status = cnn_tensor_status(t);
        return NULL;
    }
    /* Memory that is not touched before there are elements: a trace has none, of any size. */
    size_t size = cnn_dtype_size(cnn_tensor_dtype(t)) * (size_t)cnn_tensor_numel(t);
    void *elements = malloc(size ? size : 1);
    if (!elements) {
        return no_memory(run);
    }
    if (size && cnn_tensor_read(t, elements, size) != CNN_OK) {
        free(elements);
        run->status = cnn_context_status(run->ctx);
        return NULL;
    }
    cnn__onnx_host *host = cnn__onnx_run_host(run, value->type, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    if (host) {
        cnn__onnx_widen(cnn_tensor_dtype(t), elements, host);
    }
    free(elements);
    return value->host = host;
}

cnn__onnx_host *cnn__onnx_run_host(cnn__onnx_run *run, int type, int ndim, const int64_t *shape)
{
    cnn__onnx_host *host = cnn__onnx_host_new(run->arena, type, ndim, shape);
    if (host) {
        run->made = host->numel < CNN__ONNX_MOST_MADE - run->made ? run->made + host->numel : CNN__ONNX_MOST_MADE;
    }
    return host ? host : no_memory(run);
}

/* ---- inputs ---- */

static cnn__onnx_value *value_of(const cnn__onnx_run *run, int i)
{
    static cnn__onnx_value none;
    int slot = i < run->step->in_count ? run->step->in[i] : -1;
    return slot < 0 ? &none : &run->values[slot];
}

bool cnn__onnx_has(const cnn__onnx_run *run, int i)
{
    return value_of(run, i)->type != 0;
}

int cnn__onnx_type(const cnn__onnx_run *run, int i)
{
    return value_of(run, i)->type;
}

const cnn__onnx_host *cnn__onnx_known(const cnn__onnx_run *run, int i)
{
    return value_of(run, i)->host;
}

cnn_tensor *cnn__onnx_in(cnn__onnx_run *run, int i)
{
    return cnn__onnx_tensor_of(run, value_of(run, i));
}

const cnn__onnx_host *cnn__onnx_in_host(cnn__onnx_run *run, int i)
{
    return cnn__onnx_host_of(run, value_of(run, i));
}

bool cnn__onnx_in_shape(cnn__onnx_run *run, int i, int *ndim, int64_t *shape)
{
    const cnn__onnx_value *value = value_of(run, i);
    *ndim = value->host ? value->host->ndim : cnn_tensor_ndim(value->tensor);
    const int64_t *sizes = value->host ? value->host->shape : cnn_tensor_shape(value->tensor);
    for (int d = 0; d < *ndim; d++) {
        shape[d] = sizes[d];
    }
    return value->type != 0;
}

int cnn__onnx_rank(cnn__onnx_run *run, int i)
{
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    cnn__onnx_in_shape(run, i, &ndim, shape);
    return ndim;
}

int cnn__onnx_axis(cnn__onnx_run *run, int64_t axis, int rank)
{
    if (axis < -rank || axis >= rank) {
        cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "axis %lld of a tensor of rank %d", (long long)axis, rank);
        return -1;
    }
    return (int)(axis < 0 ? axis + rank : axis);
}

double cnn__onnx_in_number(cnn__onnx_run *run, int i, double otherwise)
{
    const cnn__onnx_host *host = cnn__onnx_has(run, i) ? cnn__onnx_in_host(run, i) : NULL;
    if (!host || host->numel == 0) {
        return otherwise;
    }
    return host->f ? host->f[0] : (double)host->i[0];
}

int64_t cnn__onnx_in_int(cnn__onnx_run *run, int i, int64_t otherwise)
{
    const cnn__onnx_host *host = cnn__onnx_has(run, i) ? cnn__onnx_in_host(run, i) : NULL;
    if (!host || host->numel == 0) {
        return otherwise;
    }
    bool whole = host->f && host->f[0] > -0x1p53 && host->f[0] < 0x1p53;
    return host->i ? host->i[0] : whole ? (int64_t)host->f[0] : otherwise;
}

/* ---- outputs ---- */

bool cnn__onnx_out(cnn__onnx_run *run, int i, cnn_tensor *tensor, int type)
{
    if (run->status != CNN_OK) {
        return false;
    }
    if (!tensor || cnn_tensor_status(tensor) != CNN_OK) {
        run->status = tensor ? cnn_tensor_status(tensor) : CNN_ERROR_CALLBACK;
        return false;
    }
    int slot = i < run->step->out_count ? run->step->out[i] : -1;
    if (slot >= 0) {
        run->values[slot] = (cnn__onnx_value){ .tensor = tensor, .type = type };
    }
    return true;
}

bool cnn__onnx_out_host(cnn__onnx_run *run, int i, const cnn__onnx_host *host)
{
    int slot = i < run->step->out_count ? run->step->out[i] : -1;
    if (slot >= 0 && host) {
        run->values[slot] = (cnn__onnx_value){ .host = host, .type = host->type };
    }
    return host != NULL;
}

bool cnn__onnx_range(int type, double *low, double *high)
{
    static const struct {
        int type;
        double low, high;
    } ranges[] = { { CNN__ONNX_UINT8, 0, 255 },         { CNN__ONNX_INT8, -128, 127 },
                   { CNN__ONNX_UINT16, 0, 65535 },      { CNN__ONNX_INT16, -32768, 32767 },
                   { CNN__ONNX_UINT4, 0, 15 },          { CNN__ONNX_INT4, -8, 7 },
                   { CNN__ONNX_UINT32, 0, 0xffffffff }, { CNN__ONNX_INT32, -2147483648.0, 2147483647.0 } };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (ranges[i].type == type) {
            *low = ranges[i].low;
            *high = ranges[i].high;
            return true;
        }
    }
    return false;
}

cnn_tensor *cnn__onnx_wrap(cnn__onnx_run *run, cnn_tensor *x, int type)
{
    double low, high;
    if (type == CNN__ONNX_UINT8 || type == CNN__ONNX_INT32 || !cnn__onnx_range(type, &low, &high)) {
        return x;
    }
    cnn_tensor *mask = cnn__onnx_scalar(run, x, high - low);
    if (low == 0) {
        return cnn_bitwise_and(x, mask);
    }
    cnn_tensor *least = cnn__onnx_scalar(run, x, low);
    return cnn_add(cnn_bitwise_and(cnn_sub(x, least), mask), least);
}

cnn_tensor *cnn__onnx_saturate(cnn__onnx_run *run, cnn_tensor *x, int type)
{
    double low, high;
    (void)run;
    return cnn__onnx_range(type, &low, &high) ? cnn_clamp(x, low, high) : x;
}
