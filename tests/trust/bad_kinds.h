/* The types that describe a kind of parameter and the values that it is tried with (bad_values.h). */
#ifndef CNN_TESTS_TRUST_BAD_KINDS_H
#define CNN_TESTS_TRUST_BAD_KINDS_H

#include "bad_world.h"

#include <limits.h>

typedef union value {
    void *p;
    int64_t i;
    double d;
    void (*f)(void);
} value;

typedef enum expectation {
    GOOD,
    MAY,  /* a success without a message, or a failure with one */
    BAD,  /* fails, with a message that begins with the call's name */
    NIL,  /* fails; the message is that of the failure that made the operand nil */
    MIXED /* BAD where another operand is on a tape too */
} expectation;

typedef struct kind kind;
typedef struct candidate {
    const char *label;
    expectation expected;
    value (*make)(world *w, const kind *k);
    value fixed;  /* where there is no `make` */
    int variant;  /* for `make` functions that serve several */
} candidate;

struct kind {
    const char *name;
    const candidate *candidates;
    int count;
    /* For tensors: */
    cnn_dtype dtype;
    int ndim;
    int64_t shape[5];
    bool zero, plain;
    /* For options: */
    void (*init)(world *w, void *options);
    size_t size;
};

static const candidate *making; /* the one whose `make` runs */

static value pointer(const void *p)
{
    return (value){ .p = (void *)(uintptr_t)p };
}

#define CANDIDATES(list) list, (int)(sizeof(list) / sizeof((list)[0]))
#define NUMBER(label, expected, number) { label, expected, NULL, { .i = number }, 0 }
#define REAL(label, expected, number) { label, expected, NULL, { .d = number }, 0 }
#define ADDRESS(label, expected, address) { label, expected, NULL, { .p = (void *)(uintptr_t)(address) }, 0 }
#define MADE(label, expected, make, variant) { label, expected, make, { .p = NULL }, variant }
#define NO_POINTER ADDRESS("NULL", BAD, 0)

#endif
