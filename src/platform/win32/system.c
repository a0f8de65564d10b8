/* The CPUs of the process, and its clock. There is no fork(), so there is one process. */
#include "platform/clock.h"
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

double cnn__clock(void)
{
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceFrequency(&per_second);
    QueryPerformanceCounter(&ticks);
    return (double)ticks.QuadPart / (double)per_second.QuadPart;
}
#endif
