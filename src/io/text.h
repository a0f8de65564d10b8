/* Small tools of the file formats: text that grows, numbers as exact text in any locale, and a sort.
 *
 * A failure of a cnn__text is sticky: once memory has run out, it accepts nothing more and reports that at the end. */
#ifndef CNN_IO_TEXT_H
#define CNN_IO_TEXT_H

#include "base/context.h"

typedef struct cnn__text {
    cnn_context *ctx;
    char *data;
    size_t size, capacity;
    bool failed;
} cnn__text;

void cnn__text_add(cnn__text *text, const char *data, size_t size);
void cnn__text_print(cnn__text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes. */
void cnn__text_json(cnn__text *text, const char *string);
void cnn__text_free(cnn__text *text);
/* Hands a whole text to a caller's buffer as snprintf() does, and frees it. Returns its length, or 0 where there was no
 * memory for it, which is reported as `call`. */
size_t cnn__text_give(cnn__text *text, const char *call, char *buffer, size_t size);

/* A double as C's hexadecimal text, such as "0x1.8000000000000p+1": it keeps every bit and does not depend on the
 * locale. */
enum { CNN__HEX_FLOAT = 32 };
const char *cnn__hex_float(char out[CNN__HEX_FLOAT], double value);
/* Accepts exactly what cnn__hex_float() writes. */
bool cnn__parse_hex_float(const char *text, double *value);
/* Decimal digits without sign, space or leading zero, up to 2^64 − 1. */
bool cnn__parse_u64(const char *text, uint64_t *value);
/* The same up to 2^63 − 1. */
bool cnn__parse_i64(const char *text, int64_t *value);

/* Heap sort: it allocates nothing, and no order of the input makes it slow. `size` is at most 128. */
typedef int (*cnn__compare_fn)(const void *a, const void *b, const void *user);
void cnn__sort(void *base, size_t count, size_t size, cnn__compare_fn compare, const void *user);

#endif
