/* Threads of Windows: slim locks, which need no end, and threads of the C run-time library, so that they have its
 * thread-local state. */
#include "platform/thread.h"

#if CNN__WIN32
#include <errno.h>
#include <process.h>
#include <windows.h>

_Static_assert(sizeof(cnn__mutex) == sizeof(SRWLOCK), "SRWLOCK is one pointer");
_Static_assert(sizeof(cnn__condition) == sizeof(CONDITION_VARIABLE), "CONDITION_VARIABLE is one pointer");
_Static_assert(sizeof(cnn__once) == sizeof(INIT_ONCE), "INIT_ONCE is one pointer");

/* ---- threads ---- */

static unsigned __stdcall run_thread(void *arg)
{
    cnn__thread *thread = arg;
    thread->run(thread->arg);
    return 0;
}

int cnn__thread_start(cnn__thread *thread, void *(*run)(void *), void *arg)
{
    thread->run = run;
    thread->arg = arg;
    thread->handle = (void *)_beginthreadex(NULL, 0, run_thread, thread, 0, NULL);
    return thread->handle ? 0 : errno;
}

void cnn__thread_join(cnn__thread *thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
}

void cnn__thread_yield(void)
{
    SwitchToThread();
}

int cnn__thread_cpu(void)
{
    return (int)GetCurrentProcessorNumber();
}

static BOOL CALLBACK run_once(PINIT_ONCE once, PVOID run, PVOID *context)
{
    (void)once;
    (void)context;
    (*(void (**)(void))run)();
    return TRUE;
}

void cnn__once_run(cnn__once *once, void (*run)(void))
{
    InitOnceExecuteOnce((INIT_ONCE *)once, run_once, &run, NULL);
}

/* ---- mutexes ---- */

static SRWLOCK *lock_of(cnn__mutex *mutex)
{
    return (SRWLOCK *)mutex;
}

int cnn__mutex_init(cnn__mutex *mutex)
{
    InitializeSRWLock(lock_of(mutex));
    return 0;
}

void cnn__mutex_lock(cnn__mutex *mutex)
{
    AcquireSRWLockExclusive(lock_of(mutex));
}

void cnn__mutex_unlock(cnn__mutex *mutex)
{
    ReleaseSRWLockExclusive(lock_of(mutex));
}

int cnn__recursive_mutex_init(cnn__recursive_mutex *mutex)
{
    atomic_init(&mutex->owner, 0);
    mutex->depth = 0;
    return cnn__mutex_init(&mutex->mutex);
}

/* Only this thread writes its own number, so what it reads is its number exactly if it holds the lock. */
void cnn__recursive_mutex_lock(cnn__recursive_mutex *mutex)
{
    unsigned long self = GetCurrentThreadId();
    if (atomic_load_explicit(&mutex->owner, memory_order_relaxed) != self) {
        cnn__mutex_lock(&mutex->mutex);
        atomic_store_explicit(&mutex->owner, self, memory_order_relaxed);
    }
    mutex->depth++;
}

void cnn__recursive_mutex_unlock(cnn__recursive_mutex *mutex)
{
    if (--mutex->depth == 0) {
        atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
        cnn__mutex_unlock(&mutex->mutex);
    }
}

/* ---- condition variables ---- */

int cnn__condition_init(cnn__condition *condition)
{
    InitializeConditionVariable((CONDITION_VARIABLE *)condition);
    return 0;
}

void cnn__condition_wait(cnn__condition *condition, cnn__mutex *mutex)
{
    SleepConditionVariableSRW((CONDITION_VARIABLE *)condition, lock_of(mutex), INFINITE, 0);
}

void cnn__condition_signal(cnn__condition *condition)
{
    WakeConditionVariable((CONDITION_VARIABLE *)condition);
}

void cnn__condition_broadcast(cnn__condition *condition)
{
    WakeAllConditionVariable((CONDITION_VARIABLE *)condition);
}
#endif
