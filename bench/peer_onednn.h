/* oneDNN's memory and primitives for bench/peer_onednn.c: one engine and one stream; every failure ends the program.
 *
 * oneDNN 3 replaced version 2's operation descriptors by one call per primitive descriptor, and made memory descriptors
 * opaque. Both versions are served: what differs between them is in this file and in peer_onednn_layers.h. */
#ifndef CNN_BENCH_PEER_ONEDNN_H
#define CNN_BENCH_PEER_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                            \
    do {                                                                       \
        dnnl_status_t status_ = (call);                                        \
        if (status_ != dnnl_success) {                                         \
            fprintf(stderr, "peer_onednn: line %d: %s: status %d\n", __LINE__, #call, (int)status_); \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t md;
#else
typedef const dnnl_memory_desc_t *md;
#endif

static dnnl_engine_t engine;
static dnnl_stream_t stream;

/* A primitive with its arguments bound once. */
typedef struct work {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[8];
    int count;
} work;

static void *allocate(size_t size)
{
    void *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p) {
        exit(1);
    }
    memset(p, 0, size);
    return p;
}

static dnnl_memory_t memory_new(md desc)
{
    dnnl_memory_t memory;
    CHECK(dnnl_memory_create(&memory, desc, engine, allocate(dnnl_memory_desc_get_size(desc))));
    return memory;
}

static void *data_of(dnnl_memory_t memory)
{
    void *data;
    CHECK(dnnl_memory_get_data_handle(memory, &data));
    return data;
}

static md desc_of(dnnl_memory_t memory)
{
    md desc;
    CHECK(dnnl_memory_get_memory_desc(memory, &desc));
    return desc;
}

static md asked(dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    md desc = dnnl_primitive_desc_query_md(pd, what, 0);
    if (!desc) {
        fprintf(stderr, "peer_onednn: a primitive has no such argument\n");
        exit(1);
    }
    return desc;
}

/* Lives until the program ends. */
static md desc_make(int ndims, const dnnl_dim_t *dims, dnnl_format_tag_t tag)
{
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_t desc;
    CHECK(dnnl_memory_desc_create_with_tag(&desc, ndims, dims, dnnl_f32, tag));
#else
    dnnl_memory_desc_t *desc = allocate(sizeof *desc);
    CHECK(dnnl_memory_desc_init_by_tag(desc, ndims, dims, dnnl_f32, tag));
#endif
    return desc;
}

static work work_new(dnnl_primitive_desc_t pd)
{
    work w = { 0 };
    CHECK(dnnl_primitive_create(&w.primitive, pd));
    return w;
}

static void bind(work *w, int arg, dnnl_memory_t memory)
{
    w->args[w->count++] = (dnnl_exec_arg_t){ arg, memory };
}

static void run(const work *w)
{
    CHECK(dnnl_primitive_execute(w->primitive, stream, w->count, w->args));
}

/* `memory` in the layout `want`: itself, or another that the reorder which is appended to the list fills. */
static dnnl_memory_t in_layout(dnnl_memory_t memory, md want, work *list, int *count)
{
    if (dnnl_memory_desc_equal(desc_of(memory), want)) {
        return memory;
    }
    dnnl_memory_t other = memory_new(want);
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_reorder_primitive_desc_create(&pd, desc_of(memory), engine, want, engine, NULL));
    work *w = &list[(*count)++];
    *w = work_new(pd);
    bind(w, DNNL_ARG_FROM, memory);
    bind(w, DNNL_ARG_TO, other);
    return other;
}

/* A memory that a primitive writes in its own layout and that ends up in `memory`; *reorder is to be appended after it. */
static dnnl_memory_t out_layout(dnnl_memory_t memory, md own, work *reorder, bool *needed)
{
    *needed = !dnnl_memory_desc_equal(desc_of(memory), own);
    if (!*needed) {
        return memory;
    }
    dnnl_memory_t other = memory_new(own);
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_reorder_primitive_desc_create(&pd, own, engine, desc_of(memory), engine, NULL));
    *reorder = work_new(pd);
    bind(reorder, DNNL_ARG_FROM, other);
    bind(reorder, DNNL_ARG_TO, memory);
    return other;
}

#endif
