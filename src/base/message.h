/* Text for people: messages of one line that no terminal obeys, and numbers that no locale changes.
 *
 * What a caller, a file or the environment names may hold anything. In a message the following are escaped, and
 * everything else stays as it is: control characters (\n, \r and \t, others as \x1b), bytes that are not UTF-8
 * (\xff), and characters that change the direction or the line of the text around them (\u202e). A backslash stays
 * one, so escaping what is escaped already changes nothing. */
#ifndef CNN_BASE_MESSAGE_H
#define CNN_BASE_MESSAGE_H

#include "base/target.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { CNN__MESSAGE_SIZE = 512, CNN__ESCAPE = 8, CNN__QUOTE = 100, CNN__NUMBER_SIZE = 32 };

/* Writes the first character of `*text`, which is not empty, escaped if need be and closed with a NUL, and steps
 * over it. Returns its length. */
size_t cnn__escape_next(const char **text, char out[CNN__ESCAPE]);

/* Writes `text` escaped, as much of it as fits into `size` > 0 bytes, never half of a character or of an escape. */
void cnn__escape(char *out, size_t size, const char *text);

/* Formats like snprintf and escapes the whole. `size` is at most CNN__MESSAGE_SIZE, and `out` no argument. */
void cnn__message(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cnn__message_list(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* `text` escaped, of which all but the first characters (`tail`: the last ones, for paths) give way to "..." where
 * it is long. Returns `out`. */
const char *cnn__quote(char out[CNN__QUOTE], const char *text, bool tail);

/* A name within a message, cut from its end: the text lives as long as the enclosing block. */
#define CNN__Q(text) cnn__quote((char[CNN__QUOTE]){ 0 }, (text), false)

/* Formats a number by a conversion of printf's for doubles, such as "%.4f", but with a point as its decimal mark
 * whatever the locale, and NaN without a sign. Returns `out`. */
const char *cnn__number(char *out, size_t size, const char *conversion, double value);

/* A number as "%g" within a message, the text living as long as the enclosing block. No format of a message has a
 * conversion for doubles of its own. */
#define CNN__G(value) cnn__number((char[CNN__NUMBER_SIZE]){ 0 }, CNN__NUMBER_SIZE, "%g", (value))

#endif
