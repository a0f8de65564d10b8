/* The drawings of the docs: shapes and texts as SVG, in colours that follow the reader's light or dark theme. Lengths are pixels of a
 * drawing that is 480 wide, so that a text of 15 stays readable where a phone shows it at three quarters of its size. */
#ifndef SVG_H
#define SVG_H

#include <stdbool.h>
#include <stdio.h>

enum { WIDTH = 480 };

/* What a cell or a box is filled as. */
typedef enum tone { PLAIN, PADDING, WINDOW, KERNEL, RESULT, DROPPED } tone;

typedef enum anchor { START, MIDDLE, END } anchor;

/* Begins FOLDER/NAME.svg; `description` is read out to who cannot see it. NULL where the file cannot be written, reported. */
FILE *svg_begin(const char *folder, const char *name, int height, const char *description);
/* Ends the file. Returns whether all of it was written. */
bool svg_end(FILE *svg);

void svg_cell(FILE *svg, double x, double y, double width, double height, tone is);
void svg_text(FILE *svg, double x, double y, anchor at, const char *style, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void svg_arrow(FILE *svg, double x1, double y1, double x2, double y2, bool backward);
void svg_frame(FILE *svg, double x, double y, double width, double height);

/* A number without a fraction where it has none. */
const char *svg_number(double value);

/* A grid of numbers, row by row; a cell at (row, column) has tone tones[row * columns + column], or PLAIN where tones is NULL. */
void svg_grid(FILE *svg, double x, double y, double size, int rows, int columns, const float *numbers,
              const tone *tones);

#endif
