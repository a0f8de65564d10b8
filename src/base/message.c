/* Escaping, shortening and formatting of text for people; see message.h. Everything works in the caller's buffers. */
#include "base/message.h"

#include "base/context.h"
#include "base/utf8.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Marks, overrides, embeddings and isolates of the bidirectional algorithm (UAX #9), and the separators of lines and
 * paragraphs. */
static bool is_layout(uint32_t code)
{
    return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* A character has at most 4 bytes, so the length of the whole text is not needed. */
static size_t decode(const char *text, uint32_t *code)
{
    return cnn__utf8_decode(text, strnlen(text, 4), code);
}

size_t cnn__escape_next(const char **text, char out[CNN__ESCAPE])
{
    static const char named[] = "\n\r\t", names[] = "nrt";
    uint32_t code = 0;
    size_t length = decode(*text, &code);
    unsigned char byte = (unsigned char)**text;
    const char *name = length == 1 ? strchr(named, byte) : NULL;
    *text += length ? length : 1;
    if (name) {
        return (size_t)snprintf(out, CNN__ESCAPE, "\\%c", names[name - named]);
    }
    if (length == 0 || code < 0x20 || code == 0x7f) {
        return (size_t)snprintf(out, CNN__ESCAPE, "\\x%02x", (unsigned)byte);
    }
    if ((code >= 0x80 && code < 0xa0) || is_layout(code)) {
        return (size_t)snprintf(out, CNN__ESCAPE, "\\u%04x", (unsigned)code);
    }
    memcpy(out, *text - length, length);
    out[length] = '\0';
    return length;
}

/* ---- cutting ---- */

/* Whether the backslash at `at` begins an escape whose end is missing. */
static bool is_half_escape(const char *at)
{
    size_t digits = at[1] == 'x' ? 2 : at[1] == 'u' ? 4 : 0, there = 0;
    while (there < digits && isxdigit((unsigned char)at[2 + there])) {
        there++;
    }
    return !at[1] || (there < digits && !at[2 + there]);
}

/* Removes an incomplete character or escape from the end of a text that was cut. */
static void trim(char *text)
{
    size_t length = strlen(text), back = length < 3 ? length : 3;
    for (size_t i = 1; i <= back; i++) {
        uint32_t code;
        char *at = text + length - i;
        if ((unsigned char)*at >= 0xc0) {
            if (decode(at, &code) == 0) {
                *at = '\0';
            }
            break;
        }
    }
    char *slash = strrchr(text, '\\');
    if (slash && is_half_escape(slash)) {
        *slash = '\0';
    }
}

void cnn__escape(char *out, size_t size, const char *text)
{
    char unit[CNN__ESCAPE];
    size_t used = 0;
    while (*text) {
        size_t length = cnn__escape_next(&text, unit);
        if (length >= size - used) {
            out[used] = '\0';
            trim(out);
            return;
        }
        memcpy(out + used, unit, length);
        used += length;
    }
    out[used] = '\0';
}

static size_t escaped_length(const char *text)
{
    char unit[CNN__ESCAPE];
    size_t length = 0;
    while (*text) {
        length += cnn__escape_next(&text, unit);
    }
    return length;
}

size_t cnn_name_escape(const char *name, char *buffer, size_t size)
{
    if (buffer && size > 0) {
        cnn__escape(buffer, size, name ? name : "");
    }
    if (!name) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "name_escape: name is NULL");
        return 0;
    }
    return escaped_length(name);
}

/* ---- messages ---- */

void cnn__message_list(char *out, size_t size, const char *format, va_list arguments)
{
    char raw[CNN__MESSAGE_SIZE] = "";
    int length = vsnprintf(raw, sizeof raw, format, arguments);
    if (length < 0 || (size_t)length >= sizeof raw) {
        trim(raw);
    }
    cnn__escape(out, size, raw);
}

void cnn__message(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(out, size, format, arguments);
    va_end(arguments);
}

const char *cnn__quote(char out[CNN__QUOTE], const char *text, bool tail)
{
    static const char dots[] = "...";
    const size_t room = CNN__QUOTE - strlen(dots);
    char unit[CNN__ESCAPE];
    size_t length = escaped_length(text);
    if (length < CNN__QUOTE) {
        cnn__escape(out, CNN__QUOTE, text);
    } else if (tail) {
        while (length >= room) {
            length -= cnn__escape_next(&text, unit);
        }
        memcpy(out, dots, strlen(dots));
        cnn__escape(out + strlen(dots), room, text);
    } else {
        cnn__escape(out, room, text);
        memcpy(out + strlen(out), dots, sizeof dots);
    }
    return out;
}

/* ---- numbers ---- */

/* Replaces the decimal mark of the program's or the thread's locale, which may have several bytes, by a point. */
static void set_point(char *text)
{
    char *mark = text + strspn(text, "-0123456789"), *digits = mark + strcspn(mark, "0123456789");
    if (*mark && *mark != '.' && *mark != 'e') {
        *mark = '.';
        memmove(mark + 1, digits, strlen(digits) + 1);
    }
}

const char *cnn__number(char *out, size_t size, const char *conversion, double value)
{
    if (isnan(value) || isinf(value)) {
        snprintf(out, size, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return out;
    }
    snprintf(out, size, conversion, value);
    set_point(out);
    return out;
}
