/* The page's network. Its forward is a function of its own, so that the page sees the feature maps on their way. */
#include "net.h"

net_results net_run(cnn_module *net, cnn_tensor *images)
{
    const cnn_maxpool2d_options pool = { .struct_size = sizeof pool, .kernel = 2 };
    cnn_module *conv1 = cnn_module_child(net, 0, NULL), *conv2 = cnn_module_child(net, 1, NULL);
    net_results r;
    r.maps_1 = cnn_relu(cnn_forward(conv1, images));
    r.maps_2 = cnn_relu(cnn_forward(conv2, cnn_maxpool2d(r.maps_1, &pool)));
    r.logits = cnn_forward(cnn_module_child(net, 2, NULL), cnn_flatten(cnn_maxpool2d(r.maps_2, &pool), 1, -1));
    return r;
}

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return net_run(self, x).logits;
}

cnn_module *net_new(cnn_context *ctx)
{
    cnn_module *net = cnn_module_new(ctx, forward, .type = "PageNet");
    const int64_t features = NET_MAPS_2 * (NET_SIDE / 4) * (NET_SIDE / 4);
    if (!net || !cnn_module_add(net, "conv1", cnn_conv2d_new(ctx, 1, NET_MAPS_1, 5, .padding = 2)) ||
        !cnn_module_add(net, "conv2", cnn_conv2d_new(ctx, NET_MAPS_1, NET_MAPS_2, 5, .padding = 2)) ||
        !cnn_module_add(net, "linear", cnn_linear_new(ctx, features, NET_CLASSES))) {
        cnn_module_free(net);
        return NULL;
    }
    return net;
}
