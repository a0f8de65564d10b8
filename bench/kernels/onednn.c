/* oneDNN by its C API, as its own examples advise: every layout is left to it ("any"), operands are brought into that layout
 * before the clock starts, and results stay in it. */
#include "sides.h"

const char *const onednn_package = "libdnnl-dev";

#ifdef HAVE_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

/* GNU's OpenMP lets idle workers spin for some milliseconds. */
enum { SETTLE_MS = 10 };
void omp_set_num_threads(int threads);

typedef struct dnnl_state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[3];
    dnnl_memory_desc_t plain[3]; /* the layouts of a, b and the result */
} dnnl_state;

static const int arguments[PASSES][3] = {
    { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST },
    { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC },
    { DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS },
};
static const dnnl_query_t queries[PASSES][3] = {
    { dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md },
    { dnnl_query_diff_dst_md, dnnl_query_weights_md, dnnl_query_diff_src_md },
    { dnnl_query_src_md, dnnl_query_diff_dst_md, dnnl_query_diff_weights_md },
};

const char *onednn_version(void)
{
    static char text[64];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

void onednn_threads(int threads)
{
    omp_set_num_threads(threads);
}

static void need(dnnl_status_t status, const char *what)
{
    if (status != dnnl_success) {
        fprintf(stderr, "bench_kernels: oneDNN: %s: status %d\n", what, (int)status);
        exit(1);
    }
}

static dnnl_memory_desc_t describe(int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t md;
    need(dnnl_memory_desc_init_by_tag(&md, rank, dims, dnnl_f32, tag), "memory descriptor");
    return md;
}

/* x, weight and y, in that order. */
static void describe_tensors(const cnn__conv *g, bool any, dnnl_memory_desc_t md[3])
{
    dnnl_dims_t x = { g->batch, g->in_channels, g->in_h, g->in_w }, y = { g->batch, g->out_channels, g->out_h, g->out_w };
    dnnl_dims_t weight = { g->out_channels, g->in_channels, g->kernel_h, g->kernel_w };
    dnnl_dims_t grouped = { g->groups, g->out_channels / g->groups, g->in_channels / g->groups, g->kernel_h, g->kernel_w };
    md[0] = describe(4, x, any ? dnnl_format_tag_any : dnnl_nchw);
    md[1] = g->groups > 1 ? describe(5, grouped, any ? dnnl_format_tag_any : dnnl_goihw)
                          : describe(4, weight, any ? dnnl_format_tag_any : dnnl_oihw);
    md[2] = describe(4, y, any ? dnnl_format_tag_any : dnnl_nchw);
}

static dnnl_primitive_desc_t choose(const cnn__conv *g, bench_pass pass, dnnl_engine_t engine)
{
    dnnl_memory_desc_t md[3];
    describe_tensors(g, true, md);
    dnnl_dims_t strides = { g->stride_h, g->stride_w }, dilates = { g->dilation_h - 1, g->dilation_w - 1 };
    dnnl_dims_t before = { g->pad_top, g->pad_left };
    dnnl_dims_t after = { (g->out_h - 1) * g->stride_h + g->kernel_h - g->in_h - g->pad_top,
                           (g->out_w - 1) * g->stride_w + g->kernel_w - g->in_w - g->pad_left };
    dnnl_convolution_desc_t forward, desc;
    need(dnnl_dilated_convolution_forward_desc_init(&forward, dnnl_forward_training, dnnl_convolution_direct, &md[0], &md[1],
                                                    NULL, &md[2], strides, dilates, before, after), "forward");
    dnnl_primitive_desc_t hint, chosen;
    need(dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL), "forward's primitive");
    if (pass == FORWARD) {
        return hint;
    }
    if (pass == BACKWARD_DATA) {
        need(dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &md[0], &md[1], &md[2], strides,
                                                              dilates, before, after), "backward data");
    } else {
        need(dnnl_dilated_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &md[0], &md[1], NULL, &md[2],
                                                                 strides, dilates, before, after), "backward weights");
    }
    need(dnnl_primitive_desc_create(&chosen, &desc, NULL, engine, hint), "backward's primitive");
    dnnl_primitive_desc_destroy(hint);
    return chosen;
}

static void reorder(dnnl_state *s, dnnl_memory_t from, dnnl_memory_t to)
{
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    const dnnl_memory_desc_t *a, *b;
    need(dnnl_memory_get_memory_desc(from, &a), "memory");
    need(dnnl_memory_get_memory_desc(to, &b), "memory");
    need(dnnl_reorder_primitive_desc_create(&desc, a, s->engine, b, s->engine, NULL), "reorder");
    need(dnnl_primitive_create(&primitive, desc), "reorder");
    dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
    need(dnnl_primitive_execute(primitive, s->stream, 2, args), "reorder");
    need(dnnl_stream_wait(s->stream), "reorder");
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(desc);
}

static void run(void *state)
{
    dnnl_state *s = state;
    dnnl_primitive_execute(s->primitive, s->stream, 3, s->args);
    dnnl_stream_wait(s->stream);
}

static void give_result(void *state, float *to)
{
    dnnl_state *s = state;
    dnnl_memory_t plain;
    need(dnnl_memory_create(&plain, &s->plain[2], s->engine, to), "result");
    reorder(s, s->args[2].memory, plain);
    dnnl_memory_destroy(plain);
}

static void free_state(void *state)
{
    dnnl_state *s = state;
    for (int i = 0; i < 3; i++) {
        dnnl_memory_destroy(s->args[i].memory);
    }
    dnnl_primitive_destroy(s->primitive);
    dnnl_stream_destroy(s->stream);
    dnnl_engine_destroy(s->engine);
    free(s);
}

bench_side onednn_conv(const cnn__conv *g, bench_pass pass, const float *a, const float *b)
{
    static const int order[PASSES][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 0, 2, 1 } };
    dnnl_state *s = calloc(1, sizeof *s);
    dnnl_memory_desc_t md[3];
    if (!s) {
        exit(1);
    }
    need(dnnl_engine_create(&s->engine, dnnl_cpu, 0), "engine");
    need(dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags), "stream");
    dnnl_primitive_desc_t chosen = choose(g, pass, s->engine);
    describe_tensors(g, false, md);
    for (int i = 0; i < 3; i++) {
        s->plain[i] = md[order[pass][i]];
        s->args[i].arg = arguments[pass][i];
        need(dnnl_memory_create(&s->args[i].memory, dnnl_primitive_desc_query_md(chosen, queries[pass][i], 0), s->engine,
                                DNNL_MEMORY_ALLOCATE), "memory");
    }
    for (int i = 0; i < 2; i++) {
        dnnl_memory_t plain;
        need(dnnl_memory_create(&plain, &s->plain[i], s->engine, (void *)(uintptr_t)(i ? b : a)), "operand");
        reorder(s, plain, s->args[i].memory);
        dnnl_memory_destroy(plain);
    }
    need(dnnl_primitive_create(&s->primitive, chosen), "primitive");
    dnnl_primitive_desc_destroy(chosen);
    return (bench_side){ run, give_result, free_state, s, SETTLE_MS };
}

#else

const char *onednn_version(void)
{
    return NULL;
}

void onednn_threads(int threads)
{
    (void)threads;
}

bench_side onednn_conv(const cnn__conv *g, bench_pass pass, const float *a, const float *b)
{
    (void)g, (void)pass, (void)a, (void)b;
    return (bench_side){ 0 };
}
#endif
