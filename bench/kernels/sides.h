/* The two sides of a comparison: something that can be run again and again on the same operands, and hands its result over in
 * the plain layout. Making one may fail (a peer that does not know the case); then `run` is NULL. */
#ifndef CNN_BENCH_KERNELS_SIDES_H
#define CNN_BENCH_KERNELS_SIDES_H

#include "cases.h"

typedef struct bench_side {
    void (*run)(void *state);
    void (*result)(void *state, float *to);
    void (*free)(void *state);
    void *state;
    int settle_ms; /* how long its idle threads keep a CPU busy after a run */
} bench_side;

bench_side own_conv(const cnn__conv *g, bench_pass pass, const float *a, const float *b, cnn__pool *pool);
bench_side own_gemm(const cnn__gemm *g, const float *a, const float *b, cnn__pool *pool);

/* A peer's name and version, or NULL where the program was built without it. */
const char *onednn_version(void);
const char *openblas_version(void);
extern const char *const onednn_package, *const openblas_package;

void onednn_threads(int threads);
void openblas_threads(int threads);
bench_side onednn_conv(const cnn__conv *g, bench_pass pass, const float *a, const float *b);
bench_side openblas_gemm(const cnn__gemm *g, const float *a, const float *b);

/* Memory aligned to 64 bytes; ends the program when there is none. */
float *floats_new(int64_t count);

#endif
