/* How many CPUs there are for this process: what its affinity mask and its cgroups leave to it. */
#ifndef CNN_BASE_CPU_H
#define CNN_BASE_CPU_H

#include "base/target.h"

/* The CPUs that this thread may run on, at least 1, or fewer where a quota of CPU time is worth fewer. */
int cnn__cpu_count(void);

/* How many CPUs' worth of time the quotas of this process's cgroups leave it, rounded up; 0: no quota, or none that
 * can be read. `root` goes before the paths that are read: "" but in tests. */
int cnn__cpu_quota(const char *root);

#endif
