/* A digit in a picture of any size and any colours, brought into the form of MNIST's. */
#ifndef MNIST_CNN_INK_H
#define MNIST_CNN_INK_H

#include <stdint.h>

enum { INK_SIDE = 28, INK_PIXELS = INK_SIDE * INK_SIDE };

/* A picture of bytes [4, height, width]: red, green, blue, alpha. */
typedef struct ink_picture {
    const unsigned char *planes;
    int64_t height, width;
} ink_picture;

typedef enum ink_result { INK_FOUND, INK_NONE, INK_NO_MEMORY } ink_result;

/* Fills in 28 × 28 pixels from 0 (paper) to 1 (ink) as MNIST's were made: the digit is scaled with its proportions
 * kept so that its longer side has 20 pixels, and placed so that its centre of mass is in the middle. INK_NONE: the
 * picture has one colour. Beside the picture it takes memory for a row of it and about a megabyte. */
ink_result ink_find(const ink_picture *picture, float pixels[INK_PIXELS]);

#endif
