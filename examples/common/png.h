/* Pictures as PNG in memory. */
#ifndef COMMON_PNG_H
#define COMMON_PNG_H

#include "message.h"

/* Appends a picture of 1 or 3 channels of 8 bits, whose pixels are row by row, the channels of a pixel side by side. The
 * pixels are stored, not compressed: it is for small pictures, and needs no library. */
void png_append(message *to, int width, int height, int channels, const unsigned char *pixels);

#endif
