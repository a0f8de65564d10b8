/* Strict decoding of UTF-8: overlong forms, surrogates and code points past U+10FFFF are invalid (RFC 3629, section
 * 4). */
#include "base/utf8.h"

#include <string.h>

size_t cnn__utf8_decode(const char *text, size_t size, uint32_t *code)
{
    static const struct {
        unsigned char mask, lead, length;
        uint32_t least;
    } forms[] = { { 0x80, 0x00, 1, 0 }, { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 } };
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if ((s[0] & forms[i].mask) != forms[i].lead) {
            continue;
        }
        size_t length = forms[i].length;
        if (length > size) {
            return 0;
        }
        uint32_t c = s[0] & (unsigned char)~forms[i].mask;
        for (size_t k = 1; k < length; k++) {
            if ((s[k] & 0xc0) != 0x80) {
                return 0;
            }
            c = c << 6 | (s[k] & 0x3f);
        }
        *code = c;
        return c < forms[i].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : length;
    }
    return 0;
}

bool cnn__utf8_valid(const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        uint32_t code;
        size_t length = cnn__utf8_decode(text, size, &code);
        if (length == 0) {
            return false;
        }
        text += length;
        size -= length;
    }
    return true;
}
