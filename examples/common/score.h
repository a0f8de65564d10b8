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

enum { SCORE_STEPS = 32 };

/* The result over some images. On a device the losses of up to SCORE_STEPS batches stay there until they are read: reading one waits for
 * all that was handed over before. */
typedef struct score {
    double loss;     /* mean loss; while the images are counted, their sum */
    double accuracy; /* in percent */
    int64_t right, images; /* how many images have been read, and how many of them were recognised */
    double seconds;
    traffic traffic; /* what training by several processes sends */
    cnn_tensor *kept;           /* on a device: [SCORE_STEPS,2], f32, the newest loss and count of right ones last; else NULL */
    int64_t sizes[SCORE_STEPS]; /* the sizes of the batches that wait */
    int waiting;
} score;

typedef enum outcome { DONE, FAILED, INTERRUPTED } outcome;

/* Adds a batch: its loss is a mean, and the largest logit is the prediction. False: cnn_last_error() says why. */
bool score_add(score *s, cnn_tensor *outputs, cnn_tensor *loss, const cnn_batch *batch);
/* Waits for what was added and counts it. False: cnn_last_error() says why. */
bool score_read(score *s);
/* The mean loss of what has been read; 0 before. */
double score_mean(const score *s);

/* Makes means of the sums of a loop that began at `start` (progress_now()) and has gone through the loader as far as it
 * could; NULL: through no loader. */
outcome score_end(score *s, double start, const cnn_loader *loader);
/* Ends a loop that has failed: FAILED. */
outcome score_stop(score *s);

/* Goes through the loader once without gradients, in the given mode. `held`: what its batches are numbers of; NULL: the
 * batches are images. */
outcome score_test(cnn_module *model, cnn_loader *loader, const resident *held, cnn_tape *tape, cnn_mode mode, score *s);

#endif
