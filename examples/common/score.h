/* What the loops of training and testing count, and the loop of testing, which all programs share. */
#ifndef COMMON_SCORE_H
#define COMMON_SCORE_H

#include "resident.h"

/* What several processes sent each other while they trained, as the mean over them. */
typedef struct traffic {
    bool known;
    double seconds; /* in which gradients were summed over the processes */
    double waiting; /* the part of it that was not hidden behind backward */
    double bytes;   /* 0 also where MPI alone knows */
} traffic;

/* The share of the time that was hidden, 0 to 1. */
static inline double traffic_hidden(const traffic *t)
{
    double shown = t->seconds > 0 ? t->waiting / t->seconds : 0;
    return shown < 1 ? 1 - shown : 0;
}

/* The result over some images. */
typedef struct score {
    double loss;     /* mean loss; while the images are counted, their sum */
    double accuracy; /* in percent */
    int64_t right, images;
    double seconds;
    traffic traffic; /* of training by several processes */
} score;

typedef enum outcome { DONE, FAILED, INTERRUPTED } outcome;

/* Adds a batch: its loss is a mean, and the largest logit is the prediction. */
void score_add(score *s, cnn_tensor *outputs, cnn_tensor *loss, const cnn_batch *batch);

/* Makes means of the sums of a loop that began at `start` (progress_now()) and has gone through the loader as far as it
 * could. */
outcome score_end(score *s, double start, const cnn_loader *loader);

/* Goes through the loader once without gradients, in the given mode. `held`: what its batches are numbers of; NULL: the
 * batches are images. */
outcome score_test(cnn_module *model, cnn_loader *loader, const resident *held, cnn_tape *tape, cnn_mode mode, score *s);

#endif
