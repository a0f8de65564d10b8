/* The command line. */
#ifndef CIFAR10_OPTIONS_H
#define CIFAR10_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct options {
    const char *data;                        /* a folder */
    const char *model;                       /* "fast" or "resnet20" */
    const char *save, *best, *resume, *log, *report; /* NULL if not given */
    const char *tensorboard, *csv, *profile;         /* the same */
    const char *device;
    char *const *pictures; /* the files of --predict, of argv */
    int picture_count;
    int64_t epochs, batch_size;
    int64_t limit;    /* number of training and of test pictures; 0: all */
    int64_t patience; /* epochs without a better validation loss before training ends; 0: never */
    double lr;        /* the highest rate; 0: the model's */
    double weight_decay;
    int64_t shards; /* with --mpi; 0: the MPI's own sum */
    uint64_t seed;
    int threads;        /* 0: one per CPU */
    int loader_threads; /* threads that decode and augment */
    bool eval_only, quiet, synthetic, digest, plain, predict, mpi, sync_norm;
} options;

typedef enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD } options_result;

/* Reads the command line. OPTIONS_DONE: --help or --version is printed. OPTIONS_BAD: one line on stderr says why. */
options_result options_read(options *o, int argc, char **argv);

/* Whether the weights of --resume only look at pictures: nothing is trained or tested. */
bool options_predict_only(const options *o);

#endif
