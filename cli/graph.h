/* What an ONNX file says, whether libcnn-onnx can run it or not: its operators, nodes, values and initializers.
 * Functions that fail have said why on stderr. */
#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H

#include "wire.h"

#include <cnn/cnn.h>

/* A tensor by its name. */
typedef struct graph_value {
    const char *name;
    uint64_t type;                     /* TensorProto.DataType; 0: the file does not say */
    int ndim;                          /* -1: the file does not say, or more than CNN_MAX_DIMS */
    int64_t shape[CNN_MAX_DIMS];       /* -1: open */
    const char *symbols[CNN_MAX_DIMS]; /* the names of sizes that are open, or "" */
} graph_value;

typedef struct graph_tensor {
    graph_value value;
    int64_t elements, bytes; /* bytes: stored raw; -1: libcnn does not hold the type */
    part message, raw;
    bool has_raw, is_external;
    const char *location; /* where its elements are in another file */
    uint64_t offset;
} graph_tensor;

typedef struct graph_node {
    const char *name, *type, *domain;
    int parent;         /* the node in whose attribute `branch` it is; -1: in the model's graph, where `branch` is "" */
    const char *branch; /* the branch that it is in, or the name of the function */
    const char **inputs, **outputs; /* "": left out */
    int input_count, output_count;
} graph_node;

typedef struct graph_operator {
    const char *type, *domain;
    int count;
    bool is_known, is_function;
} graph_operator;

typedef struct graph_opset {
    const char *domain;
    int64_t version;
} graph_opset;

typedef struct graph {
    const char *path;
    unsigned char *bytes; /* the file, whose initializers may be written */
    size_t size;
    pool pool;
    const char *producer, *producer_version;
    int64_t ir_version;
    graph_opset *opsets;
    graph_node *nodes; /* those of nested graphs and functions behind their own */
    graph_value *inputs, *outputs;
    graph_value *values;       /* all that the file describes, in the order of their names */
    graph_tensor *tensors;     /* the initializers, those of nested graphs too */
    graph_tensor **by_name;    /* the same in the order of their names, then of the file */
    graph_operator *operators; /* in the order of their counts */
    int opset_count, node_count, input_count, output_count, value_count, tensor_count, operator_count;
} graph;

/* Reads a file. `command` is what messages begin with, such as "cnn info". */
bool graph_open(graph *g, const char *command, const char *path);
void graph_close(graph *g);

/* What the file says of a value; NULL: nothing. */
const graph_value *graph_find(const graph *g, const char *name);
/* The initializer of a name, or of a name and an underscore for each one that has it before; NULL: there is none. */
graph_tensor *graph_initializer(const graph *g, const char *name);
/* "float16"; "unknown" */
const char *graph_type_name(uint64_t type);

/* ---- elements (graph_elements.c) ---- */

/* What libcnn holds a type in; false: it does not. */
bool graph_dtype(uint64_t type, cnn_dtype *dtype);
/* How many bytes the elements take where they are stored raw; -1: libcnn does not hold them, or there are too many. */
int64_t graph_bytes(uint64_t type, int64_t elements);
/* The tensor of an initializer, owned by the caller. Without a `command` a failure is not said. */
cnn_tensor *graph_read(const graph *g, const char *command, const graph_tensor *t, cnn_context *ctx);
/* Writes elements as libcnn holds them raw, as the type stores them; false, not said: one does not fit, or the type is
 * float16. */
bool graph_store(uint64_t type, const void *from, int64_t elements, unsigned char *to);

#endif
