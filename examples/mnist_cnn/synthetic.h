/* Digits drawn by the program, for machines that cannot get MNIST. */
#ifndef MNIST_CNN_SYNTHETIC_H
#define MNIST_CNN_SYNTHETIC_H

#include <stdbool.h>

/* Writes the four files of MNIST's names and form into a folder, unless they are there. The same bytes on every machine. */
bool synthetic_make(const char *folder);

#endif
