/* A result that nobody can read is a failure, so every write to stdout is checked. */
#include "streams.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool streams_open(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd) { /* open() returns the lowest free number */
            return false;
        }
    }
    return true;
}

static bool check(bool written)
{
    static bool reported;
    if (!written && !reported) {
        reported = true;
        say("%s: cannot write to the standard output: %s", program_name, strerror(errno));
    }
    return written && !reported;
}

bool streams_flush(void)
{
    return check(fflush(stdout) == 0 && !ferror(stdout));
}

bool streams_close(void)
{
    bool written = streams_flush();
    return check(fclose(stdout) == 0) && written;
}
