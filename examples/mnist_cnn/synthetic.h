/* Digits drawn by the program, for machines that cannot get MNIST. */
#ifndef MNIST_CNN_SYNTHETIC_H
#define MNIST_CNN_SYNTHETIC_H

#include <stdbool.h>

/* Writes four files with MNIST's names and format into a folder, with the same bytes on every machine. Returns false
 * after one line on stderr, or if a signal asked the program to end. */
bool synthetic_make(const char *folder);

#endif
