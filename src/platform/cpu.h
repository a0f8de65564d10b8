/* The number of CPUs that this process may use, on Linux according to its affinity mask and its cgroups. */
#ifndef CNN_PLATFORM_CPU_H
#define CNN_PLATFORM_CPU_H

#include "platform/target.h"

/* The number of CPUs that this thread may run on, or less if the quota of CPU time amounts to less; at least 1. */
int cnn__cpu_count(void);

/* The quota of CPU time that the system sets this process (on Linux by its cgroups) in CPUs, rounded up; 0 if there is
 * no quota or none can be read. `root` is prepended to the paths that are read; it is "" except in tests. */
int cnn__cpu_quota(const char *root);

#endif
