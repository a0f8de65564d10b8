/* The CPUs of the process. There is no fork(), so there is one process. */
#include "platform/cpu.h"
#include "platform/process.h"

#if CNN__WIN32
#include <windows.h>

/* The mask is 0 for a process whose threads are in several groups of processors. */
int cnn__cpu_count(void)
{
    DWORD_PTR own = 0, all = 0;
    int count = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &own, &all)) {
        count = __builtin_popcountll(own);
    }
    count = count > 0 ? count : (int)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count > 0 ? count : 1;
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
