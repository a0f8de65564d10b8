/* What the figures are made of. A figure is 360 units wide, so that a telephone shows its letters at their own size. */
#ifndef COMMON_PAGE_FIGURE_H
#define COMMON_PAGE_FIGURE_H

#include "measure.h"
#include "page.h"
#include "text.h"

enum { FIGURE_WIDTH = 360 };

/* A figure and what is said about it. */
typedef struct figure {
    const char *name;  /* the name of its file without .svg, and of its anchor */
    const char *title; /* plain text */
    text caption;      /* HTML; also the description of the SVG, so it has no tags */
    text drawing;      /* the elements of the SVG; empty where there is nothing to draw, and the caption says why */
    text table;        /* HTML: the numbers; may be empty */
    double height;
} figure;

/* An epoch of the curves. */
typedef struct page_point {
    int64_t epoch;
    double loss[2], accuracy[2]; /* while training, on the test images */
} page_point;

/* The colours and letters of all figures, for a <style> element: names in :root, the dark theme's, and classes. */
extern const char figure_colors[], figure_style[];

/* Fills in the drawing, the caption and the table. */
void curves_draw(figure *f, const page_point *points, int count, bool accuracy);
void confusion_draw(figure *f, const page_subject *s, const results *r);
void scores_draw(figure *f, const page_subject *s, const results *r);
outcome mistakes_draw(figure *f, const page_subject *s, const results *r);
outcome filters_draw(figure *f, const page_subject *s);
outcome maps_draw(figure *f, const page_subject *s, const results *r);
outcome times_draw(figure *f, const page_subject *s);

/* Adds the name of a class, escaped, or its number where it has no name. At most `most` characters are kept, with
 * … at the end of a longer one. */
void figure_class(text *t, const page_subject *s, int64_t i, int most);

/* The longest name that figure_class() gives for the classes, in characters, at most `most`. */
int figure_class_length(const page_subject *s, int most);

/* The step of an axis over `range` with at most `most` steps: 1, 2 or 5 times a power of ten. */
double figure_step(double range, int most);

/* Adds an axis of x: a grid line and a number at each multiple of `step` from `low` to `high`, which is drawn from x
 * = `left` to `right`, and its name below; the grid reaches from y = `top` to `bottom`. */
void figure_x_axis(text *t, double low, double high, double step, double left, double right, double top, double bottom,
                   const char *name);

/* The same of y, with its name turned by 90 degrees at the left edge. */
void figure_y_axis(text *t, double low, double high, double step, double left, double right, double top, double bottom,
                   const char *name);

#endif
