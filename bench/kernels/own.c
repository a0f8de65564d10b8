/* libcnn's side: the kernels of the fastest table, or the one CNN_KERNELS names, with all their packing in every run. */
#include "sides.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct own_state {
    const cnn__real_kernels *k;
    cnn__conv conv;
    cnn__gemm gemm;
    const float *a, *b;
    float *out;
    void *workspace;
    cnn__pool *pool;
    int64_t size;
} own_state;

float *floats_new(int64_t count)
{
    float *p = aligned_alloc(64, (size_t)(count + 32) / 16 * 64);
    if (!p) {
        fprintf(stderr, "bench_kernels: %lld MB of memory could not be had\n", (long long)(count >> 18));
        exit(1);
    }
    return p;
}

static void run_forward(void *state)
{
    own_state *s = state;
    s->k->conv_forward(&s->conv, s->a, s->b, NULL, s->out, s->workspace, s->pool);
}

static void run_data(void *state)
{
    own_state *s = state;
    s->k->conv_backward_data(&s->conv, s->a, s->b, s->out, s->workspace, s->pool);
}

static void run_weight(void *state)
{
    own_state *s = state;
    s->k->conv_backward_weight(&s->conv, s->a, s->b, s->out, NULL, s->workspace, s->pool);
}

static void run_gemm(void *state)
{
    own_state *s = state;
    s->k->gemm(&s->gemm, s->a, s->b, NULL, s->out, s->workspace, s->pool);
}

static void give_result(void *state, float *to)
{
    own_state *s = state;
    memcpy(to, s->out, (size_t)s->size * sizeof *to);
}

static void free_state(void *state)
{
    own_state *s = state;
    free(s->out);
    free(s->workspace);
    free(s);
}

static own_state *make_state(const float *a, const float *b, int64_t size, cnn__pool *pool)
{
    own_state *s = calloc(1, sizeof *s);
    if (!s) {
        exit(1);
    }
    s->k = cnn__kernels_select(getenv("CNN_KERNELS"))->f32;
    s->a = a;
    s->b = b;
    s->size = size;
    s->out = floats_new(size);
    s->pool = pool;
    return s;
}

bench_side own_conv(const cnn__conv *g, bench_pass pass, const float *a, const float *b, cnn__pool *pool)
{
    own_state *s = make_state(a, b, conv_sizes(g, pass).out, pool);
    size_t (*sizes[])(const cnn__conv *, int) = { s->k->conv_forward_workspace, s->k->conv_backward_data_workspace,
                                                  s->k->conv_backward_weight_workspace };
    void (*const runs[])(void *) = { run_forward, run_data, run_weight };
    s->conv = *g;
    s->workspace = floats_new((int64_t)(sizes[pass](g, cnn__pool_size(pool)) / 4));
    return (bench_side){ runs[pass], give_result, free_state, s, 0 };
}

bench_side own_gemm(const cnn__gemm *g, const float *a, const float *b, cnn__pool *pool)
{
    own_state *s = make_state(a, b, g->m * g->n, pool);
    s->gemm = *g;
    s->workspace = floats_new((int64_t)(s->k->gemm_workspace(g, cnn__pool_size(pool)) / 4));
    return (bench_side){ run_gemm, give_result, free_state, s, 0 };
}
