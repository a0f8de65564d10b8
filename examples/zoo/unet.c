/* U-Net (Ronneberger et al. 2015), with padded convolutions and batch normalisation, so that the result is as large as
 * the image. Names and structure are those of github.com/milesial/Pytorch-UNet: a class for each pixel. The way up is
 * made by transposed convolutions or by bilinear interpolation. */
#include "blocks.h"
#include "zoo.h"

/* A module around one child, which gives it a name. */
static cnn_module *named(cnn_context *ctx, const char *type, const char *name, cnn_module *child)
{
    cnn_module *self = zoo_sequence(ctx, type);
    return zoo_whole(self, cnn_module_add(self, name, child));
}

static cnn_module *double_conv(cnn_context *ctx, int64_t in, int64_t middle, int64_t out)
{
    return named(ctx, "DoubleConv", "double_conv",
                 cnn_sequential_new(ctx, cnn_conv2d_new(ctx, in, middle, 3, .padding = 1, .no_bias = true),
                                    cnn_batch_norm2d_new(ctx, middle), cnn_relu_new(ctx),
                                    cnn_conv2d_new(ctx, middle, out, 3, .padding = 1, .no_bias = true),
                                    cnn_batch_norm2d_new(ctx, out), cnn_relu_new(ctx)));
}

static cnn_module *down(cnn_context *ctx, int64_t in, int64_t out)
{
    return named(ctx, "Down", "maxpool_conv",
                 cnn_sequential_new(ctx, cnn_maxpool2d_new(ctx, 2), double_conv(ctx, in, out, out)));
}

/* ---- the way up: what comes from below is enlarged and joined with what comes across ---- */

enum { UP, CONV };

/* A size that is odd loses a row or column on the way down, which is put back by padding. */
static cnn_tensor *as_large(cnn_tensor *x, cnn_tensor *across)
{
    int64_t rows = cnn_tensor_size(across, 2) - cnn_tensor_size(x, 2);
    int64_t columns = cnn_tensor_size(across, 3) - cnn_tensor_size(x, 3);
    return rows || columns ? cnn_pad(x, CNN_SHAPE(columns / 2, columns - columns / 2, rows / 2, rows - rows / 2), NULL)
                           : x;
}

/* The inputs are what comes from below and what comes across. */
static cnn_status up_forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                             int output_count, void *user)
{
    cnn_tensor *below = cnn_forward(zoo_part(self, UP), inputs[0]);
    cnn_tensor *both[] = { inputs[1], as_large(below, inputs[1]) };
    (void)input_count, (void)output_count, (void)user;
    outputs[0] = cnn_forward(zoo_part(self, CONV), cnn_concat(both, 2, 1));
    return cnn_tensor_status(outputs[0]);
}

/* `in` channels come from below and across together. */
static cnn_module *up(cnn_context *ctx, int64_t in, int64_t out, bool bilinear)
{
    cnn_module *self = cnn_module_new(ctx, NULL, .type = "Up", .forward_many = up_forward);
    cnn_module *larger =
        bilinear ? cnn_upsample_new(ctx, .scale_factor = 2, .mode = CNN_INTERPOLATE_BILINEAR, .align_corners = true)
                 : cnn_conv_transpose2d_new(ctx, in, in / 2, 2, .stride = 2);
    bool whole = cnn_module_add(self, "up", larger);
    return zoo_whole(self, whole && cnn_module_add(self, "conv", double_conv(ctx, in, bilinear ? in / 2 : out, out)));
}

/* ---- the net ---- */

enum { LEVELS = 4, INC = 0, DOWN1 = INC + 1, UP1 = DOWN1 + LEVELS, OUTC = UP1 + LEVELS };

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    cnn_tensor *across[LEVELS];
    (void)user;
    x = cnn_forward(zoo_part(self, INC), x);
    for (int i = 0; i < LEVELS; i++) {
        across[i] = x;
        x = cnn_forward(zoo_part(self, DOWN1 + i), x);
    }
    for (int i = 0; i < LEVELS; i++) {
        cnn_tensor *inputs[] = { x, across[LEVELS - 1 - i] };
        cnn_forward_many(cnn_tensor_tape(x), zoo_part(self, UP1 + i), inputs, 2, &x, 1);
    }
    return cnn_forward(zoo_part(self, OUTC), x);
}

/* `w` is the number of channels of the first level; each level has twice as many as that above it. */
static cnn_module *unet(cnn_context *ctx, int64_t channels, int64_t classes, int64_t w, bool bilinear)
{
    cnn_module *self = cnn_module_new(ctx, forward, .type = "UNet");
    int64_t part = bilinear ? 2 : 1; /* interpolation does not halve the channels, so that those below it are fewer */
    bool whole = cnn_module_add(self, "inc", double_conv(ctx, channels, w, w)) &&
                 cnn_module_add(self, "down1", down(ctx, w, 2 * w)) &&
                 cnn_module_add(self, "down2", down(ctx, 2 * w, 4 * w)) &&
                 cnn_module_add(self, "down3", down(ctx, 4 * w, 8 * w)) &&
                 cnn_module_add(self, "down4", down(ctx, 8 * w, 16 * w / part)) &&
                 cnn_module_add(self, "up1", up(ctx, 16 * w, 8 * w / part, bilinear)) &&
                 cnn_module_add(self, "up2", up(ctx, 8 * w, 4 * w / part, bilinear)) &&
                 cnn_module_add(self, "up3", up(ctx, 4 * w, 2 * w / part, bilinear)) &&
                 cnn_module_add(self, "up4", up(ctx, 2 * w, w, bilinear)) &&
                 cnn_module_add(self, "outc", named(ctx, "OutConv", "conv", cnn_conv2d_new(ctx, w, classes, 1)));
    return zoo_whole(self, whole);
}

cnn_module *zoo_make_unet(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return unet(ctx, input[0], classes, 64, false);
}

cnn_module *zoo_make_unet_bilinear(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return unet(ctx, input[0], classes, 64, true);
}

cnn_module *zoo_make_unet_small(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return unet(ctx, input[0], classes, 16, false);
}

cnn_module *zoo_make_unet_small_bilinear(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    return unet(ctx, input[0], classes, 16, true);
}
