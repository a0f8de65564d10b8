/* A PNG file without compression (common/png.h) as base64 (RFC 4648): the pictures have a few hundred pixels. */
#include "picture.h"

#include "common/png.h"

#include <math.h>

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
    message png = { 0 };
    png_append(&png, p->width, p->height, 3, p->pixels);
    t->failed = t->failed || png.failed;
    if (!t->failed) {
        text_add(
            t,
            "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" class=\"px\" "
            "href=\"data:image/png;base64,",
            x, y, size, size);
        add_base64(t, png.data, png.size);
        text_add(t,
                 "\"><title>%s</title></image><rect class=\"frame\" stroke-opacity=\"0.5\" x=\"%.1f\" y=\"%.1f\" "
                 "width=\"%.1f\" "
                 "height=\"%.1f\"/>\n",
                 label, x, y, size, size);
    }
    message_free(&png);
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
