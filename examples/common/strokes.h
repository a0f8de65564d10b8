/* Handwritten digits that a program draws. */
#ifndef COMMON_STROKES_H
#define COMMON_STROKES_H

#include <stdint.h>

enum { STROKES_SIDE = 28 /* pixels of a digit's side */ };

/* Draws a line from (ax, ay) to (bx, by), in pixels, on `side` × `side` pixels of 0 for paper to 1 for ink: full ink
 * within `width` of it, fading over one pixel. */
void strokes_line(double *ink, int side, double ax, double ay, double bx, double by, double width);

/* Draws digit number `number` of the class `digit` (0 to 9) on STROKES_SIDE · scale pixels in each direction, 0 for
 * paper to 1 for ink. Equal numbers give the same digit. */
void strokes_digit(uint64_t number, int digit, int scale, double *ink);

/* The same digit in STROKES_SIDE × STROKES_SIDE bytes, 255 for ink, as a bad scanner would see it: with specks and
 * noise. */
void strokes_scan(uint64_t number, int digit, unsigned char *pixels);

/* Numbers that look random, by a bijection of 64-bit numbers (splitmix64). */
uint64_t strokes_mix(uint64_t x);

#endif
