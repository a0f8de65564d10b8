/* Counting the CPUs of the affinity mask, if the system has one. The kernel refuses a mask with fewer bits than its
 * own, which may have more than the 1024 bits of cpu_set_t, so the mask grows until the kernel accepts it. */
#include "platform/cpu.h"

#if CNN__POSIX
#include "platform/thread.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

enum { LARGEST_MASK = 8192 }; /* bytes: 65,536 CPUs, eight times what Linux can have */

#ifdef __linux__
/* 0: the system does not say. */
static int cpus_of_mask(void)
{
    union {
        cpu_set_t set;
        unsigned char bytes[LARGEST_MASK];
    } mask;
    for (size_t size = sizeof mask.set; size <= sizeof mask; size *= 2) {
        if (sched_getaffinity(0, size, &mask.set) == 0) {
            return CPU_COUNT_S(size, &mask.set);
        }
        if (errno != EINVAL) {
            break;
        }
    }
    return 0;
}
#else
static int cpus_of_mask(void)
{
    return 0;
}
#endif

static int allowed_cpus(void)
{
    int allowed = cpus_of_mask();
    if (allowed > 0) {
        return allowed;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > LARGEST_MASK * 8 ? LARGEST_MASK * 8 : (int)online;
}

int cnn__cpu_count(void)
{
    int cancel = cnn__cancel_defer();
    int count = allowed_cpus(), quota = cnn__cpu_quota("");
    cnn__cancel_restore(cancel);
    count = quota > 0 && quota < count ? quota : count;
    return count > 0 ? count : 1;
}
#endif
