/* Padded input, the slab, through which a plan's input reaches the inner loops.
 *
 * A unit is the set of positions that a task computes at once: some whole images where they are small, some lines of
 * one image where it is large. The unit's input for some channels is copied into a slab. It is padded with zeros,
 * and each line is split by phase, the residue of the column modulo the stride:
 * [channel][image][line][residue][column]. Every tap of consecutive positions then reads consecutive floats,
 * whatever the stride, the dilation and the padding are. */
#ifndef CNN_KERNELS_SIMD_LAYOUT_PADDED_H
#define CNN_KERNELS_SIMD_LAYOUT_PADDED_H

#include "kernels/simd/layout/plan.h"

typedef struct padded_slab {
    int64_t images, lines; /* a whole unit: its images, or its lines of the grid */
    int64_t blocks;        /* units an image is cut into, or 1 */
    int64_t units;
    int64_t rows;    /* the rows of a channel's image in the slab */
    int64_t columns; /* the columns of a residue */
    int64_t row_step, image_step, channel_step;
} padded_slab;

/* A unit: which images, which lines of the grid. */
typedef struct padded_range {
    int64_t image, images, line, lines;
} padded_range;

enum { PADDED_SLACK = 4 * LANES }; /* floats that may be read past the end */

/* How many of `whole` lines or images of `size` positions a unit gets: at most `max` positions, and as many as waste
 * the least when units are rounded up to panels. */
static inline int64_t padded_share(int64_t whole, int64_t size, int64_t max, int64_t panel)
{
    int64_t best = 1, min_panels = INT64_MAX;
    for (int64_t n = 1; n <= whole && (n == 1 || n * size <= max); n++) {
        int64_t rest = whole % n * size;
        int64_t panels = whole / n * ((n * size + panel - 1) / panel) + (rest + panel - 1) / panel;
        if (panels <= min_panels) {
            best = n;
            min_panels = panels;
        }
    }
    return best;
}

static inline padded_slab padded_make(const conv_plan *p, int64_t positions, int64_t panel)
{
    padded_slab s = { .images = 1, .lines = p->h.grid, .blocks = 1 };
    int64_t plane = p->h.grid * p->w.grid;
    if (plane > positions) {
        s.lines = padded_share(p->h.grid, p->w.grid, positions, panel);
        s.blocks = (p->h.grid + s.lines - 1) / s.lines;
    } else if (plane) {
        s.images = padded_share(p->batch, plane, positions, panel);
    }
    s.units = (p->batch + s.images - 1) / s.images * s.blocks;
    s.rows = p->h.taps ? (s.lines - 1) * p->h.stride + (p->h.taps - 1) * p->h.step + 1 : 0;
    int64_t width = p->w.taps ? (p->w.grid - 1) * p->w.stride + (p->w.taps - 1) * p->w.step + 1 : 0;
    s.columns = (width + p->w.stride - 1) / p->w.stride;
    s.row_step = s.columns * p->w.stride;
    s.image_step = s.rows * s.row_step;
    s.channel_step = s.images * s.image_step;
    return s;
}

static inline padded_range padded_unit(const padded_slab *s, const conv_plan *p, int64_t number)
{
    padded_range u = { .image = number / s->blocks * s->images,
                       .images = s->images,
                       .line = number % s->blocks * s->lines,
                       .lines = s->lines };
    u.images = u.image + u.images < p->batch ? u.images : p->batch - u.image;
    u.lines = u.line + u.lines < p->h.grid ? u.lines : p->h.grid - u.line;
    return u;
}

/* Fills the slab with channels [channel, channel + count) of a unit; x is the group's first channel of image 0. */
void CNN__SIMD(padded_fill)(const padded_slab *s, const conv_plan *p, const padded_range *u, const float *x,
                            int64_t channel, int64_t count, float *slab);
#define padded_fill CNN__SIMD(padded_fill)

/* The offset of tap (i, j) of position 0 within a channel of the slab. */
static inline int64_t padded_tap(const padded_slab *s, const conv_plan *p, int64_t i, int64_t j)
{
    int64_t place = j * p->w.step;
    return i * p->h.step * s->row_step + place % p->w.stride * s->columns + place / p->w.stride;
}

/* ---- positions of a unit, counted along images, lines and columns, as runs of consecutive floats ---- */

typedef struct padded_run {
    int64_t from; /* in a channel of the slab, for tap (0, 0) at place 0 */
    int64_t to;   /* the number among the positions asked for */
    int64_t count;
} padded_run;

/* Lists the runs of positions [begin, begin + count) and returns their number. `runs` has capacity for `count` of
 * them. */
static inline int64_t padded_runs(const padded_slab *s, const conv_plan *p, const padded_range *u, int64_t begin,
                                  int64_t count, padded_run *runs)
{
    int64_t used = 0;
    for (int64_t done = 0; done < count;) {
        int64_t at = begin + done, column = at % p->w.grid, line = at / p->w.grid;
        int64_t left = p->w.grid - column < count - done ? p->w.grid - column : count - done;
        runs[used++] =
            (padded_run){ line / u->lines * s->image_step + line % u->lines * p->h.stride * s->row_step + column, done,
                          left };
        done += left;
    }
    return used;
}

#endif
