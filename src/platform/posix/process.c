/* The number is stored in a page that the kernel clears in every child process, however it was made
 * (MADV_WIPEONFORK, Linux 4.14). Where that is not available, or an emulator only pretends that it is, a
 * pthread_atfork() handler clears it; a child made by a plain clone() does not call that handler. A process that
 * finds the page empty takes the number after the last one that was assigned, which it has inherited with the rest
 * of its memory.
 *
 * There is one page for the whole library. It is never freed, because a thread may still ask for the number while
 * the program ends. */
#include "platform/process.h"

#if CNN__POSIX
#include "platform/annotate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

typedef atomic_uint_fast64_t process_number;

static process_number last_process, no_page;
static _Atomic(process_number *) current_page;

static void forget_process(void)
{
    atomic_store(atomic_load(&current_page), 0);
}

static process_number *wiped_page(size_t size)
{
    (void)size;
#ifdef MADV_WIPEONFORK
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) {
        if (madvise(page, size, MADV_WIPEONFORK) == 0) {
            return page;
        }
        munmap(page, size);
    }
#endif
    return NULL;
}

/* Threads that come here at the same time agree on the page of one of them. */
static process_number *choose_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    process_number *page = wiped_page(size), *ours = page ? page : &no_page, *theirs = NULL;
    CNN__ATOMIC(ours);
    if (atomic_compare_exchange_strong(&current_page, &theirs, ours)) {
        pthread_atfork(NULL, NULL, forget_process);
        return ours;
    }
    if (page) {
        munmap(page, size);
    }
    return theirs;
}

uint64_t cnn__process(void)
{
    process_number *word = atomic_load_explicit(&current_page, memory_order_acquire);
    word = word ? word : choose_page();
    uint64_t known = atomic_load_explicit(word, memory_order_relaxed);
    if (known) {
        return known;
    }
    uint64_t next = atomic_fetch_add(&last_process, 1) + 1;
    return atomic_compare_exchange_strong(word, &known, next) ? next : known;
}
#endif
