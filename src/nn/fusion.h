/* Layers in a row that run as one operation: a table of patterns, which containers ask. */
#ifndef CNN_NN_FUSION_H
#define CNN_NN_FUSION_H

#include "nn/module.h"

enum { CNN__FUSION_LONGEST = 4 /* layers of a pattern, at most */ };

/* Runs the layers from layers[0] on as one operation if a pattern fits them. Returns how many of the `count` layers it
 * took and writes their result to *y, nil on failure; 0 means that no pattern fits, and nothing has happened. The
 * choice follows from shapes, options, modes and the kind of step alone. */
int cnn__fusion_run(const cnn__named *layers, int count, cnn_tensor *x, cnn_tensor **y);

#endif
