/* What the passes of the usual depthwise convolution share: 3 × 3, dilation 1, stride 1 or 2, padding 1, on the planes as they lie.
 *
 * A strip is LANES columns of a plane's result. Going down a strip, each row of the input is read once, as three vectors: what
 * the taps left, middle and right of all its columns see. Where a plane is half a strip wide, two planes share the vectors,
 * lane by lane in turn. Taps are added in the same order whichever way, so a result does not depend on it. */
#ifndef CNN_KERNELS_SIMD_DEPTHWISE_PLANE_H
#define CNN_KERNELS_SIMD_DEPTHWISE_PLANE_H

#include "kernels/kernels.h"
#include "kernels/simd/some.h"

enum {
    DEPTH_TAPS = 9,
    DEPTH_PAIRS = LANES == 16, /* of planes in one vector: where there are lanes enough and a shuffle for it */
    DEPTH_AHEAD = 1 << 10      /* floats, at least */
};

/* The output is as large as padding 1 all around makes it. */
static inline bool depth_usual(const cnn__conv *g)
{
    return g->kernel_h == 3 && g->kernel_w == 3 && g->dilation_h == 1 && g->dilation_w == 1 && g->pad_top == 1 &&
           g->pad_left == 1 && g->stride_h == g->stride_w && (g->stride_h == 1 || g->stride_h == 2) &&
           g->out_h == (g->in_h - 1) / g->stride_h + 1 && g->out_w == (g->in_w - 1) / g->stride_w + 1;
}

/* How many of `count` floats are in the vector that starts at `from`. */
CNN__INLINE int64_t lanes_from(int64_t count, int64_t from)
{
    return count - from > LANES ? LANES : count < from ? 0 : count - from;
}

/* The input of a strip. */
typedef struct depth_strip {
    const float *at;                 /* row 0 at the first of its columns */
    int64_t width, rows;
    int64_t first, second;           /* floats of a row in its first and its second vector */
    const float *left, *right;       /* the neighbours of row 0, which may be padding */
    int64_t left_step, right_step;   /* from row to row */
    int64_t ahead;                   /* how far to fetch */
    int64_t other;                   /* floats to the other plane of a pair */
    const lanes_i32 *picks;          /* what the three taps of a pair see of its two rows */
} depth_strip;

/* Of the plane x, from column `column` on, which the stride divides. */
static inline depth_strip depth_strip_make(const float *x, int64_t rows, int64_t width, int64_t column)
{
    static const float padding;
    bool inner = column + LANES < width;
    int64_t plane = rows * width;
    return (depth_strip){ .at = x + column, .width = width, .rows = rows, .first = lanes_from(width, column),
                          .second = lanes_from(width, column + LANES),
                          .left = column ? x + column - 1 : &padding, .left_step = column ? width : 0,
                          .right = inner ? x + column + LANES : &padding, .right_step = inner ? width : 0,
                          .ahead = plane > DEPTH_AHEAD ? plane : DEPTH_AHEAD };
}

static inline bool depth_pairs(int64_t width, int64_t out_width)
{
    return DEPTH_PAIRS && width < LANES && out_width <= LANES / 2;
}

/* For pairs: lane 2k + plane is the column k · stride + tap - 1 of the plane. Padding is the last lane of a row, which is zero. */
static inline lanes_i32 depth_picks(int64_t stride, int64_t tap, int64_t width)
{
    lanes_i32 v;
    for (int k = 0; k < LANES; k++) {
        int64_t column = k / 2 * stride + tap - 1;
        v[k] = (int32_t)(column < 0 || column >= width ? LANES - 1 : column) + k % 2 * LANES;
    }
    return v;
}

CNN__INLINE void depth_fetch(const float *at, int64_t apart)
{
    __builtin_prefetch((const void *)((uintptr_t)at + (uintptr_t)apart * sizeof *at), 0, 2);
}

/* What the three taps of a row of the kernel see of a row of the input. Pairs have their stride in their picks. */
CNN__INLINE void depth_taps(bool pair, int stride, const depth_strip *s, int64_t row, lanes v[3])
{
    const float *at = s->at + row * s->width;
    depth_fetch(at, s->ahead);
    lanes a = pair && stride == 1 ? load_few(at, s->first) : load_some(at, s->first);
    if (pair) {
        depth_fetch(at + s->other, s->ahead);
        lanes b = stride == 1 ? load_few(at + s->other, s->first) : load_some(at + s->other, s->first);
        for (int j = 0; j < 3; j++) {
            v[j] = pick(a, b, s->picks[j]);
        }
        return;
    }
    lanes left = splat(s->left[row * s->left_step]);
    if (stride == 1) {
        v[0] = shift_up(left, a);
        v[1] = a;
        v[2] = shift_down(a, splat(s->right[row * s->right_step]));
    } else {
        depth_fetch(at + LANES, s->ahead);
        lanes b = load_some(at + LANES, s->second);
        v[1] = evens(a, b);
        v[2] = odds(a, b);
        v[0] = shift_up(left, v[2]);
    }
}

#endif
