/* What all rows of layers without parameters share: making one and printing it. */
#include "nn/plain.h"

#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

cnn_module *cnn__plain_new(cnn_context *ctx, const cnn__plain_layer *row, const void *options, void *attributes)
{
    if (row->read(ctx, row->call, options, attributes) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, row->call, &row->class, row->size);
    if (module && row->size) {
        memcpy(module->attributes, attributes, row->size);
    }
    return module;
}

/* Every number is far shorter than what is left of the text. In a pair −1 is "None". */
static int print_size(char *text, size_t size, int64_t number, bool pair)
{
    return pair && number == -1 ? snprintf(text, size, "None") : snprintf(text, size, "%lld", (long long)number);
}

static void print_tuple(char *text, size_t size, int count, const int64_t *number, bool pair)
{
    int length = snprintf(text, size, "(");
    for (int i = 0; i < count; i++) {
        length += snprintf(text + length, size - (size_t)length, "%s", i ? ", " : "");
        length += print_size(text + length, size - (size_t)length, number[i], pair);
    }
    snprintf(text + length, size - (size_t)length, "%s", count == 1 ? ",)" : ")");
}

static void print_pair(char *text, size_t size, const int64_t pair[2])
{
    if (pair[0] == pair[1]) {
        print_size(text, size, pair[0], true);
    } else {
        print_tuple(text, size, 2, pair, true);
    }
}

static void print_value(char *text, size_t size, cnn__print_kind kind, const void *value)
{
    char number[CNN__FLOAT_TEXT];
    if (kind == CNN__PRINT_INT) {
        snprintf(text, size, "=%d", *(const int *)value);
    } else if (kind == CNN__PRINT_FLOAT) {
        snprintf(text, size, "=%s", cnn__float_text(number, *(const double *)value));
    } else if (kind == CNN__PRINT_BOOL) {
        snprintf(text, size, "=%s", *(const bool *)value ? "True" : "False");
    } else if (kind == CNN__PRINT_PAIR) {
        *text = '=';
        print_pair(text + 1, size - 1, value);
    } else if (kind == CNN__PRINT_INT64) {
        snprintf(text, size, "=%lld", (long long)*(const int64_t *)value);
    } else if (kind == CNN__PRINT_SINGLE) {
        *text = '=';
        print_tuple(text + 1, size - 1, 1, value, false);
    } else if (kind == CNN__PRINT_LIST || kind == CNN__PRINT_ALONE) {
        const cnn__print_list *list = value;
        int named = kind == CNN__PRINT_LIST;
        *text = '=';
        print_tuple(text + named, size - (size_t)named, list->count, list->number, false);
    } else {
        *text = '\0';
    }
}

/* Whether an item is printed at all. */
static bool is_printed(const cnn__print *p, const void *value)
{
    bool conditional = p->kind == CNN__PRINT_IF || p->kind == CNN__PRINT_UNLESS;
    return !conditional || *(const bool *)value == (p->kind == CNN__PRINT_IF);
}

/* The description of every row is far shorter than the buffers that it is asked into. */
int cnn__plain_describe(const cnn_module *self, char *buffer, size_t size)
{
    const cnn__plain_layer *row = (const cnn__plain_layer *)(const void *)self->class;
    int length = 0;
    *buffer = '\0';
    for (const cnn__print *p = row->prints; p && *p->name && (size_t)length < size; p++) {
        const char *at = (const char *)self->attributes + p->offset;
        char value[24 * CNN_MAX_DIMS];
        if (!is_printed(p, at)) {
            continue;
        }
        print_value(value, sizeof value, p->kind, at);
        length += snprintf(buffer + length, size - (size_t)length, "%s%s%s", length ? ", " : "",
                           p->kind == CNN__PRINT_ALONE ? "" : p->name, value);
    }
    return length;
}
