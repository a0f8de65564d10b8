/* The layers of pooling but for MaxPool2d and AvgPool2d: in one dimension, and to a given size. */
#include "nn/plain.h"
#include "ops/geometry.h"

/* ---- MaxPool1d and AvgPool1d ---- */

typedef struct maxpool1d {
    cnn_maxpool1d_options options;
    cnn__window window;
} maxpool1d;

typedef struct avg_pool1d {
    cnn_avg_pool1d_options options;
    cnn__window window;
} avg_pool1d;

static cnn_tensor *maxpool1d_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_maxpool1d(x, &((const maxpool1d *)self->attributes)->options);
}

static cnn_tensor *avg_pool1d_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_avg_pool1d(x, &((const avg_pool1d *)self->attributes)->options);
}

static cnn_status read_maxpool1d(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    maxpool1d *l = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &l->options, options);
    return status ? status : cnn__window_read(ctx, call, cnn__maxpool1d_given(&l->options), &l->window);
}

static cnn_status read_avg_pool1d(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    avg_pool1d *l = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &l->options, options);
    return status ? status
                  : cnn__window_read(ctx, call, (cnn__window_given)CNN__WINDOW_GIVEN_1D(&l->options), &l->window);
}

static const cnn__print maxpool1d_prints[] = { CNN__PRINT(CNN__PRINT_INT64, "kernel_size", maxpool1d, window.kernel[1]),
                                               CNN__PRINT(CNN__PRINT_INT64, "stride", maxpool1d, window.stride[1]),
                                               CNN__PRINT(CNN__PRINT_INT64, "padding", maxpool1d, window.before[1]),
                                               CNN__PRINT(CNN__PRINT_INT64, "dilation", maxpool1d, window.dilation[1]),
                                               CNN__PRINT(CNN__PRINT_BOOL, "ceil_mode", maxpool1d, window.ceil_mode),
                                               { .name = "" } };
static const cnn__plain_layer maxpool1d_layer = { .class = CNN__PLAIN_CLASS("MaxPool1d", maxpool1d_forward),
                                                  .call = "maxpool1d_create",
                                                  .size = sizeof(maxpool1d),
                                                  .read = read_maxpool1d,
                                                  .prints = maxpool1d_prints };

static const cnn__print avg_pool1d_prints[] = { CNN__PRINT(CNN__PRINT_SINGLE, "kernel_size", avg_pool1d,
                                                           window.kernel[1]),
                                                CNN__PRINT(CNN__PRINT_SINGLE, "stride", avg_pool1d, window.stride[1]),
                                                CNN__PRINT(CNN__PRINT_SINGLE, "padding", avg_pool1d, window.before[1]),
                                                { .name = "" } };
static const cnn__plain_layer avg_pool1d_layer = { .class = CNN__PLAIN_CLASS("AvgPool1d", avg_pool1d_forward),
                                                   .call = "avg_pool1d_create",
                                                   .size = sizeof(avg_pool1d),
                                                   .read = read_avg_pool1d,
                                                   .prints = avg_pool1d_prints };

cnn_module *cnn_maxpool1d_create(cnn_context *ctx, const cnn_maxpool1d_options *options)
{
    maxpool1d l;
    return cnn__plain_new(ctx, &maxpool1d_layer, options, &l);
}

cnn_module *cnn_avg_pool1d_create(cnn_context *ctx, const cnn_avg_pool1d_options *options)
{
    avg_pool1d l;
    return cnn__plain_new(ctx, &avg_pool1d_layer, options, &l);
}

/* ---- pooling to a given size ---- */

typedef struct adaptive_layer {
    int64_t size[2];
} adaptive_layer;

static cnn_tensor *adaptive_avg_pool1d_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_adaptive_avg_pool1d(x, ((const adaptive_layer *)self->attributes)->size[1]);
}

static cnn_tensor *adaptive_avg_pool2d_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const adaptive_layer *l = self->attributes;
    return cnn_adaptive_avg_pool2d(x, l->size[0], l->size[1]);
}

static cnn_tensor *adaptive_maxpool2d_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const adaptive_layer *l = self->attributes;
    return cnn_adaptive_maxpool2d(x, l->size[0], l->size[1], NULL);
}

static cnn_status read_adaptive(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    const adaptive_layer *l = attributes;
    cnn_image_layer_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    for (int i = 0; i < 2 && status == CNN_OK; i++) {
        if (l->size[i] < 1 && l->size[i] != -1) {
            status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                               "%s: output size %lld, expected at least 1, or -1 to keep the size", call,
                               (long long)l->size[i]);
        }
    }
    return status;
}

static const cnn__print adaptive_prints[] = { CNN__PRINT(CNN__PRINT_PAIR, "output_size", adaptive_layer, size),
                                              { .name = "" } };

#define ADAPTIVE_LAYER(name, type) \
    { \
        .class = CNN__PLAIN_CLASS(type, name##_layer_forward), .call = #name "_create", \
        .size = sizeof(adaptive_layer), .read = read_adaptive, .prints = adaptive_prints \
    }
static const cnn__plain_layer adaptive_avg_pool1d_layer = ADAPTIVE_LAYER(adaptive_avg_pool1d, "AdaptiveAvgPool1d");
static const cnn__plain_layer adaptive_avg_pool2d_layer = ADAPTIVE_LAYER(adaptive_avg_pool2d, "AdaptiveAvgPool2d");
static const cnn__plain_layer adaptive_maxpool2d_layer = ADAPTIVE_LAYER(adaptive_maxpool2d, "AdaptiveMaxPool2d");

cnn_module *cnn_adaptive_avg_pool1d_create(cnn_context *ctx, int64_t output_size,
                                           const cnn_adaptive_avg_pool1d_options *options)
{
    return cnn__plain_new(ctx, &adaptive_avg_pool1d_layer, options, &(adaptive_layer){ { output_size, output_size } });
}

cnn_module *cnn_adaptive_avg_pool2d_create(cnn_context *ctx, int64_t output_h, int64_t output_w,
                                           const cnn_adaptive_avg_pool2d_options *options)
{
    return cnn__plain_new(ctx, &adaptive_avg_pool2d_layer, options, &(adaptive_layer){ { output_h, output_w } });
}

cnn_module *cnn_adaptive_maxpool2d_create(cnn_context *ctx, int64_t output_h, int64_t output_w,
                                          const cnn_adaptive_maxpool2d_options *options)
{
    return cnn__plain_new(ctx, &adaptive_maxpool2d_layer, options, &(adaptive_layer){ { output_h, output_w } });
}
