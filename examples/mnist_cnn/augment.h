/* Training images that are drawn anew in each epoch. */
#ifndef MNIST_CNN_AUGMENT_H
#define MNIST_CNN_AUGMENT_H

#include <cnn/cnn.h>

/* The data set with its images turned, slanted, scaled, moved and drawn with another pen; takes ownership of
 * `dataset`. NULL on failure. */
cnn_dataset *augment(cnn_context *ctx, cnn_dataset *dataset);

#endif
