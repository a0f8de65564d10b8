/* Layers that rearrange: PixelShuffle, PixelUnshuffle, ChannelShuffle, Unfold, Fold, Unflatten. Each is a row over its
 * operation. */
#include "nn/plain.h"
#include "ops/geometry.h"

#include <string.h>

/* ---- shuffles ---- */

typedef struct shuffle_layer {
    int64_t factor;
} shuffle_layer;

static cnn_tensor *pixel_shuffle_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_pixel_shuffle(x, ((const shuffle_layer *)self->attributes)->factor);
}

static cnn_tensor *pixel_unshuffle_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_pixel_unshuffle(x, ((const shuffle_layer *)self->attributes)->factor);
}

static cnn_tensor *channel_shuffle_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_channel_shuffle(x, ((const shuffle_layer *)self->attributes)->factor);
}

static cnn_status read_shuffle(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    int64_t factor = ((const shuffle_layer *)attributes)->factor;
    cnn_image_layer_options o;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    if (status == CNN_OK && (factor < 1 || factor > INT32_MAX)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: factor %lld, expected 1 to %d", call,
                           (long long)factor, INT32_MAX);
    }
    return status;
}

#define SHUFFLE_PRINTS(text) \
    { \
        CNN__PRINT(CNN__PRINT_INT64, text, shuffle_layer, factor), \
        { \
            .name = "" \
        } \
    }
static const cnn__print upscale_prints[] = SHUFFLE_PRINTS("upscale_factor");
static const cnn__print downscale_prints[] = SHUFFLE_PRINTS("downscale_factor");
static const cnn__print groups_prints[] = SHUFFLE_PRINTS("groups");

#define SHUFFLE_LAYER(name, type_name, items) \
    { \
        .class = CNN__PLAIN_CLASS(type_name, name##_forward), .call = #name "_create", .size = sizeof(shuffle_layer), \
        .read = read_shuffle, .prints = (items) \
    }
static const cnn__plain_layer pixel_shuffle_layer = SHUFFLE_LAYER(pixel_shuffle, "PixelShuffle", upscale_prints);
static const cnn__plain_layer pixel_unshuffle_layer =
    SHUFFLE_LAYER(pixel_unshuffle, "PixelUnshuffle", downscale_prints);
static const cnn__plain_layer channel_shuffle_layer = SHUFFLE_LAYER(channel_shuffle, "ChannelShuffle", groups_prints);

cnn_module *cnn_pixel_shuffle_create(cnn_context *ctx, int64_t upscale_factor, const cnn_pixel_shuffle_options *options)
{
    return cnn__plain_new(ctx, &pixel_shuffle_layer, options, &(shuffle_layer){ upscale_factor });
}

cnn_module *cnn_pixel_unshuffle_create(cnn_context *ctx, int64_t downscale_factor,
                                       const cnn_pixel_unshuffle_options *options)
{
    return cnn__plain_new(ctx, &pixel_unshuffle_layer, options, &(shuffle_layer){ downscale_factor });
}

cnn_module *cnn_channel_shuffle_create(cnn_context *ctx, int64_t groups, const cnn_channel_shuffle_options *options)
{
    return cnn__plain_new(ctx, &channel_shuffle_layer, options, &(shuffle_layer){ groups });
}

/* ---- Unfold and Fold ---- */

typedef struct fold_layer {
    int64_t output[2]; /* the height and width that a Fold makes */
    cnn_unfold_options options;
    cnn__window window;
} fold_layer;

static cnn_tensor *unfold_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_unfold(x, &((const fold_layer *)self->attributes)->options);
}

static cnn_tensor *fold_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const fold_layer *l = self->attributes;
    return cnn_fold(x, l->output[0], l->output[1], &l->options);
}

static cnn_status read_unfold(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    fold_layer *l = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &l->options, options);
    return status ? status : cnn__window_read(ctx, call, cnn__unfold_given(&l->options), &l->window);
}

static cnn_status read_fold(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    const int64_t *output = ((const fold_layer *)attributes)->output;
    cnn_status status = read_unfold(ctx, call, options, attributes);
    if (status == CNN_OK && (output[0] < 1 || output[1] < 1)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: output_%c is %lld, expected at least 1", call,
                           output[0] < 1 ? 'h' : 'w', (long long)(output[0] < 1 ? output[0] : output[1]));
    }
    return status;
}

