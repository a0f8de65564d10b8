/* Channels-last copies (layout/channels_last.h). A square of vectors is transposed at a time; the last one reaches
 * back instead of over the end. */
#include "kernels/simd/layout/channels_last.h"
#include "kernels/simd/vector/machine.h"
#include "kernels/simd/vector/partial.h"

enum { CHANNELS_LAST_STRIP_FLOATS = EIGHTH_L2 }; /* floats of the copy, unless one line of the grid needs more */

static int64_t channels_last_end(const conv_axis *a, int64_t grid)
{
    return (grid - 1) * a->stride + a->first + (a->taps - 1) * a->step;
}

channels_last CNN__SIMD(channels_last_make)(const conv_plan *plans, int64_t count)
{
    channels_last s = { 0 };
    int64_t last_h = 0, last_w = 0, reach = 0, grid = 0;
    bool none = true;
    for (int64_t k = 0; k < count; k++) {
        const conv_axis *h = &plans[k].h, *w = &plans[k].w;
        grid = h->grid > grid ? h->grid : grid;
        if (plan_taps(&plans[k]) == 0) {
            continue;
        }
        s.first_h = none || h->first < s.first_h ? h->first : s.first_h;
        s.first_w = none || w->first < s.first_w ? w->first : s.first_w;
        last_h = none || channels_last_end(h, 1) > last_h ? channels_last_end(h, 1) : last_h;
        last_w = none || channels_last_end(w, w->grid) > last_w ? channels_last_end(w, w->grid) : last_w;
        none = false;
    }
    s.pitch = none ? 0 : last_w - s.first_w + 1;
    reach = none ? 0 : last_h - s.first_h + 1; /* lines of input that one line of the grid needs */
    int64_t lines = s.pitch ? (CHANNELS_LAST_STRIP_FLOATS / (s.pitch * LANES) - reach) / plans->h.stride + 1 : grid;
    s.strip = lines < 1 ? 1 : lines < grid ? lines : grid;
    s.strips = s.strip ? (grid + s.strip - 1) / s.strip : 0;
    s.rows = none ? 0 : (s.strip - 1) * plans->h.stride + reach;
    return s;
}

/* Loads a square of positions by channels, of which there may be fewer than LANES. */
static void load_corner(const float *plane, int64_t step, int64_t channels, int64_t places, lanes v[LANES])
{
#pragma GCC unroll 1
    for (int64_t c = 0; c < LANES; c++) {
        v[c] = load_partial(plane + (c < channels ? c : channels - 1) * step, places < LANES ? places : LANES);
    }
}

/* Transposes whole consecutive lines into lines of the copy that are `gap` positions longer. */
static void transpose_lines(const float *plane, int64_t step, int64_t channels, int64_t width, int64_t lines,
                            int64_t gap, float *to)
{
    int64_t count = width * lines;
    for (int64_t at = 0; at < count; at += LANES) {
        int64_t begin = at + LANES > count && count >= LANES ? count - LANES : at, some = count - begin;
        int64_t column = begin % width;
        float *place = to + (begin + begin / width * gap) * LANES;
        lanes v[LANES];
        if (channels < LANES || some < LANES) {
            load_corner(plane + begin, step, channels, some, v);
        } else {
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++) {
                v[c] = load(plane + begin + c * step);
            }
        }
        transpose(v);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            if (i < some) {
                store(place, v[i]);
                column++;
                place += column == width ? (gap + 1) * LANES : LANES;
                column = column == width ? 0 : column;
            }
        }
    }
}

void CNN__SIMD(channels_last_pack)(const float *plane, int64_t step, int64_t channels, int64_t count, float *to)
{
    transpose_lines(plane, step, channels, count, 1, 0, to);
}

void CNN__SIMD(channels_last_unpack)(const float *from, int64_t count, int64_t step, int64_t channels, bool streamed,
                                     float *to)
{
    for (int64_t at = 0; at < count; at += LANES) {
        int64_t begin = at + LANES > count && count >= LANES ? count - LANES : at, some = count - begin;
        lanes v[LANES];
        if (some >= LANES) {
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) {
                v[i] = load(from + (begin + i) * LANES);
            }
        } else {
            memcpy(v, from + begin * LANES, (size_t)(some * LANES) * sizeof *from);
        }
        transpose(v);
        bool whole = streamed && begin == at;
        if (channels == LANES && some >= LANES && !whole) {
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++) {
                store(to + c * step + begin, v[c]);
            }
            continue;
        }
#pragma GCC unroll 1
        for (int64_t c = 0; c < channels; c++) {
            if (whole) {
                store_streamed(to + c * step + begin, v[c]);
            } else {
                store_partial(to + c * step + begin, v[c], some < LANES ? some : LANES);
            }
        }
    }
}

void CNN__SIMD(channels_last_fill)(const channels_last *s, const conv_axis *h, const conv_axis *w, int64_t line,
                                   const float *plane, int64_t channels, float *slab)
{
    int64_t top = line * h->stride + s->first_h, step = h->in * w->in;
    int64_t left = s->first_w < 0 ? -s->first_w : 0, skip = s->first_w > 0 ? s->first_w : 0;
    left = left < s->pitch ? left : s->pitch;
    int64_t count = w->in - skip < s->pitch - left ? w->in - skip : s->pitch - left;
    count = count < 0 ? 0 : count;
    int64_t begin = top < 0 ? 0 : top, end = top + s->rows < h->in ? top + s->rows : h->in;
    bool whole = count == w->in && begin < end;
    if (whole) {
        transpose_lines(plane + begin * w->in, step, channels, w->in, end - begin, s->pitch - w->in,
                        slab + ((begin - top) * s->pitch + left) * LANES);
    }
    for (int64_t r = 0; r < s->rows; r++, slab += s->pitch * LANES) {
        int64_t row = top + r;
        if (row < 0 || row >= h->in || count == 0) {
            memset(slab, 0, (size_t)(s->pitch * LANES) * sizeof *slab);
            continue;
        }
        for (int64_t k = 0; k < left; k++) {
            store(slab + k * LANES, (lanes){ 0 });
        }
        if (!whole) {
            transpose_lines(plane + row * w->in + skip, step, channels, count, 1, 0, slab + left * LANES);
        }
        for (int64_t k = left + count; k < s->pitch; k++) {
            store(slab + k * LANES, (lanes){ 0 });
        }
    }
}

prefetch CNN__SIMD(channels_last_prefetch)(const channels_last *s, const conv_axis *h, const conv_axis *w, int64_t line,
                                           const float *plane, int64_t channels, int64_t calls)
{
    int64_t top = line * h->stride + s->first_h, size = (int64_t)sizeof(float), step = h->in * w->in;
    int64_t begin = top < 0 ? 0 : top, end = top + s->rows < h->in ? top + s->rows : h->in;
    if (begin >= end) {
        return (prefetch){ 0 };
    }
    return end - begin == h->in
               ? prefetch_make(plane, channels * step * size, 1, 0, calls)
               : prefetch_make(plane + begin * w->in, (end - begin) * w->in * size, channels, step * size, calls);
}
