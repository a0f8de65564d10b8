/* The tutorial's training loop; that of testing is common/score.h's. */
#ifndef MNIST_CNN_TRAIN_H
#define MNIST_CNN_TRAIN_H

#include "common/progress.h"
#include "common/records.h"
#include "common/score.h"

/* One epoch of training. */
outcome train_epoch(cnn_module *model, cnn_optimizer *adam, cnn_loader *loader, cnn_tape *tape, progress *bar, records *kept,
                    score *s);

#endif
