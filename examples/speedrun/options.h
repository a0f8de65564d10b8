/* The command line. */
#ifndef SPEEDRUN_OPTIONS_H
#define SPEEDRUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct options {
    const char *record; /* "mnist99" or "cifar10" */
    const char *data;   /* a folder */
    int64_t seeds;      /* how many runs mnist99 makes */
    uint64_t seed;      /* the first run's seed */
    int64_t limit;      /* number of training and of test pictures; 0: all */
    double minutes;     /* what cifar10 may take, from reading the pictures to the last test */
    int64_t epochs;     /* cifar10: epochs in place of minutes; 0: as many as there is time for */
    int threads;
    bool synthetic; /* cifar10 draws its pictures */
    bool cpu_clock; /* seconds are the processor's, divided by the threads */
    bool json;
} options;

typedef enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD } options_result;

/* Reads the command line. OPTIONS_DONE: --help or --version is printed. OPTIONS_BAD: one line on stderr says why. */
options_result options_read(options *o, int argc, char **argv);

#endif
