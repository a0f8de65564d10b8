/* Tensors as text, as PyTorch prints them with its default options: 4 digits, lines of 80 characters, and for more
 * than 1000 elements only 3 at each end of a dimension (the rules follow the documentation of
 * torch.set_printoptions). */
#include "tensor/tensor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE = 80,
    THRESHOLD = 1000,
    EDGE = 3,
    FORMAT_PREFIX = 7 /* "tensor(" */,
    ELEMENT = 352 /* large enough for the digits of DBL_MAX and four more */
};

typedef enum style { STYLE_INTEGER, STYLE_WHOLE, STYLE_FIXED, STYLE_SCIENTIFIC } number_style;

typedef struct printer {
    const cnn_tensor *t;
    char *buffer;
    size_t size, length;
    size_t line_start; /* the length of the text before the current line */
    number_style style;
    int width;
    bool summarize;
    /* results of the scan for style and width: */
    double smallest, largest;
    bool fractions, any;
} printer;

static void format_put(printer *p, const char *text)
{
    for (; *text; text++) {
        if (p->length + 1 < p->size) {
            p->buffer[p->length] = *text;
        }
        p->length++;
        if (*text == '\n') {
            p->line_start = p->length;
        }
    }
}

static void put_spaces(printer *p, int count)
{
    for (int i = 0; i < count; i++) {
        format_put(p, " ");
    }
}

static double real_at(const cnn_tensor *t, int64_t place)
{
    const void *data = cnn__data(t);
    return t->dtype == CNN_F32    ? (double)((const float *)data)[place]
           : t->dtype == CNN_BF16 ? (double)cnn__real_of_bf16(((const uint16_t *)data)[place])
                                  : ((const double *)data)[place];
}

static void integer_text(const cnn_tensor *t, int64_t place, char text[ELEMENT])
{
    const void *data = cnn__data(t);
    if (t->dtype == CNN_BOOL) {
        cnn__message(text, ELEMENT, "%s", ((const uint8_t *)data)[place] ? "True" : "False");
        return;
    }
    int64_t value = t->dtype == CNN_I64   ? ((const int64_t *)data)[place]
                    : t->dtype == CNN_I32 ? ((const int32_t *)data)[place]
                                          : ((const uint8_t *)data)[place];
    snprintf(text, ELEMENT, "%" PRId64, value);
}

static void real_text(double value, number_style style, char text[ELEMENT])
{
    static const char *const conversions[] = {
        [STYLE_WHOLE] = "%.0f", [STYLE_FIXED] = "%.4f", [STYLE_SCIENTIFIC] = "%.4e"
    };
    cnn__number(text, ELEMENT - 1, conversions[style], value);
    if (style == STYLE_WHOLE && isfinite(value)) {
        memcpy(text + strlen(text), ".", 2);
    }
}

typedef void (*visitor)(printer *p, int64_t place);

/* Visits the elements that will be printed. */
static void visit(printer *p, int dim, int64_t place, visitor see)
{
    const cnn_tensor *t = p->t;
    if (dim == t->ndim) {
        see(p, place);
        return;
    }
    int64_t n = t->shape[dim];
    bool cut = p->summarize && n > 2 * EDGE;
    for (int64_t i = 0; i < n; i++) {
        if (cut && i == EDGE) {
            i = n - EDGE;
        }
        visit(p, dim + 1, place + i * t->stride[dim], see);
    }
}

static void see_range(printer *p, int64_t place)
{
    double value = real_at(p->t, place);
    double size = fabs(value);
    if (!isfinite(value) || value == 0) {
        return;
    }
    p->smallest = p->any ? fmin(p->smallest, size) : size;
    p->largest = p->any ? fmax(p->largest, size) : size;
    p->fractions |= value != ceil(value);
    p->any = true;
}

static void see_width(printer *p, int64_t place)
{
    char text[ELEMENT];
    if (p->style == STYLE_INTEGER) {
        integer_text(p->t, place, text);
    } else {
        double value = real_at(p->t, place);
        if (!isfinite(value) || value == 0) {
            return;
        }
        real_text(value, p->style, text);
    }
    int length = (int)strlen(text);
    p->width = length > p->width ? length : p->width;
}

static void choose_style(printer *p)
{
    p->width = 1;
    if (cnn__dtype_is_real(p->t->dtype)) {
        visit(p, 0, 0, see_range);
        bool wide = p->any && (p->largest / p->smallest > 1000 || p->largest > 1e8);
        p->style = p->fractions ? STYLE_FIXED : STYLE_WHOLE;
        if (wide || (p->fractions && p->smallest < 1e-4)) {
            p->style = STYLE_SCIENTIFIC;
        }
    }
    visit(p, 0, 0, see_width);
}

