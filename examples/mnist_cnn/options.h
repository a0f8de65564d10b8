/* The command line. */
#ifndef MNIST_CNN_OPTIONS_H
#define MNIST_CNN_OPTIONS_H

#include <cnn/cnn.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct options {
    const char *data, *save, *best, *resume, *log, *report; /* NULL if not given, but for data */
    const char *tensorboard, *csv, *profile;         /* the same */
    int64_t epochs, batch_size;
    int64_t patience; /* --patience: epochs without a better validation loss before training ends; 0: never */
    int64_t limit; /* number of training and of test images; 0: all */
    double lr;
    bool lr_given, seed_given; /* set by the user */
    uint64_t seed;
    int threads; /* 0: one per CPU */
    const char *device; /* --device: "cpu", "cuda:0", "auto" */
    cnn_math math;
    char *const *pictures; /* the files of --predict, of argv */
    int picture_count;
    bool mpi;
    int64_t shards; /* --shards: parts of a batch; 0: one per process */
    int64_t warmup; /* --warmup: epochs; 0: the rate stays as it is */
    const char *optimizer; /* --optimizer: "adam", "lars", "lamb" */
    bool eval_only, quiet, synthetic, tutorial, digest, augment, predict;
    bool copy_batches; /* --copy-batches */
} options;

typedef enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD } options_result;

/* Reads the command line. OPTIONS_DONE: --help or --version is printed. OPTIONS_BAD: one line on stderr says why. */
options_result options_read(options *o, int argc, char **argv);

/* Whether the weights of --resume only recognise pictures: no data are opened, nothing is trained or tested. */
bool options_predict_only(const options *o);

#endif
