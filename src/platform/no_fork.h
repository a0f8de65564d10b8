/* The part of platform/thread.h about forks and cancellation, for systems that have neither. */
#ifndef CNN_PLATFORM_NO_FORK_H
#define CNN_PLATFORM_NO_FORK_H

static inline void cnn__at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    (void)before;
    (void)in_parent;
    (void)in_child;
}

static inline int cnn__cancel_defer(void)
{
    return 0;
}

static inline void cnn__cancel_restore(int before)
{
    (void)before;
}

static inline void cnn__cancel_point(void)
{
}

#endif
