#include "kernels/simd/turn.h"

#include "kernels/simd/copy.h"
#include "kernels/simd/some.h"

void transpose_out(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to, int64_t to_step)
{
    for (int64_t row = 0; row < rows; row += LANES) {
        for (int64_t column = 0; column < columns; column += LANES) {
            int64_t some = columns - column < LANES ? columns - column : LANES;
            lanes v[LANES];
            for (int i = 0; i < LANES; i++) {
                v[i] = row + i < rows ? load_some(from + (row + i) * from_step + column, some) : (lanes){ 0 };
            }
            transpose(v);
            for (int64_t i = 0; i < some; i++) {
                store(to + (column + i) * to_step + row, v[i]);
            }
        }
    }
}

void transpose_in(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to, int64_t to_step)
{
    for (int64_t row = 0; row < rows; row += LANES) {
        for (int64_t column = 0; column < columns; column += LANES) {
            int64_t some = columns - column < LANES ? columns - column : LANES;
            lanes v[LANES];
            for (int i = 0; i < LANES; i++) {
                v[i] = i < some ? load(from + (column + i) * from_step + row) : (lanes){ 0 };
            }
            transpose(v);
            for (int64_t i = 0; i < LANES && row + i < rows; i++) {
                store_some(to + (row + i) * to_step + column, v[i], some);
            }
        }
    }
}

void load_corner(const float *plane, int64_t step, int64_t channels, int64_t places, lanes v[LANES])
{
    for (int64_t c = 0; c < LANES; c++) {
        float edge[LANES] = { 0 };
        copy_floats(plane + (c < channels ? c : channels - 1) * step, edge, places < LANES ? places : LANES);
        v[c] = load(edge);
    }
}

/* The last square reaches back rather than over the end. */
void turn_line(const float *line, int64_t step, int64_t channels, int64_t count, float *to)
{
    for (int64_t at = 0; at < count; at += LANES) {
        int64_t begin = at + LANES > count && count >= LANES ? count - LANES : at, some = count - begin;
        lanes v[LANES];
        if (channels < LANES || some < LANES) {
            load_corner(line + begin, step, channels, some, v);
        } else {
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++) {
                v[c] = load(line + begin + c * step);
            }
        }
        transpose(v);
        if (some >= LANES) {
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) {
                store(to + (begin + i) * LANES, v[i]);
            }
        } else {
            memcpy(to + begin * LANES, v, (size_t)(some * LANES) * sizeof *to);
        }
    }
}

void turn_back(const float *from, int64_t count, int64_t step, int64_t channels, bool streamed, float *to)
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
