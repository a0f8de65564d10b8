/* The command line. */
#ifndef CIFAR10_OPTIONS_H
#define CIFAR10_OPTIONS_H

#include "common/training/training.h"

typedef struct options {
    training_options all; /* those that mnist_cnn has, too */
    const char *data;     /* a folder */
    const char *model;    /* "fast" or "resnet20" */
    double lr;            /* the highest rate */
    double weight_decay;
    int loader_threads; /* threads that decode and augment */
    bool plain;         /* --no-augment */
    bool sync_norm;     /* --sync-bn */
} options;

typedef enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD } options_result;

/* Reads the command line. OPTIONS_DONE: --help or --version is printed. OPTIONS_BAD: one line on stderr says why. */
options_result options_read(options *o, int argc, char **argv);

#endif
