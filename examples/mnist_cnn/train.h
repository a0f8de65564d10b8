/* The tutorial's two loops. */
#ifndef MNIST_CNN_TRAIN_H
#define MNIST_CNN_TRAIN_H

#include "progress.h"

#include <cnn/cnn.h>

/* The result over some images. */
typedef struct score {
    double loss;     /* mean loss */
    double accuracy; /* in percent */
    int64_t right, images;
    double seconds;
} score;

typedef enum outcome { DONE, FAILED, INTERRUPTED } outcome;

/* One epoch of training. */
outcome train_epoch(cnn_module *model, cnn_optimizer *adam, cnn_loader *loader, cnn_tape *tape, progress *bar, score *s);

/* Goes through the loader once without gradients, in the given mode. */
outcome test(cnn_module *model, cnn_loader *loader, cnn_tape *tape, cnn_mode mode, score *s);

#endif
