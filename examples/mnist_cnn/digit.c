/* From a picture to the ink of its digit; common/ink.c brings that into the form of MNIST's. */
#include "digit.h"

#include "paper.h"

typedef struct span {
    int64_t first, last;
} span;

/* A part of full ink, 0 to 1. A tenth at the lower end is noise of the paper. */
static double part_of(double ink, double full)
{
    double part = (ink / full - 0.1) / 0.8;
    return part > 0 ? part < 1 ? part : 1 : 0;
}

static void cells_of(const paper *p, span *rows, span *columns)
{
    *rows = (span){ p->picture->height, 0 };
    *columns = (span){ p->picture->width, 0 };
    for (int i = 0; i < p->height * p->width; i++) {
        int64_t y = i / p->width * p->block, x = i % p->width * p->block;
        if (p->kept[i]) {
            rows->first = y < rows->first ? y : rows->first;
            rows->last = y + p->block - 1 > rows->last ? y + p->block - 1 : rows->last;
            columns->first = x < columns->first ? x : columns->first;
            columns->last = x + p->block - 1 > columns->last ? x + p->block - 1 : columns->last;
        }
    }
}

/* A pixel around the cells, within the picture: the ink's edge may be there. */
static void widen(span *s, int64_t by, int64_t size)
{
    s->first = s->first > by ? s->first - by : 0;
    s->last = s->last + by < size ? s->last + by : size - 1;
}

/* What most of the ink reaches: the value that four of five pixels with ink stay below. */
static double full_ink(const paper *p, span rows, span columns)
{
    enum { BINS = 443 };
    int64_t histogram[BINS] = { 0 }, count = 0, above = 0;
    for (int64_t y = rows.first; y <= rows.last; y++) {
        for (int64_t x = columns.first; x <= columns.last; x++) {
            double ink = paper_ink(p, x, y);
            if (ink > p->threshold) {
                histogram[ink < BINS - 1 ? (int)ink : BINS - 1]++;
                count++;
            }
        }
    }
    int bin = BINS - 1;
    while (bin > 0 && (above += histogram[bin]) * 5 < count) {
        bin--;
    }
    return count > 0 ? bin + 0.5 : 0;
}

/* The cells with the digit, for common/ink.h. */
typedef struct window {
    const paper *paper;
    double full;
    span rows, columns;
} window;

static unsigned char ink_at(const ink_source *from, int x, int y)
{
    const window *w = from->user;
    double ink = paper_ink(w->paper, w->columns.first + x, w->rows.first + y);
    return (unsigned char)(part_of(ink, w->full) * 255 + 0.5);
}

/* The ink of a thin line is black, too, where a pen has drawn it. */
static void blacken(const unsigned char digit[INK_PIXELS], float pixels[INK_PIXELS])
{
    int most = 1;
    for (int i = 0; i < INK_PIXELS; i++) {
        most = digit[i] > most ? digit[i] : most;
    }
    for (int i = 0; i < INK_PIXELS; i++) {
        pixels[i] = (float)digit[i] / (float)most;
    }
}

static digit_result fit(const paper *p, float pixels[INK_PIXELS])
{
    unsigned char digit[INK_PIXELS];
    window w = { .paper = p };
    cells_of(p, &w.rows, &w.columns);
    widen(&w.rows, p->block, p->picture->height);
    widen(&w.columns, p->block, p->picture->width);
    w.full = full_ink(p, w.rows, w.columns);
    const ink_source from = { .width = (int)(w.columns.last - w.columns.first + 1),
                              .height = (int)(w.rows.last - w.rows.first + 1),
                              .at = ink_at,
                              .user = &w };
    bool found = w.full > 0 && ink_fit_from(&from, digit);
    if (found) {
        blacken(digit, pixels);
    }
    return found ? DIGIT_FOUND : DIGIT_NONE;
}

digit_result digit_find(const digit_picture *picture, float pixels[INK_PIXELS])
{
    paper p;
    digit_result result = paper_find(&p, picture);
    if (result == DIGIT_FOUND) {
        result = fit(&p, pixels);
    }
    paper_free(&p);
    return result;
}
