/* Turning planes of channels to places of LANES channels and back (depthwise.h), a square of vectors at a time. The last square
 * reaches back rather than over the end. */
#include "kernels/simd/copy.h"
#include "kernels/simd/depthwise.h"

/* A square of places by channels; of both there may be fewer than LANES. */
static void load_corner(const float *plane, int64_t step, int64_t channels, int64_t places, lanes v[LANES])
{
    for (int64_t c = 0; c < LANES; c++) {
        float edge[LANES] = { 0 };
        copy_floats(plane + (c < channels ? c : channels - 1) * step, edge, places < LANES ? places : LANES);
        v[c] = load(edge);
    }
}

/* Whole lines that follow each other, to lines of a slab that are `gap` places longer. */
static void turn_lines(const float *plane, int64_t step, int64_t channels, int64_t width, int64_t lines, int64_t gap,
                              float *to)
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

void CNN__SIMD(depth_turn)(const float *plane, int64_t step, int64_t channels, int64_t count, float *to)
{
    turn_lines(plane, step, channels, count, 1, 0, to);
}

void CNN__SIMD(depth_turn_back)(const float *from, int64_t count, int64_t step, int64_t channels, bool streamed, float *to)
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
        for (int64_t c = 0; c < LANES && streamed && begin == at; c++) {
            if (c < channels) {
                store_streamed(to + c * step + begin, v[c]);
            }
        }
        if (streamed && begin == at) {
            continue;
        }
        if (channels == LANES && some >= LANES) {
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++) {
                store(to + c * step + begin, v[c]);
            }
            continue;
        }
        for (int64_t c = 0; c < channels; c++) {
            float edge[LANES];
            store(edge, v[c]);
            copy_floats(edge, to + c * step + begin, some < LANES ? some : LANES);
        }
    }
}

void CNN__SIMD(depth_slab_fill)(const depth_slab *s, const conv_axis *h, const conv_axis *w, int64_t line, const float *plane,
                                int64_t channels, float *slab)
{
    int64_t top = line * h->stride + s->first_h, step = h->in * w->in;
    int64_t left = s->first_w < 0 ? -s->first_w : 0, skip = s->first_w > 0 ? s->first_w : 0;
    left = left < s->pitch ? left : s->pitch;
    int64_t count = w->in - skip < s->pitch - left ? w->in - skip : s->pitch - left;
    count = count < 0 ? 0 : count;
    int64_t begin = top < 0 ? 0 : top, end = top + s->rows < h->in ? top + s->rows : h->in;
    bool whole = count == w->in && begin < end;
    if (whole) {
        turn_lines(plane + begin * w->in, step, channels, w->in, end - begin, s->pitch - w->in,
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
            turn_lines(plane + row * w->in + skip, step, channels, count, 1, 0, slab + left * LANES);
        }
        for (int64_t k = left + count; k < s->pitch; k++) {
            store(slab + k * LANES, (lanes){ 0 });
        }
    }
}
