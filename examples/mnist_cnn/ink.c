/* From the ink of a picture to 28 × 28 pixels. Y. LeCun, C. Cortes and C. Burges describe on the page of MNIST how
 * its images were made: "normalized to fit in a 20x20 pixel box while preserving their aspect ratio [...] by
 * computing the center of mass of the pixels, and translating the image so as to position this point at the center
 * of the 28x28 field". */
#include "ink.h"

#include "paper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The digit is first drawn FINE times as large as it will be, where the width of its strokes is measured and
 * changed. */
enum { BOX = 20, FINE = 8, CANVAS = BOX * FINE };

typedef struct span {
    int64_t first, last;
} span;

typedef struct canvas {
    float at[CANVAS][CANVAS]; /* 0 to 1 */
    int height, width;
} canvas;

/* ---- where the digit is ---- */

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

/* Shrinks the box to the pixels that have at least a third of full ink. */
static void shrink(const paper *p, double full, span *rows, span *columns)
{
    span r = { rows->last, rows->first }, c = { columns->last, columns->first };
    for (int64_t y = rows->first; y <= rows->last; y++) {
        for (int64_t x = columns->first; x <= columns->last; x++) {
            if (part_of(paper_ink(p, x, y), full) > 0.33) {
                r.first = y < r.first ? y : r.first;
                r.last = y;
                c.first = x < c.first ? x : c.first;
                c.last = x > c.last ? x : c.last;
            }
        }
    }
    if (r.first <= r.last) {
        *rows = r;
        *columns = c;
    }
}

/* ---- the canvas ---- */

typedef struct filter {
    double scale,
        support;   /* pixels of the picture per pixel of the canvas; the half of the filter's width in the picture */
    int64_t count; /* pixels of the picture */
} filter;

static filter filter_of(int64_t count, int length)
{
    double scale = (double)count / length;
    return (filter){ .scale = scale, .support = scale > 1 ? scale : 1, .count = count };
}

/* The weight of pixel i of the picture for pixel `to` of the canvas: a triangle, as wide as a pixel of the larger
 * kind. */
static double weight_of(const filter *f, int to, int64_t i)
{
    return fmax(0, 1 - fabs((double)i + 0.5 - (to + 0.5) * f->scale) / f->support);
}

static span reach_of(const filter *f, int to)
{
    span s = { (int64_t)floor((to + 0.5) * f->scale - f->support), (int64_t)ceil((to + 0.5) * f->scale + f->support) };
    s.first = s.first > 0 ? s.first : 0;
    s.last = s.last < f->count ? s.last : f->count - 1;
    return s;
}

/* Scales a row of the picture, `line`, to the canvas's width. */
static void scale_row(const filter *f, const float *line, float *to, int width)
{
    for (int x = 0; x < width; x++) {
        double sum = 0, weights = 0;
        span reach = reach_of(f, x);
        for (int64_t i = reach.first; i <= reach.last; i++) {
            double weight = weight_of(f, x, i);
            sum += weight * (double)line[i];
            weights += weight;
        }
        to[x] = (float)(weights > 0 ? sum / weights : 0);
    }
}

/* Adds row y of the picture, scaled, to the rows of the canvas that it belongs to, and notes its weight for each. */
static void add_row(const filter *f, int64_t y, const float *row, canvas *c, double weights[CANVAS])
{
    int first = (int)floor(((double)y + 0.5 - f->support) / f->scale - 0.5);
    int last = (int)ceil(((double)y + 0.5 + f->support) / f->scale - 0.5);
    for (int to = first > 0 ? first : 0; to <= last && to < c->height; to++) {
        double weight = weight_of(f, to, y);
        for (int x = 0; x < c->width && weight > 0; x++) {
            c->at[to][x] += (float)weight * row[x];
        }
        weights[to] += weight;
    }
}