static void put_element(printer *p, int64_t place)
{
    char text[ELEMENT];
    if (p->style == STYLE_INTEGER) {
        integer_text(p->t, place, text);
    } else {
        real_text(real_at(p->t, place), p->style, text);
    }
    put_spaces(p, p->width - (int)strlen(text));
    format_put(p, text);
}

/* Prints the last dimension, with as many elements per line as fit. */
static void put_vector(printer *p, int64_t place, int indent)
{
    int64_t n = p->t->shape[p->t->ndim - 1], stride = p->t->stride[p->t->ndim - 1];
    bool cut = p->summarize && n > 2 * EDGE;
    int per_line = (LINE - indent) / (p->width + 2);
    per_line = per_line < 1 ? 1 : per_line;
    int column = 0;
    format_put(p, "[");
    for (int64_t i = 0; i < n; i++) {
        bool dots = cut && i == EDGE;
        if (column == per_line) {
            format_put(p, ",\n");
            put_spaces(p, indent + 1);
            column = 0;
        } else if (column) {
            format_put(p, ", ");
        }
        if (dots) {
            format_put(p, " ...");
            i = n - EDGE - 1;
        } else {
            put_element(p, place + i * stride);
        }
        column++;
    }
    format_put(p, "]");
}

static void put_block(printer *p, int dim, int64_t place, int indent)
{
    int left = p->t->ndim - dim;
    if (left <= 1) {
        left ? put_vector(p, place, indent) : put_element(p, place);
        return;
    }
    int64_t n = p->t->shape[dim];
    bool cut = p->summarize && n > 2 * EDGE;
    format_put(p, "[");
    for (int64_t i = 0; i < n; i++) {
        if (i) {
            format_put(p, ",");
            for (int k = 1; k < left; k++) {
                format_put(p, "\n");
            }
            put_spaces(p, indent + 1);
        }
        if (cut && i == EDGE) {
            format_put(p, "...");
            i = n - EDGE - 1;
        } else {
            put_block(p, dim + 1, place + i * p->t->stride[dim], indent + 1);
        }
    }
    format_put(p, "]");
}

static void put_suffix(printer *p, const char *suffix)
{
    size_t last_line = p->length - p->line_start + 2;
    if (last_line + strlen(suffix) + 2 > LINE) {
        format_put(p, ",\n");
        put_spaces(p, FORMAT_PREFIX);
    } else {
        format_put(p, ", ");
    }
    format_put(p, suffix);
}

static void put_size(printer *p)
{
    char text[CNN_MAX_DIMS * 24] = "size=(";
    size_t used = strlen(text);
    for (int i = 0; i < p->t->ndim; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, i ? ", %" PRId64 : "%" PRId64, p->t->shape[i]);
    }
    memcpy(text + used, ")", 2); /* a size has 19 digits at most */
    put_suffix(p, text);
}

static void put_tensor(printer *p, bool requires_grad)
{
    const cnn_tensor *t = p->t;
    format_put(p, "tensor(");
    bool usual = t->dtype == CNN_F32 || (t->numel && (t->dtype == CNN_I64 || t->dtype == CNN_BOOL));
    if (t->numel) {
        choose_style(p);
        put_block(p, 0, 0, FORMAT_PREFIX);
    } else {
        format_put(p, "[]");
        if (t->ndim != 1) {
            put_size(p);
        }
    }
    if (!usual) {
        char text[40];
        snprintf(text, sizeof text, "dtype=torch.%s", cnn_dtype_name(t->dtype));
        put_suffix(p, text);
    }
    if (requires_grad) {
        put_suffix(p, "requires_grad=True");
    }
    format_put(p, ")");
}

size_t cnn_tensor_format(const cnn_tensor *tensor, char *buffer, size_t size)
{
    printer p = { .t = tensor, .buffer = buffer, .size = buffer ? size : 0 };
    cnn_tensor *host = NULL;
    if (cnn__tensor_check(tensor, "tensor_format") == CNN_OK &&
        (!tensor->ctx->device || (p.t = host = cnn__tensor_on_host(tensor, "tensor_format")) != NULL)) {
        p.summarize = tensor->numel > THRESHOLD;
        put_tensor(&p, tensor->requires_grad && tensor->kind == CNN__TENSOR_PLAIN);
    } else {
        format_put(&p, "tensor(nil: ");
        format_put(&p, cnn__failure_message());
        format_put(&p, ")");
    }
    cnn__tensor_release(host);
    if (p.size) {
        p.buffer[p.length < p.size ? p.length : p.size - 1] = '\0';
    }
    return p.length;
}
