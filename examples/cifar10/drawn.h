/* Pictures that the program draws. */
#ifndef CIFAR10_DRAWN_H
#define CIFAR10_DRAWN_H

#include <cnn/cnn.h>

/* `count` pictures u8 [3, 32, 32] of ten classes, each a shape in a colour of its own somewhere on a background of noise: the
 * same for the same seed. NULL on failure. */
cnn_dataset *drawn_new(cnn_context *ctx, int64_t count, uint64_t seed);

#endif
