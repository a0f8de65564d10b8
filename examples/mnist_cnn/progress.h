/* A progress bar like tqdm's on a terminal, a few plain lines elsewhere. */
#ifndef MNIST_CNN_PROGRESS_H
#define MNIST_CNN_PROGRESS_H

#include "bar.h"

typedef struct progress {
    bar_state bar;
    bool shown;    /* anything at all */
    bool terminal; /* stderr is one */
    bool redrawn;  /* the bar is drawn over itself; otherwise it is a new line at each quarter */
    bool escapes;  /* escape sequences may be sent */
    int64_t images;
    double start, drawn; /* seconds */
    int columns;         /* that the bar takes on the terminal now */
    int quarter;
} progress;

/* Seconds of a clock that only goes forward. */
double progress_now(void);

void progress_begin(progress *p, bool shown, int64_t epoch, int64_t epochs, int64_t batches);
/* One more batch is done, of that many images; `loss` is the mean of the epoch so far. */
void progress_step(progress *p, int64_t images, double loss);
/* Takes the bar away. */
void progress_end(progress *p);

#endif
