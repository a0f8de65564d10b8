/* A text that grows, for files that are written at once. */
#ifndef COMMON_PAGE_TEXT_H
#define COMMON_PAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty text. When memory runs out, `failed` is set, and what is added from then on is lost. */
typedef struct text {
    char *bytes;
    size_t size, capacity;
    bool failed;
} text;

void text_add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(text *t, const void *bytes, size_t size);

/* Adds a name that is not ours, such as that of a folder: <, >, & and quotes become entities, and control characters
 * and bytes that are not UTF-8 appear as the library's messages show them. */
void text_add_escaped(text *t, const char *name);

void text_free(text *t);

#endif
