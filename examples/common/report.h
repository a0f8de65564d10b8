/* The output about an epoch: a line for people, a line of JSON for programs, and the digest of the weights. */
#ifndef COMMON_REPORT_H
#define COMMON_REPORT_H

#include "score.h"

#include <cnn/cnn.h>

#include <stdio.h>

/* epoch 1/10: train loss …, accuracy … %; test loss …, accuracy … %; … s, … images/s
 * Returns false after one line on stderr if it could not be written. */
bool report_epoch(int64_t epoch, int64_t epochs, const score *train, const score *test);

/* Appends one JSON object; returns false if the file could not be written. */
bool report_log(FILE *log, int64_t epoch, const score *train, const score *test);

/* gradients: 0.53 s of communication per process, 85 % of it hidden behind backward, 38.4 MB sent
 * Prints nothing where nothing is known. */
void report_traffic(const traffic *t);

/* test accuracy 98.35 % (9835 of 10000), test loss 0.0531
 * With `drawn`, which is not NULL where the samples are no data: …, on digits that this program drew */
void report_test(const score *test, const char *drawn);

/* What a signal left of the run, in `save`; NULL: nothing. Returns the exit status of the program. */
int report_interrupted(const char *save, int64_t epoch);

/* The SHA-256 of all parameters and buffers in the order of the state_dict, each element little-endian. */
bool report_digest(const cnn_module *model);

#endif
