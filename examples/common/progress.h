/* A progress bar like tqdm's on a terminal, a few plain lines elsewhere. */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include "bar.h"

typedef struct progress {
    bar_state bar;
    bool shown;    /* whether progress is shown at all */
    bool terminal; /* stderr is a terminal */
    bool redrawn;  /* the bar is drawn over itself; otherwise it is a new line at each quarter */
    bool escapes;  /* escape sequences may be sent */
    int64_t images;
    double start, drawn; /* seconds */
    int columns;         /* columns that the current bar takes on the terminal */
    int quarter;
} progress;

/* The time of a monotonic clock, in seconds. */
double progress_now(void);

void progress_begin(progress *p, bool shown, int64_t epoch, int64_t epochs, int64_t batches);
/* Whether the next progress_step() draws, so that its loss is to be the newest. */
bool progress_due(const progress *p);
/* Reports that a batch of `images` is done; `loss` is the mean of the epoch so far. */
void progress_step(progress *p, int64_t images, double loss);
/* Removes the bar. */
void progress_end(progress *p);

#endif
