/* The loops of recurrent steps in f64, which gradient checks use: they are kept small. */
#include "kernels/array/rnn.h"

#include <string.h>

#define X double
#define FN(name) cnn__##name##_f64
#include "kernels/array/rnn_impl.h"
