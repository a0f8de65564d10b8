/* Handwriting in the form of MNIST's digits, which LeCun, Cortes and Burges describe with the data: "normalized to fit
 * in a 20x20 pixel box while preserving their aspect ratio", grey by anti-aliasing, and "centered in a 28x28 image by
 * computing the center of mass". */
#include "ink.h"

#include <math.h>
#include <string.h>

/* A half-open range of pixels in each direction. */
typedef struct box {
    int left, right, top, bottom;
} box;

static bool find_box(const ink_source *from, box *b)
{
    *b = (box){ .left = from->width, .top = from->height };
    for (int y = 0; y < from->height; y++) {
        for (int x = 0; x < from->width; x++) {
            if (from->at(from, x, y) >= INK_FAINT) {
                b->left = x < b->left ? x : b->left;
                b->right = x + 1 > b->right ? x + 1 : b->right;
                b->top = y < b->top ? y : b->top;
                b->bottom = y + 1;
            }
        }
    }
    return b->right > b->left;
}

/* The mean of the picture over a rectangle with sides between pixels, which is in the picture. */
static double mean(const ink_source *from, double left, double right, double top, double bottom)
{
    double sum = 0;
    for (int y = (int)top; y < bottom; y++) {
        double high = fmin(y + 1, bottom) - fmax(y, top);
        for (int x = (int)left; x < right; x++) {
            double wide = fmin(x + 1, right) - fmax(x, left);
            sum += high * wide * from->at(from, x, y);
        }
    }
    return sum / ((right - left) * (bottom - top));
}

/* The number nearest to `value` in [0, most]. */
static int clamp(double value, int most)
{
    return value < 0 ? 0 : value > most ? most : (int)floor(value + 0.5);
}

bool ink_fit_from(const ink_source *from, unsigned char *digit)
{
    unsigned char scaled[INK_BOX * INK_BOX];
    double mass = 0, moment_x = 0, moment_y = 0;
    box b;
    memset(digit, 0, INK_PIXELS);
    if (!find_box(from, &b)) {
        return false;
    }
    double wide = b.right - b.left, high = b.bottom - b.top, scale = INK_BOX / fmax(wide, high);
    int columns = (int)fmax(1, floor(wide * scale + 0.5)), rows = (int)fmax(1, floor(high * scale + 0.5));
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < columns; x++) {
            double left = b.left + x * wide / columns, right = fmin(b.right, b.left + (x + 1) * wide / columns);
            double top = b.top + y * high / rows, bottom = fmin(b.bottom, b.top + (y + 1) * high / rows);
            double grey = mean(from, left, right, top, bottom);
            scaled[y * INK_BOX + x] = (unsigned char)(grey + 0.5);
            mass += grey;
            moment_x += grey * x;
            moment_y += grey * y;
        }
    }
    int left = clamp(INK_SIDE / 2.0 - moment_x / mass, INK_SIDE - columns);
    int top = clamp(INK_SIDE / 2.0 - moment_y / mass, INK_SIDE - rows);
    for (int y = 0; y < rows; y++) {
        memcpy(digit + (top + y) * INK_SIDE + left, scaled + y * INK_BOX, (size_t)columns);
    }
    return true;
}

static unsigned char byte_at(const ink_source *from, int x, int y)
{
    return ((const unsigned char *)from->user)[(size_t)y * (size_t)from->width + (size_t)x];
}

bool ink_fit(const unsigned char *ink, int width, int height, unsigned char *digit)
{
    const ink_source from = { .width = width, .height = height, .at = byte_at, .user = ink };
    return ink_fit_from(&from, digit);
}
