/* Only places change: a pixel of the result is one of the picture, whose place is computed in f32, which holds it exactly. */
#include "moves.h"

/* What a device is told of a picture: by how much the place that a pixel is taken from differs in columns and rows, and whether the
 * picture is mirrored, 0 or 1. */
enum { SHIFT_X = 0, SHIFT_Y, MIRRORED, DRAWN };

/* In the order of the transforms: mirroring, then the shift, rows first. */
static void draw(cnn_random_source *random, int64_t height, int64_t width, float *drawn)
{
    (void)height, (void)width;
    drawn[MIRRORED] = cnn_random_uniform(random, 0, 1) < 0.5;
    drawn[SHIFT_Y] = (float)(cnn_random_integer(random, 2 * MOVES_SHIFT + 1) - MOVES_SHIFT);
    drawn[SHIFT_X] = (float)(cnn_random_integer(random, 2 * MOVES_SHIFT + 1) - MOVES_SHIFT);
}

static cnn_tensor *told(cnn_tensor *drawn, int first, int count)
{
    return cnn_unsqueeze(cnn_slice(drawn, 1, first, first + count, 1), -1);
}

/* Beyond an edge the picture is reflected, the pixels of the edge themselves once. A mirrored column is counted from the right. */
static cnn_tensor *make(const resident *r, cnn_tensor *images, cnn_tensor *drawn)
{
    cnn_tape *tape = cnn_tensor_tape(images);
    cnn_tensor *limit = cnn_input(tape, r->limit), *pixels = cnn_flatten(images, 2, -1);
    const int64_t batch = cnn_tensor_size(images, 0), channels = cnn_tensor_size(images, 1), width = cnn_tensor_size(images, -1);
    cnn_tensor *place = cnn_abs(cnn_add(cnn_input(tape, r->grid), told(drawn, SHIFT_X, 2)));
    place = cnn_sub(limit, cnn_abs(cnn_sub(limit, place)));
    cnn_tensor *column = cnn_slice(place, 1, 0, 1, 1), *row = cnn_slice(place, 1, 1, 2, 1);
    cnn_tensor *mirrored = cnn_sub(cnn_slice(limit, 0, 0, 1, 1), cnn_mul_scalar(column, 2));
    column = cnn_add(column, cnn_mul(told(drawn, MIRRORED, 1), mirrored));
    cnn_tensor *index = cnn_cast(cnn_add(cnn_mul_scalar(row, (double)width), column), CNN_I32);
    return cnn_reshape(cnn_gather(pixels, 2, cnn_expand(index, CNN_SHAPE(batch, channels, cnn_tensor_size(pixels, 2)))), 4,
                       cnn_tensor_shape(images));
}

const resident_change moves_change = { .count = DRAWN, .draw = draw, .make = make };
