/* Small pictures inside SVG and HTML: PNG files in data URIs. */
#ifndef COMMON_PAGE_PICTURE_H
#define COMMON_PAGE_PICTURE_H

#include "text.h"

#include <stdint.h>

enum { PICTURE_SIDE = 128 }; /* the largest height and width */

/* An RGB picture; pixels[(y · width + x) · 3 + channel]. */
typedef struct picture {
    int width, height;
    unsigned char pixels[PICTURE_SIDE * PICTURE_SIDE * 3];
} picture;

/* Adds an SVG image of `size` units at (x, y), as high as wide, whose pixels stay squares when it is enlarged.
 * `label` is what is said instead of it, already escaped. */
void picture_add(text *t, const picture *p, double x, double y, double size, const char *label);

/* Sets the picture to one of floats [channels, height, width] of 1 or 3 channels: element·scale[c] + shift[c], from
 * 0 to 1. A picture that is larger than PICTURE_SIDE is cut. */
void picture_set(picture *p, const float *elements, int channels, int64_t height, int64_t width, const double *scale,
                 const double *shift);

/* Sets the picture to numbers from -1 to 1: blue, white, red; or, where `positive`, from 0 to 1: black to white. */
void picture_set_map(picture *p, const float *elements, int64_t height, int64_t width, double largest, bool positive);

#endif
