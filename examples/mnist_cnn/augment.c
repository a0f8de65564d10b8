/* Digits of other hands than those of MNIST's writers, and of fonts. An affine map changes their form, and the pen
 * their strokes. Batches that a loader makes are changed by the library's augmentation; those of images that stay on a device are
 * changed there, by the same draws. */
#include "augment.h"

#include <math.h>
#include <string.h>

enum { MOST_PIXELS = 28 * 28 };

/* The ranges of what is drawn. */
#define DEGREES 12.0
#define TRANSLATE 0.07
#define SCALE_MIN 0.8
#define SCALE_MAX 1.15
#define SHEAR 16.0
#define THICK 1.0
#define THIN 0.6

/* ---- on the host ---- */

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
    float part = (float)cnn_random_uniform(random, 0, pen == 1 ? THICK : THIN);
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
    cnn_augment_random_affine(chain, -DEGREES, DEGREES, .translate_x = TRANSLATE, .translate_y = TRANSLATE, .scale_min = SCALE_MIN,
                              .scale_max = SCALE_MAX, .shear_x_min = -SHEAR, .shear_x_max = SHEAR, .bilinear = true);
    cnn_augment_custom(chain, change_pen, NULL, NULL);
    cnn_dataset *augmented = cnn_dataset_augment(dataset, chain);
    cnn_augmentation_free(chain);
    return augmented;
}

/* ---- on a device ---- */

/* What a device is told of a sample: where the pixel of a column and a row is looked up, (x, y) = (ACROSS · column + DOWN · row + OFFSET)
 * in both directions, and how far each pixel goes to the largest and to the least of its neighbours. */
enum { ACROSS = 0, DOWN = 2, OFFSET = 4, PEN_THICK = 6, PEN_THIN, DRAWN };

/* Draws as cnn_augment_random_affine() does, in its order, and makes the inverse of rotation · shear · scale about the image's centre,
 * behind the inverse of the translation (torchvision's affine()). */
static void draw_map(cnn_random_source *random, double height, double width, float *drawn)
{
    const double degree = acos(-1) / 180, half[2] = { width / 2 - 0.5, height / 2 - 0.5 };
    double angle = degree * cnn_random_uniform(random, -DEGREES, DEGREES);
    double right = nearbyint(cnn_random_uniform(random, -TRANSLATE * width, TRANSLATE * width));
    double below = nearbyint(cnn_random_uniform(random, -TRANSLATE * height, TRANSLATE * height));
    double scale = cnn_random_uniform(random, SCALE_MIN, SCALE_MAX);
    double slant = tan(degree * cnn_random_uniform(random, -SHEAR, SHEAR));
    const double across[2] = { (cos(angle) - sin(angle) * slant) / scale, -sin(angle) / scale };
    const double down[2] = { (cos(angle) * slant + sin(angle)) / scale, cos(angle) / scale };
    for (int i = 0; i < 2; i++) {
        drawn[ACROSS + i] = (float)across[i];
        drawn[DOWN + i] = (float)down[i];
        drawn[OFFSET + i] = (float)(half[i] - across[i] * (half[0] + right) - down[i] * (half[1] + below));
    }
}

static void draw(cnn_random_source *random, int64_t height, int64_t width, float *drawn)
{
    draw_map(random, (double)height, (double)width, drawn);
    int64_t pen = cnn_random_integer(random, 3);
    float part = (float)cnn_random_uniform(random, 0, pen == 1 ? THICK : THIN);
    drawn[PEN_THICK] = pen == 1 ? part : 0;
    drawn[PEN_THIN] = pen == 2 ? part : 0;
}

/* Some of what was drawn, as [B,count,1]. */
static cnn_tensor *told(cnn_tensor *drawn, int first, int count)
{
    return cnn_unsqueeze(cnn_slice(drawn, 1, first, first + count, 1), -1);
}

/* From [B,2,H·W] the part for x, 0, or y, 1: [B,H·W]. */
static cnn_tensor *along(cnn_tensor *both, int direction)
{
    return cnn_squeeze(cnn_slice(both, 1, direction, direction + 1, 1), 1);
}

