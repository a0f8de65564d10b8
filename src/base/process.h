/* Which process this is, so that objects recognise a forked child of the process that made them. */
#ifndef CNN_BASE_PROCESS_H
#define CNN_BASE_PROCESS_H

#include "base/target.h"

#include <stdint.h>

/* A number, never 0, that no process has that this one descends from. A process id is not one: a child may be the first
 * process of a new PID namespace, as its parent was of an outer one, or get the id of an ancestor that has ended. */
uint64_t cnn__process(void);

#endif
