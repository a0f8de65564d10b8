/* How pictures that stay on a device are mirrored and shifted there: by the draws of data.c's augmentation, with its bits. */
#ifndef CIFAR10_MOVES_H
#define CIFAR10_MOVES_H

#include "common/resident.h"

enum { MOVES_SHIFT = 4 }; /* by up to so many pixels in each direction */

extern const resident_change moves_change;

#endif
