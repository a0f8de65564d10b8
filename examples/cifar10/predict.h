/* What is in pictures of the user's. */
#ifndef CIFAR10_PREDICT_H
#define CIFAR10_PREDICT_H

#include "data.h"

/* Whether this program can read pictures; after a line on stderr that says what it was built without. */
bool predict_available(void);

/* Prints the three best guesses for each file, with their probabilities. A file that cannot be read costs one line on stderr; the others
 * are gone on with. Returns whether all went well. */
bool predict_files(cnn_module *model, cnn_tape *tape, const data *names, char *const *files, int count);

#endif
