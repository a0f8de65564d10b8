/* A limit of time for calls of MPI's, which have none. */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void stay(int number)
{
    (void)number;
    for (;;) {
        pause();
    }
}

/* MPICH's launcher takes a process that has not said that it ends for a failed one, whatever its status. It is told as
 * MPICH's own end tells it (PMI-1; PMI_FD is the socket to the launcher on this host, of which others say nothing). */
static void say_end(void)
{
    const char *number = getenv("PMI_FD");
    static const char end[] = "cmd=finalize\n";
    char answer[64];
    struct pollfd launcher = { .fd = number ? atoi(number) : -1, .events = POLLIN };
    if (launcher.fd > 2 && send(launcher.fd, end, sizeof end - 1, MSG_NOSIGNAL) == (ssize_t)sizeof end - 1 &&
        poll(&launcher, 1, 1000) == 1) {
        (void)!recv(launcher.fd, answer, sizeof answer, 0);
    }
}

/* Processes come to the end of their time within milliseconds of each other; the connections that the first one closes
 * would let the others go on, to a launcher that then cannot answer the first, and fails. */
static void halt(pthread_t thread)
{
    struct sigaction action = { .sa_handler = stay };
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGRTMAX, &action, NULL) == 0 && pthread_kill(thread, SIGRTMAX) == 0) {
        nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
        say_end();
    }
}

static void *wait_for_end(void *argument)
{
    cnn__watch *w = argument;
    int late = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->is_over && late != ETIMEDOUT) {
        late = pthread_cond_timedwait(&w->over, &w->lock, &w->until);
    }
    if (!w->is_over) {
        if (w->halts) {
            halt(w->caller);
        }
        _Exit(w->status);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static struct timespec after(double seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double whole = seconds < 1e6 ? seconds : 1e6;
    t.tv_sec += (time_t)whole;
    t.tv_nsec += (long)(1e9 * (whole - (double)(time_t)whole));
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static bool begin(cnn__watch *w, double seconds, int status, bool halts)
{
    pthread_condattr_t monotonic;
    *w = (cnn__watch){
        .until = after(seconds > 0 ? seconds : 0), .caller = pthread_self(), .halts = halts, .status = status
    };
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->runs = pthread_create(&w->thread, NULL, wait_for_end, w) == 0;
    return w->runs;
}

bool cnn__watch_begin(cnn__watch *w, double seconds, int status)
{
    return begin(w, seconds, status, false);
}

bool cnn__watch_begin_halting(cnn__watch *w, double seconds, int status)
{
    return begin(w, seconds, status, true);
}

void cnn__watch_end(cnn__watch *w)
{
    if (w->runs) {
        pthread_mutex_lock(&w->lock);
        w->is_over = true;
        pthread_cond_signal(&w->over);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    pthread_cond_destroy(&w->over);
    pthread_mutex_destroy(&w->lock);
}
