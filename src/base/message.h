/* Text for people: messages of one line without terminal control sequences, and numbers in the same form in every
 * locale.
 *
 * A name that comes from a caller, a file or the environment may contain any bytes. In a message the following are
 * escaped, and everything else is kept: control characters (\n, \r and \t, others as \x1b), bytes that are not UTF-8
 * (\xff), and characters that change the direction or the line of the text around them (\u202e). Backslashes are
 * kept, so escaping an escaped text again changes nothing. */
#ifndef CNN_BASE_MESSAGE_H
#define CNN_BASE_MESSAGE_H

#include "platform/target.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { CNN__MESSAGE_SIZE = 512, CNN__ESCAPE = 8, CNN__QUOTE = 100, CNN__NUMBER_SIZE = 32 };

/* Writes the first character of the non-empty `*text`, escaped if necessary and terminated by a NUL, and advances
 * `*text` past it. Returns the length that was written. */
size_t cnn__escape_next(const char **text, char out[CNN__ESCAPE]);

/* Writes as much of the escaped `text` as fits into `size` > 0 bytes. A character or an escape is never cut in two. */
void cnn__escape(char *out, size_t size, const char *text);

/* Formats like snprintf and escapes the result. `size` is at most CNN__MESSAGE_SIZE, and `out` must not be among the
 * arguments. */
void cnn__message(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cnn__message_list(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Escapes `text` and shortens it with "...": the first characters are kept, or the last ones if `tail` is set, as
 * for paths. Returns `out`. */
const char *cnn__quote(char out[CNN__QUOTE], const char *text, bool tail);

/* A name within a message, shortened at its end. The text lives as long as the enclosing block. */
#define CNN__Q(text) cnn__quote((char[CNN__QUOTE]){ 0 }, (text), false)

/* Formats a number with a printf conversion for doubles, such as "%.4f", but with a point as the decimal mark in
 * every locale, and NaN without a sign. Returns `out`. */
const char *cnn__number(char *out, size_t size, const char *conversion, double value);

/* A number as "%g" within a message. The text lives as long as the enclosing block. Formats of messages use this
 * instead of conversions for doubles. */
#define CNN__G(value) cnn__number((char[CNN__NUMBER_SIZE]){ 0 }, CNN__NUMBER_SIZE, "%g", (value))

#endif
