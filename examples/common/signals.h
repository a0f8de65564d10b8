/* The signals that ask the program to end: Ctrl-C (SIGINT), SIGTERM and SIGHUP. */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <signal.h>

/* The signal that asked the program to end; 0: none did. Long operations check it: loops between batches, and waits
 * for another program ten times per second. */
extern volatile sig_atomic_t interrupted;

/* Makes the signals set `interrupted`, and makes writing to a closed pipe fail instead of killing the program. */
void signals_catch(void);

/* The exit status of a program that a signal ended: 128 plus the number of the signal. */
int signals_status(void);

#endif
