/* The initializers of an ONNX model, as far as libcnn holds their dtypes. The model is read by libcnn-onnx first, whose
 * messages say what is wrong with a file; one that it cannot run is read nevertheless. */
#include "graph.h"
#include "onnx.h"

#include "common/say.h"

#include <cnn/onnx.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* It does not see that a row of the table holds the copy of its name. */
#if defined(CNN__LINT) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

typedef struct onnx_file {
    graph graph;
    graph_tensor **tensors; /* in the order in which they were added to the table */
} onnx_file;

/* Whether a row before this one of the same name makes it another one's: a graph within the graph may use a name again,
 * which gets underscores then. */
static bool add(tensors *t, const graph *g, int i)
{
    const graph_value *v = &g->by_name[i]->value;
    size_t length = strlen(v->name);
    int again = 0;
    while (again < i && strcmp(g->by_name[i - again - 1]->value.name, v->name) == 0) {
        again++;
    }
    char *name = malloc(length + (size_t)again + 1);
    if (!name) {
        say("cnn: %s: no memory", t->path);
        return false;
    }
    memcpy(name, v->name, length);
    memset(name + length, '_', (size_t)again);
    name[length + (size_t)again] = '\0';
    bool good = tensors_add(t, name, graph_type_name(v->type), v->ndim, v->shape, g->by_name[i]->bytes);
    free(name);
    return good;
}

bool onnx_open(tensors *t)
{
    onnx_file *f = t->own = calloc(1, sizeof *f);
    if (!f) {
        say("cnn: %s: no memory", t->path);
        return false;
    }
    cnn_module *module = cnn_onnx_load(t->ctx, t->path, NULL);
    cnn_module_free(module);
    if (!module && cnn_context_status(t->ctx) != CNN_ERROR_UNSUPPORTED) {
        say("cnn: %s", cnn_last_error(t->ctx));
        return false;
    }
    if (!graph_open(&f->graph, "cnn", t->path)) {
        return false;
    }
    const graph *g = &f->graph;
    f->tensors = calloc((size_t)g->tensor_count + 1, sizeof *f->tensors);
    if (!f->tensors) {
        say("cnn: %s: no memory", t->path);
        return false;
    }
    for (int i = 0; i < g->tensor_count; i++) {
        if (g->by_name[i]->bytes < 0 || !*g->by_name[i]->value.name) {
            continue;
        }
        f->tensors[t->count] = g->by_name[i];
        if (!add(t, g, i)) {
            return false;
        }
    }
    return tensors_sort(t);
}

cnn_tensor *onnx_read(tensors *t, int i)
{
    const onnx_file *f = t->own;
    return graph_read(&f->graph, "cnn", f->tensors[t->info[i].added], t->ctx);
}

void onnx_close(tensors *t)
{
    onnx_file *f = t->own;
    if (f) {
        graph_close(&f->graph);
        free(f->tensors);
        free(f);
        t->own = NULL;
    }
}