/* Draws the box on an empty canvas, whose longer side it fills. False without memory for a row. */
static bool draw(const paper *p, double full, span rows, span columns, canvas *c)
{
    int64_t height = rows.last - rows.first + 1, width = columns.last - columns.first + 1,
            side = height > width ? height : width;
    c->height = (int)fmax(FINE, round((double)height * CANVAS / (double)side));
    c->width = (int)fmax(FINE, round((double)width * CANVAS / (double)side));
    const filter across = filter_of(width, c->width), down = filter_of(height, c->height);
    double weights[CANVAS] = { 0 };
    float *line = calloc((size_t)width, sizeof *line), scaled[CANVAS];
    if (!line) {
        return false;
    }
    for (int64_t y = 0; y < height; y++) {
        for (int64_t x = 0; x < width; x++) {
            line[x] = (float)part_of(paper_ink(p, columns.first + x, rows.first + y), full);
        }
        scale_row(&across, line, scaled, c->width);
        add_row(&down, y, scaled, c, weights);
    }
    for (int i = 0; i < c->height * c->width; i++) {
        int y = i / c->width;
        c->at[y][i % c->width] /= (float)(weights[y] > 0 ? weights[y] : 1);
    }
    free(line);
    return true;
}

/* ---- 28 × 28 ---- */

/* Averages blocks of FINE × FINE. */
static void reduce(const canvas *c, float box[BOX][BOX])
{
    float most = 0;
    memset(box, 0, BOX * sizeof *box);
    for (int y = 0; y < c->height; y++) {
        for (int x = 0; x < c->width; x++) {
            box[y / FINE][x / FINE] += c->at[y][x] / (FINE * FINE);
        }
    }
    for (int i = 0; i < BOX * BOX; i++) {
        most = fmaxf(most, box[i / BOX][i % BOX]);
    }
    for (int i = 0; i < BOX * BOX && most > 0; i++) {
        box[i / BOX][i % BOX] /= most; /* the ink of a thin line is black, too, where a pen has drawn it */
    }
}

/* Where a digit of `length` pixels begins so that its centre of mass comes to pixel 14, as the mean of MNIST is, but
 * no pixel beyond the edge. */
static int offset_of(double moment, double mass, int length)
{
    int offset = (int)lround(INK_SIDE / 2.0 - (mass > 0 ? moment / mass : length / 2.0));
    return offset < 0 ? 0 : offset > INK_SIDE - length ? INK_SIDE - length : offset;
}

/* Places the digit, which has `height` × `width` pixels of the box. */
static void place(float box[BOX][BOX], int height, int width, float pixels[INK_PIXELS])
{
    double mass = 0, mass_x = 0, mass_y = 0;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            mass += (double)box[y][x];
            mass_x += x * (double)box[y][x];
            mass_y += y * (double)box[y][x];
        }
    }
    int left = offset_of(mass_x, mass, width), top = offset_of(mass_y, mass, height);
    memset(pixels, 0, INK_PIXELS * sizeof *pixels);
    for (int y = 0; y < height; y++) {
        memcpy(pixels + (top + y) * INK_SIDE + left, box[y], (size_t)width * sizeof(float));
    }
}

static ink_result draw_small(const paper *p, float pixels[INK_PIXELS])
{
    span rows, columns;
    float box[BOX][BOX];
    canvas *c = calloc(1, sizeof *c);
    cells_of(p, &rows, &columns);
    widen(&rows, p->block, p->picture->height);
    widen(&columns, p->block, p->picture->width);
    double full = full_ink(p, rows, columns);
    if (full > 0) {
        shrink(p, full, &rows, &columns);
    }
    bool drawn = c && full > 0 && draw(p, full, rows, columns, c);
    if (drawn) {
        reduce(c, box);
        place(box, (c->height + FINE - 1) / FINE, (c->width + FINE - 1) / FINE, pixels);
    }
    free(c);
    return drawn ? INK_FOUND : full > 0 ? INK_NO_MEMORY : INK_NONE;
}

ink_result ink_find(const ink_picture *picture, float pixels[INK_PIXELS])
{
    paper p;
    ink_result result = paper_find(&p, picture);
    if (result == INK_FOUND) {
        result = draw_small(&p, pixels);
    }
    paper_free(&p);
    return result;
}
