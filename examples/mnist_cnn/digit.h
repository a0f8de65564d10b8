/* A digit in a picture of any size and any colours, brought into the form of MNIST's. */
#ifndef MNIST_CNN_DIGIT_H
#define MNIST_CNN_DIGIT_H

#include "common/ink.h"

#include <stdint.h>

/* A picture of bytes [4, height, width]: red, green, blue, alpha. */
typedef struct digit_picture {
    const unsigned char *planes;
    int64_t height, width;
} digit_picture;

typedef enum digit_result { DIGIT_FOUND, DIGIT_NONE, DIGIT_NO_MEMORY } digit_result;

/* Fills in 28 × 28 pixels from 0 (paper) to 1 (ink) as MNIST's were made (common/ink.h). DIGIT_NONE: the picture has
 * one colour. Beside the picture it takes about a megabyte of memory. */
digit_result digit_find(const digit_picture *picture, float pixels[INK_PIXELS]);

#endif
