/* The fast network: five 3 x 3 convolutions of rising width, each with batch normalisation, and a residual block behind two of
 * them. It has the form of the nets that hold the records of training CIFAR-10 in little time (D. Page, "How to train your
 * ResNet", 2018), with as few channels as two CPUs like. ResNet-20 is that of examples/zoo. */
#include "model.h"

#include "zoo/zoo.h"

#include <string.h>

/* Convolution, batch normalisation, ReLU; a pooled one halves the size between the first two. */
static cnn_module *conv(cnn_context *ctx, int64_t in, int64_t out, bool pooled)
{
    cnn_module *weights = cnn_conv2d_new(ctx, in, out, 3, .padding = 1, .no_bias = true);
    return pooled ? cnn_sequential_new(ctx, weights, cnn_maxpool2d_new(ctx, 2), cnn_batch_norm2d_new(ctx, out), cnn_relu_new(ctx))
                  : cnn_sequential_new(ctx, weights, cnn_batch_norm2d_new(ctx, out), cnn_relu_new(ctx));
}

/* x + f(x) */
static cnn_tensor *residual_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_add(x, cnn_forward(cnn_module_child(self, 0, NULL), x));
}

static cnn_module *residual(cnn_context *ctx, int64_t channels)
{
    cnn_module *self = cnn_module_new(ctx, residual_forward, .type = "Residual");
    if (!cnn_module_add(self, "f", cnn_sequential_new(ctx, conv(ctx, channels, channels, false), conv(ctx, channels, channels, false)))) {
        cnn_module_free(self);
        return NULL;
    }
    return self;
}

static cnn_module *fast(cnn_context *ctx, int64_t channels, int64_t classes)
{
    return cnn_sequential_new(ctx, conv(ctx, channels, 32, false), conv(ctx, 32, 64, true), residual(ctx, 64), conv(ctx, 64, 128, true),
                              conv(ctx, 128, 256, true), residual(ctx, 256), cnn_maxpool2d_new(ctx, 4), cnn_flatten_new(ctx),
                              cnn_linear_new(ctx, 256, classes));
}

cnn_module *model_new(cnn_context *ctx, const char *name, int64_t channels, int64_t classes)
{
    if (strcmp(name, "fast") == 0) {
        return fast(ctx, channels, classes);
    }
    return zoo_make_resnet20(ctx, NULL, (const int64_t[3]){ channels, 32, 32 }, classes);
}
