/* What the kernels assume about the processor and its memory. Every size of a block, stretch or task that follows from
 * a cache is derived from these constants where it is used.
 *
 * The constants describe no single processor: they are the sizes that gave the best times over the machines of
 * docs/notes/performance-kernels.md. They are not measured at run time, because how work is cut decides the order of
 * sums, and with it the bits of results. */
#ifndef CNN_KERNELS_SIMD_VECTOR_MACHINE_H
#define CNN_KERNELS_SIMD_VECTOR_MACHINE_H

enum {
    CACHE_LINE = 64, /* bytes */
    LINE_FLOATS = CACHE_LINE / 4,

    L1_FLOATS = 1 << 13, /* 32 kB */
    L1_WAYS = 8,
    /* Rows that are a multiple of this many floats (4 kB) apart share one set of L1, which holds L1_WAYS of them. */
    L1_SET_FLOATS = L1_FLOATS / L1_WAYS,

    L2_FLOATS = 1 << 18, /* 1 MB */
    QUARTER_L2 = L2_FLOATS / 4,
    EIGHTH_L2 = L2_FLOATS / 8,

    /* Results from 16 MB on are larger than the caches and are stored past them. */
    STREAMED_FLOATS = 1 << 22,

    /* The number of tasks that work is cut into, where it is large enough: more than most machines have threads. The
     * tasks of a gradient of weights differ more in length, so there are more of them. */
    MIN_TASKS = 8,
    MIN_WEIGHT_TASKS = 12,

    /* The sums of a gradient of weights are cut along the positions into at most this many chunks, whose partial sums
     * take at most this many floats together. */
    MAX_CHUNKS = 16,
    MAX_PARTIAL_FLOATS = 1 << 22
};

#endif
