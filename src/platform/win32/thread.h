/* platform/thread.h on Windows. The types have the size of the system's, which threads.c checks, so that <windows.h>
 * with its macros is included there alone. There is no fork() and no cancellation. */
#ifndef CNN_PLATFORM_WIN32_THREAD_H
#define CNN_PLATFORM_WIN32_THREAD_H

#include <stdatomic.h>
#include <stddef.h>

#define CNN__THREADS 1
#define CNN__MUTEX \
    { \
        NULL \
    }
#define CNN__ONCE \
    { \
        NULL \
    }

typedef struct cnn__thread {
    void *handle;
    void *(*run)(void *);
    void *arg;
} cnn__thread;

/* SRWLOCK */
typedef struct cnn__mutex {
    void *lock;
} cnn__mutex;

typedef struct cnn__recursive_mutex {
    cnn__mutex mutex;
    atomic_ulong owner; /* the thread that holds it; 0: none, which is the number of no thread */
    unsigned long depth;
} cnn__recursive_mutex;

/* CONDITION_VARIABLE */
typedef struct cnn__condition {
    void *variable;
} cnn__condition;

/* INIT_ONCE */
typedef struct cnn__once {
    void *state;
} cnn__once;

int cnn__thread_start(cnn__thread *thread, void *(*run)(void *), void *arg);
void cnn__thread_join(cnn__thread *thread);
void cnn__thread_yield(void);
int cnn__thread_cpu(void);
void cnn__once_run(cnn__once *once, void (*run)(void));

int cnn__mutex_init(cnn__mutex *mutex);
void cnn__mutex_lock(cnn__mutex *mutex);
void cnn__mutex_unlock(cnn__mutex *mutex);
int cnn__recursive_mutex_init(cnn__recursive_mutex *mutex);
void cnn__recursive_mutex_lock(cnn__recursive_mutex *mutex);
void cnn__recursive_mutex_unlock(cnn__recursive_mutex *mutex);

int cnn__condition_init(cnn__condition *condition);
void cnn__condition_wait(cnn__condition *condition, cnn__mutex *mutex);
void cnn__condition_signal(cnn__condition *condition);
void cnn__condition_broadcast(cnn__condition *condition);

/* ---- what needs no end ---- */

static inline void cnn__mutex_destroy(cnn__mutex *mutex)
{
    (void)mutex;
}

static inline void cnn__recursive_mutex_destroy(cnn__recursive_mutex *mutex)
{
    (void)mutex;
}

static inline void cnn__condition_destroy(cnn__condition *condition)
{
    (void)condition;
}

#endif
