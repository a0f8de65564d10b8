/* The data: MNIST from a folder, fetched if necessary, or digits drawn by the program. */
#ifndef MNIST_CNN_DATA_H
#define MNIST_CNN_DATA_H

#include "options.h"

/* Opens the parts of a training, with --augment the training images augmented unless that is the device's; with --best or --patience
 * a tenth of the training images, drawn by the context's seed, becomes a part of its own, which is not augmented. Returns false after
 * one line on stderr, or if a signal asked the program to end. */
bool data_open(training *t, const options *o);

#endif
