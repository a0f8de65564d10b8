/* The network of the CIFAR-10 record. */
#ifndef SPEEDRUN_CIFAR10_NET_H
#define SPEEDRUN_CIFAR10_NET_H

#include <cnn/cnn.h>

/* The first parameter is the weight of the whitening layer, which the caller fills (whiten.h). NULL on failure. */
cnn_module *cifar10_net_new(cnn_context *ctx, int64_t classes);

#endif
