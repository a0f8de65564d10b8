/* Walking and asking a tree of modules: its children and its state, in the order of PyTorch's state_dict. Nothing here
 * allocates or changes the tree. */
#include "nn/module.h"

#include <string.h>

static cnn_status tree_missing(const char *call)
{
    return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", call);
}

/* Numbers past the end are how a loop ends; negative ones are a mistake. */
static bool tree_check_number(const cnn_module *module, const char *call, int i)
{
    if (!module) {
        tree_missing(call);
        return false;
    }
    if (i < 0) {
        cnn__fail(module->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: number %d, expected 0 or more", call, i);
    }
    return i >= 0;
}

/* ---- one module ---- */

const char *cnn_module_type(const cnn_module *module)
{
    if (!module) {
        tree_missing("module_type");
        return "";
    }
    return module->type ? module->type : module->class->type;
}

cnn_context *cnn_module_context(const cnn_module *module)
{
    if (!module) {
        tree_missing("module_context");
        return NULL;
    }
    return module->ctx;
}

int cnn_module_child_count(const cnn_module *module)
{
    if (!module) {
        tree_missing("module_child_count");
        return 0;
    }
    return module->children.count;
}

cnn_module *cnn_module_child(const cnn_module *module, int i, const char **name)
{
    if (name) {
        *name = NULL;
    }
    if (!tree_check_number(module, "module_child", i) || i >= module->children.count) {
        return NULL;
    }
    if (name) {
        *name = module->children.items[i].name;
    }
    return module->children.items[i].module;
}

/* ---- the walk ---- */

const cnn_module *cnn__module_next(const cnn_module *root, const cnn_module *module)
{
    if (module->children.count) {
        return module->children.items[0].module;
    }
    for (; module != root; module = module->parent) {
        const cnn__named_list *siblings = &module->parent->children;
        if (module->index + 1 < siblings->count) {
            return siblings->items[module->index + 1].module;
        }
    }
    return NULL;
}

cnn__state cnn__state_begin(const cnn_module *root)
{
    return (cnn__state){ .root = root, .owner = root, .place = -1 };
}

bool cnn__state_next(cnn__state *state)
{
    state->place++;
    while (state->owner) {
        const cnn_module *m = state->owner;
        int parameters = m->parameters.count;
        if (state->place < parameters + m->buffers.count) {
            state->is_parameter = state->place < parameters;
            const cnn__named *item =
                state->is_parameter ? &m->parameters.items[state->place] : &m->buffers.items[state->place - parameters];
            state->tensor = item->tensor;
            state->leaf = item->name;
            return true;
        }
        state->owner = cnn__module_next(state->root, m);
        state->place = 0;
    }
    return false;
}

/* Written from the back, because the way up is what a module knows. */
size_t cnn__state_name(const cnn__state *state, char *buffer, size_t size)
{
    size_t length = strlen(state->leaf);
    for (const cnn_module *m = state->owner; m != state->root; m = m->parent) {
        length += strlen(m->parent->children.items[m->index].name) + 1;
    }
    size_t end = length;
    const char *part = state->leaf;
    const cnn_module *m = state->owner;
    while (size) {
        size_t n = strlen(part), from = end - n;
        for (size_t i = 0; i < n && from + i < size - 1; i++) {
            buffer[from + i] = part[i];
        }
        if (m == state->root) {
            break;
        }
        end = from - 1;
        if (end < size - 1) {
            buffer[end] = '.';
        }
        part = m->parent->children.items[m->index].name;
        m = m->parent;
    }
    if (size) {
        buffer[length < size - 1 ? length : size - 1] = '\0';
    }
    return length;
}

cnn_tensor *cnn__state_find(const cnn_module *root, const char *name, size_t length)
{
    const cnn_module *module = root;
    const char *end = name + length, *dot;
    while ((dot = memchr(name, '.', (size_t)(end - name)))) {
        const cnn__named *child = cnn__names_find(module, CNN__CHILDREN, name, (size_t)(dot - name));
        if (!child) {
            return NULL;
        }
        module = child->module;
        name = dot + 1;
    }
    const cnn__named *item = cnn__names_find(module, CNN__PARAMETERS, name, (size_t)(end - name));
    if (!item) {
        item = cnn__names_find(module, CNN__BUFFERS, name, (size_t)(end - name));
    }
    return item ? item->tensor : NULL;
}

/* ---- the state ---- */

static int tree_count(const cnn_module *module, bool parameters_only)
{
    int n = 0;
    for (const cnn_module *m = module; m; m = cnn__module_next(module, m)) {
        n += m->parameters.count + (parameters_only ? 0 : m->buffers.count);
    }
    return n;
}

int cnn_module_state_count(const cnn_module *module)
{
    if (!module) {
        tree_missing("module_state_count");
        return 0;
    }
    return tree_count(module, false);
}

int cnn_module_parameter_count(const cnn_module *module)
{
    if (!module) {
        tree_missing("module_parameter_count");
        return 0;
    }
    return tree_count(module, true);
}

/* Entry number i of the state; false, past the end or, reported, for a bad argument. */
static bool find_state(const cnn_module *module, const char *call, int i, cnn__state *state)
{
    if (!tree_check_number(module, call, i)) {
        return false;
    }
    for (cnn__state s = cnn__state_begin(module); s.owner; s.owner = cnn__module_next(module, s.owner)) {
        int own = s.owner->parameters.count + s.owner->buffers.count;
        if (i < own) {
            s.place = i - 1;
            *state = s;
            return cnn__state_next(state);
        }
        i -= own;
    }
    return false;
}

cnn_tensor *cnn_module_state(const cnn_module *module, int i)
{
    cnn__state state;
    return find_state(module, "module_state", i, &state) ? state.tensor : NULL;
}

size_t cnn_module_state_name(const cnn_module *module, int i, char *buffer, size_t size)
{
    cnn__state state;
    if (buffer && size) {
        *buffer = '\0';
    }
    return find_state(module, "module_state_name", i, &state) ? cnn__state_name(&state, buffer, buffer ? size : 0) : 0;
}

cnn_tensor *cnn_module_parameter(const cnn_module *module, int i)
{
    if (!tree_check_number(module, "module_parameter", i)) {
        return NULL;
    }
    for (const cnn_module *m = module; m; m = cnn__module_next(module, m)) {
        if (i < m->parameters.count) {
            return m->parameters.items[i].tensor;
        }
        i -= m->parameters.count;
    }
    return NULL;
}

int cnn_module_parameters(const cnn_module *module, cnn_tensor **parameters, int tree_count)
{
    const char *call = "module_parameters";
    if (!module) {
        tree_missing(call);
        return 0;
    }
    if (tree_count < 0 || (tree_count > 0 && !parameters)) {
        cnn__fail(module->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                  tree_count < 0 ? "count is negative" : "parameters is NULL");
        return 0;
    }
    int n = 0;
    for (const cnn_module *m = module; m; m = cnn__module_next(module, m)) {
        for (int i = 0; i < m->parameters.count; i++, n++) {
            if (n < tree_count) {
                parameters[n] = m->parameters.items[i].tensor;
            }
        }
    }
    return n;
}

int64_t cnn_module_parameter_numel(const cnn_module *module)
{
    if (!module) {
        tree_missing("module_parameter_numel");
        return 0;
    }
    int64_t n = 0;
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        n += s.is_parameter ? s.tensor->numel : 0;
    }
    return n;
}

cnn_tensor *cnn_module_find(const cnn_module *module, const char *name)
{
    if (!module || !name) {
        cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "module_find: %s is NULL",
                  module ? "name" : "module");
        return NULL;
    }
    cnn_tensor *tensor = cnn__state_find(module, name, strlen(name));
    if (!tensor) {
        cnn__fail(module->ctx, CNN_ERROR_NOT_FOUND, "module_find: this %s has no parameter or buffer \"%s\"",
                  cnn_module_type(module), CNN__Q(name));
    }
    return tensor;
}

cnn_status cnn_module_zero_grad(cnn_module *module)
{
    if (!module) {
        return tree_missing("module_zero_grad");
    }
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        if (s.is_parameter) {
            cnn__tensor_grad_clear(s.tensor);
        }
    }
    return CNN_OK;
}
