/* The tail of a 1 × 1 convolution: the positions at the end of an image that do not fill a vector. They are gathered
 * into a few columns and summed without the tiles (see conv/1x1.c). */
#ifndef CNN_KERNELS_SIMD_CONV_1X1_TAIL_H
#define CNN_KERNELS_SIMD_CONV_1X1_TAIL_H

#include "kernels/simd/conv/1x1.h"
#include "kernels/simd/vector/partial.h"

enum {
    QUAD = 4,              /* rows of weights at a time, or each of a vector */
    SQUARE = LANES / QUAD, /* columns of the rest */
    TAIL_1X1_CHAINS = 8    /* sums under way where there is one column */
};

/* Gathers the tails of a unit's images for all channels of the k-block: [column][channel], or [channel][column]. */
static inline void pack_tail(const conv_1x1_task *t)
{
    const conv_1x1_job *job = t->job;
    int64_t columns = t->images * job->rest;
    int64_t across = job->along ? t->channels : 1, along = job->along ? 1 : columns;
    for (int64_t n = 0; n < t->images; n++) {
        const float *from = x_plane(t, t->image + n) + job->places - job->rest;
        for (int64_t c = 0; c < t->channels; c++, from += job->places) {
            float *to = t->rest + n * job->rest * across + c * along;
            for (int64_t k = 0; k < job->rest; k++) {
                to[k * across] = from[k];
            }
        }
    }
}

/* Rows of weights along the input channels, in quads, and columns of the tail. */
typedef struct dot_operands {
    const float *a[SQUARE]; /* a quad each */
    int64_t step[QUAD];     /* the distance to each of the quad's rows */
    const float *b;
    int64_t columns_step;
} dot_operands;

/* acc[column][row] += a[row] · b[column] for channels [at, end), of which the last may be less than a vector. */
CNN__INLINE void dot_vectors(int rows, int columns, const dot_operands *o, int64_t at, int64_t end, bool some,
                             lanes acc[LANES])
{
    for (; at < end; at += LANES) {
        lanes x[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            const float *row = o->a[i / QUAD] + o->step[i % QUAD] + at;
            x[i] = some ? load_partial(row, end - at) : load(row);
        }
#pragma GCC unroll 16
        for (int j = 0; j < columns; j++) {
            const float *column = o->b + j * o->columns_step + at;
            lanes y = some ? load_partial(column, end - at) : load(column);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                acc[j * rows + i] += x[i] * y;
            }
        }
    }
}

CNN__INLINE lanes dot_products(int rows, int columns, const dot_operands *o, int64_t channels)
{
    lanes acc[LANES] = { 0 };
    int64_t whole = channels / LANES * LANES;
    dot_vectors(rows, columns, o, 0, whole, false, acc);
    dot_vectors(rows, columns, o, whole, channels, true, acc);
    transpose(acc);
#pragma GCC unroll 4
    for (int half = LANES / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < half; i++) {
            acc[i] += acc[i + half];
        }
    }
    return acc[0];
}

/* to[column][TILE_WIDTH] ← sums along the k-block's channels for `rows` rows of weights: a quad of rows by SQUARE
 * columns at a time, or a vector of rows by one column. Where fewer rows are left, the last of them are computed
 * twice. */
static inline void dot_tail(const conv_1x1_task *t, int64_t rows, const float *b, int64_t columns, float *to)
{
    dot_operands o = { .b = b, .columns_step = t->channels };
    bool square = columns >= SQUARE;
    int64_t last = rows < QUAD ? 0 : rows - QUAD;
    for (int64_t i = 0; i < QUAD; i++) {
        o.step[i] = min64(i, rows - 1) * t->a.across;
    }
    for (int64_t i = 0; i < rows; i += square ? QUAD : LANES) {
        int64_t first[SQUARE];
        for (int64_t g = 0; g < SQUARE; g++) {
            first[g] = min64(i + g * QUAD, last);
            o.a[g] = t->a.at + first[g] * t->a.across;
        }
        float sums[LANES];
        store(sums, square ? dot_products(QUAD, SQUARE, &o, t->channels) : dot_products(LANES, 1, &o, t->channels));
        for (int64_t g = 0; g < SQUARE; g++) {
            memcpy(square ? to + g * TILE_WIDTH + first[0] : to + first[g], sums + g * QUAD, QUAD * sizeof *to);
        }
    }
}

/* One column of the tail by weights that are stored across the output channels. */
static inline void sum_across(const conv_1x1_task *t, const float *column, int64_t step, float *to)
{
    for (int64_t i = 0; i < ROW; i += LANES) {
        lanes acc[TAIL_1X1_CHAINS] = { 0 };
        const float *a = t->a.at + i;
        int64_t c = 0;
        for (; c + TAIL_1X1_CHAINS <= t->channels; c += TAIL_1X1_CHAINS) {
#pragma GCC unroll 8
            for (int u = 0; u < TAIL_1X1_CHAINS; u++) {
                acc[u] += load(a + (c + u) * ROW_STEP) * splat(column[(c + u) * step]);
            }
        }
        for (; c < t->channels; c++) {
            acc[0] += load(a + c * ROW_STEP) * splat(column[c * step]);
        }
#pragma GCC unroll 4
        for (int half = TAIL_1X1_CHAINS / 2; half > 0; half /= 2) {
#pragma GCC unroll 4
            for (int u = 0; u < half; u++) {
                acc[u] += acc[u + half];
            }
        }
        store(to + i, acc[0]);
    }
}

/* Computes columns [begin, end) of the tail into t->aside: [column][TILE_WIDTH]. */
static inline void multiply_tail(conv_1x1_task *t, int64_t rows, int64_t begin, int64_t end)
{
    static const float zeros[TILE_WIDTH];
    if (t->job->along) {
        for (int64_t k = begin, columns; k < end; k += columns) {
            columns = end - k < SQUARE ? 1 : SQUARE;
            dot_tail(t, rows, t->rest + k * t->channels, columns, t->aside + (k - begin) * TILE_WIDTH);
        }
        return;
    }
    int64_t columns = t->images * t->job->rest;
    if (end - begin < QUAD) {
        for (int64_t k = begin; k < end; k++) {
            sum_across(t, t->rest + k, columns, t->aside + (k - begin) * TILE_WIDTH);
        }
        return;
    }
    tile_operand a = { t->rest + begin, 1, columns, NULL };
    tile_direct(end - begin, ROW_VECTORS, t->channels, &a, &t->a, FROM_COLUMNS, false, zeros, t->aside, TILE_WIDTH,
                &t->next);
}

static inline void add_tail(conv_1x1_task *t, int64_t channel, int64_t rows, const float *from)
{
    const conv_1x1_job *job = t->job;
    int64_t columns = t->images * job->rest;
    bool more = t->terms || (job->plan->add && !t->parts);
    for (int64_t begin = 0; begin < columns; begin += TILE_ROWS) {
        int64_t end = min64(begin + TILE_ROWS, columns);
        multiply_tail(t, rows, begin, end);
        for (int64_t k = begin; k < end; k++) {
            float *y = conv_1x1_y_plane(t, t->image + k / job->rest, channel) + job->places - job->rest + k % job->rest;
            const float *sums = t->aside + (k - begin) * TILE_WIDTH;
            for (int64_t i = 0; i < rows && more; i++) {
                y[i * job->places] += sums[i];
            }
            for (int64_t i = 0; i < rows && !more; i++) {
                y[i * job->places] = from[i] + sums[i];
            }
        }
    }
}

#endif
