/* The places at the end of an image that fill no vector: few columns, which are gathered and summed in other ways than the
 * tiles (see conv_direct.c). */
#ifndef CNN_KERNELS_SIMD_CONV_REST_H
#define CNN_KERNELS_SIMD_CONV_REST_H

#include "kernels/simd/conv_direct.h"
#include "kernels/simd/some.h"

enum {
    QUAD = 4,              /* rows of weights at a time, or each of a vector */
    SQUARE = LANES / QUAD, /* columns of the rest */
    CHAINS = 8             /* sums under way where there is one column */
};

/* The rest of the images of a unit, for all channels of the stretch: [column][channel], or [channel][column]. */
static inline void pack_rest(const direct_task *t)
{
    const direct_job *job = t->job;
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

/* acc[column][row] += a[row] · b[column], each along k: a square of QUAD rows and columns, or many rows and one column. */
CNN__INLINE void dot_products(int rows, int columns, const float *const a[], const int64_t step[QUAD], const float *b, const int64_t step_b[],
                              int64_t k, bool some, lanes acc[LANES])
{
    for (int64_t at = 0; at < k; at += LANES) {
        lanes x[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            const float *row = a[i / QUAD] + step[i % QUAD] + at;
            x[i] = some ? load_some(row, k) : load(row);
        }
#pragma GCC unroll 16
        for (int j = 0; j < columns; j++) {
            lanes y = some ? load_some(b + step_b[j] + at, k) : load(b + step_b[j] + at);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                acc[j * rows + i] += x[i] * y;
            }
        }
    }
}

/* to[column][WIDTH] ← sums along the stretch's channels of `rows` rows of weights by columns of the rest. Where there are fewer
 * than a vector has, the last are made twice. */
static inline void dot_rest(const direct_task *t, int64_t rows, const float *b, int64_t columns, float *to)
{
    bool square = columns >= SQUARE;
    int64_t most = rows < QUAD ? 0 : rows - QUAD, whole = t->channels / LANES * LANES, left = t->channels - whole;
    int64_t step[QUAD], step_b[SQUARE];
    for (int64_t i = 0; i < QUAD; i++) {
        step[i] = least(i, rows - 1) * t->a.across;
    }
    for (int64_t i = 0; i < SQUARE; i++) {
        step_b[i] = i * t->channels;
    }
    for (int64_t i = 0; i < rows; i += square ? QUAD : LANES) {
        lanes acc[LANES] = { 0 };
        const float *a[SQUARE];
        int64_t first[SQUARE];
        for (int64_t g = 0; g < SQUARE; g++) {
            first[g] = least(i + g * QUAD, most);
            a[g] = t->a.at + first[g] * t->a.across;
        }
        if (square) {
            dot_products(QUAD, SQUARE, a, step, b, step_b, whole, false, acc);
        } else {
            dot_products(LANES, 1, a, step, b, step_b, whole, false, acc);
        }
        for (int64_t g = 0; g < SQUARE; g++) {
            a[g] += whole;
        }
        if (left && square) {
            dot_products(QUAD, SQUARE, a, step, b + whole, step_b, left, true, acc);
        } else if (left) {
            dot_products(LANES, 1, a, step, b + whole, step_b, left, true, acc);
        }
        transpose(acc);
#pragma GCC unroll 4
        for (int half = LANES / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
            for (int r = 0; r < half; r++) {
                acc[r] += acc[r + half];
            }
        }
        for (int64_t g = 0; g < SQUARE; g++) {
            memcpy(square ? to + g * WIDTH + first[0] : to + first[g], (const float *)acc + g * QUAD, QUAD * sizeof *to);
        }
    }
}

/* One column of the rest by weights across. */
static inline void sum_across(const direct_task *t, const float *column, int64_t step, float *to)
{
    for (int64_t i = 0; i < ROW; i += LANES) {
        lanes acc[CHAINS] = { 0 };
        const float *a = t->a.at + i;
        int64_t c = 0;
        for (; c + CHAINS <= t->channels; c += CHAINS) {
#pragma GCC unroll 8
            for (int u = 0; u < CHAINS; u++) {
                acc[u] += load(a + (c + u) * ROW) * splat(column[(c + u) * step]);
            }
        }
        for (; c < t->channels; c++) {
            acc[0] += load(a + c * ROW) * splat(column[c * step]);
        }
#pragma GCC unroll 4
        for (int half = CHAINS / 2; half > 0; half /= 2) {
#pragma GCC unroll 4
            for (int u = 0; u < half; u++) {
                acc[u] += acc[u + half];
            }
        }
        store(to + i, acc[0]);
    }
}

/* Columns [begin, end) of the rest into t->aside: [column][WIDTH]. */
static inline void multiply_rest(direct_task *t, int64_t rows, int64_t begin, int64_t end)
{
    static const float zeros[WIDTH];
    if (t->job->along) {
        for (int64_t k = begin, columns; k < end; k += columns) {
            columns = end - k < SQUARE ? 1 : SQUARE;
            dot_rest(t, rows, t->rest + k * t->channels, columns, t->aside + (k - begin) * WIDTH);
        }
        return;
    }
    int64_t columns = t->images * t->job->rest;
    if (end - begin < QUAD) {
        for (int64_t k = begin; k < end; k++) {
            sum_across(t, t->rest + k, columns, t->aside + (k - begin) * WIDTH);
        }
        return;
    }
    tile_operand a = { t->rest + begin, 1, columns };
    tile_direct(end - begin, ROW_VECTORS, t->channels, &a, &t->a, FROM_COLUMNS, false, zeros, t->aside, WIDTH, &t->next);
}

static inline void add_rest(direct_task *t, int64_t channel, int64_t rows, const float *from)
{
    const direct_job *job = t->job;
    int64_t columns = t->images * job->rest;
    bool more = t->channel || job->plan->add;
    for (int64_t begin = 0; begin < columns; begin += ROWS) {
        int64_t end = least(begin + ROWS, columns);
        multiply_rest(t, rows, begin, end);
        for (int64_t k = begin; k < end; k++) {
            float *y = y_plane(t, t->image + k / job->rest, channel) + job->places - job->rest + k % job->rest;
            const float *sums = t->aside + (k - begin) * WIDTH;
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
