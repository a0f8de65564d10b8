/* The machine's fused-multiply-add peak in f32, the yardstick of every figure: independent accumulators in registers, no
 * memory. Prints GFLOP/s for one thread and for all CPUs. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ACCUMULATORS = 24, ROUNDS = 4000000, MAX_THREADS = 256 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
typedef float wide16 __attribute__((vector_size(64)));
typedef float wide8 __attribute__((vector_size(32)));

__attribute__((target("avx512f"))) static float burn16(void)
{
    wide16 a[ACCUMULATORS], scale, shift;
    for (int k = 0; k < 16; k++) {
        scale[k] = 1.0000001f;
        shift[k] = 1e-9f;
    }
#pragma GCC unroll 24
    for (int i = 0; i < ACCUMULATORS; i++) {
        a[i] = scale;
    }
    for (int n = 0; n < ROUNDS; n++) {
#pragma GCC unroll 24
        for (int i = 0; i < ACCUMULATORS; i++) {
            a[i] = a[i] * scale + shift;
            __asm__ volatile("" : "+v"(a[i])); /* stays in its register, once a round */
        }
    }
    float sum = 0;
#pragma GCC unroll 24
    for (int i = 0; i < ACCUMULATORS; i++) {
        sum += a[i][0];
    }
    return sum;
}

__attribute__((target("avx2,fma"))) static float burn8(void)
{
    wide8 a[ACCUMULATORS / 2], scale, shift;
    for (int k = 0; k < 8; k++) {
        scale[k] = 1.0000001f;
        shift[k] = 1e-9f;
    }
#pragma GCC unroll 12
    for (int i = 0; i < ACCUMULATORS / 2; i++) {
        a[i] = scale;
    }
    for (int n = 0; n < 2 * ROUNDS; n++) {
#pragma GCC unroll 12
        for (int i = 0; i < ACCUMULATORS / 2; i++) {
            a[i] = a[i] * scale + shift;
            __asm__ volatile("" : "+x"(a[i]));
        }
    }
    float sum = 0;
#pragma GCC unroll 12
    for (int i = 0; i < ACCUMULATORS / 2; i++) {
        sum += a[i][0];
    }
    return sum;
}
#endif

static int lanes(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") ? 16 : __builtin_cpu_supports("fma") ? 8 : 0;
#else
    return 0;
#endif
}

static void *burn(void *result)
{
    float sum = 0;
#if defined(__x86_64__)
    sum = lanes() == 16 ? burn16() : burn8();
#endif
    *(volatile float *)result = sum;
    return NULL;
}

static double gflops(int threads)
{
    pthread_t ids[MAX_THREADS];
    float results[MAX_THREADS];
    double start = now();
    for (int i = 1; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, burn, &results[i])) {
            return 0;
        }
    }
    burn(&results[0]);
    for (int i = 1; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    return 2.0 * ACCUMULATORS * ROUNDS * lanes() * threads / (now() - start) / 1e9;
}

static double best(int threads)
{
    double most = 0;
    for (int i = 0; i < 5; i++) {
        double one = gflops(threads);
        most = one > most ? one : most;
    }
    return most;
}

int main(void)
{
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    int cpus = CPU_COUNT(&set) < MAX_THREADS ? CPU_COUNT(&set) : MAX_THREADS;
    if (!lanes()) {
        fprintf(stderr, "bench_peak: this CPU has neither AVX2 with FMA nor AVX-512\n");
        return 1;
    }
    printf("%d %.1f %d %.1f\n", 1, best(1), cpus, best(cpus));
    return 0;
}
