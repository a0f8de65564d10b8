/* The networks that are timed. None but "tutorial" may be favoured by the library; all use its public API alone. */
#include "nets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static cnn_module *tutorial(cnn_context *ctx)
{
    return cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 32, 64, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5),
        cnn_linear_new(ctx, 7 * 7 * 64, 1000), cnn_linear_new(ctx, 1000, 10));
}

/* LeCun et al., "Gradient-based learning applied to document recognition", 1998, with ReLU and max pooling. */
static cnn_module *lenet5(cnn_context *ctx)
{
    return cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 1, 6, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 6, 16, 5), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2), cnn_flatten_new(ctx),
        cnn_linear_new(ctx, 400, 120), cnn_relu_new(ctx), cnn_linear_new(ctx, 120, 84), cnn_relu_new(ctx),
        cnn_linear_new(ctx, 84, 10));
}

static cnn_module *vgg(cnn_context *ctx)
{
    return cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 3, 64, 3, .padding = 1), cnn_relu_new(ctx),
        cnn_conv2d_new(ctx, 64, 64, 3, .padding = 1), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 64, 128, 3, .padding = 1), cnn_relu_new(ctx),
        cnn_conv2d_new(ctx, 128, 128, 3, .padding = 1), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 128, 256, 3, .padding = 1), cnn_relu_new(ctx),
        cnn_conv2d_new(ctx, 256, 256, 3, .padding = 1), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
        cnn_flatten_new(ctx), cnn_linear_new(ctx, 4096, 512), cnn_relu_new(ctx), cnn_dropout_new(ctx, 0.5),
        cnn_linear_new(ctx, 512, 10));
}

/* How the convolutions of vgg_normalized are followed. */
typedef enum normalization {
    FOLDED, /* as everybody writes it: in evaluation the library makes a convolution and its BatchNorm2d one */
    APART   /* each BatchNorm2d in a Sequential of its own, where it is not seen */
} normalization;

static cnn_module *vgg_normalized(cnn_context *ctx, normalization how)
{
    enum { STAGES = 3, PER_STAGE = 7 };
    cnn_module *layers[STAGES * PER_STAGE + 5];
    int64_t channels = 3;
    int count = 0;
    for (int stage = 0; stage < STAGES; stage++) {
        for (int i = 0; i < 2; i++) {
            cnn_module *norm = cnn_batch_norm2d_new(ctx, 64 << stage);
            layers[count++] = cnn_conv2d_new(ctx, channels, 64 << stage, 3, .padding = 1);
            layers[count++] = how == APART ? cnn_sequential_new(ctx, norm) : norm;
            layers[count++] = cnn_relu_new(ctx);
            channels = 64 << stage;
        }
        layers[count++] = cnn_maxpool2d_new(ctx, 2);
    }
    layers[count++] = cnn_flatten_new(ctx);
    layers[count++] = cnn_linear_new(ctx, 4096, 512);
    layers[count++] = cnn_relu_new(ctx);
    layers[count++] = cnn_dropout_new(ctx, 0.5);
    layers[count++] = cnn_linear_new(ctx, 512, 10);
    return cnn_sequential_create(ctx, layers, count);
}

static cnn_module *vgg_bn(cnn_context *ctx)
{
    return vgg_normalized(ctx, FOLDED);
}

static cnn_module *vgg_bn_apart(cnn_context *ctx)
{
    return vgg_normalized(ctx, APART);
}

static cnn_module *gelu(cnn_context *ctx)
{
    return cnn_gelu_new(ctx);
}

static cnn_module *batch_norm(cnn_context *ctx)
{
    return cnn_batch_norm2d_new(ctx, 64);
}

/* relu(x + inner(x)) */
static cnn_tensor *residual_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_relu(cnn_add(x, cnn_forward(cnn_module_child(self, 0, NULL), x)));
}

