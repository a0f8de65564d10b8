/* Cancellation of threads (pthread_cancel). Only cnn_tape_begin() is a cancellation point, so a cancelled thread
 * leaves no lock held and no job or file half done. Code that waits, reads files or calls the user back while it
 * holds something runs between these two calls, which may be nested. */
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
