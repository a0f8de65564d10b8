/* A progress bar like tqdm's on a terminal, a few plain lines elsewhere. */
#ifndef MNIST_CNN_PROGRESS_H
#define MNIST_CNN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    bool shown, terminal, unicode;
    int64_t epoch, epochs, batches, done, images;
    double start, drawn; /* seconds */
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
