/* A module as a GraphDef, the message of TensorFlow's graph.proto that TensorBoard draws. */
#ifndef COMMON_GRAPH_H
#define COMMON_GRAPH_H

#include "message.h"

#include <cnn/cnn.h>

/* Appends the fields of a GraphDef: the operations that the module carries out on a batch of that shape and dtype, in
 * boxes of their modules, and its parameters. false: it cannot be traced, or there is no memory. */
bool graph_append(message *to, cnn_module *module, const cnn_tensor *batch);

#endif
