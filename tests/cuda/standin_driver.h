/* What the files of the stand-in's driver share. */
#ifndef CNN_TESTS_CUDA_STANDIN_DRIVER_H
#define CNN_TESTS_CUDA_STANDIN_DRIVER_H

#include "standin.h"

typedef struct node {
    standin_work *work;
    void *data;
    size_t bytes;
    bool kernel;
    size_t index;
} node;

struct CUgraph_st {
    node **nodes;
    size_t count, room;
};
struct CUgraphExec_st {
    struct CUgraph_st graph;
};
struct CUstream_st {
    struct CUgraph_st waiting; /* what was handed over and is not done */
    struct CUgraph_st *capture;
};
struct CUevent_st {
    CUstream stream; /* where it was recorded */
};

void standin_graph_clear(struct CUgraph_st *graph);
void standin_graph_append(struct CUgraph_st *to, const struct CUgraph_st *from);
void standin_need_context(const char *name);
void standin_not_capturing(const char *name, CUstream stream);
/* Whether it is pinned memory of the host. */
bool standin_is_pinned(const void *address, size_t bytes);

#endif
