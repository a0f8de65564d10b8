#include "base/cpu.h"

bool cnn__cpu_allowed(cpu_set_t *set)
{
    return sched_getaffinity(0, sizeof *set, set) == 0;
}

int cnn__cpu_count(void)
{
    cpu_set_t set;
    return cnn__cpu_allowed(&set) && CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}

bool cnn__cpu_keep_off(pthread_t thread, const cpu_set_t *set)
{
    cpu_set_t others = *set;
    int cpu = sched_getcpu();
    if (cpu < 0 || cpu >= CPU_SETSIZE) {
        return false;
    }
    CPU_CLR((size_t)cpu, &others);
    return CPU_COUNT(&others) > 0 && pthread_setaffinity_np(thread, sizeof others, &others) == 0;
}
