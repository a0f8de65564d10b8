/* What the initialisers share: checks of their arguments. */
#ifndef CNN_NN_INIT_H
#define CNN_NN_INIT_H

#include "tensor/tensor.h"

#include <cnn/init.h>

/* A plain, contiguous tensor of real numbers of rank `least` to `most`; reports as `call`. */
cnn_status cnn__init_check(const cnn_tensor *t, const char *call, int least, int most);
/* A number that is finite and `good`. */
cnn_status cnn__init_number(const cnn_tensor *t, const char *call, const char *name, double value, bool good,
                            const char *expected);

#endif
