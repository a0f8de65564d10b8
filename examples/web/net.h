/* The page's network: two convolutions and a linear layer, small enough to be sent with the page. */
#ifndef WEB_NET_H
#define WEB_NET_H

#include <cnn/cnn.h>

enum {
    NET_SIDE = 28,     /* pixels of the input's side; those of the first maps */
    NET_MAPS_1 = 8,    /* feature maps of the first convolution, NET_SIDE × NET_SIDE each */
    NET_MAPS_2 = 16,   /* those of the second, NET_SIDE / 2 × NET_SIDE / 2 each */
    NET_CLASSES = 10
};

/* What net_run() computes of N images; tensors of the tape. */
typedef struct net_results {
    cnn_tensor *maps_1; /* [N, NET_MAPS_1, NET_SIDE, NET_SIDE], after ReLU */
    cnn_tensor *maps_2; /* [N, NET_MAPS_2, NET_SIDE / 2, NET_SIDE / 2], after ReLU */
    cnn_tensor *logits; /* [N, NET_CLASSES] */
} net_results;

/* Makes the network, with the parameters conv1.weight, conv1.bias, conv2.weight, conv2.bias, linear.weight and
 * linear.bias. Its input is [N, 1, NET_SIDE, NET_SIDE], normalised as cnn_mnist_open() does; its output the logits.
 * Returns NULL on failure: see cnn_last_error(). */
cnn_module *net_new(cnn_context *ctx);

/* Its forward pass with the feature maps. */
net_results net_run(cnn_module *net, cnn_tensor *images);

#endif
