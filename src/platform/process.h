/* Identifies the process, so that objects recognise when they are used in a forked child of the process that made
 * them. */
#ifndef CNN_PLATFORM_PROCESS_H
#define CNN_PLATFORM_PROCESS_H

#include "platform/target.h"

#include <stdint.h>

/* A nonzero number that differs from that of every process that this one descends from. The process id would not do:
 * a child may be the first process of a new PID namespace, as its parent was of an outer one, or may get the id of
 * an ancestor that has ended. */
uint64_t cnn__process(void);

#endif
