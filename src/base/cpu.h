/* Where threads run. */
#ifndef CNN_BASE_CPU_H
#define CNN_BASE_CPU_H

/* How many CPUs this thread may run on; 1 where that cannot be known. */
int cnn__cpu_count(void);

/* The CPU that this thread is on, or -1. */
int cnn__cpu_now(void);

/* Moves this thread to another CPU if it is on `cpu` and may run elsewhere. Which CPUs it may run on stays as it was. */
void cnn__cpu_leave(int cpu);

#endif