/* A Fold prints its output's size before what an Unfold prints. */
static const cnn__print fold_prints[] = { CNN__PRINT(CNN__PRINT_PAIR, "output_size", fold_layer, output),
                                          CNN__PRINT(CNN__PRINT_PAIR, "kernel_size", fold_layer, window.kernel),
                                          CNN__PRINT(CNN__PRINT_PAIR, "dilation", fold_layer, window.dilation),
                                          CNN__PRINT(CNN__PRINT_PAIR, "padding", fold_layer, window.before),
                                          CNN__PRINT(CNN__PRINT_PAIR, "stride", fold_layer, window.stride),
                                          { .name = "" } };
static const cnn__plain_layer unfold_layer = { .class = CNN__PLAIN_CLASS("Unfold", unfold_layer_forward),
                                               .call = "unfold_create",
                                               .size = sizeof(fold_layer),
                                               .read = read_unfold,
                                               .prints = fold_prints + 1 };
static const cnn__plain_layer fold_layer_row = { .class = CNN__PLAIN_CLASS("Fold", fold_layer_forward),
                                                 .call = "fold_create",
                                                 .size = sizeof(fold_layer),
                                                 .read = read_fold,
                                                 .prints = fold_prints };

cnn_module *cnn_unfold_create(cnn_context *ctx, const cnn_unfold_options *options)
{
    fold_layer l;
    return cnn__plain_new(ctx, &unfold_layer, options, memset(&l, 0, sizeof l));
}

cnn_module *cnn_fold_create(cnn_context *ctx, int64_t output_h, int64_t output_w, const cnn_fold_options *options)
{
    fold_layer l = { .output = { output_h, output_w } };
    return cnn__plain_new(ctx, &fold_layer_row, options, &l);
}

/* ---- Unflatten ---- */

typedef struct unflatten_layer {
    int dim;
    cnn__print_list sizes;
    const int64_t *given; /* for its constructor */
} unflatten_layer;

static cnn_tensor *unflatten_forward(cnn_module *self, cnn_tensor *x)
{
    const unflatten_layer *l = self->attributes;
    return cnn_unflatten(x, l->dim, l->sizes.count, l->sizes.number);
}

static cnn_status read_unflatten(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    unflatten_layer *l = attributes;
    cnn_image_layer_options o;
    int count = l->sizes.count;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &o, options);
    if (status != CNN_OK) {
        return status;
    }
    if (l->dim < -CNN_MAX_DIMS || l->dim >= CNN_MAX_DIMS) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: dim is %d, expected %d to %d", call, l->dim,
                         -CNN_MAX_DIMS, CNN_MAX_DIMS - 1);
    }
    if (count < 1 || count > CNN_MAX_DIMS || !l->given) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %d sizes%s, expected 1 to %d", call, count,
                         count > 0 && !l->given ? " at NULL" : "", CNN_MAX_DIMS);
    }
    int unknown = 0;
    for (int i = 0; i < count; i++) {
        l->sizes.number[i] = l->given[i];
        unknown += l->given[i] == -1;
        if (l->given[i] < -1 || unknown > 1) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: size %d is %lld, expected 0 or more, or one -1",
                             call, i, (long long)l->given[i]);
        }
    }
    l->given = NULL;
    return CNN_OK;
}

static const cnn__print unflatten_prints[] = { CNN__PRINT(CNN__PRINT_INT, "dim", unflatten_layer, dim),
                                               CNN__PRINT(CNN__PRINT_LIST, "unflattened_size", unflatten_layer, sizes),
                                               { .name = "" } };
static const cnn__plain_layer unflatten_row = { .class = CNN__PLAIN_CLASS("Unflatten", unflatten_forward),
                                                .call = "unflatten_create",
                                                .size = sizeof(unflatten_layer),
                                                .read = read_unflatten,
                                                .prints = unflatten_prints };

cnn_module *cnn_unflatten_create(cnn_context *ctx, int dim, int ndim, const int64_t *shape,
                                 const cnn_unflatten_options *options)
{
    unflatten_layer l = { .dim = dim, .sizes = { .count = ndim }, .given = shape };
    return cnn__plain_new(ctx, &unflatten_row, options, &l);
}
