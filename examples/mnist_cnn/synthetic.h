/* Digits drawn by the program, for machines that cannot get MNIST. */
#ifndef MNIST_CNN_SYNTHETIC_H
#define MNIST_CNN_SYNTHETIC_H

#include <stdbool.h>

/* Writes four files of MNIST's names and form into a folder; the same bytes on every machine. false: one line on stderr says why,
 * or a signal asked the program to end. */
bool synthetic_make(const char *folder);

#endif
