/* Digits made of strokes: each class is a few polylines in the unit square, which are bent, rotated, slanted,
 * scaled, moved and drawn with a pen of varying width. Every digit is a function of its number alone, in integer and
 * basic floating-point arithmetic, so that all machines draw the same digits. */
#include "strokes.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { POINTS = 12, PIXELS = STROKES_SIDE * STROKES_SIDE };

typedef struct point {
    double x, y;
} point;

typedef struct stroke {
    int digit, count;
    point at[POINTS];
} stroke;

/* x points to the right and y down. */
static const stroke strokes[] = {
    { 0, 11, { { .5, .05 }, { .25, .12 }, { .12, .35 }, { .12, .65 }, { .25, .88 }, { .5, .95 }, { .75, .88 }, { .88, .65 },
               { .88, .35 }, { .75, .12 }, { .5, .05 } } },
    { 1, 3, { { .3, .25 }, { .55, .05 }, { .55, .95 } } },
    { 2, 9, { { .15, .28 }, { .25, .1 }, { .5, .04 }, { .75, .12 }, { .82, .3 }, { .7, .52 }, { .4, .75 }, { .15, .95 },
              { .88, .95 } } },
    { 3, 11, { { .15, .15 }, { .4, .04 }, { .7, .1 }, { .78, .28 }, { .65, .44 }, { .42, .48 }, { .7, .54 }, { .85, .72 },
               { .7, .9 }, { .42, .97 }, { .13, .85 } } },
    { 4, 4, { { .65, .95 }, { .65, .05 }, { .1, .65 }, { .9, .65 } } },
    { 5, 10, { { .82, .06 }, { .25, .06 }, { .2, .45 }, { .45, .38 }, { .72, .44 }, { .85, .64 }, { .75, .86 }, { .5, .96 },
               { .25, .92 }, { .12, .82 } } },
    { 6, 11, { { .72, .05 }, { .42, .2 }, { .22, .48 }, { .15, .7 }, { .28, .9 }, { .52, .96 }, { .78, .86 }, { .82, .66 },
               { .66, .52 }, { .4, .54 }, { .2, .68 } } },
    { 7, 3, { { .1, .07 }, { .88, .07 }, { .4, .95 } } },
    { 8, 12, { { .5, .48 }, { .22, .34 }, { .25, .12 }, { .5, .04 }, { .75, .12 }, { .78, .34 }, { .5, .48 }, { .2, .66 },
               { .22, .88 }, { .5, .96 }, { .8, .86 }, { .78, .66 } } },
    { 8, 2, { { .78, .66 }, { .5, .48 } } },
    { 9, 11, { { .8, .32 }, { .6, .46 }, { .32, .46 }, { .18, .3 }, { .26, .1 }, { .5, .04 }, { .74, .12 }, { .8, .32 },
               { .78, .6 }, { .68, .82 }, { .5, .96 } } },
};

/* ---- random numbers: a counter mixed by splitmix64 ---- */

uint64_t strokes_mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

typedef struct dice {
    uint64_t image, place;
} dice;

/* Uniform in [low, high). */
static double roll(dice *d, double low, double high)
{
    uint64_t draw = strokes_mix(strokes_mix(d->image) + d->place++);
    return low + (high - low) * (double)(draw >> 11) * 0x1p-53;
}

/* ---- drawing ---- */

void strokes_line(double *ink, int side, double ax, double ay, double bx, double by, double width)
{
    int left = (int)fmax(0, fmin(ax, bx) - width - 1), right = (int)fmin(side - 1, fmax(ax, bx) + width + 2);
    int top = (int)fmax(0, fmin(ay, by) - width - 1), bottom = (int)fmin(side - 1, fmax(ay, by) + width + 2);
    double dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
    for (int y = top; y <= bottom; y++) {
        for (int x = left; x <= right; x++) {
            double along = length > 0 ? ((x - ax) * dx + (y - ay) * dy) / length : 0;
            along = fmin(1, fmax(0, along));
            double px = x - ax - along * dx, py = y - ay - along * dy;
            double shade = fmin(1, fmax(0, width + 0.5 - sqrt(px * px + py * py)));
            ink[y * side + x] = fmax(ink[y * side + x], shade);
        }
    }
}

/* A slanted, rotated, scaled and moved copy of the unit square, 28 pixels wide. The angles are small, so Taylor
 * series give sine and cosine. */
typedef struct frame {
    double xx, xy, yx, yy, x, y;
} frame;

static frame frame_roll(dice *d)
{
    double angle = roll(d, -0.3, 0.3), slant = roll(d, -0.25, 0.35), wide = roll(d, 11, 18), high = roll(d, 16, 21);
    double sine = angle - angle * angle * angle / 6, cosine = 1 - angle * angle / 2;
    frame f = { .xx = wide * cosine, .xy = -high * sine - slant * high * cosine, .yx = wide * sine,
                .yy = high * cosine - slant * high * sine };
    f.x = 13.5 - (f.xx + f.xy) / 2 + roll(d, -2.5, 2.5);
    f.y = 13.5 - (f.yx + f.yy) / 2 + roll(d, -2.5, 2.5);
    return f;
}

static point place(const frame *f, point p, dice *d)
{
    p.x += roll(d, -0.06, 0.06);
    p.y += roll(d, -0.06, 0.06);
    return (point){ f->x + f->xx * p.x + f->xy * p.y, f->y + f->yx * p.x + f->yy * p.y };
}

/* Draws the strokes of a digit, `scale` times as large as on STROKES_SIDE pixels. */
static void draw_strokes(dice *d, int digit, int scale, double *ink)
{
    frame f = frame_roll(d);
    double width = roll(d, 0.6, 1.7);
    for (size_t s = 0; s < sizeof strokes / sizeof *strokes; s++) {
        if (strokes[s].digit != digit) {
            continue;
        }
        point last = place(&f, strokes[s].at[0], d);
        for (int i = 1; i < strokes[s].count; i++) {
            point next = place(&f, strokes[s].at[i], d);
            strokes_line(ink, STROKES_SIDE * scale, scale * last.x, scale * last.y, scale * next.x, scale * next.y,
                         scale * width);
            last = next;
        }
    }
}

void strokes_digit(uint64_t number, int digit, int scale, double *ink)
{
    dice d = { .image = number };
    memset(ink, 0, sizeof *ink * (size_t)scale * (size_t)scale * PIXELS);
    draw_strokes(&d, digit, scale, ink);
}

void strokes_scan(uint64_t number, int digit, unsigned char *pixels)
{
    double ink[PIXELS] = { 0 };
    dice d = { .image = number };
    draw_strokes(&d, digit, 1, ink);
    for (int specks = (int)roll(&d, 0, 3); specks > 0; specks--) {
        point a = { roll(&d, 0, STROKES_SIDE), roll(&d, 0, STROKES_SIDE) };
        point b = { a.x + roll(&d, -4, 4), a.y + roll(&d, -4, 4) };
        strokes_line(ink, STROKES_SIDE, a.x, a.y, b.x, b.y, 0.6);
    }
    for (int i = 0; i < PIXELS; i++) {
        double shade = ink[i] * 255 + roll(&d, -40, 40);
        pixels[i] = (unsigned char)(shade < 0 ? 0 : shade > 255 ? 255 : shade);
    }
}
