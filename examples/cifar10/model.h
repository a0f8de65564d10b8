/* The networks. */
#ifndef CIFAR10_MODEL_H
#define CIFAR10_MODEL_H

#include <cnn/cnn.h>

/* The network of that name, "fast" or "resnet20", for pictures [channels, 32, 32]; NULL on failure. */
cnn_module *model_new(cnn_context *ctx, const char *name, int64_t channels, int64_t classes);

#endif
