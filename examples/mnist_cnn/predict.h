/* Digits in pictures of the user's. */
#ifndef MNIST_CNN_PREDICT_H
#define MNIST_CNN_PREDICT_H

#include <cnn/cnn.h>

#include <stdbool.h>

/* Whether this program can read pictures; after a line on stderr that says what it was built without. */
bool predict_available(void);

/* Prints for each file the three best guesses with their probabilities and, unless `quiet`, what the network saw. A
 * file that cannot be read or has no digit costs one line on stderr; the others are gone on with. Returns whether
 * all went well. */
bool predict_files(cnn_module *model, cnn_tape *tape, char *const *files, int count, bool quiet);

#endif
