/* The pictures: the binary files of CIFAR-10, folders by class, or what the program draws. */
#ifndef CIFAR10_DATA_H
#define CIFAR10_DATA_H

#include "options.h"

#include <cnn/cnn.h>

typedef struct data {
    cnn_dataset *train, *validation, *test; /* validation: NULL unless it is wanted */
    int64_t classes;
} data;

/* Opens all parts, owned by the caller, the training part augmented. Returns false after one line on stderr. */
bool data_open(cnn_context *ctx, const options *o, data *d);
void data_close(data *d);

#endif
