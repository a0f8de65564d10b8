/* The command line of the program zoo. */
#ifndef ZOO_OPTIONS_H
#define ZOO_OPTIONS_H

#include "zoo.h"

typedef struct options {
    const zoo_net *net;
    int64_t input[3]; /* the net's own, or what --size says */
    int64_t batch, steps;
    uint64_t seed;
    int threads;                    /* 0: one per CPU */
    const char *device;             /* "cpu", "cuda:0", "auto" */
    cnn_math math;
    const char *data, *load, *save; /* NULL if not given */
    const char *profile;            /* the same */
    bool infer, frozen, json;       /* frozen: infer too, by a predictor */
} options;

typedef enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD } options_result;

/* Reads the command line. OPTIONS_DONE: --help, --list or --version is printed. OPTIONS_BAD: one line on stderr says
 * why. */
options_result options_read(options *o, int argc, char **argv);

#endif
