/* One process on one CPU. */
#include "platform/cpu.h"
#include "platform/process.h"

#if CNN__NONE
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
#endif
