/* The tutorial's two loops. */
#ifndef MNIST_CNN_TRAIN_H
#define MNIST_CNN_TRAIN_H

#include "progress.h"

#include <cnn/cnn.h>

/* How it went over some images. */
typedef struct score {
    double loss;     /* the mean */
    double accuracy; /* in percent */
    int64_t right, images;
    double seconds;
} score;

typedef enum outcome { DONE, FAILED, INTERRUPTED } outcome;

/* One epoch of training. */
outcome train_epoch(cnn_module *model, cnn_optimizer *adam, cnn_loader *loader, cnn_tape *tape, progress *bar, score *s);

/* Goes once through the loader without gradients, in the behaviour that `mode` says. */
outcome test(cnn_module *model, cnn_loader *loader, cnn_tape *tape, cnn_mode mode, score *s);

#endif
