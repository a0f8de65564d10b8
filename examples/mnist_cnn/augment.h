/* Training images that are drawn anew in each epoch. */
#ifndef MNIST_CNN_AUGMENT_H
#define MNIST_CNN_AUGMENT_H

#include "common/resident.h"

/* The data set with its images turned, slanted, scaled, moved and drawn with another pen; takes ownership of
 * `dataset`. NULL on failure. */
cnn_dataset *augment(cnn_context *ctx, cnn_dataset *dataset);

/* The same change of images [B,1,H,W] that stay on a device, by the same draws. A pixel differs by what is rounded otherwise:
 * tests/test_resident.c has the bound. */
extern const resident_change augment_change;

#endif
