/* UTF-8, as RFC 3629 has it. */
#ifndef CNN_BASE_UTF8_H
#define CNN_BASE_UTF8_H

#include "base/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many of the `size` > 0 bytes at `text` are its first character, whose code point goes to `code`; 0 if they are no
 * valid sequence. */
size_t cnn__utf8_decode(const char *text, size_t size, uint32_t *code);

/* Is the whole text valid? */
bool cnn__utf8_valid(const char *text);

#endif
