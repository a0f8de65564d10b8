/* Ten shapes. The class decides the shape; its place, size and colours are drawn, so that a network has something to learn. */
#include "drawn.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 32, PIXELS = SIZE * SIZE, CLASSES = 10 };

/* Vigna's xorshift64*, which is the same everywhere. */
static double draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

/* Whether a shape of about size 1 around the origin covers a point. */
static bool covers(int shape, double x, double y)
{
    double ax = fabs(x), ay = fabs(y), r = sqrt(x * x + y * y);
    switch (shape) {
    case 0:
        return r < 1; /* disc */
    case 1:
        return r < 1 && r > 0.6; /* ring */
    case 2:
        return ax < 0.8 && ay < 0.8; /* square */
    case 3:
        return ax < 0.8 && ay < 0.8 && (ax > 0.45 || ay > 0.45); /* frame */
    case 4:
        return ax + ay < 1; /* diamond */
    case 5:
        return y > -0.8 && y < 0.8 && ax < (0.8 - y) / 1.6; /* triangle */
    case 6:
        return (ax < 0.25 && ay < 1) || (ay < 0.25 && ax < 1); /* cross */
    case 7:
        return fabs(ax - ay) < 0.3 && ax < 0.9; /* saltire */
    case 8:
        return ay < 1 && ax < 0.9 && fmod(y + 4, 0.7) < 0.35; /* bars that lie */
    default:
        return ax < 1 && ay < 0.9 && fmod(x + 4, 0.7) < 0.35; /* bars that stand */
    }
}

static void draw_picture(unsigned char *pixels, int shape, uint64_t *state)
{
    double size = 7 + 5 * draw(state), cx = 12 + 8 * draw(state), cy = 12 + 8 * draw(state);
    double back[3], front[3];
    for (int c = 0; c < 3; c++) {
        back[c] = draw(state);
        front[c] = back[c] < 0.5 ? 0.5 + 0.5 * draw(state) : 0.5 * draw(state);
    }
    for (int p = 0; p < PIXELS; p++) {
        bool inside = covers(shape, (p % SIZE - cx) / size, (p / SIZE - cy) / size);
        for (int c = 0; c < 3; c++) {
            double value = (inside ? front[c] : back[c]) + 0.25 * (draw(state) - 0.5);
            pixels[c * PIXELS + p] = (unsigned char)(255 * (value < 0 ? 0 : value > 1 ? 1 : value));
        }
    }
}

static cnn_dataset *dataset_of(cnn_context *ctx, const unsigned char *pixels, const unsigned char *labels, int64_t count)
{
    cnn_tensor *images = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(count, 3, SIZE, SIZE), pixels);
    cnn_tensor *classes = images ? cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(count), labels) : NULL;
    cnn_dataset *dataset = classes ? cnn_dataset_from_tensors(images, classes) : NULL;
    cnn_tensor_free(images);
    cnn_tensor_free(classes);
    return dataset;
}

cnn_dataset *drawn_new(cnn_context *ctx, int64_t count, uint64_t seed)
{
    unsigned char *pixels = malloc((size_t)count * 3 * PIXELS), *labels = malloc((size_t)count);
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int64_t i = 0; pixels && labels && i < count; i++) {
        labels[i] = (unsigned char)(i % CLASSES);
        draw_picture(pixels + i * 3 * PIXELS, labels[i], &state);
    }
    cnn_dataset *dataset = pixels && labels ? dataset_of(ctx, pixels, labels, count) : NULL;
    free(pixels);
    free(labels);
    return dataset;
}
