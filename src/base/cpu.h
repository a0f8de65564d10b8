/* Which CPUs threads run on. */
#ifndef CNN_BASE_CPU_H
#define CNN_BASE_CPU_H

#include "base/target.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

/* Those that this thread may run on; false where that cannot be known. */
bool cnn__cpu_allowed(cpu_set_t *set);

/* How many they are, at least 1. */
int cnn__cpu_count(void);

/* Gives `thread` leave to run on those of the set that this thread is not on, if there are any; returns whether it did. Has no
 * effect on a thread that runs on one of them. */
bool cnn__cpu_keep_off(pthread_t thread, const cpu_set_t *set);

#endif
