/* The filters of the first convolution, and what they make of one test image. */
#include "figure.h"

#include "layers.h"
#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8, EDGE = 6, MOST = 64 };

static const double pitch = (FIGURE_WIDTH - EDGE) / (double)COLUMNS;

/* Where tile i begins in a grid whose first row begins at y = `top`, and where the grid of `count` tiles ends. */
static double tile_x(int64_t i)
{
    return EDGE + (double)(i % COLUMNS) * pitch;
}

static double tile_y(int64_t i, double top)
{
    const int64_t row = i / COLUMNS;
    return top + (double)row * pitch;
}

static double grid_end(int64_t count, double top)
{
    return tile_y(count - 1, top) + pitch;
}

static double largest_of(const float *elements, int64_t count)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)elements[i]));
    }
    return largest;
}

/* ---- filters ---- */

typedef struct first_conv {
    char name[LAYER_NAME];
    cnn_tensor *weight;
} first_conv;

static bool look(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    first_conv *first = user;
    if (is_parameter && cnn_tensor_ndim(tensor) == 4) {
        first->weight = tensor;
        strncpy(first->name, name, sizeof first->name - 1);
    }
    return !first->weight;
}

static void add_tiles(text *t, picture *p, const float *elements, const int64_t *shape, double largest, int64_t shown)
{
    bool colour = shape[1] == 3;
    const double scale = largest > 0 ? 0.5 / largest : 0;
    for (int64_t i = 0; i < shown; i++) {
        char label[64];
        const float *filter = elements + i * shape[1] * shape[2] * shape[3];
        if (colour) {
            picture_set(p, filter, 3, shape[2], shape[3], (const double[3]){ scale, scale, scale },
                        (const double[3]){ 0.5, 0.5, 0.5 });
        } else {
            picture_set_map(p, filter, shape[2], shape[3], largest, false);
        }
        snprintf(label, sizeof label, "filter %lld", (long long)i);
        picture_add(t, p, tile_x(i), tile_y(i, 4), pitch - 6, label);
    }
}

/* A bar with the colours of the weights from -largest to largest. */
static void add_key(text *t, picture *p, double y, double largest, bool colour)
{
    float ramp[65 * 3];
    for (int i = 0; i < 65 * 3; i++) {
        ramp[i] = (float)(i % 65 - 32) / 32;
    }
    if (colour) {
        picture_set(p, ramp, 3, 1, 65, (const double[3]){ 0.5, 0.5, 0.5 }, (const double[3]){ 0.5, 0.5, 0.5 });
    } else {
        picture_set_map(p, ramp, 1, 65, 1, false);
    }
    text_add(t, "<g transform=\"translate(90 %.1f) scale(1 0.06)\">", y);
    picture_add(t, p, 0, 0, 180, "the scale of colours");
    text_add(t,
             "</g><text class=\"soft mid\" x=\"90\" y=\"%.1f\">%.2f</text><text class=\"soft mid\" x=\"180\" "
             "y=\"%.1f\">0</text>"
             "<text class=\"soft mid\" x=\"270\" y=\"%.1f\">%.2f</text><text class=\"mid\" x=\"180\" "
             "y=\"%.1f\">weight, no unit</text>\n",
             y + 25, -largest, y + 25, y + 25, largest, y + 42);
}

outcome filters_draw(figure *f, const page_subject *s)
{
    first_conv first = { .weight = NULL };
    cnn_module_visit(s->model, look, &first);
    if (!first.weight) {
        text_add(&f->caption, "The network has no convolution of images.");
        return DONE;
    }
    const int64_t *shape = cnn_tensor_shape(first.weight);
    int64_t shown = shape[0] < MOST ? shape[0] : MOST;
    float *elements = measure_floats(first.weight);
    picture *p = malloc(sizeof *p);
    bool good = elements && p;
    if (good) {
        double largest = largest_of(elements, cnn_tensor_numel(first.weight));
        double bottom = grid_end(shown, 4);
        add_tiles(&f->drawing, p, elements, shape, largest, shown);
        add_key(&f->drawing, p, bottom + 4, largest, shape[1] == 3);
        f->height = bottom + 52;
        text_add(&f->caption, "The %lld filters of %lld × %lld pixels of the first convolution (", (long long)shape[0],
                 (long long)shape[2], (long long)shape[3]);
        text_add_escaped(&f->caption, first.name);
        text_add(&f->caption,
                 shape[1] == 3 ? "), in colours: each of red, green and blue is the weight of that channel, grey is 0."
                 : shape[1] == 1
                     ? "): red weights count ink for the filter, blue ones against it, white is 0."
                     : "), of which the first input channel is shown: red is positive, blue negative, white 0.");
        if (shown < shape[0]) {
            text_add(&f->caption, " The first %lld are shown.", (long long)shown);
        }
    }
    free(elements);
    free(p);
    return good ? DONE : FAILED;
}

