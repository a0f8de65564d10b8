/* A PNG file of stored, that is not compressed, deflate blocks needs no library: the pictures have a few hundred
 * pixels. Sources: the PNG specification (third edition), sections 5 and 11; RFC 1950 and RFC 1951, section 3.2.4. */
#include "picture.h"

#include <math.h>
#include <string.h>

static uint32_t crc32_of(const unsigned char *bytes, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

static void put_u32(text *t, uint32_t n)
{
    const unsigned char bytes[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
                                     (unsigned char)n };
    text_add_bytes(t, bytes, sizeof bytes);
}

/* Adds a chunk; `type` and `data` are its type and content, together. */
static void put_chunk(text *t, const text *content)
{
    put_u32(t, (uint32_t)content->size - 4);
    text_add_bytes(t, content->bytes, content->size);
    put_u32(t, crc32_of((const unsigned char *)content->bytes, content->size));
}

/* Adds IDAT's type and a zlib stream of one stored block per row, each row behind its filter type 0. */
static void put_rows(text *t, const picture *p)
{
    uint32_t a = 1, b = 0; /* Adler-32 */
    const uint16_t size = (uint16_t)(p->width * 3 + 1);
    text_add_bytes(t, "IDAT\x78\x01", 6);
    for (int y = 0; y < p->height; y++) {
        unsigned char row[6 + PICTURE_SIDE * 3] = { y + 1 == p->height,
                                                    (unsigned char)size,
                                                    (unsigned char)(size >> 8),
                                                    (unsigned char)~size,
                                                    (unsigned char)((uint16_t)~size >> 8),
                                                    0 };
        memcpy(row + 6, p->pixels + (size_t)y * (size_t)p->width * 3, (size_t)p->width * 3);
        for (int i = 0; i < size; i++) {
            a = (a + row[5 + i]) % 65521;
            b = (b + a) % 65521;
        }
        text_add_bytes(t, row, 5 + (size_t)size);
    }
    put_u32(t, b << 16 | a);
}

static void put_png(text *t, const picture *p)
{
    text header = { .bytes = NULL }, rows = { .bytes = NULL };
    text_add_bytes(&header, "IHDR", 4);
    put_u32(&header, (uint32_t)p->width);
    put_u32(&header, (uint32_t)p->height);
    text_add_bytes(&header, "\x08\x02\0\0\0", 5); /* 8 bits, RGB, the only methods, not interlaced */
    put_rows(&rows, p);
    t->failed = t->failed || header.failed || rows.failed;
    if (!t->failed) {
        text_add_bytes(t, "\x89PNG\r\n\x1a\n", 8);
        put_chunk(t, &header);
        put_chunk(t, &rows);
        text_add_bytes(t, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    }
    text_free(&header);
    text_free(&rows);
}

static void add_base64(text *t, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t n = (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                     (i + 2 < size ? bytes[i + 2] : 0);
        const char four[4] = { digits[n >> 18], digits[n >> 12 & 63], i + 1 < size ? digits[n >> 6 & 63] : '=',
                               i + 2 < size ? digits[n & 63] : '=' };
        text_add_bytes(t, four, 4);
    }
}

void picture_add(text *t, const picture *p, double x, double y, double size, const char *label)
{
    text png = { .bytes = NULL };
    put_png(&png, p);
    t->failed = t->failed || png.failed;
    if (!t->failed) {
        text_add(
            t,
            "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" class=\"px\" "
            "href=\"data:image/png;base64,",
            x, y, size, size);
        add_base64(t, (const unsigned char *)png.bytes, png.size);
        text_add(t,
                 "\"><title>%s</title></image><rect class=\"frame\" stroke-opacity=\"0.5\" x=\"%.1f\" y=\"%.1f\" "
                 "width=\"%.1f\" "
                 "height=\"%.1f\"/>\n",
                 label, x, y, size, size);
    }
    text_free(&png);
}

static unsigned char level(double value)
{
    return (unsigned char)lrint(255 * (value > 0 ? value < 1 ? value : 1 : 0)); /* a NaN is 0 */
}

static int side(int64_t length)
{
    return length < PICTURE_SIDE ? (int)length : PICTURE_SIDE;
}

void picture_set(picture *p, const float *elements, int channels, int64_t height, int64_t width, const double *scale,
                 const double *shift)
{
    p->width = side(width);
    p->height = side(height);
    for (int y = 0; y < p->height; y++) {
        for (int x = 0; x < p->width; x++) {
            unsigned char *pixel = p->pixels + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
            for (int c = 0; c < 3; c++) {
                int from = channels == 3 ? c : 0;
                pixel[c] = level(elements[((int64_t)from * height + y) * width + x] * scale[from] + shift[from]);
            }
        }
    }
}

void picture_set_map(picture *p, const float *elements, int64_t height, int64_t width, double largest, bool positive)
{
    static const double blue[3] = { 0.02, 0.32, 0.68 }, red[3] = { 0.75, 0.14, 0.10 };
    p->width = side(width);
    p->height = side(height);
    for (int y = 0; y < p->height; y++) {
        for (int x = 0; x < p->width; x++) {
            double value = largest > 0 ? elements[y * width + x] / largest : 0,
                   part = fabs(value) < 1 ? fabs(value) : 1;
            for (int c = 0; c < 3; c++) {
                double end = value < 0 ? blue[c] : red[c];
                p->pixels[((size_t)y * (size_t)p->width + (size_t)x) * 3 + (size_t)c] =
                    level(positive ? value : 1 - part * (1 - end));
            }
        }
    }
}
