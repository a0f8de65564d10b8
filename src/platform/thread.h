/* Threads: starting and joining them, mutexes, condition variables, what happens at fork() and at cancellation.
 *
 * Each system has a header that defines these types and functions as static inline ones, so that nothing stands between
 * the pool and the system. A function that may fail returns 0 or an error number for strerror(). Where there are no
 * threads CNN__THREADS is 0, every lock is free, and starting a thread fails. */
#ifndef CNN_PLATFORM_THREAD_H
#define CNN_PLATFORM_THREAD_H

#include "platform/target.h"

/* Types: cnn__thread, cnn__mutex, cnn__recursive_mutex, cnn__condition, cnn__once.
 * Initialisers of static ones: CNN__MUTEX, CNN__ONCE.
 *
 *   int  cnn__thread_start(cnn__thread *thread, void *(*run)(void *), void *arg)
 *            The thread receives no signals: their handlers expect the program's own threads. `thread` stays where it
 *            is until it is joined.
 *   void cnn__thread_join(cnn__thread *thread)
 *   void cnn__thread_yield(void)
 *   int  cnn__thread_cpu(void)                    the CPU that this thread is on; negative: nobody knows
 *   void cnn__once_run(cnn__once *once, void (*run)(void))
 *
 *   int  cnn__mutex_init(cnn__mutex *mutex)       and _destroy, _lock, _unlock; the same for cnn__recursive_mutex
 *   int  cnn__condition_init(cnn__condition *)    and _destroy, _wait(condition, mutex), _signal, _broadcast
 *
 *   void cnn__at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))      any may be NULL
 *
 * Cancellation (pthread_cancel): no call of the library is a cancellation point but cnn_tape_begin(), so that a thread
 * that is cancelled leaves no lock, no job and no file half way. What waits, reads files or calls the user back while
 * something is held goes between cnn__cancel_defer() and cnn__cancel_restore(); they nest.
 *
 *   int  cnn__cancel_defer(void)
 *   void cnn__cancel_restore(int before)
 *   void cnn__cancel_point(void) */
#if CNN__POSIX
#include "platform/posix/thread.h"
#elif CNN__WIN32
#include "platform/no_fork.h"
#include "platform/win32/thread.h"
#elif CNN__NONE
#include "platform/no_fork.h"
#include "platform/none/thread.h"
#endif

#endif
