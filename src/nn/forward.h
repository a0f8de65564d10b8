/* What running a module means for its thread; for those who run a layer's operation themselves. */
#ifndef CNN_NN_FORWARD_H
#define CNN_NN_FORWARD_H

#include "autograd/running.h"
#include "autograd/tape.h"
#include "nn/module.h"

/* Whether the module behaves as in training in the step that runs it. */
bool cnn__module_training(const cnn_module *module, const cnn_tape *tape);

/* Enters the forward of a module on a tape, until cnn__running_leave(). */
void cnn__forward_enter(cnn__running *running, const cnn_module *module, cnn_tape *tape);

#endif
