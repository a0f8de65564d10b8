/* Bilinear resizing with antialiasing, as PyTorch's interpolate(antialias=True) and PIL compute it: a result is the
 * mean of the pixels around its centre, weighted by a triangle that reaches one pixel of the result or of the picture
 * to either side, whichever is larger. Columns come first, then rows, both in f32 in a fixed order. The weights are
 * computed in double; nothing is rounded to whole numbers. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

/* The weights of one result: of `count` pixels from `first` on. */
typedef struct taps {
    int64_t first, count;
    float *weights;
} taps;

/* The weights of the results that an axis wants. They lie behind the taps, in the same block. */
static taps *taps_new(const cnn__axis *axis)
{
    double scale = (double)axis->from / (double)axis->to, support = scale > 1 ? scale : 1;
    size_t most = 2 * (size_t)support + 3, count = (size_t)axis->count;
    taps *all = malloc(count * (sizeof *all + most * sizeof(float)));
    float *weights = all ? (float *)(void *)(all + count) : NULL;
    for (size_t i = 0; all && i < count; i++, weights += most) {
        double centre = scale * ((double)axis->first + (double)i + 0.5), total = 0;
        int64_t first = (int64_t)(centre - support + 0.5), end = (int64_t)(centre + support + 0.5);
        first = centre - support + 0.5 < 0 ? 0 : first;
        end = end > axis->from ? axis->from : end;
        all[i] = (taps){ .first = first, .count = end - first, .weights = weights };
        for (int turn = 0; turn < 2; turn++) { /* the sum, then the weights */
            for (int64_t k = first; k < end; k++) {
                double distance = ((double)k - centre + 0.5) / support;
                double weight = distance < 0 ? 1 + distance : 1 - distance;
                weight = weight > 0 ? weight : 0;
                if (turn == 0) {
                    total += weight;
                } else {
                    weights[k - first] = (float)(weight / total);
                }
            }
        }
    }
    return all;
}

/* One row of the picture to [channels, columns]. Compiled for each number of channels that samples have. */
static inline void resize_row_of(const unsigned char *row, int channels, const taps *columns, int64_t count, float *to)
{
    for (int64_t x = 0; x < count; x++) {
        const unsigned char *from = row + columns[x].first * channels;
        const float *weights = columns[x].weights;
        float sums[3] = { 0 };
        for (int64_t k = 0; k < columns[x].count; k++, from += channels) {
            for (int c = 0; c < channels; c++) {
                sums[c] += weights[k] * (float)from[c];
            }
        }
        for (int c = 0; c < channels; c++) {
            to[c * count + x] = sums[c];
        }
    }
}

static void resize_row(const unsigned char *row, int channels, const taps *columns, int64_t count, float *to)
{
    if (channels == 3) {
        resize_row_of(row, 3, columns, count, to);
    } else {
        resize_row_of(row, 1, columns, count, to);
    }
}

/* A part of the picture as it is, which the weights 1 and 0 would give to the bit. */
static void copy(const cnn__picture *picture, const cnn__axis *rows, const cnn__axis *columns, float *planes)
{
    int64_t channels = picture->channels;
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t y = rows->first; y < rows->first + rows->count; y++, planes += columns->count) {
            const unsigned char *from = picture->pixels + (y * picture->width + columns->first) * channels + c;
            for (int64_t x = 0; x < columns->count; x++) {
                planes[x] = (float)from[x * channels];
            }
        }
    }
}

/* Adds a resized row [channels, columns], multiplied by its weight in each of them, to the results that it is part of.
 * These are consecutive, for the results' taps begin and end in their order: from `*next` on, which moves on. */
static void add_row(const float *row, int64_t y, int channels, const taps *rows, const cnn__axis *down, int64_t columns,
                    int64_t *next, float *planes)
{
    while (*next < down->count && rows[*next].first + rows[*next].count <= y) {
        ++*next;
    }
    for (int64_t i = *next; i < down->count && rows[i].first <= y; i++) {
        float weight = rows[i].weights[y - rows[i].first];
        for (int c = 0; c < channels; c++) {
            float *to = planes + (c * down->count + i) * columns;
            const float *from = row + c * columns;
            for (int64_t x = 0; x < columns; x++) {
                to[x] += weight * from[x];
            }
        }
    }
}

bool cnn__resize(const cnn__picture *picture, const cnn__axis *rows, const cnn__axis *columns, float *planes)
{
    if (rows->from == rows->to && columns->from == columns->to) {
        copy(picture, rows, columns, planes);
        return true;
    }
    size_t channels = (size_t)picture->channels, width = (size_t)columns->count;
    taps *down = taps_new(rows), *across = taps_new(columns);
    float *row = malloc(channels * width * sizeof *row);
    bool good = down && across && row;
    if (good) {
        const taps *last = &down[rows->count - 1];
        const unsigned char *from = picture->pixels;
        int64_t next = 0;
        memset(planes, 0, channels * width * (size_t)rows->count * sizeof *planes);
        for (int64_t y = down[0].first; y < last->first + last->count; y++) {
            resize_row(from + y * picture->width * picture->channels, picture->channels, across, columns->count, row);
            add_row(row, y, picture->channels, down, rows, columns->count, &next, planes);
        }
    }
    free(down);
    free(across);
    free(row);
    return good;
}
