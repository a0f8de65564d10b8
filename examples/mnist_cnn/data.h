/* The data: MNIST from a folder, fetched if necessary, or digits drawn by the program. */
#ifndef MNIST_CNN_DATA_H
#define MNIST_CNN_DATA_H

#include "options.h"

#include <cnn/cnn.h>

/* Opens both parts, each owned by the caller, the training images augmented if `augmented`; with `validation` a tenth of
 * the training images, drawn by the context's seed, becomes a part of its own, which is not augmented. Returns false after
 * one line on stderr, or if a signal asked the program to end. */
bool data_open(cnn_context *ctx, const options *o, bool augmented, cnn_dataset **train, cnn_dataset **validation, cnn_dataset **test);

#endif
