/* A clock for measuring how long something takes. */
#ifndef CNN_PLATFORM_CLOCK_H
#define CNN_PLATFORM_CLOCK_H

#include "platform/target.h"

/* Seconds since an arbitrary moment; never goes back where the system has such a clock. */
double cnn__clock(void);

#endif
