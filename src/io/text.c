/* Text that grows, exact numbers as text, and heap sort; see text.h. The printf and strtod of the C library depend
 * on the program's locale, and its qsort may allocate. */
#include "io/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool text_reserve(cnn__text *text, size_t more)
{
    if (text->failed) {
        return false;
    }
    if (more <= text->capacity - text->size) {
        return true;
    }
    size_t capacity = text->capacity * 2 > text->size + more ? text->capacity * 2 : text->size + more + 256;
    char *data = cnn__alloc(text->ctx, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    if (text->size > 0) {
        memcpy(data, text->data, text->size);
    }
    cnn__free(text->ctx, text->data);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void cnn__text_add(cnn__text *text, const char *data, size_t size)
{
    if (text_reserve(text, size)) {
        memcpy(text->data + text->size, data, size);
        text->size += size;
    }
}

/* Appends a short piece, such as a number or a fixed word. */
void cnn__text_print(cnn__text *text, const char *format, ...)
{
    char piece[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if ((size_t)length >= sizeof piece) { /* also true for a negative length */
        text->failed = true;
        return;
    }
    cnn__text_add(text, piece, (size_t)length);
}

void cnn__text_json(cnn__text *text, const char *string)
{
    cnn__text_add(text, "\"", 1);
    for (const char *c = string; *c;) {
        size_t plain = 0;
        while ((unsigned char)c[plain] >= 0x20 && c[plain] != '"' && c[plain] != '\\') {
            plain++;
        }
        cnn__text_add(text, c, plain);
        c += plain;
        if (*c) {
            cnn__text_print(text, *c == '"' || *c == '\\' ? "\\%c" : "\\u%04x", *c);
            c++;
        }
    }
    cnn__text_add(text, "\"", 1);
}

size_t cnn__text_give(cnn__text *text, const char *call, char *buffer, size_t size)
{
    size_t length = text->failed ? 0 : text->size, fits = !size ? 0 : length < size ? length : size - 1;
    if (text->failed) {
        cnn__fail_memory(text->ctx, call, text->capacity);
    }
    if (fits) {
        memcpy(buffer, text->data, fits);
    }
    if (size) {
        buffer[fits] = '\0';
    }
    cnn__text_free(text);
    return length;
}

void cnn__text_free(cnn__text *text)
{
    cnn__free(text->ctx, text->data);
    *text = (cnn__text){ .ctx = text->ctx };
}

/* ---- numbers ---- */

/* IEEE 754 binary64: sign, 11 bits of exponent biased by 1023, 52 bits of mantissa. */
const char *cnn__hex_float(char out[CNN__HEX_FLOAT], double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const char *sign = bits >> 63 ? "-" : "";
    int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
    if (exponent == 0x7ff) {
        snprintf(out, CNN__HEX_FLOAT, "%s%s", sign, mantissa ? "nan" : "inf");
    } else {
        int power = exponent ? exponent - 1023 : mantissa ? -1022 : 0;
        snprintf(out, CNN__HEX_FLOAT, "%s0x%d.%013" PRIx64 "p%+d", sign, exponent != 0, mantissa, power);
    }
    return out;
}

/* Reads the bits that the text may stand for, and accepts them if cnn__hex_float() writes them in the same way. */
bool cnn__parse_hex_float(const char *text, double *value)
{
    const char *c = text + (*text == '-');
    uint64_t bits = 0;
    char again[CNN__HEX_FLOAT];
    if (strcmp(c, "inf") == 0 || strcmp(c, "nan") == 0) {
        bits = (uint64_t)0x7ff << 52 | (uint64_t)(*c == 'n') << 51;
    } else {
        if (strlen(c) < 19) { /* at least "0x1.", 13 digits, "p" and a sign */
            return false;
        }
        for (int i = 0; i < 13; i++) {
            static const char digits[] = "0123456789abcdef";
            const char *digit = strchr(digits, c[4 + i]);
            if (!digit) {
                return false;
            }
            bits = bits << 4 | (uint64_t)(digit - digits);
        }
        int power = 0;
        for (const char *p = c + 19; *p >= '0' && *p <= '9' && power < 10000; p++) {
            power = power * 10 + (*p - '0');
        }
        power = c[18] == '-' ? -power : power;
        if (c[2] == '1') {
            bits |= (uint64_t)((power + 1023) & 0x7ff) << 52;
        }
    }
    bits |= (uint64_t)(*text == '-') << 63;
    memcpy(value, &bits, sizeof *value);
    return strcmp(cnn__hex_float(again, *value), text) == 0;
}

bool cnn__parse_u64(const char *text, uint64_t *value)
{
    uint64_t n = 0;
    if (*text < '0' || *text > '9' || (*text == '0' && text[1])) {
        return false;
    }
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n)) {
            return false;
        }
    }
    *value = n;
    return true;
}

bool cnn__parse_i64(const char *text, int64_t *value)
{
    uint64_t n;
    if (!cnn__parse_u64(text, &n) || n > INT64_MAX) {
        return false;
    }
    *value = (int64_t)n;
    return true;
}

/* ---- heap sort ---- */

enum { LARGEST_ITEM = 128 };

static void swap(char *a, char *b, size_t size)
{
    char kept[LARGEST_ITEM];
    memcpy(kept, a, size);
    memcpy(a, b, size);
    memcpy(b, kept, size);
}

static void sift_down(char *base, size_t root, size_t count, size_t size, cnn__compare_fn compare, const void *user)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size, user) < 0) {
            child++;
        }
        if (compare(base + root * size, base + child * size, user) >= 0) {
            return;
        }
        swap(base + root * size, base + child * size, size);
    }
}

void cnn__sort(void *base, size_t count, size_t size, cnn__compare_fn compare, const void *user)
{
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(base, i, count, size, compare, user);
    }
    for (size_t last = count; last-- > 1;) {
        swap(base, (char *)base + last * size, size);
        sift_down(base, 0, last, size, compare, user);
    }
}
