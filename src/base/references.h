/* Reference counts of shared objects. Whoever gives up the last reference sees everything that was done under the
 * others. */
#ifndef CNN_BASE_REFERENCES_H
#define CNN_BASE_REFERENCES_H

#include "platform/annotate.h"

#include <stdatomic.h>
#include <stdbool.h>

static inline void cnn__references_init(atomic_int *references)
{
    atomic_init(references, 1);
    CNN__ATOMIC(references);
}

static inline void cnn__references_add(atomic_int *references)
{
    atomic_fetch_add_explicit(references, 1, memory_order_relaxed);
}

/* Gives up a reference; returns true if it was the last. */
static inline bool cnn__references_drop(atomic_int *references)
{
    CNN__HAPPENS_BEFORE(references);
    /* Where there is no other reference nobody can add one, and the count is not needed any more. */
    bool last = atomic_load_explicit(references, memory_order_acquire) == 1 ||
                atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
    if (last) {
        CNN__HAPPENS_AFTER(references);
    }
    return last;
}

#endif
