/* The tutorial's model by hand on oneDNN's C API, speaking the protocol of bench_net.c.
 *
 * Every primitive is asked for with format "any", so oneDNN chooses the layouts; activations stay in them from one primitive to
 * the next, parameters live in the layout of the forward pass, and what backward wants otherwise is reordered once a step,
 * when the weights have changed. ReLU is a post-operation of the convolution, pooling keeps its workspace. What oneDNN lacks
 * (dropout, the loss, Adam, loading data) is plain C with OpenMP. -v trains on one batch and prints losses. */
#include "peer_onednn_layers.h"

#include <getopt.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

enum { LAYERS = 4, COUNT = 60000, INPUTS = 8, CLASSES = 10 };

/* A parameter of the model with its gradient and Adam's state, all in the layout of the forward pass. */
typedef struct parameter {
    dnnl_memory_t value, grad;
    float *p, *g, *m, *v;
    int64_t n;
} parameter;

typedef struct layer {
    bool conv;
    dnnl_primitive_desc_t forward, backward_data, backward_weights;
    parameter weight, bias;
} layer;

typedef struct model {
    int64_t batch;
    layer layers[LAYERS]; /* conv, conv, inner product, inner product */
    dnnl_memory_t input, logits, dlogits;
    dnnl_memory_t dropped, ddropped; /* what dropout works on in place: fc1's input and its gradient */
    work forward[16], backward[32];
    int forward_count, backward_count, dropout_at, undrop_at;
    uint8_t *mask;
    int64_t dropped_size;
    int steps;
    uint8_t *pixels;
    int32_t *labels, *order;
    int at;
    int32_t chosen[4096];
    float *batches[INPUTS];
} model;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- layers ---- */

static void layer_descs(layer *l, int ndims, const dnnl_dim_t *x, const dnnl_dim_t *w, const dnnl_dim_t *b,
                        const dnnl_dim_t *y, int ydims, bool train)
{
    operands o = { desc_make(ndims, x, dnnl_format_tag_any), desc_make(ndims, w, dnnl_format_tag_any),
                   desc_make(1, b, dnnl_x), desc_make(ydims, y, dnnl_format_tag_any) };
    l->forward = l->conv ? conv_forward(&o, train) : linear_forward(&o, train);
    if (train) {
        l->backward_data = l->conv ? conv_backward_data(&o, l->forward) : linear_backward_data(&o, l->forward);
        l->backward_weights = l->conv ? conv_backward_weights(&o, l->forward) : linear_backward_weights(&o, l->forward);
    }
}

/* Blocked layouts may pad, so a parameter counts all floats of its memory; padding starts as 0 and its gradient is 0. */
static parameter parameter_new(md desc, md plain, double bound)
{
    parameter p = { .value = memory_new(desc), .grad = memory_new(desc) };
    p.n = (int64_t)(dnnl_memory_desc_get_size(desc) / sizeof(float));
    p.p = data_of(p.value);
    p.g = data_of(p.grad);
    p.m = allocate((size_t)p.n * sizeof(float));
    p.v = allocate((size_t)p.n * sizeof(float));
    dnnl_memory_t start = memory_new(plain);
    float *values = data_of(start);
    for (size_t i = 0; i < dnnl_memory_desc_get_size(plain) / sizeof(float); i++) {
        values[i] = (float)((2.0 * rand() / RAND_MAX - 1) * bound);
    }
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_reorder_primitive_desc_create(&pd, plain, engine, desc, engine, NULL));
    work w = work_new(pd);
    bind(&w, DNNL_ARG_FROM, start);
    bind(&w, DNNL_ARG_TO, p.value);
    run(&w);
    dnnl_stream_wait(stream);
    return p;
}

static work *next_forward(model *m)
{
    return &m->forward[m->forward_count++];
}

static work *next_backward(model *m)
{
    return &m->backward[m->backward_count++];
}

/* Makes the layer's forward pass on x and returns its output. */
static dnnl_memory_t layer_forward(model *m, layer *l, dnnl_memory_t *x, int ndims, const dnnl_dim_t *w)
{
    double fan = 1;
    for (int i = 1; i < ndims; i++) {
        fan *= (double)w[i];
    }
    md plain = desc_make(ndims, w, ndims == 4 ? dnnl_oihw : dnnl_oi), flat = desc_make(1, w, dnnl_x);
    l->weight = parameter_new(asked(l->forward, dnnl_query_weights_md), plain, 1 / sqrt(fan));
    l->bias = parameter_new(flat, flat, 1 / sqrt(fan));
    *x = in_layout(*x, asked(l->forward, dnnl_query_src_md), m->forward, &m->forward_count);
    dnnl_memory_t y = memory_new(asked(l->forward, dnnl_query_dst_md));
    work *f = next_forward(m);
    *f = work_new(l->forward);
    bind(f, DNNL_ARG_SRC, *x);
    bind(f, DNNL_ARG_WEIGHTS, l->weight.value);
    bind(f, DNNL_ARG_BIAS, l->bias.value);
    bind(f, DNNL_ARG_DST, y);
    return y;
}

