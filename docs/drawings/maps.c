/* What the first layer of a trained network sees in a digit. */
#include "draw.h"
#include "svg.h"

#include <cnn/image.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN = 8, KERNEL_SIDE = 5, TRAINED = 6000, BATCH = 100 };

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64(FILE *svg, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        unsigned long three = (unsigned long)bytes[i] << 16 | (i + 1 < size ? (unsigned long)bytes[i + 1] << 8 : 0) |
                              (i + 2 < size ? bytes[i + 2] : 0);
        fprintf(svg, "%c%c%c%c", letters[three >> 18], letters[three >> 12 & 63],
                i + 1 < size ? letters[three >> 6 & 63] : '=', i + 2 < size ? letters[three & 63] : '=');
    }
}

/* Numbers as grays, from the smallest to the largest of them, as a PNG within the drawing. */
static bool picture(FILE *svg, cnn_context *ctx, double x, double y, double side, const float *numbers, int64_t pixels)
{
    unsigned char *gray = malloc((size_t)(pixels * pixels)), png[4096];
    float low = numbers[0], high = numbers[0];
    for (int64_t i = 1; i < pixels * pixels; i++) {
        low = numbers[i] < low ? numbers[i] : low;
        high = numbers[i] > high ? numbers[i] : high;
    }
    for (int64_t i = 0; gray && i < pixels * pixels; i++) {
        gray[i] = (unsigned char)(high > low ? (numbers[i] - low) / (high - low) * 255 + 0.5F : 0);
    }
    char path[] = "/tmp/cnn-drawing-XXXXXX";
    int descriptor = mkstemp(path);
    cnn_tensor *image = gray ? cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(1, pixels, pixels), gray) : NULL;
    /* Level 0 gives the same bytes with every version of zlib. */
    bool good = descriptor >= 0 && cnn_image_write_png(image, path, 0) == CNN_OK;
    FILE *file = good ? fopen(path, "rb") : NULL;
    size_t size = file ? fread(png, 1, sizeof png, file) : 0;
    if (file) {
        fclose(file);
    }
    if (descriptor >= 0) {
        close(descriptor);
        unlink(path);
    }
    cnn_tensor_free(image);
    free(gray);
    if (size == 0 || size == sizeof png) {
        return false;
    }
    fprintf(svg,
            "<image x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" style=\"image-rendering:pixelated\" "
            "href=\"data:image/png;base64,",
            x, y, side, side);
    base64(svg, png, size);
    fprintf(svg, "\"/>\n<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill=\"none\" class=\"line\"/>\n", x, y,
            side, side);
    return true;
}

static bool train(cnn_context *ctx, cnn_module *model, cnn_tape *tape, const char *mnist)
{
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 2e-3);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_slice(cnn_mnist_open(ctx, mnist, CNN_MNIST_TRAIN), 0, TRAINED),
                                        BATCH, .shuffle = true);
    cnn_status status = adam && loader ? CNN_OK : CNN_ERROR_NO_MEMORY;
    cnn_batch batch;
    for (int epoch = 0; epoch < 2 && status == CNN_OK; epoch++) {
        while (status == CNN_OK && cnn_loader_next(loader, &batch)) {
            cnn_tape_begin(tape, CNN_TRAIN);
            cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, batch.images)), batch.labels);
            cnn_optimizer_zero_grad(adam);
            cnn_backward(loss);
            status = cnn_optimizer_step(adam);
        }
    }
    cnn_loader_free(loader);
    cnn_optimizer_free(adam);
    return status == CNN_OK;
}

/* Draws the first test digit, and of the channels of the first layer the kernel, the map behind ReLU and the pooled map. */
static bool draw(cnn_context *ctx, const char *folder, cnn_module *model, cnn_tape *tape, const char *mnist)
{
    static float digit[28 * 28], weights[SHOWN * KERNEL_SIDE * KERNEL_SIDE], maps[SHOWN * 28 * 28],
        pooled[SHOWN * 14 * 14];
    cnn_dataset *test = cnn_mnist_open(ctx, mnist, CNN_MNIST_TEST);
    cnn_loader *loader = cnn_loader_new(test, 1);
    cnn_batch batch;
    if (!cnn_loader_next(loader, &batch)) {
        cnn_loader_free(loader);
        return false;
    }
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *in = cnn_input(tape, batch.images);
    cnn_tensor *map = cnn_forward(cnn_module_child(model, 1, NULL), cnn_forward(cnn_module_child(model, 0, NULL), in));
    cnn_tensor *small = cnn_forward(cnn_module_child(model, 2, NULL), map);
    int64_t label = cnn_tensor_item_i64(batch.labels);
    int64_t answer = cnn_tensor_item_i64(cnn_argmax(cnn_forward(model, in), CNN_DIMS(1), false));
    bool good = cnn_tensor_read(in, digit, sizeof digit) == CNN_OK &&
                cnn_tensor_read(map, maps, sizeof maps) == CNN_OK &&
                cnn_tensor_read(small, pooled, sizeof pooled) == CNN_OK &&
                cnn_tensor_read(cnn_module_find(model, "0.weight"), weights, sizeof weights) == CNN_OK;
    cnn_loader_free(loader);
    FILE *svg = good ? svg_begin(folder, "feature-maps", 618,
                                 "A digit of MNIST, eight kernels that a network has learned, the feature map of each "
                                 "behind ReLU, and the pooled maps")
                     : NULL;
    if (!svg) {
        return false;
    }
    good = picture(svg, ctx, 12, 40, 96, digit, 28);
    svg_text(svg, 12, 26, START, "title text", "A digit, 28 × 28");
    svg_text(svg, 124, 70, START, "text", "The first test picture of MNIST.");
    svg_text(svg, 124, 94, START, "text", "Its label is %d; the network says %d.", (int)label, (int)answer);
    for (int i = 0; i < SHOWN; i++) {
        double x = 12 + 116 * (i % 4), y = 182 + 218 * (i / 4);
        good &= picture(svg, ctx, x, y, 40, weights + i * KERNEL_SIDE * KERNEL_SIDE, KERNEL_SIDE);
        svg_text(svg, x + 48, y + 26, START, "small muted", "kernel %d", i);
        good &= picture(svg, ctx, x, y + 46, 84, maps + (size_t)i * 28 * 28, 28);
        good &= picture(svg, ctx, x, y + 136, 42, pooled + (size_t)i * 14 * 14, 14);
        svg_text(svg, x + 48, y + 162, START, "small muted", "pooled");
    }
    svg_text(svg, 12, 166, START, "title text", "What eight kernels of 5 × 5 find in it");
    return svg_end(svg) && good;
}

bool draw_feature_maps(cnn_context *ctx, const char *folder, const char *mnist)
{
    cnn_module *model =
        cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, SHOWN, KERNEL_SIDE, .padding = 2), cnn_relu_new(ctx),
                           cnn_maxpool2d_new(ctx, 2), cnn_flatten_new(ctx), cnn_linear_new(ctx, SHOWN * 14 * 14, 10));
    cnn_tape *tape = cnn_tape_new(ctx);
    bool good = model && tape && train(ctx, model, tape, mnist) && draw(ctx, folder, model, tape, mnist);
    cnn_tape_free(tape);
    cnn_module_free(model);
    return good;
}
