/* Decoding and checking UTF-8 (RFC 3629). */
#ifndef CNN_BASE_UTF8_H
#define CNN_BASE_UTF8_H

#include "platform/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the first character of the `size` > 0 bytes at `text` into `code`. Returns its length in bytes, or 0 if it
 * is not a valid sequence. */
size_t cnn__utf8_decode(const char *text, size_t size, uint32_t *code);

/* Whether the whole text is valid. */
bool cnn__utf8_valid(const char *text);

#endif
