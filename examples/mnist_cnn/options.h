/* The command line. */
#ifndef MNIST_CNN_OPTIONS_H
#define MNIST_CNN_OPTIONS_H

#include "common/training/training.h"

typedef struct options {
    training_options all; /* those that cifar10 has, too */
    const char *data;     /* a folder */
    const char *optimizer; /* --optimizer: "adam", "lars", "lamb" */
    double lr;
    bool lr_given, seed_given; /* set by the user */
    cnn_math math;
    int64_t warmup; /* --warmup: epochs; 0: the rate stays as it is */
    bool tutorial, augment;
    bool copy_batches; /* --copy-batches */
} options;

typedef enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD } options_result;

/* Reads the command line. OPTIONS_DONE: --help or --version is printed. OPTIONS_BAD: one line on stderr says why. */
options_result options_read(options *o, int argc, char **argv);

#endif