/* The gradients of the weights, and of x if `dx` is wanted. */
static dnnl_memory_t layer_backward(model *m, layer *l, dnnl_memory_t x, dnnl_memory_t dy, bool want_dx)
{
    dnnl_memory_t own_x = in_layout(x, asked(l->backward_weights, dnnl_query_src_md), m->backward, &m->backward_count);
    dnnl_memory_t own_dy = in_layout(dy, asked(l->backward_weights, dnnl_query_diff_dst_md), m->backward,
                                     &m->backward_count);
    work reorder, w = work_new(l->backward_weights);
    bool needed;
    bind(&w, DNNL_ARG_SRC, own_x);
    bind(&w, DNNL_ARG_DIFF_DST, own_dy);
    bind(&w, DNNL_ARG_DIFF_BIAS, l->bias.grad);
    bind(&w, DNNL_ARG_DIFF_WEIGHTS,
         out_layout(l->weight.grad, asked(l->backward_weights, dnnl_query_diff_weights_md), &reorder, &needed));
    *next_backward(m) = w;
    if (needed) {
        *next_backward(m) = reorder;
    }
    if (!want_dx) {
        return NULL;
    }
    dnnl_memory_t dx = memory_new(asked(l->backward_data, dnnl_query_diff_src_md));
    own_dy = in_layout(dy, asked(l->backward_data, dnnl_query_diff_dst_md), m->backward, &m->backward_count);
    dnnl_memory_t weight = in_layout(l->weight.value, asked(l->backward_data, dnnl_query_weights_md), m->backward,
                                     &m->backward_count);
    w = work_new(l->backward_data);
    bind(&w, DNNL_ARG_DIFF_DST, own_dy);
    bind(&w, DNNL_ARG_WEIGHTS, weight);
    bind(&w, DNNL_ARG_DIFF_SRC, dx);
    *next_backward(m) = w;
    return dx;
}

typedef struct pool {
    dnnl_primitive_desc_t forward;
    dnnl_memory_t workspace, y;
} pool;

static pool pool_forward(model *m, dnnl_memory_t x, const dnnl_dim_t *y, bool train)
{
    pool p = { 0 };
    p.forward = pooling_forward(desc_of(x), desc_make(4, y, dnnl_format_tag_any), train);
    p.y = memory_new(asked(p.forward, dnnl_query_dst_md));
    work *f = next_forward(m);
    *f = work_new(p.forward);
    bind(f, DNNL_ARG_SRC, x);
    bind(f, DNNL_ARG_DST, p.y);
    if (train) {
        p.workspace = memory_new(asked(p.forward, dnnl_query_workspace_md));
        bind(f, DNNL_ARG_WORKSPACE, p.workspace);
    }
    return p;
}

/* Pooling's and then ReLU's gradient; `x` is the rectified output of the convolution. */
static dnnl_memory_t pool_relu_backward(model *m, const pool *p, dnnl_memory_t x, dnnl_memory_t dy)
{
    dy = in_layout(dy, desc_of(p->y), m->backward, &m->backward_count);
    dnnl_memory_t dx = memory_new(desc_of(x));
    work *w = next_backward(m);
    *w = work_new(pooling_backward(desc_of(x), desc_of(p->y), p->forward));
    bind(w, DNNL_ARG_DIFF_DST, dy);
    bind(w, DNNL_ARG_WORKSPACE, p->workspace);
    bind(w, DNNL_ARG_DIFF_SRC, dx);
    w = next_backward(m);
    *w = work_new(relu_backward(desc_of(x)));
    bind(w, DNNL_ARG_DST, x);
    bind(w, DNNL_ARG_DIFF_DST, dx);
    bind(w, DNNL_ARG_DIFF_SRC, dx);
    return dx;
}

/* ---- the model ---- */

