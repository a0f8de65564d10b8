/* platform/thread.h on POSIX threads. */
#ifndef CNN_PLATFORM_POSIX_THREAD_H
#define CNN_PLATFORM_POSIX_THREAD_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>

#define CNN__THREADS 1
#define CNN__MUTEX PTHREAD_MUTEX_INITIALIZER
#define CNN__ONCE PTHREAD_ONCE_INIT

typedef pthread_t cnn__thread;
typedef pthread_mutex_t cnn__mutex;
typedef pthread_mutex_t cnn__recursive_mutex;
typedef pthread_cond_t cnn__condition;
typedef pthread_once_t cnn__once;

/* ---- threads ---- */

int cnn__thread_start(cnn__thread *thread, void *(*run)(void *), void *arg);

static inline void cnn__thread_join(cnn__thread *thread)
{
    pthread_join(*thread, NULL);
}

static inline void cnn__thread_yield(void)
{
    sched_yield();
}

static inline int cnn__thread_cpu(void)
{
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

static inline void cnn__once_run(cnn__once *once, void (*run)(void))
{
    pthread_once(once, run);
}

/* ---- mutexes ---- */

static inline int cnn__mutex_init(cnn__mutex *mutex)
{
    return pthread_mutex_init(mutex, NULL);
}

static inline void cnn__mutex_destroy(cnn__mutex *mutex)
{
    pthread_mutex_destroy(mutex);
}

static inline void cnn__mutex_lock(cnn__mutex *mutex)
{
    pthread_mutex_lock(mutex);
}

static inline void cnn__mutex_unlock(cnn__mutex *mutex)
{
    pthread_mutex_unlock(mutex);
}

static inline int cnn__recursive_mutex_init(cnn__recursive_mutex *mutex)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error) {
        return error;
    }
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    error = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error;
}

static inline void cnn__recursive_mutex_destroy(cnn__recursive_mutex *mutex)
{
    pthread_mutex_destroy(mutex);
}

static inline void cnn__recursive_mutex_lock(cnn__recursive_mutex *mutex)
{
    pthread_mutex_lock(mutex);
}

static inline void cnn__recursive_mutex_unlock(cnn__recursive_mutex *mutex)
{
    pthread_mutex_unlock(mutex);
}

/* ---- condition variables ---- */

static inline int cnn__condition_init(cnn__condition *condition)
{
    return pthread_cond_init(condition, NULL);
}

static inline void cnn__condition_destroy(cnn__condition *condition)
{
    pthread_cond_destroy(condition);
}

static inline void cnn__condition_wait(cnn__condition *condition, cnn__mutex *mutex)
{
    pthread_cond_wait(condition, mutex);
}

static inline void cnn__condition_signal(cnn__condition *condition)
{
    pthread_cond_signal(condition);
}

static inline void cnn__condition_broadcast(cnn__condition *condition)
{
    pthread_cond_broadcast(condition);
}

/* ---- fork and cancellation ---- */

static inline void cnn__at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    pthread_atfork(before, in_parent, in_child);
}

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

static inline void cnn__cancel_point(void)
{
    pthread_testcancel();
}

#endif
