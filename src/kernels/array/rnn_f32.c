/* The loops of recurrent steps in f32, on vectors. */
#include "kernels/array/rnn.h"

#include <string.h>

#define X float
#define FN(name) name##_f32
#include "kernels/array/rnn_impl.h"