static void model_build(model *m, bool train)
{
    int64_t n = m->batch;
    const dnnl_dims_t x1 = { n, 1, 28, 28 }, w1 = { 32, 1, 5, 5 }, b1 = { 32 }, y1 = { n, 32, 28, 28 };
    const dnnl_dims_t x2 = { n, 32, 14, 14 }, w2 = { 64, 32, 5, 5 }, b2 = { 64 }, y2 = { n, 64, 14, 14 };
    const dnnl_dims_t x3 = { n, 64, 7, 7 }, w3 = { 1000, 64, 7, 7 }, b3 = { 1000 }, y3 = { n, 1000 };
    const dnnl_dims_t w4 = { CLASSES, 1000 }, b4 = { CLASSES }, y4 = { n, CLASSES };
    layer *l = m->layers;
    md images = desc_make(4, x1, dnnl_nchw), flat = desc_make(2, y4, dnnl_nc);
    dnnl_memory_t x = memory_new(images);
    m->input = x;
    l[0].conv = l[1].conv = true;
    layer_descs(&l[0], 4, x1, w1, b1, y1, 4, train);
    dnnl_memory_t in1 = x, c1 = layer_forward(m, &l[0], &in1, 4, w1);
    pool p1 = pool_forward(m, c1, x2, train);
    layer_descs(&l[1], 4, x2, w2, b2, y2, 4, train);
    dnnl_memory_t in2 = p1.y, c2 = layer_forward(m, &l[1], &in2, 4, w2);
    pool p2 = pool_forward(m, c2, x3, train);
    layer_descs(&l[2], 4, x3, w3, b3, y3, 2, train);
    m->dropout_at = m->forward_count;
    m->dropped = p2.y;
    m->dropped_size = (int64_t)(dnnl_memory_desc_get_size(desc_of(p2.y)) / sizeof(float));
    m->mask = allocate((size_t)m->dropped_size);
    dnnl_memory_t in3 = p2.y, f1 = layer_forward(m, &l[2], &in3, 4, w3);
    layer_descs(&l[3], 2, y3, w4, b4, y4, 2, train);
    dnnl_memory_t in4 = f1, f2 = layer_forward(m, &l[3], &in4, 2, w4);
    m->logits = in_layout(f2, flat, m->forward, &m->forward_count);
    if (!train) {
        return;
    }
    m->dlogits = memory_new(flat);
    dnnl_memory_t d = layer_backward(m, &l[3], in4, m->dlogits, true);
    d = layer_backward(m, &l[2], in3, d, true);
    d = in_layout(d, desc_of(p2.y), m->backward, &m->backward_count);
    m->undrop_at = m->backward_count;
    m->ddropped = d;
    d = pool_relu_backward(m, &p2, c2, d);
    d = layer_backward(m, &l[1], in2, d, true);
    d = pool_relu_backward(m, &p1, c1, d);
    layer_backward(m, &l[0], in1, d, false);
}

/* ---- what oneDNN lacks ---- */

static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352d;
    x ^= x >> 15;
    x *= 0x846ca68b;
    return x ^ x >> 16;
}

static void drop(model *m)
{
    float *x = data_of(m->dropped);
    uint8_t *mask = m->mask;
    uint32_t seed = (uint32_t)m->steps * 0x9e3779b9;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < m->dropped_size; i++) {
        uint8_t keep = mix((uint32_t)i + seed) >> 31;
        mask[i] = keep;
        x[i] *= 2.0f * (float)keep;
    }
}

static void undrop(model *m)
{
    float *d = data_of(m->ddropped);
    const uint8_t *mask = m->mask;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < m->dropped_size; i++) {
        d[i] *= 2.0f * (float)mask[i];
    }
}

/* Mean cross entropy and its gradient. */
static float loss(model *m)
{
    const float *logits = data_of(m->logits);
    float *d = data_of(m->dlogits), total = 0;
    for (int64_t n = 0; n < m->batch; n++, logits += CLASSES, d += CLASSES) {
        float most = logits[0], sum = 0;
        int label = m->labels[m->chosen[n]];
        for (int k = 1; k < CLASSES; k++) {
            most = logits[k] > most ? logits[k] : most;
        }
        for (int k = 0; k < CLASSES; k++) {
            sum += d[k] = expf(logits[k] - most);
        }
        for (int k = 0; k < CLASSES; k++) {
            d[k] = (d[k] / sum - (float)(k == label)) / (float)m->batch;
        }
        total += most + logf(sum) - logits[label];
    }
    return total / (float)m->batch;
}

static void adam(model *m, const parameter *p)
{
    float step = (float)(1e-3 / (1 - pow(0.9, m->steps))), root = (float)sqrt(1 - pow(0.999, m->steps));
    float *restrict value = p->p, *restrict first = p->m, *restrict second = p->v;
    const float *restrict grad = p->g;
#pragma omp parallel for simd schedule(static) if (p->n > 10000)
    for (int64_t i = 0; i < p->n; i++) {
        first[i] += 0.1f * (grad[i] - first[i]);
        second[i] = 0.999f * second[i] + 0.001f * grad[i] * grad[i];
        value[i] -= step * first[i] / (__builtin_sqrtf(second[i]) / root + 1e-8f);
    }
}

