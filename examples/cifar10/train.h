/* One epoch of training. */
#ifndef CIFAR10_TRAIN_H
#define CIFAR10_TRAIN_H

#include "common/progress.h"
#include "common/records.h"
#include "common/score.h"

/* Every step moves the learning rate along `schedule`. `held`: what the batches are numbers of; NULL: they are pictures. */
outcome train_epoch(cnn_module *model, cnn_optimizer *sgd, cnn_scheduler *schedule, cnn_loader *loader, const resident *held,
                    cnn_tape *tape, progress *bar, records *kept, score *s);

#endif
