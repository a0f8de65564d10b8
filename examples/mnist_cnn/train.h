/* The tutorial's training loop; that of testing is common/score.h's. */
#ifndef MNIST_CNN_TRAIN_H
#define MNIST_CNN_TRAIN_H

#include "common/progress.h"
#include "common/records.h"
#include "common/score.h"

/* One epoch of training. `held`: what the batches are numbers of; NULL: they are images. */
outcome train_epoch(cnn_module *model, cnn_optimizer *adam, cnn_loader *loader, const resident *held, cnn_tape *tape, progress *bar,
                    records *kept, score *s);

#endif