static void data_new(model *m)
{
    m->pixels = allocate((size_t)COUNT * 784);
    m->labels = allocate(COUNT * sizeof *m->labels);
    m->order = allocate(COUNT * sizeof *m->order);
    uint32_t state = 1;
    for (int64_t i = 0; i < (int64_t)COUNT * 784; i++) {
        state = state * 1664525 + 1013904223;
        m->pixels[i] = state >> 30 ? 0 : (uint8_t)(state >> 20);
    }
    for (int i = 0; i < COUNT; i++) {
        m->labels[i] = i % CLASSES;
        m->order[i] = i;
    }
    m->at = COUNT;
}

static void shuffle(model *m)
{
    for (int i = COUNT - 1; i > 0; i--) {
        int k = rand() % (i + 1), other = m->order[k];
        m->order[k] = m->order[i];
        m->order[i] = other;
    }
    m->at = 0;
}

static void load_batch(model *m, float *to)
{
    if (m->at + m->batch > COUNT) {
        shuffle(m);
    }
#pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < m->batch; n++) {
        int sample = m->chosen[n] = m->order[m->at + n];
        const uint8_t *from = m->pixels + (size_t)sample * 784;
        for (int i = 0; i < 784; i++) {
            to[n * 784 + i] = ((float)from[i] * (1.0f / 255) - 0.1307f) * (1 / 0.3081f);
        }
    }
    m->at += (int)m->batch;
}

/* Where oneDNN runs on SYCL, a primitive is only queued: the host waits before it touches what one has written. */
static void settle(void)
{
    CHECK(dnnl_stream_wait(stream));
}

static float train(model *m, bool load)
{
    m->steps++;
    if (load) {
        load_batch(m, data_of(m->input));
    }
    for (int i = 0; i < m->forward_count; i++) {
        if (i == m->dropout_at) {
            settle();
            drop(m);
        }
        run(&m->forward[i]);
    }
    settle();
    float value = loss(m);
    for (int i = 0; i < m->backward_count; i++) {
        if (i == m->undrop_at) {
            settle();
            undrop(m);
        }
        run(&m->backward[i]);
    }
    settle();
    for (int i = 0; i < LAYERS; i++) {
        adam(m, &m->layers[i].weight);
        adam(m, &m->layers[i].bias);
    }
    return value;
}

static void infer(model *m)
{
    CHECK(dnnl_memory_set_data_handle(m->input, m->batches[m->steps++ % INPUTS]));
    for (int i = 0; i < m->forward_count; i++) {
        run(&m->forward[i]);
    }
    settle();
}

static void serve(model *m, bool inference)
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        long steps = strtol(line, NULL, 10);
        for (long i = 0; i < steps; i++) {
            double start = now();
            inference ? infer(m) : (void)train(m, true);
            printf(i ? " %.7f" : "%.7f", now() - start);
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static model m = { .batch = 200 };
    bool inference = false, verify = false;
    int option;
    while ((option = getopt(argc, argv, "n:t:b:iv")) != -1) {
        switch (option) {
        case 't': omp_set_num_threads((int)strtol(optarg, NULL, 10)); break;
        case 'b': m.batch = strtol(optarg, NULL, 10); break;
        case 'i': inference = true; break;
        case 'v': verify = true; break;
        case 'n': break;
        default: fprintf(stderr, "usage: %s [-t threads] [-b batch size] [-i (inference)] [-v]\n", argv[0]); return 2;
        }
    }
    if (m.batch < 1 || m.batch > 4096) {
        fprintf(stderr, "peer_onednn: batch size 1 to 4096\n");
        return 2;
    }
    CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
    CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    model_build(&m, !inference);
    data_new(&m);
    for (int i = 0; i < INPUTS && inference; i++) {
        m.batches[i] = allocate((size_t)m.batch * 784 * sizeof(float));
        load_batch(&m, m.batches[i]);
    }
    if (verify) {
        load_batch(&m, data_of(m.input));
        for (int i = 0; i < 60; i++) {
            float value = train(&m, false);
            printf(i % 10 ? "" : "step %d loss %.4f\n", i, (double)value);
        }
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        inference ? infer(&m) : (void)train(&m, true);
    }
    const dnnl_version_t *version = dnnl_version();
    printf("ready %d.%d.%d; kernels of its own\n", version->major, version->minor, version->patch);
    fflush(stdout);
    serve(&m, inference);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld\n", usage.ru_maxrss);
    return 0;
}
