/* The system's monotonic clock. */
#include "platform/clock.h"

#if CNN__POSIX
#include <time.h>

double cnn__clock(void)
{
    struct timespec now = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
#endif
