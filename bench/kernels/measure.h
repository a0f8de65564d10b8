/* Times two sides in turns, A B A B, and compares what they computed. */
#ifndef CNN_BENCH_KERNELS_MEASURE_H
#define CNN_BENCH_KERNELS_MEASURE_H

#include "sides.h"

enum { MOST_ROUNDS = 64 };

typedef struct measure_options {
    int rounds;
    double sample_seconds; /* how long one side runs in one round; at least one run */
    bool cpu_time;         /* measure the time of this thread, for a machine that others use too */
} measure_options;

typedef struct measure_result {
    double own, peer;   /* medians, seconds a run; peer is 0 where there is none */
    double own_spread;  /* between the quartiles, as a part of the median */
    double difference;  /* largest, as a part of the largest value */
} measure_result;

/* `size` is the number of floats of the result. */
measure_result measure(const bench_side *own, const bench_side *peer, int64_t size, const measure_options *options);

#endif
