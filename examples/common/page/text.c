/* One failure stays until text_free(), so that a writer checks once, at the end. */
#include "text.h"

#include <cnn/cnn.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and a zero byte behind them. */
static bool reserve(text *t, size_t more)
{
    size_t capacity = t->capacity ? t->capacity : 4096;
    while (capacity - t->size <= more) {
        capacity *= 2;
    }
    if (!t->failed && capacity > t->capacity) {
        char *bytes = realloc(t->bytes, capacity);
        t->failed = !bytes;
        if (bytes) {
            t->bytes = bytes;
            t->capacity = capacity;
        }
    }
    return !t->failed;
}

void text_add_bytes(text *t, const void *bytes, size_t size)
{
    if (reserve(t, size)) {
        memcpy(t->bytes + t->size, bytes, size);
        t->size += size;
        t->bytes[t->size] = '\0';
    }
}

void text_add(text *t, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size >= 0 && reserve(t, (size_t)size)) {
        vsnprintf(t->bytes + t->size, (size_t)size + 1, format, again);
        t->size += (size_t)size;
    }
    t->failed = t->failed || size < 0;
    va_end(again);
    va_end(arguments);
}

void text_add_escaped(text *t, const char *name)
{
    char printable[1024];
    cnn_name_escape(name, printable, sizeof printable);
    for (const char *c = printable; *c; c++) {
        const char *entity = *c == '<'   ? "&lt;"
                             : *c == '>' ? "&gt;"
                             : *c == '&' ? "&amp;"
                             : *c == '"' ? "&quot;"
                                         : NULL;
        text_add_bytes(t, entity ? entity : c, entity ? strlen(entity) : 1);
    }
}

void text_free(text *t)
{
    free(t->bytes);
    *t = (text){ .bytes = NULL };
}