/* ---- feature maps ---- */

/* Runs the layers up to the first convolution and what belongs to it, normalisation and ReLU, on images [1,
 * channels, height, width]. NULL: there is none, or the step has failed. */
static cnn_tensor *run_to_maps(const page_subject *s, const layers *all, cnn_tensor *images, text *names)
{
    bool after = false;
    cnn_tape_begin(s->tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(s->tape, images);
    for (int i = 0; i < all->count; i++) {
        const char *type = cnn_module_type(all->at[i].module);
        if (after && strcmp(type, "BatchNorm2d") != 0 && strcmp(type, "ReLU") != 0) {
            break;
        }
        x = layer_run(&all->at[i], x);
        if (after || strcmp(type, "Conv2d") == 0) {
            text_add(names, after ? ", " : "");
            text_add_escaped(names, type);
            after = true;
        }
    }
    return after && cnn_tape_status(s->tape) == CNN_OK && cnn_tensor_ndim(x) == 4 ? x : NULL;
}

static outcome draw_maps(figure *f, const page_subject *s, const results *r, cnn_tensor *x, const float *image,
                         const cnn_tensor *images)
{
    int64_t channels = cnn_tensor_size(x, 1), height = cnn_tensor_size(x, 2), width = cnn_tensor_size(x, 3);
    int64_t shown = channels < MOST ? channels : MOST;
    float *maps = measure_floats(x);
    picture *p = malloc(sizeof *p);
    bool good = maps && p;
    if (good) {
        double largest = largest_of(maps, channels * height * width), top = 96;
        picture_set(p, image, s->channels, cnn_tensor_size(images, 2), cnn_tensor_size(images, 3), s->std, s->mean);
        picture_add(&f->drawing, p, EDGE, 6, 80, "the test image");
        text_add(&f->drawing,
                 "<text class=\"strong\" x=\"98\" y=\"24\">test image 0</text><text x=\"98\" y=\"42\">is ");
        figure_class(&f->drawing, s, r->answers[0].label, 20);
        text_add(&f->drawing, "</text><text x=\"98\" y=\"60\">taken for ");
        figure_class(&f->drawing, s, r->answers[0].guess[0], 20);
        text_add(&f->drawing, "</text><text class=\"soft\" x=\"98\" y=\"78\">below: black is 0, white is %.2f</text>\n",
                 largest);
        for (int64_t i = 0; i < shown; i++) {
            char label[64];
            snprintf(label, sizeof label, "feature map %lld", (long long)i);
            picture_set_map(p, maps + i * height * width, height, width, largest, true);
            picture_add(&f->drawing, p, tile_x(i), tile_y(i, top), pitch - 6, label);
        }
        f->height = grid_end(shown, top) + 4;
    }
    free(maps);
    free(p);
    return good ? DONE : FAILED;
}

outcome maps_draw(figure *f, const page_subject *s, const results *r)
{
    cnn_tensor *image = NULL, *label = NULL, *images = NULL;
    layers *all = malloc(sizeof *all);
    text names = { .bytes = NULL };
    outcome result = FAILED;
    if (all && cnn_dataset_get(s->test, 0, &image, &label) == CNN_OK) {
        cnn_tape_begin(s->tape, CNN_EVAL);
        images = cnn_tensor_detach(cnn_unsqueeze(cnn_input(s->tape, image), 0));
    }
    float *pixels = images ? measure_floats(images) : NULL;
    if (pixels && layers_find(all, s, images)) {
        cnn_tensor *x = run_to_maps(s, all, images, &names);
        if (x) {
            result = draw_maps(f, s, r, x, pixels, images);
            text_add(
                &f->caption,
                "What the first convolution makes of one %s, a map per filter and in the same order (%s). A bright "
                "pixel is a place where the %s looks like the filter.",
                s->noun, names.failed ? "" : names.bytes, s->noun);
        } else if (cnn_tape_status(s->tape) == CNN_OK) {
            text_add(
                &f->caption,
                "The network does not begin with layers that run one after the other, so there is no map to show.");
            result = DONE;
        }
    }
    text_free(&names);
    free(pixels);
    free(all);
    cnn_tensor_free(images);
    cnn_tensor_free(image);
    cnn_tensor_free(label);
    return result;
}
