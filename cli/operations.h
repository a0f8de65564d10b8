/* What the operations of a model take, for `cnn bench`. */
#ifndef CLI_OPERATIONS_H
#define CLI_OPERATIONS_H

#include <cnn/cnn.h>

typedef struct operation {
    const char *name;
    int64_t launches; /* the launches of one run */
    double flops;     /* the floating-point operations of one run */
    double *seconds;  /* the seconds of each run; sorted by operations_sort() */
    double median;
} operation;

typedef struct operations {
    operation *rows;
    int count, runs;
    bool failed; /* no memory */
} operations;

/* Adds run number `run` of `runs`, whose profile has ended. */
void operations_add(operations *o, const cnn_profile *profile, int run);
/* Finds the medians and puts the slowest first. */
void operations_sort(operations *o);
void operations_print(const operations *o, bool json);
void operations_free(operations *o);

#endif
