/* The standard streams: checks that output is really written. */
#ifndef COMMON_STREAMS_H
#define COMMON_STREAMS_H

#include <stdbool.h>

/* Opens /dev/null in place of a closed standard stream, and is called first in main(). Otherwise the next file that is
 * opened would get its descriptor, and everything that is printed would be written to that file. */
bool streams_open(void);

/* Flushes what was printed. If it cannot be written, prints one line on stderr, once, and returns false. */
bool streams_flush(void);

/* The same at the end of the program, and closes stdout: some file systems report a full disk only then. */
bool streams_close(void);

#endif
