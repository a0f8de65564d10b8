/* Handwriting in the form of MNIST's digits. */
#ifndef COMMON_INK_H
#define COMMON_INK_H

#include <stdbool.h>

enum {
    INK_SIDE = 28,                    /* pixels of a digit's side */
    INK_PIXELS = INK_SIDE * INK_SIDE, /* pixels of a digit */
    INK_BOX = 20,                     /* pixels of the longer side of what is written */
    INK_FAINT = 32                    /* a pixel with less ink does not widen the box around what is written */
};

/* Fits what is written on a picture into a digit as MNIST's authors did: the box around the ink is scaled, keeping its
 * ratio, until its longer side is INK_BOX pixels, and moved by whole pixels until the centre of mass of the ink is
 * nearest to the middle of pixel (14, 14), counted from 0, where MNIST has it; the box stays inside.
 *
 * `ink` has `height` rows of `width` pixels, 0 for paper and 255 for ink; `digit` has INK_PIXELS of the same kind.
 * Returns false, and a digit without ink, where nothing is written. */
bool ink_fit(const unsigned char *ink, int width, int height, unsigned char *digit);

/* A picture whose ink is not in memory: at() gives that of a pixel, 0 to 255, and is asked for each pixel more than
 * once. */
typedef struct ink_source {
    int width, height;
    unsigned char (*at)(const struct ink_source *from, int x, int y);
    const void *user;
} ink_source;

/* The same as ink_fit(). */
bool ink_fit_from(const ink_source *from, unsigned char *digit);

#endif
