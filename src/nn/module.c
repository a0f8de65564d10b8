/* The tree of modules: making, naming, owning and freeing. Calls that take ownership take it on failure too, and no
 * call frees what somebody else owns. Walks of the tree follow parent links, so that depth costs no stack. */
#include "nn/module.h"

#include <string.h>

/* ---- making and freeing ---- */

cnn_module *cnn__module_new(cnn_context *ctx, const char *call, const cnn__module_class *class, size_t attributes_size)
{
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
        return NULL;
    }
    cnn_module *module = cnn__calloc(ctx, 1, sizeof *module);
    void *attributes = module && attributes_size ? cnn__calloc(ctx, 1, attributes_size) : NULL;
    if (!module || (attributes_size && !attributes)) {
        cnn__free(ctx, module);
        cnn__fail_memory(ctx, call, sizeof *module + attributes_size);
        return NULL;
    }
    module->ctx = cnn__context_retain(ctx);
    module->class = class;
    module->height = 1;
    module->attributes = attributes;
    module->attributes_size = attributes_size;
    return module;
}

/* Frees one module whose children are gone. */
static void free_node(cnn_module *module)
{
    cnn_context *ctx = module->ctx;
    if (module->class->destroy) {
        module->class->destroy(module);
    }
    cnn__names_free(module);
    cnn__free(ctx, module->type);
    cnn__free(ctx, module->attributes);
    cnn__free(ctx, module);
    cnn__context_release(ctx);
}

/* The last child first, each once its own children are gone. */
static void free_tree(cnn_module *root)
{
    cnn_module *module = root;
    for (;;) {
        while (module->children.count) {
            cnn__free(module->ctx, module->name_slots); /* its names go one by one: no table of them any more */
            module->name_slots = NULL;
            module = module->children.items[module->children.count - 1].module;
        }
        cnn_module *parent = module->parent;
        bool last = module == root;
        free_node(module);
        if (last) {
            return;
        }
        module = parent;
        cnn__free(module->ctx, module->children.items[--module->children.count].name);
    }
}

void cnn_module_free(cnn_module *module)
{
    if (!module) {
        return;
    }
    if (module->parent) {
        cnn__fail(module->ctx, CNN_ERROR_STATE,
                  "module_free: the module belongs to a parent of type %s, which frees it",
                  cnn_module_type(module->parent));
        return;
    }
    free_tree(module);
}

/* One may be given twice, or be a descendant of another: first they are all looked at, then freed. */
void cnn__modules_free(cnn_module *const *modules, int count)
{
    cnn_module *first = NULL;
    for (int i = 0; i < count; i++) {
        cnn_module *module = modules[i];
        if (module && !module->parent && !module->doomed) {
            module->doomed = true;
            module->next = first;
            first = module;
        }
    }
    while (first) {
        cnn_module *module = first;
        first = module->next;
        free_tree(module);
    }
}

/* ---- names ---- */

static bool is_used(const cnn_module *module, const char *name)
{
    size_t length = strlen(name);
    return cnn__names_find(module, CNN__PARAMETERS, name, length) ||
           cnn__names_find(module, CNN__BUFFERS, name, length) || cnn__names_find(module, CNN__CHILDREN, name, length);
}

static cnn_status check_name(const cnn_module *module, const char *call, const char *name)
{
    if (!name || !*name) {
        return cnn__fail(module->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: name is %s, expected a name without '.'", call,
                         name ? "empty" : "NULL");
    }
    if (strchr(name, '.')) {
        return cnn__fail(module->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: name \"%s\" contains '.'", call, CNN__Q(name));
    }
    if (is_used(module, name)) {
        return cnn__fail(module->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: name \"%s\" is already used in this %s", call,
                         CNN__Q(name), cnn_module_type(module));
    }
    return CNN_OK;
}

/* ---- children ---- */

static int depth(const cnn_module *module)
{
    int levels = 0;
    for (; module; module = module->parent) {
        levels++;
    }
    return levels;
}

static const cnn_module *root_of(const cnn_module *module)
{
    while (module->parent) {
        module = module->parent;
    }
    return module;
}

static cnn_status check_child(const cnn_module *parent, const char *call, const cnn_module *child)
{
    if (child->parent) {
        return cnn__fail(parent->ctx, CNN_ERROR_STATE, "%s: the %s already belongs to a parent of type %s", call,
                         cnn_module_type(child), cnn_module_type(child->parent));
    }
    if (child == root_of(parent)) {
        return cnn__fail(parent->ctx, CNN_ERROR_STATE, "%s: the %s would become its own descendant", call,
                         cnn_module_type(child));
    }
    if (child->ctx != parent->ctx) {
        return cnn__fail(parent->ctx, CNN_ERROR_STATE, "%s: the %s is of another context than its parent", call,
                         cnn_module_type(child));
    }
    if (depth(parent) + child->height > CNN__MODULE_MAX_DEPTH) {
        return cnn__fail(parent->ctx, CNN_ERROR_UNSUPPORTED, "%s: the tree would be deeper than %d levels", call,
                         CNN__MODULE_MAX_DEPTH);
    }
    return CNN_OK;
}

