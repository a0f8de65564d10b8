/* What of threads need not be inline, because it happens once per thread. */
#include "platform/thread.h"

#if CNN__POSIX
#include <signal.h>

int cnn__thread_start(cnn__thread *thread, void *(*run)(void *), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
#endif
