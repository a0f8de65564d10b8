/* A digit in the terminal. */
#ifndef MNIST_CNN_SCREEN_H
#define MNIST_CNN_SCREEN_H

#include "common/ink.h"

/* Prints the 28 × 28 pixels, and beside them the guesses with a bar per guess. A terminal shows two pixels per
 * character, in shades of grey; where there is no terminal, or NO_COLOR is set, or TERM is dumb, two characters per
 * pixel show five shades, of the block elements or, where the locale is not of UTF-8, of ASCII. */
void screen_draw(const float pixels[INK_PIXELS], const int *guesses, const float *probabilities, int count);

#endif