static cnn_module *residual(cnn_context *ctx, int64_t channels)
{
    cnn_module *block = cnn_module_new(ctx, residual_forward, .type = "Residual");
    cnn_module *inner = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, channels, 2 * channels, 1), cnn_relu_new(ctx),
                                           cnn_conv2d_new(ctx, 2 * channels, channels, 1));
    if (!block || !cnn_module_add(block, "inner", inner)) {
        bench_die("residual");
    }
    return block;
}

static cnn_tensor *average_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    (void)user;
    return cnn_mean(x, 2, (const int[]){ 2, 3 }, false);
}

static cnn_module *allconv(cnn_context *ctx)
{
    return cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 3, 32, 3, .padding = 1, .stride = 2), cnn_relu_new(ctx), residual(ctx, 32), residual(ctx, 32),
        cnn_conv2d_new(ctx, 32, 64, 3, .padding = 1, .stride = 2), cnn_relu_new(ctx), residual(ctx, 64), residual(ctx, 64),
        cnn_conv2d_new(ctx, 64, 128, 3, .padding = 1, .stride = 2), cnn_relu_new(ctx), residual(ctx, 128),
        residual(ctx, 128), cnn_conv2d_new(ctx, 128, 10, 1), cnn_module_new(ctx, average_forward, .type = "Average"));
}

/* Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014: configuration D. */
static cnn_module *vgg16(cnn_context *ctx)
{
    static const int per_stage[5] = { 2, 2, 3, 3, 3 };
    static const int64_t widths[5] = { 64, 128, 256, 512, 512 };
    cnn_module *layers[48];
    int64_t channels = 3;
    int count = 0;
    for (int stage = 0; stage < 5; stage++) {
        for (int i = 0; i < per_stage[stage]; i++) {
            layers[count++] = cnn_conv2d_new(ctx, channels, widths[stage], 3, .padding = 1);
            layers[count++] = cnn_relu_new(ctx);
            channels = widths[stage];
        }
        layers[count++] = cnn_maxpool2d_new(ctx, 2);
    }
    layers[count++] = cnn_flatten_new(ctx);
    layers[count++] = cnn_linear_new(ctx, 512 * 7 * 7, 4096);
    layers[count++] = cnn_relu_new(ctx);
    layers[count++] = cnn_dropout_new(ctx, 0.5);
    layers[count++] = cnn_linear_new(ctx, 4096, 4096);
    layers[count++] = cnn_relu_new(ctx);
    layers[count++] = cnn_dropout_new(ctx, 0.5);
    layers[count++] = cnn_linear_new(ctx, 4096, 1000);
    return cnn_sequential_create(ctx, layers, count);
}

/* The 3 × 3 convolutions of the four stages of ResNet-18 on 56 × 56 planes, with normalisation. */
static cnn_module *stages3x3(cnn_context *ctx)
{
    cnn_module *layers[64];
    int64_t channels = 64;
    int count = 0;
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < 4; i++) {
            layers[count++] = cnn_conv2d_new(ctx, channels, 64 << stage, 3, .padding = 1, .stride = stage && !i ? 2 : 1,
                                             .no_bias = true);
            layers[count++] = cnn_batch_norm2d_new(ctx, 64 << stage);
            layers[count++] = cnn_relu_new(ctx);
            channels = 64 << stage;
        }
    }
    layers[count++] = cnn_adaptive_avg_pool2d_new(ctx, 1, 1);
    layers[count++] = cnn_flatten_new(ctx);
    layers[count++] = cnn_linear_new(ctx, 512, 1000);
    return cnn_sequential_create(ctx, layers, count);
}

/* The 1 × 1 convolutions of ResNet-50's second stage, with normalisation. */
static cnn_module *stages1x1(cnn_context *ctx)
{
    cnn_module *layers[40];
    int count = 0;
    for (int i = 0; i < 4; i++) {
        layers[count++] = cnn_conv2d_new(ctx, 256, 64, 1, .no_bias = true);
        layers[count++] = cnn_batch_norm2d_new(ctx, 64);
        layers[count++] = cnn_relu_new(ctx);
        layers[count++] = cnn_conv2d_new(ctx, 64, 256, 1, .no_bias = true);
        layers[count++] = cnn_batch_norm2d_new(ctx, 256);
        layers[count++] = cnn_relu_new(ctx);
    }
    layers[count++] = cnn_adaptive_avg_pool2d_new(ctx, 1, 1);
    layers[count++] = cnn_flatten_new(ctx);
    layers[count++] = cnn_linear_new(ctx, 256, 1000);
    return cnn_sequential_create(ctx, layers, count);
}