cnn_status cnn__module_attach(cnn_module *parent, const char *call, const char *name, cnn_module *child)
{
    cnn_status status = check_child(parent, call, child);
    if (status == CNN_OK) {
        status = check_name(parent, call, name);
    }
    if (status == CNN_OK) {
        cnn__named item = { .name = (char *)(uintptr_t)name, .module = child };
        status = cnn__names_add(parent, call, CNN__CHILDREN, item);
    }
    if (status != CNN_OK) {
        return status;
    }
    child->parent = parent;
    child->index = parent->children.count - 1;
    int height = child->height + 1;
    for (cnn_module *m = parent; m && m->height < height; m = m->parent) {
        m->height = height++;
    }
    return CNN_OK;
}

cnn_module *cnn_module_add(cnn_module *parent, const char *name, cnn_module *child)
{
    if (!child) {
        if (cnn__failure_status() == CNN_OK) { /* else the call that should have made the child has said why */
            cnn__fail(parent ? parent->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "module_add: child is NULL");
        }
        return NULL;
    }
    if (!parent) {
        cnn__fail(child->ctx, CNN_ERROR_INVALID_ARGUMENT, "module_add: parent is NULL");
    } else if (cnn__module_attach(parent, "module_add", name, child) == CNN_OK) {
        return child;
    }
    /* An ancestor of `parent` is in use by it: nobody owns it, but to free it would free the caller's parent. */
    if (!child->parent && !(parent && child == root_of(parent))) {
        free_tree(child);
    }
    return NULL;
}

/* ---- tensors ---- */

static cnn_status module_check_tensor(const cnn_module *module, const char *call, const cnn_tensor *tensor)
{
    cnn_status status = cnn__tensor_check(tensor, call);
    if (status != CNN_OK) {
        return status;
    }
    if (tensor->kind != CNN__TENSOR_PLAIN || tensor->owned) {
        return cnn__fail(tensor->ctx, CNN_ERROR_STATE, "%s: the tensor belongs to %s, expected one of the caller's",
                         call, tensor->kind == CNN__TENSOR_PLAIN ? "a module, a loader or another tensor" : "a tape");
    }
    if (!module) {
        return cnn__fail(tensor->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", call);
    }
    if (module->ctx != tensor->ctx) {
        return cnn__fail(module->ctx, CNN_ERROR_STATE, "%s: the tensor is of another context than the module", call);
    }
    return cnn__tensor_check_in_place(tensor, call);
}

static cnn_tensor *add_tensor(cnn_module *module, const char *call, const char *name, cnn_tensor *tensor,
                              bool parameter)
{
    if (!tensor) {
        if (cnn__failure_status() == CNN_OK) { /* else the call that should have made the tensor has said why */
            cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: tensor is NULL", call);
        }
        return NULL;
    }
    cnn_status status = module_check_tensor(module, call, tensor);
    if (status == CNN_OK && parameter && !cnn__dtype_is_real(tensor->dtype)) {
        status = cnn__fail(module->ctx, CNN_ERROR_DTYPE, "%s: the tensor is %s, expected " CNN__REAL_DTYPES, call,
                           cnn_dtype_name(tensor->dtype));
    }
    if (status == CNN_OK) {
        status = check_name(module, call, name);
    }
    if (status == CNN_OK) {
        cnn__named item = { .name = (char *)(uintptr_t)name, .tensor = tensor };
        status = cnn__names_add(module, call, parameter ? CNN__PARAMETERS : CNN__BUFFERS, item);
    }
    if (status != CNN_OK) {
        if (tensor->kind == CNN__TENSOR_PLAIN && !tensor->owned) {
            cnn__tensor_release(tensor);
        }
        return NULL;
    }
    tensor->owned = true;
    tensor->requires_grad = parameter;
    return tensor;
}

cnn_tensor *cnn_module_add_parameter(cnn_module *module, const char *name, cnn_tensor *tensor)
{
    return add_tensor(module, "module_add_parameter", name, tensor, true);
}

cnn_tensor *cnn_module_add_buffer(cnn_module *module, const char *name, cnn_tensor *tensor)
{
    return add_tensor(module, "module_add_buffer", name, tensor, false);
}
