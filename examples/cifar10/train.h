/* One epoch of training. */
#ifndef CIFAR10_TRAIN_H
#define CIFAR10_TRAIN_H

#include "common/progress.h"
#include "common/records.h"
#include "common/score.h"

/* Every step moves the learning rate along `schedule`. */
outcome train_epoch(cnn_module *model, cnn_optimizer *sgd, cnn_scheduler *schedule, cnn_loader *loader, cnn_tape *tape, progress *bar,
                    records *kept, score *s);

#endif
