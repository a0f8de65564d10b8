/* The tutorial's network. */
#ifndef MNIST_CNN_MODEL_H
#define MNIST_CNN_MODEL_H

#include <cnn/cnn.h>

/* Makes the network; NULL on failure. The caller frees it with cnn_module_free(). */
cnn_module *model_new(cnn_context *ctx);

#endif
