/* The best epoch of a run, by its loss on images that nothing was trained on, and when to stop because none is better. */
#ifndef COMMON_BEST_H
#define COMMON_BEST_H

#include "score.h"

typedef struct best {
    const char *file;       /* --best: gets a checkpoint of the best epoch; NULL: none is kept */
    int64_t patience;       /* --patience: epochs without a better one before training ends; 0: any number */
    const char *resumed;    /* the checkpoint that the run goes on from; NULL: it begins */
    cnn_loader *validation; /* NULL: nothing is measured */
    const resident *held;   /* what its batches are numbers of; NULL: they are images */
    cnn_tape *tape;
    cnn_module *module; /* this and the next two are what a checkpoint holds */
    cnn_optimizer *optimizer;
    cnn_scheduler *scheduler; /* NULL: none */
    int64_t epoch;            /* the best one so far */
    double loss;
} best;

/* Before training; `epoch` are over. What a run that goes on has to be better than is in its file; without one it is
 * what it begins with. FAILED: cnn_last_error() says why. */
outcome best_begin(best *b, int64_t epoch);

/* After epoch number `epoch`: measures it, and keeps it if it is the best. FAILED: cnn_last_error() says why. */
outcome best_epoch(best *b, int64_t epoch);

/* Whether training goes on after that epoch; if not, prints why unless `quiet`. */
bool best_goes_on(const best *b, int64_t epoch, bool quiet);

#endif
