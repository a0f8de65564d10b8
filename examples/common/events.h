/* Event files, which TensorBoard reads: records with check sums, each a message Event of TensorFlow's event.proto. */
#ifndef COMMON_EVENTS_H
#define COMMON_EVENTS_H

#include <cnn/cnn.h>

#include <stdio.h>

typedef struct events {
    FILE *file; /* NULL: not open */
    bool failed;
    int error; /* errno of the first write that failed */
} events;

/* Makes the folder, if it is not there, and a new file in it; false, and errno is set. */
bool events_open(events *e, const char *folder);
/* What was written must have arrived. false: something could not be written; errno may say why. */
bool events_flush(events *e);
bool events_close(events *e);

/* Each of these writes an event of a step. What fails is told by the next events_flush(). */
void events_scalar(events *e, int64_t step, const char *tag, double value);
/* The elements of a tensor in buckets of one width; those that are not finite are left out, and nothing is written where
 * none is left. */
void events_histogram(events *e, int64_t step, const char *tag, const cnn_tensor *tensor);
/* The first pictures of a batch [N, 1 or 3, H, W] side by side, each with its own black and white. */
void events_pictures(events *e, int64_t step, const char *tag, const cnn_tensor *batch);
/* What the module computes for a batch of that shape. */
void events_graph(events *e, cnn_module *module, const cnn_tensor *batch);

#endif
