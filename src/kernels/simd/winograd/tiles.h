/* How the positions of a plan are cut into Winograd's tiles (winograd/transforms.h), and how the tiles are transformed.
 *
 * Tiles are numbered along the images, lines of tiles and columns. Some lines of one image form a strip, which is
 * copied channels-last (layout/channels_last.h) and transformed as a whole. Some strips form a chunk, whose
 * transformed tiles are kept. */
#ifndef CNN_KERNELS_SIMD_WINOGRAD_TILES_H
#define CNN_KERNELS_SIMD_WINOGRAD_TILES_H

#include "kernels/simd/layout/channels_last.h"
#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/winograd/transforms.h"

enum {
    MIN_CHANNELS = 16,
    WINOGRAD_STRIP_FLOATS = QUARTER_L2, /* floats of the channels-last copy, unless one line of tiles needs more */
    CHUNK_FLOATS = 8 * L2_FLOATS,       /* floats of transformed tiles, unless one strip needs more */
    CHUNK_TILES = 2048,                 /* tiles that gradients of weights add up one after the other */
    WINOGRAD_MAX_CHANNELS = 2048        /* channels that outputs add up */
};

typedef struct winograd_grid {
    const conv_plan *plan;
    int64_t side;           /* outputs of a tile */
    int64_t lines, columns; /* the lines and columns of an image's tiles */
    channels_last slab;     /* the input's slab; its strip: lines of the output, a multiple of side */
    int64_t chunks, chunk_strips;
    int64_t tiles; /* the tiles per chunk, at most */
} winograd_grid;

/* The layout of transformed tiles: a channel's places are at to + tile / group · group_step + tile % group ·
 * tile_step + place · place_step. */
typedef struct winograd_layout {
    int64_t group, group_step, tile_step, place_step;
} winograd_layout;

/* The strips of a chunk and their tiles. */
typedef struct winograd_chunk {
    int64_t strip, strips, tile, tiles;
} winograd_chunk;

/* Tables without fused multiply-add keep to direct sums: they are not there for speed, and their results should be
 * as close to those of the others as possible. */
static inline bool winograd_grid_fits(const conv_plan *p)
{
    const conv_axis *h = &p->h, *w = &p->w;
    bool square = h->taps == w->taps && (h->taps == 3 || h->taps == 5);
    bool plain =
        h->stride == 1 && w->stride == 1 && h->step == 1 && w->step == 1 && h->out_step == 1 && w->out_step == 1;
    bool many =
        p->in_channels >= MIN_CHANNELS && p->out_channels >= MIN_CHANNELS && p->in_channels <= WINOGRAD_MAX_CHANNELS;
    if (p->strict || !MULTIPLY_ADDS || !square || !plain || !many) {
        return false;
    }
    /* Small planes leave some outputs of their tiles unused. */
    int64_t side = WINOGRAD_SIDE + 1 - h->taps, tiles = ((h->grid + side - 1) / side) * ((w->grid + side - 1) / side);
    return p->batch * tiles >= 4 && w->grid <= CHUNK_TILES * side &&
           3 * WINOGRAD_PLACES * tiles <= 2 * plan_taps(p) * h->grid * w->grid;
}

/* The first tile of a strip; strips past the last begin where the tiles end. */
static inline int64_t winograd_first(const winograd_grid *g, int64_t strip)
{
    return (strip / g->slab.strips * g->lines + strip % g->slab.strips * (g->slab.strip / g->side)) * g->columns;
}

/* The grid of a plan whose transformed tiles keep `channels` channels. */
static inline winograd_grid winograd_grid_make(const conv_plan *p, int64_t channels)
{
    winograd_grid g = { .plan = p, .side = WINOGRAD_SIDE + 1 - p->h.taps };
    g.lines = (p->h.grid + g.side - 1) / g.side;
    g.columns = (p->w.grid + g.side - 1) / g.side;
    int64_t overlap = p->h.taps - 1, pitch = g.columns * g.side + overlap;
    int64_t lines = (WINOGRAD_STRIP_FLOATS / (pitch * LANES) - overlap) / g.side;
    lines = lines < 1 ? 1 : lines < g.lines ? lines : g.lines;
    int64_t strips = (g.lines + lines - 1) / lines;
    lines = (g.lines + strips - 1) / strips;
    strips = (g.lines + lines - 1) / lines;
    g.slab = (channels_last){ .first_h = p->h.first,
                              .first_w = p->w.first,
                              .pitch = pitch,
                              .strip = lines * g.side,
                              .strips = strips,
                              .rows = lines * g.side + overlap };
    int64_t all = p->batch * strips, max = CHUNK_FLOATS / (WINOGRAD_PLACES * channels * lines * g.columns);
    max = max < CHUNK_TILES / (lines * g.columns) ? max : CHUNK_TILES / (lines * g.columns);
    g.chunks = (all + max) / (max + 1);
    g.chunk_strips = (all + g.chunks - 1) / g.chunks;
    g.chunks = (all + g.chunk_strips - 1) / g.chunk_strips;
    g.tiles = g.chunk_strips * lines * g.columns;
    return g;
}

static inline winograd_chunk winograd_chunk_at(const winograd_grid *g, int64_t chunk)
{
    winograd_chunk c = { .strip = chunk * g->chunk_strips, .strips = g->chunk_strips };
    int64_t all = g->plan->batch * g->slab.strips;
    c.strips = c.strip + c.strips < all ? c.strips : all - c.strip;
    c.tile = winograd_first(g, c.strip);
    c.tiles = winograd_first(g, c.strip + c.strips) - c.tile;
    return c;
}

/* Transforms LANES channels of a strip as inputs or, if `taps` is not 0, as kernels of so many taps. `plane` is the
 * first of `channels` planes of the strip's image, whose axes are h and w. `transposed` has the capacity for the
 * channels-last copy. */
static inline void winograd_strip(const winograd_grid *g, const channels_last *slab, const conv_axis *h,
                                  const conv_axis *w, int taps, const winograd_chunk *chunk, int64_t strip,
                                  const float *plane, int64_t channels, float *transposed,
                                  const winograd_layout *layout, float *to)
{
    CNN__SIMD(channels_last_fill)(slab, h, w, strip % slab->strips * slab->strip, plane, channels, transposed);
    int64_t begin = winograd_first(g, strip), end = winograd_first(g, strip + 1), row = slab->pitch * LANES;
    for (int64_t tile = begin; tile < end; tile++) {
        int64_t at = tile - chunk->tile, i = (tile - begin) / g->columns, j = (tile - begin) % g->columns;
        const float *from = transposed + i * g->side * row + j * g->side * LANES;
        float *place = to + at / layout->group * layout->group_step + at % layout->group * layout->tile_step;
        if (taps) {
            winograd_kernel(taps, from, row, LANES, place, layout->place_step);
        } else {
            winograd_input(from, row, LANES, place, layout->place_step);
        }
    }
}

#endif
