/* The pictures: the binary files of CIFAR-10, folders by class, or what the program draws. */
#ifndef CIFAR10_DATA_H
#define CIFAR10_DATA_H

#include "options.h"

typedef struct data {
    int64_t classes;
    struct cnn_image_folder *names; /* with folders by class; else NULL */
    cnn_dataset *named;             /* with the binary files, whose class names belong to it; else NULL */
} data;

/* What is subtracted from red, green and blue, and what they are divided by. */
extern const double data_means[3], data_deviations[3];

/* Opens the parts of a training, that of training augmented unless the device does it (moves.h). Returns false after one line on stderr. */
bool data_open(training *t, const options *o, data *d);
void data_close(data *d);

/* The name of a class, which lives as long as the data are open; NULL where it has none. */
const char *data_class_name(const data *d, int64_t i);

#endif
