/* The graph as it is written: names, constants and operators. */
#include "save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* gcc's analyzer loses sight of what an initializer owns once the list of them has moved. */
#if defined(CNN__LINT) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

struct cnn__export_string {
    struct cnn__export_string *next;
    char text[];
};

/* ---- names ---- */

const char *cnn__export_string(cnn__export *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    struct cnn__export_string *string = length < 0 ? NULL : malloc(sizeof *string + (size_t)length + 1);
    if (!string) {
        s->no_memory = true;
        return "";
    }
    va_start(arguments, format);
    vsnprintf(string->text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    string->next = s->strings;
    s->strings = string;
    return string->text;
}

void cnn__export_free_strings(cnn__export *s)
{
    for (struct cnn__export_string *string = s->strings, *next; string; string = next) {
        next = string->next;
        free(string);
    }
    s->strings = NULL;
}

const char *cnn__export_between(cnn__export *s)
{
    return cnn__export_string(s, "%s%d", s->prefix, s->made++);
}

static cnn__export_initializer *add_initializer(cnn__export *s, const char *name, cnn_dtype dtype, int ndim,
                                                const int64_t *shape)
{
    if (s->initializer_count == s->initializer_capacity) {
        int capacity = 2 * s->initializer_capacity + 64;
        cnn__export_initializer *more = realloc(s->initializers, (size_t)capacity * sizeof *more);
        if (!more) {
            s->no_memory = true;
            return NULL;
        }
        s->initializers = more;
        s->initializer_capacity = capacity;
    }
    cnn__export_initializer *i = &s->initializers[s->initializer_count++];
    *i = (cnn__export_initializer){ .name = name, .dtype = dtype, .ndim = ndim, .bytes = cnn_dtype_size(dtype) };
    for (int d = 0; d < ndim; d++) {
        i->shape[d] = shape[d];
        i->bytes *= (size_t)shape[d];
    }
    return i;
}

const char *cnn__export_name(cnn__export *s, int value)
{
    const cnn_trace_value *v = cnn__export_value(s, value);
    if (!s->names[value]) {
        s->names[value] = *s->stored[value] ? s->stored[value] : cnn__export_between(s);
        cnn__export_initializer *i =
            v->tensor ? add_initializer(s, s->names[value], v->dtype, v->ndim, v->shape) : NULL;
        if (i) {
            i->tensor = v->tensor;
        }
    }
    return s->names[value];
}

const char *cnn__export_in(cnn__export *s, const cnn_trace_node *node, int i)
{
    return cnn__export_has(node, i) ? cnn__export_name(s, node->inputs[i]) : "";
}

const char *cnn__export_out(cnn__export *s, const cnn_trace_node *node)
{
    return cnn__export_name(s, node->outputs[0]);
}

/* ---- constants ---- */

int cnn__export_type(cnn_dtype dtype)
{
    static const int types[] = {
        [CNN_F32] = 1, [CNN_F64] = 11, [CNN_I64] = 7, [CNN_I32] = 6, [CNN_U8] = 2, [CNN_BOOL] = 9, [CNN_BF16] = 16
    };
    return types[dtype];
}

void cnn__export_add_constant(cnn__export *s, const char *name, cnn_dtype dtype, int ndim, const int64_t *shape,
                              void *data)
{
    cnn__export_initializer *i = data ? add_initializer(s, name, dtype, ndim, shape) : NULL;
    s->no_memory |= !i;
    if (i) {
        i->data = data;
    } else {
        free(data);
    }
}

const char *cnn__export_constant(cnn__export *s, cnn_dtype dtype, int ndim, const int64_t *shape, const void *data)
{
    const char *name = cnn__export_between(s);
    cnn__export_initializer *i = add_initializer(s, name, dtype, ndim, shape);
    unsigned char *copy = i ? malloc(i->bytes + 1) : NULL;
    if (!copy) {
        s->no_memory = true;
        return name;
    }
    for (size_t k = 0; k < i->bytes; k++) {
        copy[k] = ((const unsigned char *)data)[k];
    }
    i->data = copy;
    return name;
}

/* A number as an element of a dtype. bfloat16 is the upper half of an f32, rounded to even. */
static void write_element(cnn_dtype dtype, double value, void *to)
{
    const float f32 = (float)value;
    const int64_t i64 = value > -9e18 && value < 9e18 ? (int64_t)value : 0; /* what is larger is for real dtypes */
    const int32_t i32 = (int32_t)i64;
    const unsigned char byte = (unsigned char)i64;
    uint32_t bits;
    memcpy(&bits, &f32, sizeof bits);
    const uint16_t half = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    const void *from[] = { [CNN_F32] = &f32, [CNN_F64] = &value, [CNN_I64] = &i64,  [CNN_I32] = &i32,
                           [CNN_U8] = &byte, [CNN_BOOL] = &byte, [CNN_BF16] = &half };
    memcpy(to, from[dtype], cnn_dtype_size(dtype));
}

const char *cnn__export_number(cnn__export *s, cnn_dtype dtype, double value)
{
    unsigned char element[8];
    write_element(dtype, value, element);
    return cnn__export_constant(s, dtype, 0, NULL, element);
}

const char *cnn__export_filled(cnn__export *s, cnn_dtype dtype, int64_t count, double value)
{
    const char *name = cnn__export_between(s);
    size_t size = cnn_dtype_size(dtype);
    unsigned char *all = malloc((size_t)count * size + 1);
    for (int64_t i = 0; all && i < count; i++) {
        write_element(dtype, value, all + (size_t)i * size);
    }
    cnn__export_add_constant(s, name, dtype, 1, &count, all);
    return name;
}

const char *cnn__export_integers(cnn__export *s, int64_t count, const int64_t *values)
{
    return cnn__export_constant(s, CNN_I64, 1, &count, values);
}

float *cnn__export_floats(cnn__export *s, int value, int64_t *count)
{
    const cnn_trace_value *v = cnn__export_value(s, value);
    *count = v->tensor ? cnn_tensor_numel(v->tensor) : 0;
    const size_t size = (size_t)*count * sizeof(float);
    float *all = v->tensor && v->dtype == CNN_F32 ? malloc(size + 1) : NULL;
    s->no_memory |= !all;
    if (all && cnn_tensor_read(v->tensor, all, size) != CNN_OK) {
        s->no_memory = true;
        free(all);
        all = NULL;
    }
    return all;
}

/* ---- shapes as operands ---- */

/* The batch as a tensor [1]: a size of the input that has it. */
static const char *batch_name(cnn__export *s)
{
    for (int i = 0; !s->batch_name && i < s->options.input_count; i++) {
        cnn__export_shape x = cnn__export_shape_of(s, i);
        for (int d = 0; !s->batch_name && d < x.ndim; d++) {
            if (x.dim[d].times == 1) {
                const int64_t place = d;
                const char *shape = cnn__export_emit(s, "Shape", cnn__export_between(s), cnn__export_name(s, i), NULL);
                s->batch_name =
                    cnn__export_emit(s, "Gather", cnn__export_between(s), shape, cnn__export_integers(s, 1, &place));
            }
        }
    }
    return s->batch_name;
}

/* A size that is free as a tensor [1]: that of an operand of the operation that is being written; NULL: none has it. */
static const char *free_size(cnn__export *s, const cnn__export_dim *dim)
{
    const cnn_trace_node *node = cnn_trace_get_node(s->trace, s->now);
    for (int i = 0; node && i < node->input_count; i++) {
        cnn__export_shape x = { 0 };
        if (cnn__export_has(node, i)) {
            x = cnn__export_shape_of(s, node->inputs[i]);
        }
        for (int64_t d = 0; d < x.ndim; d++) {
            if (x.dim[d].times == CNN__EXPORT_FREE && x.dim[d].size == dim->size && x.dim[d].larger == dim->larger) {
                const char *shape =
                    cnn__export_emit(s, "Shape", cnn__export_between(s), cnn__export_in(s, node, i), NULL);
                return cnn__export_emit(s, "Gather", cnn__export_between(s), shape, cnn__export_integers(s, 1, &d));
            }
        }
    }
    return NULL;
}

/* The sizes one by one, joined: numbers, multiples of the batch, and sizes of the operands. The operator finds another
 * one that is free itself, where it can. */
static const char *join_sizes(cnn__export *s, const cnn__export_shape *shape, bool inferred)
{
    cnn__export_buffer op = { 0 };
    int left = 0, unusable = 0;
    for (int d = 0; d < shape->ndim; d++) {
        const cnn__export_dim dim = shape->dim[d];
        const bool is_free = dim.times == CNN__EXPORT_FREE;
        const int64_t number = dim.times ? dim.times : dim.size; /* CNN__EXPORT_FREE is what says so to Reshape */
        const char *size = is_free ? free_size(s, &dim) : number == 1 && dim.times ? batch_name(s) : NULL;
        left += is_free && !size;
        unusable += !dim.times && dim.size <= 0;
        size = size ? size : cnn__export_integers(s, 1, &number);
        cnn__export_operand(&op, dim.times > 1 ? cnn__export_emit(s, "Mul", cnn__export_between(s), batch_name(s), size)
                                               : size);
    }
    if (left > (inferred && !unusable)) {
        cnn__export_needs_size(s);
    }
    const char *joined = cnn__export_between(s);
    cnn__export_result(&op, joined);
    cnn__export_int(&op, "axis", 0);
    cnn__export_end(s, &op, "Concat");
    return joined;
}

const char *cnn__export_shape_operand(cnn__export *s, const cnn__export_shape *shape, bool inferred)
{
    int64_t sizes[CNN_MAX_DIMS + 1];
    int varying = 0, unusable = 0;
    for (int d = 0; d < shape->ndim; d++) {
        varying += shape->dim[d].times != 0;
        unusable += !shape->dim[d].times && shape->dim[d].size <= 0;
        sizes[d] = shape->dim[d].times ? -1 : shape->dim[d].size;
    }
    bool numbers = varying == 0 || (inferred && varying == 1 && !unusable);
    return numbers ? cnn__export_integers(s, shape->ndim, sizes) : join_sizes(s, shape, inferred);
}
