/* A strict pull reader of the part of JSON (RFC 8259) that safetensors headers use: objects, arrays, strings and
 * non-negative integers.
 *
 * The caller asks for what its format allows, so the nesting is bounded by the caller's code and not by the
 * document. Nothing is allocated. The first error is kept with its position, and every later call fails. */
#ifndef CNN_IO_JSON_H
#define CNN_IO_JSON_H

#include "base/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn__json {
    char *text; /* strings may be decoded in place */
    size_t size;
    size_t at;
    const char *error; /* NULL: none yet */
    size_t error_at;
} cnn__json;

/* Records the first error; returns false. */
bool cnn__json_fail(cnn__json *json, size_t at, const char *reason);

/* The next byte that is not white space; '\0' at the end. */
char cnn__json_peek(cnn__json *json);

/* Consumes '{' or '['. */
bool cnn__json_enter(cnn__json *json, char open);
/* Tells whether another member (close = '}') or element (']') follows, and consumes the comma or the closing
 * bracket. `first` is true before the first call. Returns false on error too. */
bool cnn__json_more(cnn__json *json, char close, bool *first);
bool cnn__json_colon(cnn__json *json);

/* Consumes a string and writes up to `room` bytes of its decoded UTF-8 to `out`, which may be the position of the
 * string itself (decoding never makes it longer). Returns the whole decoded length, or −1 on error. U+0000 is an
 * error. */
int64_t cnn__json_string(cnn__json *json, char *out, size_t room);
/* The same, decoded in place and terminated by a NUL; NULL on error. */
char *cnn__json_string_in_place(cnn__json *json);

/* Consumes 0, or digits without a leading zero, up to 2^63 − 1. */
bool cnn__json_integer(cnn__json *json, int64_t *value);

#endif
