/* The signals that ask the program to end: Ctrl-C (SIGINT), SIGTERM and SIGHUP. */
#ifndef MNIST_CNN_SIGNALS_H
#define MNIST_CNN_SIGNALS_H

#include <signal.h>

/* The signal that asked the program to end; 0: none did. Whatever takes long looks at it: loops between batches, and whoever
 * waits for another program ten times a second. */
extern volatile sig_atomic_t interrupted;

/* Has the signals set `interrupted`, and has writing to a closed pipe fail instead of killing the program. */
void signals_catch(void);

/* The exit status of a program that a signal ended: 128 and the signal's number. */
int signals_status(void);

#endif
