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

/* cnn_forward_many() as the function `call` of a layer's own, where inputs[0] is required and says which step it is:
 * `module` is of one of the classes up to NULL, and `expected` names them. Outputs are nil on failure. */
void cnn__forward_own(const char *call, const cnn__module_class *const *classes, const char *expected,
                      cnn_module *module, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                      int output_count);

/* A forward that a traced step has run. */
typedef struct cnn__ran {
    struct cnn__ran *previous;
    const cnn_module *module;
    const cnn_tensor *output; /* the first one, of which the shape can be read; NULL: none */
} cnn__ran;
/* The forwards of a trace, the last one first. */
const cnn__ran *cnn__trace_ran(const struct cnn_trace *trace);

#endif
