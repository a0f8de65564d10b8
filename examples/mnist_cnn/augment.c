/* Digits of other hands than those of MNIST's writers, and of fonts. An affine map changes their form, and the pen
 * their strokes. */
#include "augment.h"

#include <math.h>
#include <string.h>

enum { MOST_PIXELS = 28 * 28 };

/* The largest or least of a pixel and its neighbours; beyond the edge is paper. */
static float extreme(const float *image, int64_t height, int64_t width, int64_t y, int64_t x, bool largest)
{
    float result = image[y * width + x];
    for (int i = 0; i < 9; i++) {
        int64_t row = y + i / 3 - 1, column = x + i % 3 - 1;
        bool inside = row >= 0 && row < height && column >= 0 && column < width;
        float pixel = inside ? image[row * width + column] : 0;
        result = largest ? fmaxf(result, pixel) : fminf(result, pixel);
    }
    return result;
}

/* Draws a third of the digits with a thicker pen and a third with a thinner one: each pixel goes a part of the way,
 * which is drawn, to the largest or least of its neighbours. */
static cnn_status change_pen(float *image, int64_t channels, int64_t height, int64_t width, cnn_random_source *random,
                             void *user)
{
    float before[MOST_PIXELS];
    int64_t pen = cnn_random_integer(random, 3);
    float part = (float)cnn_random_uniform(random, 0, pen == 1 ? 1 : 0.6);
    (void)user;
    if (pen == 0 || channels != 1 || height * width > MOST_PIXELS) {
        return CNN_OK;
    }
    memcpy(before, image, (size_t)(height * width) * sizeof *before);
    for (int64_t i = 0; i < height * width; i++) {
        image[i] += part * (extreme(before, height, width, i / width, i % width, pen == 1) - image[i]);
    }
    return CNN_OK;
}

cnn_dataset *augment(cnn_context *ctx, cnn_dataset *dataset)
{
    cnn_augmentation *chain = cnn_augmentation_new(ctx);
    cnn_augment_random_affine(chain, -12, 12, .translate_x = 0.07, .translate_y = 0.07, .scale_min = 0.8,
                              .scale_max = 1.15, .shear_x_min = -16, .shear_x_max = 16, .bilinear = true);
    cnn_augment_custom(chain, change_pen, NULL, NULL);
    cnn_dataset *augmented = cnn_dataset_augment(dataset, chain);
    cnn_augmentation_free(chain);
    return augmented;
}