/* A pixel beside the place that is looked up, in each direction: where it is, or the nearest one inside of the image, and its weight,
 * which outside is 0; all [B,2,H·W]. */
typedef struct neighbour {
    cnn_tensor *at, *weight;
} neighbour;

static neighbour neighbour_of(cnn_tensor *at, cnn_tensor *weight, cnn_tensor *limit)
{
    cnn_tensor *inside = cnn_relu(cnn_minimum(at, limit));
    return (neighbour){ inside, cnn_mul(weight, cnn_cast(cnn_eq(at, inside), CNN_F32)) };
}

/* The pixels of rows [B,H·W] and columns [B,H·W] of images [B,H·W]. */
static cnn_tensor *look_up(cnn_tensor *images, cnn_tensor *rows, cnn_tensor *columns, int64_t width)
{
    return cnn_gather(images, 1, cnn_cast(cnn_add(cnn_mul_scalar(rows, (double)width), columns), CNN_I32));
}

static cnn_tensor *weighted(neighbour first, cnn_tensor *of_first, neighbour second, cnn_tensor *of_second, int direction)
{
    return cnn_add(cnn_mul(along(first.weight, direction), of_first), cnn_mul(along(second.weight, direction), of_second));
}

/* Bilinear, and towards the border darker by the part of a pixel that lies outside. */
static cnn_tensor *map_images(const resident *r, cnn_tape *tape, cnn_tensor *images, cnn_tensor *drawn)
{
    const int64_t width = cnn_tensor_size(images, -1);
    cnn_tensor *grid = cnn_input(tape, r->grid), *limit = cnn_input(tape, r->limit), *pixels = cnn_flatten(images, 1, -1);
    cnn_tensor *columns = cnn_mul(told(drawn, ACROSS, 2), cnn_slice(grid, 0, 0, 1, 1));
    cnn_tensor *rows = cnn_mul(told(drawn, DOWN, 2), cnn_slice(grid, 0, 1, 2, 1));
    cnn_tensor *place = cnn_add(cnn_add(columns, rows), told(drawn, OFFSET, 2)), *low = cnn_floor(place);
    cnn_tensor *part = cnn_sub(place, low);
    neighbour near = neighbour_of(low, cnn_add_scalar(cnn_neg(part), 1), limit);
    neighbour far = neighbour_of(cnn_add_scalar(low, 1), part, limit);
    cnn_tensor *lines[2];
    for (int i = 0; i < 2; i++) {
        cnn_tensor *line = along(i ? far.at : near.at, 1);
        lines[i] = weighted(near, look_up(pixels, line, along(near.at, 0), width), far, look_up(pixels, line, along(far.at, 0), width), 0);
    }
    cnn_tensor *inside = cnn_add(near.weight, far.weight);
    cnn_tensor *mapped = cnn_mul(weighted(near, lines[0], far, lines[1], 1), cnn_mul(along(inside, 0), along(inside, 1)));
    return cnn_reshape(mapped, 4, cnn_tensor_shape(images));
}

/* The part of the way from each pixel to the largest of its neighbours, with paper beyond the edge. */
static cnn_tensor *towards(cnn_tensor *images, cnn_tensor *framed, cnn_tensor *part)
{
    const cnn_maxpool2d_options window = { .struct_size = sizeof window, .kernel = 3, .stride = 1 };
    return cnn_mul(cnn_unsqueeze(part, -1), cnn_sub(cnn_maxpool2d(framed, &window), images));
}

static cnn_tensor *make(const resident *r, cnn_tensor *images, cnn_tensor *drawn)
{
    cnn_tensor *mapped = map_images(r, cnn_tensor_tape(images), images, drawn);
    cnn_tensor *framed = cnn_pad(mapped, CNN_SHAPE(1, 1, 1, 1), NULL);
    cnn_tensor *thicker = towards(mapped, framed, told(drawn, PEN_THICK, 1));
    cnn_tensor *thinner = towards(cnn_neg(mapped), cnn_neg(framed), told(drawn, PEN_THIN, 1));
    return cnn_add(mapped, cnn_sub(thicker, thinner));
}

const resident_change augment_change = { .count = DRAWN, .draw = draw, .make = make };