/* The linear layers of a small vision transformer's blocks: 64 tokens per image of 192 numbers. */
static cnn_tensor *tokens_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < cnn_module_child_count(self); i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    return x;
}

static cnn_module *mlp_tokens(cnn_context *ctx)
{
    cnn_module *net = cnn_module_new(ctx, tokens_forward, .type = "Tokens");
    for (int i = 0; net && i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "%d", i);
        cnn_module *block = cnn_sequential_new(ctx, cnn_layer_norm_new(ctx, 192), cnn_linear_new(ctx, 192, 768),
                                               cnn_gelu_new(ctx), cnn_linear_new(ctx, 768, 192));
        if (!cnn_module_add(net, name, block)) {
            bench_die("tokens");
        }
    }
    return net;
}

/* Small work, for which threads must not cost anything. */
static cnn_module *twolayer(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, 784, 32), cnn_relu_new(ctx),
                              cnn_linear_new(ctx, 32, 10));
}

static const net nets[] = {
    { "tutorial", 1, 28, 28, tutorial, false },
    { "lenet5", 1, 28, 28, lenet5, false },
    { "vgg", 3, 32, 32, vgg, false },
    { "vgg-bn", 3, 32, 32, vgg_bn, false },
    { "vgg-bn-apart", 3, 32, 32, vgg_bn_apart, false },
    { "allconv", 3, 64, 64, allconv, false },
    { "twolayer", 1, 28, 28, twolayer, false },
    { "vgg16", 3, 224, 224, vgg16, false },
    { "stages3x3", 64, 56, 56, stages3x3, false },
    { "stages1x1", 256, 56, 56, stages1x1, false },
    { "tokens", 1, 64, 192, mlp_tokens, false },
    { "gelu", 64, 32, 32, gelu, true },
    { "batch_norm", 64, 32, 32, batch_norm, true },
};

enum { NETS = sizeof nets / sizeof *nets };

const net *net_find(const char *name)
{
    for (int i = 0; i < NETS; i++) {
        if (strcmp(nets[i].name, name) == 0) {
            return &nets[i];
        }
    }
    fprintf(stderr, "no net \"%s\"; there are", name);
    for (int i = 0; i < NETS; i++) {
        fprintf(stderr, " %s", nets[i].name);
    }
    fprintf(stderr, "\n");
    exit(2);
}

/* ---- images ---- */

enum { CLASSES = 10, RINGS = 3, SHIFT = 3, MAX_CHANNELS = 256 };

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Rings of a class, other ones in each channel, thick as pen strokes. */
static void draw_rings(uint8_t *to, int64_t height, int64_t width, uint32_t *random)
{
    memset(to, 0, (size_t)(height * width));
    for (int ring = 0; ring < RINGS; ring++) {
        int64_t cy = height / 4 + next_random(random) % (height / 2), cx = width / 4 + next_random(random) % (width / 2);
        int64_t outer = height / 8 + next_random(random) % (height / 8), inner = outer - (height + 13) / 14;
        for (int64_t i = 0; i < height * width; i++) {
            int64_t dy = i / width - cy, dx = i % width - cx, square = dy * dy + dx * dx;
            to[i] |= square <= outer * outer && square >= inner * inner;
        }
    }
}

