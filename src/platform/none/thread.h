/* platform/thread.h where there is one thread: nothing waits, and no thread can be started. */
#ifndef CNN_PLATFORM_NONE_THREAD_H
#define CNN_PLATFORM_NONE_THREAD_H

#include <errno.h>

#define CNN__THREADS 0
#define CNN__MUTEX \
    { \
        0 \
    }
#define CNN__ONCE \
    { \
        0 \
    }

typedef struct cnn__thread {
    char unused;
} cnn__thread;

typedef struct cnn__mutex {
    char unused;
} cnn__mutex;

typedef struct cnn__recursive_mutex {
    char unused;
} cnn__recursive_mutex;

typedef struct cnn__condition {
    char unused;
} cnn__condition;

typedef struct cnn__once {
    char done;
} cnn__once;

/* ---- threads ---- */

static inline int cnn__thread_start(cnn__thread *thread, void *(*run)(void *), void *arg)
{
    (void)thread;
    (void)run;
    (void)arg;
    return ENOSYS;
}

static inline void cnn__thread_join(cnn__thread *thread)
{
    (void)thread;
}

static inline void cnn__thread_yield(void)
{
}

static inline int cnn__thread_cpu(void)
{
    return -1;
}

static inline void cnn__once_run(cnn__once *once, void (*run)(void))
{
    if (!once->done) {
        once->done = 1;
        run();
    }
}

/* ---- mutexes ---- */

static inline int cnn__mutex_init(cnn__mutex *mutex)
{
    *mutex = (cnn__mutex)CNN__MUTEX;
    return 0;
}

static inline void cnn__mutex_destroy(cnn__mutex *mutex)
{
    (void)mutex;
}

static inline void cnn__mutex_lock(cnn__mutex *mutex)
{
    (void)mutex;
}

static inline void cnn__mutex_unlock(cnn__mutex *mutex)
{
    (void)mutex;
}

static inline int cnn__recursive_mutex_init(cnn__recursive_mutex *mutex)
{
    *mutex = (cnn__recursive_mutex)CNN__MUTEX;
    return 0;
}

static inline void cnn__recursive_mutex_destroy(cnn__recursive_mutex *mutex)
{
    (void)mutex;
}

static inline void cnn__recursive_mutex_lock(cnn__recursive_mutex *mutex)
{
    (void)mutex;
}

static inline void cnn__recursive_mutex_unlock(cnn__recursive_mutex *mutex)
{
    (void)mutex;
}

/* ---- condition variables ---- */

static inline int cnn__condition_init(cnn__condition *condition)
{
    *condition = (cnn__condition){ 0 };
    return 0;
}

static inline void cnn__condition_destroy(cnn__condition *condition)
{
    (void)condition;
}

static inline void cnn__condition_wait(cnn__condition *condition, cnn__mutex *mutex)
{
    (void)condition;
    (void)mutex;
}

static inline void cnn__condition_signal(cnn__condition *condition)
{
    (void)condition;
}

static inline void cnn__condition_broadcast(cnn__condition *condition)
{
    (void)condition;
}

#endif
