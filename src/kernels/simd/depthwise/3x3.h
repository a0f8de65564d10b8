/* The usual depthwise convolution, 3 × 3 with dilation 1, stride 1 or 2 and padding 1, which reads the planes in place.
 *
 * A strip is LANES columns of a plane's result. Going down a strip, each row of the input is read once, as three
 * vectors: what the left, middle and right taps of all its columns read. Where a plane is half a strip wide, two
 * planes share the vectors, with their lanes interleaved. Taps are added in the same order in either case, so that a
 * result does not depend on it. */
#ifndef CNN_KERNELS_SIMD_DEPTHWISE_3X3_H
#define CNN_KERNELS_SIMD_DEPTHWISE_3X3_H

#include "kernels/kernels.h"
#include "kernels/simd/vector/partial.h"

enum {
    DW3_TAPS = 9,
    DW3_PAIRS = LANES == 16, /* two planes in one vector: where there are lanes enough and a shuffle for it */
    DW3_LOADS = LANES == 8,  /* every tap is loaded: cheaper than a shift where shuffles across a vector are dear */
    DW3_AHEAD = 1 << 10      /* floats, at least */
};

/* The number of floats, out of `count`, in the vector that starts at `from`. */
CNN__INLINE int64_t lanes_from(int64_t count, int64_t from)
{
    return count - from > LANES ? LANES : count < from ? 0 : count - from;
}

/* The addresses at which a strip may begin that is read in whole vectors, from the column before each row to two
 * vectors after its first column. All planes of a tensor qualify except some of the first and the last, of which a
 * copy is read instead. */
typedef struct dw3_bounds {
    uintptr_t from, bytes, end;
    int64_t plane;
} dw3_bounds;

static inline dw3_bounds dw3_bounds_make(const float *x, int64_t planes, int64_t rows, int64_t width)
{
    int64_t plane = rows * width, starts = planes * plane - (rows - 1) * width - 2 * LANES;
    return (dw3_bounds){ .from = (uintptr_t)x + sizeof *x,
                         .bytes = starts > 0 ? (uintptr_t)starts * sizeof *x : 0,
                         .end = (uintptr_t)(x + planes * plane),
                         .plane = plane };
}

/* The floats of a worker's copy. */
static inline int64_t dw3_copy_floats(int64_t rows, int64_t width)
{
    return DW3_LOADS ? round_up(rows * width, LANES) + 3 * LANES : 0;
}

CNN__APART const float *dw3_copy(const float *at, int64_t column, int64_t plane, float *copy)
{
    memcpy(copy + LANES, at - column, (size_t)plane * sizeof *at);
    return copy + LANES + column;
}

/* Row 0 of a strip at its column, in the plane or in a copy of it. */
CNN__INLINE const float *dw3_strip_at(const dw3_bounds *bounds, const float *at, int64_t column, float *copy)
{
    bool inside = !DW3_LOADS || (uintptr_t)at - bounds->from < bounds->bytes;
    return inside ? at : dw3_copy(at, column, bounds->plane, copy);
}

/* The distance at which a strip's rows are prefetched; for a pair, `at` is the later plane. It does not pass the end
 * of the tensor, where no page may be mapped: a failed translation takes as long as a row. */
CNN__INLINE int64_t dw3_ahead(const dw3_bounds *bounds, const float *at)
{
    int64_t apart = max64(bounds->plane, DW3_AHEAD);
    return (uintptr_t)at + (uintptr_t)(bounds->plane + apart) * sizeof *at <= bounds->end ? apart : 0;
}

/* The input of a strip. */
typedef struct dw3_strip {
    const float *at; /* row 0 at the first of its columns */
    int64_t width, rows, column;
    int64_t first, second;         /* floats of a row in its first and its second vector */
    const char *left, *right;      /* the neighbours of row 0, which may be padding */
    int64_t left_step, right_step; /* bytes from row to row */
    int64_t ahead;                 /* how far to fetch */
    int64_t other;                 /* floats to the other plane of a pair */
    const lanes_i32 *picks;        /* what the three taps of a pair see of its two rows */
} dw3_strip;

/* The strip of plane x that begins at `column`, a multiple of the stride. */
CNN__INLINE dw3_strip dw3_strip_make(const float *x, int64_t rows, int64_t width, int64_t column)
{
    static const float padding;
    int64_t step = width * (int64_t)sizeof *x;
    bool inner = column + LANES < width;
    return (dw3_strip){ .at = x + column,
                        .width = width,
                        .rows = rows,
                        .column = column,
                        .first = lanes_from(width, column),
                        .second = lanes_from(width, column + LANES),
                        .left = (const char *)(column ? x + column - 1 : &padding),
                        .left_step = column ? step : 0,
                        .right = (const char *)(inner ? x + column + LANES : &padding),
                        .right_step = inner ? step : 0 };
}