/* A class's rings, moved by some pixels and unevenly inked, and some specks. */
static void draw_image(uint8_t *to, const uint8_t *rings, int64_t channels, int64_t height, int64_t width, uint32_t *random)
{
    int64_t down = next_random(random) % (2 * SHIFT + 1) - SHIFT, right = next_random(random) % (2 * SHIFT + 1) - SHIFT;
    for (int64_t row = 0; row < channels * height; row++, to += width) {
        int64_t y = row % height + down;
        const uint8_t *from = y >= 0 && y < height ? rings + (row + down) * width : NULL;
        for (int64_t x = 0; x < width; x++) {
            uint32_t ink = next_random(random);
            bool inked = from && x + right >= 0 && x + right < width && from[x + right];
            to[x] = (uint8_t)(inked ? 128 + ink % 128 : ink % 64 ? 0 : ink % 256);
        }
    }
}

/* As many pixels as MNIST's training images have, and like those mostly zero and of classes that can be learnt. */
static cnn_dataset *drawn_images(cnn_context *ctx, const net *n)
{
    int64_t pixels_each = n->channels * n->height * n->width, count = (int64_t)60000 * 784 / pixels_each;
    cnn_tensor *images = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(count, n->channels, n->height, n->width));
    cnn_tensor *labels = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(count));
    uint8_t *rings = malloc((size_t)(CLASSES * pixels_each));
    cnn_dataset *dataset = NULL;
    if (images && labels && rings) {
        uint8_t *pixels = cnn_tensor_data(images);
        int64_t *classes = cnn_tensor_data(labels);
        uint32_t random = 1;
        for (int64_t plane = 0; plane < CLASSES * n->channels; plane++) {
            draw_rings(rings + plane * n->height * n->width, n->height, n->width, &random);
        }
        for (int64_t i = 0; i < count; i++) {
            classes[i] = i % CLASSES;
            draw_image(pixels + i * pixels_each, rings + classes[i] * pixels_each, n->channels, n->height, n->width, &random);
        }
        dataset = cnn_dataset_from_tensors(images, labels);
    }
    free(rings);
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    double mean[MAX_CHANNELS], deviation[MAX_CHANNELS];
    for (int c = 0; c < MAX_CHANNELS; c++) {
        mean[c] = 0.1307;
        deviation[c] = 0.3081;
    }
    if (dataset && cnn_dataset_normalize(dataset, (int)n->channels, mean, deviation) != CNN_OK) {
        cnn_dataset_free(dataset);
        return NULL;
    }
    return dataset;
}

cnn_tensor *net_batch(cnn_dataset *dataset, int64_t size)
{
    cnn_batch batch;
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(dataset), size, .shuffle = true, .no_background = true);
    cnn_tensor *images = loader && cnn_loader_next(loader, &batch) ? cnn_tensor_detach(batch.images) : NULL;
    cnn_loader_free(loader);
    return images;
}

/* The gradients behind pooling are those of the windows' winners above zero, so that a step takes as long as there are some: MNIST
 * where CNN_MNIST_DIR names its folder. Of noise a net learns to be silent, and its steps become shorter than any that is meant. */
cnn_dataset *net_dataset(cnn_context *ctx, const net *n)
{
    const char *folder = getenv("CNN_MNIST_DIR");
    bool fits = n->channels == 1 && n->height == 28 && n->width == 28;
    return folder && *folder && fits ? cnn_mnist_open(ctx, folder, CNN_MNIST_TRAIN) : drawn_images(ctx, n);
}

cnn_status net_train(cnn_module *model, cnn_optimizer *optimizer, cnn_loader *loader, cnn_tape *tape)
{
    cnn_batch batch;
    while (!cnn_loader_next(loader, &batch)) {
        if (cnn_loader_status(loader) != CNN_OK) {
            return cnn_loader_status(loader);
        }
    }
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *out = cnn_forward(model, cnn_input(tape, batch.images));
    cnn_tensor *loss = cnn_cross_entropy(out, batch.labels);
    cnn_optimizer_zero_grad(optimizer);
    cnn_backward(loss);
    return cnn_optimizer_step(optimizer);
}

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

_Noreturn void bench_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, cnn_last_error(NULL));
    exit(1);
}
