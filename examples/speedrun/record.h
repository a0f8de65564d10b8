/* The two records, and what they share. */
#ifndef SPEEDRUN_RECORD_H
#define SPEEDRUN_RECORD_H

#include "options.h"

#include <cnn/cnn.h>

/* Each returns the exit status of the program, after one line on stderr where something failed. */
int mnist99(const options *o);
int cifar10(const options *o);

/* The seconds of the clock that the options name. */
double clock_now(const options *o);

/* The exit status after a failure, or after a signal. */
int failed(void);

/* Picks the first `limit` samples; 0: all. Returns a dataset in place of the one that is given away; NULL on
 * failure. */
cnn_dataset *first_of(cnn_dataset *dataset, int64_t limit);

/* How many of the outputs [N, classes] are largest at the label [N]. */
int64_t count_right(cnn_tensor *outputs, cnn_tensor *labels);

#endif
