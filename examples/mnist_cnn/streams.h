/* The standard streams: whether what is printed arrives. */
#ifndef MNIST_CNN_STREAMS_H
#define MNIST_CNN_STREAMS_H

#include <stdbool.h>

/* Comes first in main(): opens /dev/null in the place of a standard stream that is closed. The next file to be opened would get
 * its descriptor otherwise, and everything printed would land in that file. */
bool streams_open(void);

/* Hands what was printed to the system. false: it could not be written; one line on stderr says so, once. */
bool streams_flush(void);

/* The same at the end of the program, and closes stdout: some file systems report a full disk only then. */
bool streams_close(void);

#endif
