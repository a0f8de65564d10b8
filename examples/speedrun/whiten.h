/* First layers that are not trained. */
#ifndef SPEEDRUN_WHITEN_H
#define SPEEDRUN_WHITEN_H

#include <cnn/cnn.h>

/* Fills the filters of a convolution of stride 1 from the patches of the first `count` images of a dataset, so that
 * its outputs are uncorrelated and of variance 1: filter i is the i-th eigenvector of the patches' covariance,
 * divided by √(eigenvalue + eps), and filter i + out/2 is its negative, because ReLU would lose half of it
 * otherwise. The weight [out, C, k, k], with an even `out` of at most 2·C·k·k, asks for no gradient afterwards.
 * `tape` is between two steps. Returns false on failure, which the library has reported unless it was memory of the
 * program's own. */
bool whiten(cnn_tape *tape, cnn_tensor *weight, cnn_dataset *dataset, int64_t count, double eps);

#endif
