/* What cnn info prints of an ONNX file besides its tensors, as lines or as members of a JSON object that is open. */
#ifndef CLI_INFO_GRAPH_H
#define CLI_INFO_GRAPH_H

#include "graph.h"

/* A name as the library's messages write it; it cannot control the terminal. */
void print_text(const char *text);
void print_value_shape(const graph_value *v, bool json);

/* Who wrote it, and the versions that it asks for. */
void print_graph_head(const graph *g, bool json);
/* How many nodes each operator has, and which of them libcnn-onnx does not know. */
void print_operators(const graph *g, bool json);
void print_nodes(const graph *g, bool json);

#endif
