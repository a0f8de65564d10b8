/* The tutorial's network, with the tutorial's structure: a model of named parts and a forward function of its own.
 *
 *     class ConvNet(nn.Module):              struct model and model_new()
 *         def forward(self, x):              forward()
 */
#include "model.h"

#include <stdlib.h>

typedef struct model {
    cnn_module *l1, *l2, *drop_out, *fc1, *fc2;
} model;

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    const model *m = user;
    (void)self;
    x = cnn_forward(m->l1, x);
    x = cnn_forward(m->l2, x);
    x = cnn_flatten(x, 1, -1);
    x = cnn_forward(m->drop_out, x);
    x = cnn_forward(m->fc1, x);
    return cnn_forward(m->fc2, x);
}

cnn_module *model_new(cnn_context *ctx)
{
    model *m = calloc(1, sizeof *m);
    cnn_module *self = m ? cnn_module_new(ctx, forward, .type = "ConvNet", .user = m, .free_user = free) : NULL;
    if (!self) {
        return NULL;
    }
    m->l1 = cnn_module_add(self, "l1", cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 1, 32, 5, .stride = 1, .padding = 2),
        cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 2, .stride = 2)));
    m->l2 = cnn_module_add(self, "l2", cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 32, 64, 5, .stride = 1, .padding = 2),
        cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 2, .stride = 2)));
    m->drop_out = cnn_module_add(self, "drop_out", cnn_dropout_new(ctx, 0.5));
    m->fc1 = cnn_module_add(self, "fc1", cnn_linear_new(ctx, 7 * 7 * 64, 1000));
    m->fc2 = cnn_module_add(self, "fc2", cnn_linear_new(ctx, 1000, 10));
    if (!m->l1 || !m->l2 || !m->drop_out || !m->fc1 || !m->fc2) {
        cnn_module_free(self);
        return NULL;
    }
    return self;
}
