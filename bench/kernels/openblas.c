/* OpenBLAS's sgemm, where pkg-config found it. */
#include "sides.h"

const char *const openblas_package = "libopenblas-dev";

#ifdef HAVE_OPENBLAS
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

/* Idle workers of OpenBLAS's own threads spin for 2^26 cycles. */
enum { SETTLE_MS = 30 };

typedef struct blas_state {
    cnn__gemm g;
    const float *a, *b;
    float *c;
} blas_state;

const char *openblas_version(void)
{
    return openblas_get_config();
}

void openblas_threads(int threads)
{
    openblas_set_num_threads(threads);
}

static void run(void *state)
{
    const blas_state *s = state;
    const cnn__gemm *g = &s->g;
    cblas_sgemm(CblasRowMajor, g->trans_a ? CblasTrans : CblasNoTrans, g->trans_b ? CblasTrans : CblasNoTrans, (int)g->m,
                (int)g->n, (int)g->k, 1, s->a, (int)g->lda, s->b, (int)g->ldb, 0, s->c, (int)g->ldc);
}

static void give_result(void *state, float *to)
{
    const blas_state *s = state;
    memcpy(to, s->c, (size_t)(s->g.m * s->g.n) * sizeof *to);
}

static void free_state(void *state)
{
    blas_state *s = state;
    free(s->c);
    free(s);
}

bench_side openblas_gemm(const cnn__gemm *g, const float *a, const float *b)
{
    blas_state *s = malloc(sizeof *s);
    if (!s) {
        exit(1);
    }
    *s = (blas_state){ *g, a, b, floats_new(g->m * g->n) };
    return (bench_side){ run, give_result, free_state, s, SETTLE_MS };
}

#else

const char *openblas_version(void)
{
    return NULL;
}

void openblas_threads(int threads)
{
    (void)threads;
}

bench_side openblas_gemm(const cnn__gemm *g, const float *a, const float *b)
{
    (void)g, (void)a, (void)b;
    return (bench_side){ 0 };
}
#endif
