/* The two levels of the pull reader: brackets, commas and integers, and below them strings, which are decoded one
 * character at a time. */
#include "io/json.h"

#include <string.h>

bool cnn__json_fail(cnn__json *json, size_t at, const char *reason)
{
    if (!json->error) {
        json->error = reason;
        json->error_at = at;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char cnn__json_peek(cnn__json *json)
{
    while (json->at < json->size && is_space(json->text[json->at])) {
        json->at++;
    }
    return json->at < json->size ? json->text[json->at] : '\0';
}

static bool json_pass(cnn__json *json, char expected, const char *reason)
{
    if (json->error || cnn__json_peek(json) != expected) {
        return cnn__json_fail(json, json->at, reason);
    }
    json->at++;
    return true;
}

bool cnn__json_enter(cnn__json *json, char open)
{
    return json_pass(json, open, open == '{' ? "expected an object" : "expected an array");
}

bool cnn__json_colon(cnn__json *json)
{
    return json_pass(json, ':', "expected ':'");
}

bool cnn__json_more(cnn__json *json, char close, bool *first)
{
    if (json->error) {
        return false;
    }
    bool was_first = *first;
    *first = false;
    if (cnn__json_peek(json) == close) {
        json->at++;
        return false;
    }
    return was_first || json_pass(json, ',', close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
}

bool cnn__json_integer(cnn__json *json, int64_t *value)
{
    char c = json->error ? '\0' : cnn__json_peek(json);
    size_t start = json->at;
    if (c < '0' || c > '9') {
        return cnn__json_fail(json, start, "expected a non-negative integer");
    }
    int64_t n = 0;
    for (; json->at < json->size; json->at++) {
        c = json->text[json->at];
        if (c < '0' || c > '9') {
            break;
        }
        if (json->at > start && json->text[start] == '0') {
            return cnn__json_fail(json, start, "an integer with a leading zero");
        }
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, c - '0', &n)) {
            return cnn__json_fail(json, start, "an integer past 2^63 - 1");
        }
    }
    if (json->at < json->size && (c == '.' || c == 'e' || c == 'E')) {
        return cnn__json_fail(json, start, "a number that is not written as an integer");
    }
    *value = n;
    return true;
}

/* ---- strings ---- */

static size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t k = length - 1; k > 0; k--) {
        out[k] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(lead[length] | code);
    return length;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Reads the four digits after "\u". */
static bool hex_unit(cnn__json *json, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, json->at++) {
        int digit = json->at < json->size ? hex_digit(json->text[json->at]) : -1;
        if (digit < 0) {
            return cnn__json_fail(json, json->at, "expected four hexadecimal digits after \\u");
        }
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

/* Reads what follows "\u": one unit, or a pair of surrogates. */
static bool unicode_escape(cnn__json *json, uint32_t *code)
{
    size_t start = json->at;
    uint32_t low;
    if (!hex_unit(json, code)) {
        return false;
    }
    if (*code == 0) {
        return cnn__json_fail(json, start, "U+0000 in a string");
    }
    if (*code < 0xd800 || *code > 0xdfff) {
        return true;
    }
    bool pair = *code <= 0xdbff && json->size - json->at >= 2 && json->text[json->at] == '\\' &&
                json->text[json->at + 1] == 'u';
    if (!pair) {
        return cnn__json_fail(json, start, "half of a surrogate pair");
    }
    json->at += 2;
    if (!hex_unit(json, &low)) {
        return false;
    }
    if (low < 0xdc00 || low > 0xdfff) {
        return cnn__json_fail(json, start, "half of a surrogate pair");
    }
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* Reads one character of a string as UTF-8. Returns its length in bytes, 0 at the closing quote, or −1 on error. */
static int character(cnn__json *json, char bytes[4])
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (json->at >= json->size) {
        cnn__json_fail(json, json->at, "the text ends within a string");
        return -1;
    }
    unsigned char c = (unsigned char)json->text[json->at];
    uint32_t code;
    if (c == '"') {
        json->at++;
        return 0;
    }
    if (c < 0x20) {
        cnn__json_fail(json, json->at, "a control character in a string");
        return -1;
    }
    if (c != '\\') {
        size_t length = cnn__utf8_decode(json->text + json->at, json->size - json->at, &code);
        if (length == 0) {
            cnn__json_fail(json, json->at, "invalid UTF-8");
            return -1;
        }
        memcpy(bytes, json->text + json->at, length);
        json->at += length;
        return (int)length;
    }
    char escape = json->size - json->at >= 2 ? json->text[json->at + 1] : '\0';
    const char *name = escape && escape != 'u' ? strchr(names, escape) : NULL;
    if (!name && escape != 'u') {
        cnn__json_fail(json, json->at, "an unknown escape in a string");
        return -1;
    }
    json->at += 2;
    if (!name) {
        return unicode_escape(json, &code) ? (int)utf8_encode(code, bytes) : -1;
    }
    bytes[0] = values[name - names];
    return 1;
}

int64_t cnn__json_string(cnn__json *json, char *out, size_t room)
{
    if (!json_pass(json, '"', "expected a string")) {
        return -1;
    }
    size_t length = 0;
    char bytes[4];
    int count;
    while ((count = character(json, bytes)) > 0) {
        if (length < room) {
            size_t fit = (size_t)count < room - length ? (size_t)count : room - length;
            memcpy(out + length, bytes, fit);
        }
        length += (size_t)count;
    }
    return count < 0 ? -1 : (int64_t)length;
}

char *cnn__json_string_in_place(cnn__json *json)
{
    if (json->error || cnn__json_peek(json) != '"') {
        cnn__json_fail(json, json->at, "expected a string");
        return NULL;
    }
    char *out = json->text + json->at + 1;
    int64_t length = cnn__json_string(json, out, json->size);
    if (length < 0) {
        return NULL;
    }
    out[length] = '\0';
    return out;
}
