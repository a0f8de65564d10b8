/* A program's output is read through a pipe, so that no more bytes than wanted are taken, however much it prints.
 * The program leads a process group of its own: Ctrl-C at the terminal reaches only this program, which then ends
 * the whole group. */
#include "program.h"

#include "progress.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_SECONDS = 600, LOOK_MS = 100 }; /* how often a wait looks for signals */

/* Starts a program with `in` and `out` as its standard streams; returns 0 or an error number. */
static int start(const char *const argv[], int in, int out, pid_t *child)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    if (posix_spawn_file_actions_init(&files) != 0 || posix_spawnattr_init(&attributes) != 0) {
        return ENOMEM;
    }
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* this program ignores it */
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int error = in >= 0 ? posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO)
                        : posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    if (error == 0) { /* argv is not written to, although its type allows it */
        error = posix_spawnp(child, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv, environ);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

bool write_all(int fd, const void *bytes, size_t size)
{
    const char *from = bytes;
    while (size > 0) {
        ssize_t written = write(fd, from, size);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        from += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* Copies up to `most` bytes; `*ended` tells whether the input ended before that. */
static program_result copy(int from, int to, int64_t most, bool *ended)
{
    char buffer[1 << 14];
    const double deadline = progress_now() + MAX_SECONDS;
    while (most > 0) {
        struct pollfd ready = { .fd = from, .events = POLLIN };
        if (interrupted) {
            return PROGRAM_INTERRUPTED;
        }
        if (progress_now() > deadline) {
            return PROGRAM_FAILED;
        }
        if (poll(&ready, 1, LOOK_MS) <= 0) {
            continue;
        }
        ssize_t got = read(from, buffer, most < (int64_t)sizeof buffer ? (size_t)most : sizeof buffer);
        if (got == 0) {
            *ended = true;
            return PROGRAM_DONE;
        }
        if (got > 0 && !write_all(to, buffer, (size_t)got)) {
            return PROGRAM_UNWRITTEN;
        }
        most -= got > 0 ? got : 0;
    }
    return PROGRAM_DONE;
}

program_result program_run(const char *const argv[], int in, int out, int64_t most)
{
    int ends[2], status = 0, error;
    pid_t child;
    bool ended = false;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return PROGRAM_FAILED;
    }
    error = start(argv, in, ends[1], &child);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return error == ENOENT ? PROGRAM_MISSING : PROGRAM_FAILED;
    }
    program_result result = copy(ends[0], out, most, &ended);
    error = errno;
    close(ends[0]);
    if (!ended) {
        kill(-child, SIGKILL);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        if (interrupted) {
            kill(-child, SIGKILL);
        }
    }
    errno = error;
    return result == PROGRAM_DONE && ended && status != 0 ? PROGRAM_FAILED : result;
}
