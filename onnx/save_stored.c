/* The names of weights in a file: those of the state_dict, and where a model was loaded those of its initializers,
 * which the module's tree of names may not have been able to keep. */
#include "net.h"
#include "save.h"

#include <stdlib.h>

typedef struct origin {
    const cnn_tensor *tensor;
    const cnn__onnx_constant *constant;
} origin;

static int by_tensor(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const origin *)a)->tensor, y = (uintptr_t)((const origin *)b)->tensor;
    return (x > y) - (x < y);
}

/* The name of an initializer of the model's graph; those of the graphs in its nodes may have the same names. */
static const char *original(cnn__export *s, const origin *origins, size_t count, cnn_tensor *tensor)
{
    const origin wanted = { .tensor = tensor };
    const origin *found = tensor ? bsearch(&wanted, origins, count, sizeof *origins, by_tensor) : NULL;
    return !found || !found->constant->is_outermost
               ? ""
               : cnn__export_string(s, "%.*s", (int)found->constant->def->name.size, found->constant->def->name.at);
}

bool cnn__export_name_stored(cnn__export *s)
{
    const cnn__onnx_net *net = cnn_module_user(s->module, cnn__onnx_net_forward);
    size_t count = 0;
    origin *origins = net ? calloc((size_t)net->program->constant_count + 1, sizeof *origins) : NULL;
    if (net && !origins) {
        return false;
    }
    int k = 0;
    for (const cnn__onnx_constant *c = net ? net->program->constants : NULL; c; c = c->next, k++) {
        if (net->tensors[k] && c->def) {
            origins[count++] = (origin){ net->tensors[k], c };
        }
    }
    if (count) {
        qsort(origins, count, sizeof *origins, by_tensor);
    }
    for (int i = 0; i < s->value_count; i++) {
        const cnn_trace_value *v = cnn__export_value(s, i);
        s->stored[i] = net ? original(s, origins, count, v->tensor) : v->name;
    }
    free(origins);
    return true;
}
