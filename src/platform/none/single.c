/* One process on one CPU, with the clock of ISO C. */
#include "platform/clock.h"
#include "platform/cpu.h"
#include "platform/process.h"

#if CNN__NONE
#include <time.h>

int cnn__cpu_count(void)
{
    return 1;
}

int cnn__cpu_quota(const char *root)
{
    (void)root;
    return 0;
}

uint64_t cnn__process(void)
{
    return 1;
}

double cnn__clock(void)
{
    struct timespec now = { 0 };
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
#endif
