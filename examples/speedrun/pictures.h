/* CIFAR-10 in memory, each training picture twice: as it is, and mirrored. */
#ifndef SPEEDRUN_PICTURES_H
#define SPEEDRUN_PICTURES_H

#include "options.h"

#include <cnn/cnn.h>

typedef struct pictures {
    cnn_dataset *train; /* 2·count pictures; number i + count is number i mirrored */
    cnn_dataset *test;
    int64_t count; /* training pictures of an epoch */
} pictures;

/* Reads the binary files or the folders of pictures that are in the folder, or draws pictures; both parts are
 * normalised. Returns false after one line on stderr. */
bool pictures_open(cnn_context *ctx, const options *o, pictures *p);
void pictures_close(pictures *p);

/* The order of an epoch: every picture once, in a random order, mirrored in every second epoch; a coin for each
 * picture says in which (alternating flip). NULL on failure. */
cnn_sampler *pictures_sampler(cnn_context *ctx, const pictures *p);

#endif
