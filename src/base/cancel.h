/* Cancellation of threads (pthread_cancel): no call of the library is a cancellation point but cnn_tape_begin(), so
 * that a thread that is cancelled leaves no lock, no job and no file half way. What waits, reads files or calls the
 * user back while something is held goes between these two; nests. */
#ifndef CNN_BASE_CANCEL_H
#define CNN_BASE_CANCEL_H

#include <pthread.h>

static inline int cnn__cancel_defer(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void cnn__cancel_restore(int before)
{
    int ignored;
    pthread_setcancelstate(before, &ignored);
}

#endif
