/* What a run writes for other programs to read: event files of TensorBoard, a table, and a profile. */
#ifndef COMMON_RECORDS_H
#define COMMON_RECORDS_H

#include "events.h"
#include "score.h"

typedef struct records {
    const char *tensorboard, *csv, *profile; /* a folder and two files; NULL: not wanted */
    bool quiet;                              /* print no table */
    bool together;                           /* several processes train: the table has columns of their traffic */
    events events;
    FILE *table;
    cnn_profile *running; /* the profile of the first epoch that is trained */
    cnn_module *module;
    int64_t step;  /* steps of training over the whole run */
    bool profiled; /* the profile is over */
    bool pictured; /* pictures and the graph are written */
} records;

/* Each of these says what is wrong and returns false. */

/* Opens what is wanted; `after` says how many epochs and steps an earlier run has had, whose table goes on. */
bool records_open(records *r, cnn_module *module, int64_t epochs_after, int64_t steps_after);
/* Before an epoch of training: begins the profile, where this is the first one. */
bool records_begin(records *r);
/* After a step of training, on a batch. */
void records_step(records *r, const cnn_batch *batch, cnn_tensor *loss);
/* The same in two parts, where a batch has several: before its step, and after it with the mean loss. */
void records_batch(records *r, const cnn_batch *batch);
void records_loss(records *r, double loss);
/* After the steps of an epoch, before testing: ends the profile, prints its tables unless `quiet`, and writes its trace. */
bool records_end(records *r);
/* After an epoch and its test. */
bool records_epoch(records *r, int64_t epoch, const score *train, const score *test, double lr);
bool records_close(records *r);

/* Ends a profile, prints its tables unless told not to, and writes its trace. */
bool profile_report(cnn_profile *profile, const char *path, bool tables);

#endif
