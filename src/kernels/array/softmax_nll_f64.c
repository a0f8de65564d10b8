/* The loops of the cross-entropy kernel in f64, which gradient checks use: they are kept small. */
#include "kernels/array/softmax_nll_loops.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/softmax_nll_impl.h"

const cnn__nll_loops cnn__nll_loops_f64 = { statistics_f64, dense_loss_f64, logits_gradient_f64 };
