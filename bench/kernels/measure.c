/* A round is one sample of each side. Before a sample the other side's threads get time to fall asleep, and one run warms the
 * caches and wakes the own threads. */
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static double now(const measure_options *o)
{
    struct timespec t;
    clock_gettime(o->cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double sample(const bench_side *side, int runs, const measure_options *o)
{
    double start = now(o);
    for (int i = 0; i < runs; i++) {
        side->run(side->state);
    }
    return (now(o) - start) / runs;
}

static void settle(const bench_side *side, const measure_options *o)
{
    if (!o->cpu_time && side->settle_ms) {
        nanosleep(&(struct timespec){ .tv_nsec = side->settle_ms * 1000000L }, NULL);
    }
}

static int runs_wanted(const bench_side *side, const measure_options *o)
{
    double once = sample(side, 1, o); /* the first run was the one that was checked */
    double runs = o->sample_seconds / (once > 1e-7 ? once : 1e-7);
    return runs < 1 ? 1 : runs > 100000 ? 100000 : (int)runs;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double largest_difference(const bench_side *own, const bench_side *peer, int64_t size)
{
    float *a = floats_new(size), *b = floats_new(size);
    own->result(own->state, a);
    peer->result(peer->state, b);
    double most = 0, scale = 0;
    for (int64_t i = 0; i < size; i++) {
        double off = fabs((double)a[i] - (double)b[i]), value = fabs((double)b[i]);
        most = off > most || isnan(off) ? off : most;
        scale = value > scale ? value : scale;
    }
    free(a);
    free(b);
    return scale > 0 ? most / scale : most;
}

measure_result measure(const bench_side *own, const bench_side *peer, int64_t size, const measure_options *o)
{
    const bench_side *sides[] = { own, peer };
    double times[2][MOST_ROUNDS];
    int count = peer->run ? 2 : 1, runs[2];
    measure_result r = { 0 };
    for (int k = 0; k < count; k++) {
        sides[k]->run(sides[k]->state);
    }
    if (count == 2) {
        r.difference = largest_difference(own, peer, size);
    }
    for (int k = 0; k < count; k++) {
        settle(sides[1 - k], o);
        runs[k] = runs_wanted(sides[k], o);
    }
    for (int round = 0; round < o->rounds; round++) {
        for (int k = 0; k < count; k++) {
            settle(sides[1 - k], o);
            if (runs[k] > 1) {
                sides[k]->run(sides[k]->state);
            }
            times[k][round] = sample(sides[k], runs[k], o);
        }
    }
    for (int k = 0; k < count; k++) {
        qsort(times[k], (size_t)o->rounds, sizeof **times, compare);
    }
    r.own = times[0][o->rounds / 2];
    r.own_spread = (times[0][o->rounds * 3 / 4] - times[0][o->rounds / 4]) / r.own;
    r.peer = count == 2 ? times[1][o->rounds / 2] : 0;
    return r;
}