static inline bool dw3_pairs(int64_t width, int64_t out_width)
{
    return DW3_PAIRS && width < LANES && out_width <= LANES / 2;
}

/* For pairs: lane 2k + plane is the column k · stride + tap - 1 of the plane. Padding is a row's last lane, which is
 * zero. */
CNN__INLINE lanes_i32 dw3_picks(int64_t stride, int64_t tap, int64_t width)
{
    lanes_i32 column = (count_up() >> 1) * (int32_t)stride + (int32_t)tap - 1;
    lanes_i32 outside = (column < 0) | (column >= (int32_t)width);
    return ((outside & (LANES - 1)) | (~outside & column)) + (count_up() & 1) * LANES;
}

CNN__INLINE void dw3_prefetch(const float *at, int64_t apart)
{
    __builtin_prefetch((const void *)((uintptr_t)at + (uintptr_t)apart * sizeof *at), 0, 3);
}

CNN__INLINE float dw3_side(const char *at)
{
    float side;
    memcpy(&side, at, sizeof side);
    return side;
}

/* With 256-bit vectors the taps of stride 2 have another order of lanes, the one that shuffles within each 128 bits
 * give. This brings a vector into that order, and back. */
CNN__INLINE lanes dw3_order(int stride, lanes v)
{
#if CNN__VECTOR_BYTES == 32
    if (stride == 2) {
        typedef double pairs __attribute__((vector_size(32))); /* whose shuffle takes no register for its order */
        v = (lanes)__builtin_shufflevector((pairs)v, (pairs)v, 0, 2, 1, 3);
    }
#endif
    (void)stride;
    return v;
}

/* The numbers of a strip's columns in that order. */
CNN__INLINE lanes_i32 dw3_columns(int stride)
{
    return (lanes_i32)dw3_order(stride, (lanes)count_up());
}

/* Which columns of the result read a column of the row with the tap that is `offset` from the middle. */
CNN__INLINE lanes_i32 dw3_mask(const dw3_strip *s, int stride, int offset)
{
    lanes_i32 column = dw3_columns(stride) * stride + (int32_t)(s->column + offset);
    return (column >= 0) & (column < (int32_t)s->width);
}

/* The even and the odd columns of two vectors from `row` on. */
CNN__INLINE void dw3_halve(const float *row, lanes v[2])
{
    lanes a = load(row), b = load(row + LANES);
#if CNN__VECTOR_BYTES == 32
    v[0] = evens_within(a, b);
    v[1] = odds_within(a, b);
#else
    v[0] = evens(a, b);
    v[1] = odds(a, b);
#endif
}

/* Padding is zero. What lies beyond it belongs to no column of the result and may have any value. */
CNN__INLINE void dw3_loads(int stride, const dw3_strip *s, const float *row, lanes v[3])
{
    lanes before[2];
    if (stride == 1) {
        before[0] = load(row - 1);
        v[1] = load(row);
        v[2] = load(row + 1);
    } else {
        dw3_halve(row - 1, before);
        dw3_halve(row, v + 1);
    }
    v[0] = and_mask(before[0], dw3_mask(s, stride, -1));
    v[2] = and_mask(v[2], dw3_mask(s, stride, 1));
}

/* What the three taps of a row of the kernel read from a row of the input. For pairs the stride is contained in
 * `picks`. */
CNN__INLINE void dw3_taps(bool pair, int stride, const dw3_strip *s, int64_t row, lanes v[3])
{
    const float *at = s->at + row * s->width;
    dw3_prefetch(at, s->ahead);
    if (DW3_LOADS) {
        dw3_loads(stride, s, at, v);
        return;
    }
    lanes a = pair && stride == 1 ? load_partial_half(at, s->first) : load_partial(at, s->first);
    if (pair) {
        dw3_prefetch(at + s->other, s->ahead);
        lanes b = stride == 1 ? load_partial_half(at + s->other, s->first) : load_partial(at + s->other, s->first);
        for (int j = 0; j < 3; j++) {
            v[j] = permute_lanes(a, b, s->picks[j]);
        }
        return;
    }
    lanes left = splat(dw3_side(s->left + row * s->left_step));
    if (stride == 1) {
        v[0] = shift_up(left, a);
        v[1] = a;
        v[2] = shift_down(a, splat(dw3_side(s->right + row * s->right_step)));
    } else {
        dw3_prefetch(at + LANES, s->ahead);
        lanes b = load_partial(at + LANES, s->second);
        v[1] = evens(a, b);
        v[2] = odds(a, b);
        v[0] = shift_up(left, v[2]);
    }
}

#endif
