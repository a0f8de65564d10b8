/* A copy of a tree of modules: first every node with its tensors, from the root down, then what the classes keep beside
 * them, children before their parents. Both walks follow parent links in both trees at once. */
#include "nn/module.h"

#include <cnn/device.h>

#include <string.h>

static const char *const clone_call = "module_clone";

/* What the copy is to be. */
typedef struct destination {
    cnn_context *ctx;
    const cnn_dtype *dtype; /* the dtype of parameters and buffers of real numbers; NULL: that of each */
} destination;

/* ---- nodes ---- */

static cnn_status clone_tensor(cnn_module *to, cnn__list list, const cnn__named *item, const destination *target)
{
    const cnn_tensor *from = item->tensor;
    cnn_dtype dtype = target->dtype && cnn__dtype_is_real(from->dtype) ? *target->dtype : from->dtype;
    cnn_tensor *tensor = cnn__tensor_new(to->ctx, clone_call, dtype, from->ndim, from->shape);
    if (!tensor) {
        return CNN_ERROR_NO_MEMORY;
    }
    cnn__named copy = { .name = item->name, .tensor = tensor };
    cnn_status status = cnn__names_add(to, clone_call, list, copy);
    if (status != CNN_OK) {
        cnn__tensor_release(tensor);
        return status;
    }
    tensor->owned = true;
    tensor->requires_grad = from->requires_grad;
    return dtype == from->dtype ? cnn__elements_move(tensor, from, clone_call)
                                : cnn__tensor_copy(tensor, from, clone_call);
}

static cnn_status clone_tensors(cnn_module *to, const cnn_module *from, const destination *target)
{
    cnn_status status = CNN_OK;
    for (int i = 0; i < from->parameters.count && status == CNN_OK; i++) {
        status = clone_tensor(to, CNN__PARAMETERS, &from->parameters.items[i], target);
    }
    for (int i = 0; i < from->buffers.count && status == CNN_OK; i++) {
        status = clone_tensor(to, CNN__BUFFERS, &from->buffers.items[i], target);
    }
    return status;
}

/* One node without children, its attributes zeros. */
static cnn_module *clone_node(const cnn_module *from, const destination *target)
{
    cnn_context *ctx = target->ctx;
    cnn_module *to = cnn__module_new(ctx, clone_call, from->class, from->attributes_size);
    if (!to) {
        return NULL;
    }
    if (from->type && !(to->type = cnn__strdup(ctx, from->type))) {
        cnn__fail_memory(ctx, clone_call, strlen(from->type) + 1);
        cnn_module_free(to);
        return NULL;
    }
    to->mode = from->mode;
    if (clone_tensors(to, from, target) != CNN_OK) {
        cnn_module_free(to);
        return NULL;
    }
    return to;
}

/* The whole tree but for what classes copy themselves; NULL on failure, reported. */
static cnn_module *clone_tree(const cnn_module *root, const destination *target)
{
    cnn_module *copy = clone_node(root, target), *at = copy;
    const cnn_module *from = root;
    for (const cnn_module *next = copy ? cnn__module_next(root, root) : NULL; next;
         next = cnn__module_next(root, next)) {
        while (from != next->parent) {
            from = from->parent;
            at = at->parent;
        }
        cnn_module *child = clone_node(next, target);
        if (!child ||
            cnn__module_attach(at, clone_call, next->parent->children.items[next->index].name, child) != CNN_OK) {
            cnn_module_free(child);
            cnn_module_free(copy);
            return NULL;
        }
        from = next;
        at = child;
    }
    return copy;
}

/* ---- what classes keep ---- */

cnn_status cnn__clone_bytes(cnn_module *clone, const cnn_module *self)
{
    if (self->attributes_size) {
        memcpy(clone->attributes, self->attributes, self->attributes_size);
    }
    return CNN_OK;
}

cnn_tensor *cnn__cloned(const cnn_module *clone, const cnn_module *self, const cnn_tensor *tensor)
{
    for (int i = 0; tensor && i < self->parameters.count; i++) {
        if (self->parameters.items[i].tensor == tensor) {
            return clone->parameters.items[i].tensor;
        }
    }
    for (int i = 0; tensor && i < self->buffers.count; i++) {
        if (self->buffers.items[i].tensor == tensor) {
            return clone->buffers.items[i].tensor;
        }
    }
    return NULL;
}

static cnn_status clone_node_attributes(cnn_module *to, const cnn_module *from)
{
    if (from->class->clone) {
        return from->class->clone(to, from);
    }
    return from->attributes_size == 0 ? CNN_OK
                                      : cnn__fail(from->ctx, CNN_ERROR_UNSUPPORTED, "%s: %s cannot be cloned",
                                                  clone_call, cnn_module_type(from));
}

typedef struct clone_pair {
    cnn_module *to;
    const cnn_module *from;
} clone_pair;

static clone_pair child_of(clone_pair p, int i)
{
    return (clone_pair){ p.to->children.items[i].module, p.from->children.items[i].module };
}

static clone_pair deepest(clone_pair p)
{
    while (p.to->children.count) {
        p = child_of(p, 0);
    }
    return p;
}

static cnn_status clone_attributes(cnn_module *copy, const cnn_module *root)
{
    for (clone_pair p = deepest((clone_pair){ copy, root });;) {
        cnn_status status = clone_node_attributes(p.to, p.from);
        if (status != CNN_OK || p.to == copy) {
            return status;
        }
        clone_pair parent = { p.to->parent, p.from->parent };
        int next = p.to->index + 1;
        p = next < parent.to->children.count ? deepest(child_of(parent, next)) : parent;
    }
}

static cnn_module *clone_into(const cnn_module *module, const destination *target)
{
    cnn_module *copy = clone_tree(module, target);
    if (copy && clone_attributes(copy, module) != CNN_OK) {
        cnn_module_free(copy);
        return NULL;
    }
    return copy;
}

cnn_module *cnn_module_clone(const cnn_module *module)
{
    if (!module) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", clone_call);
        return NULL;
    }
    return clone_into(module, &(destination){ module->ctx, NULL });
}

cnn_module *cnn_module_to(const cnn_module *module, cnn_context *ctx)
{
    if (!module || !ctx) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "module_to: %s is NULL", module ? "ctx" : "module");
        return NULL;
    }
    return clone_into(module, &(destination){ ctx, NULL });
}

cnn_module *cnn_module_to_dtype(const cnn_module *module, cnn_dtype dtype)
{
    if (!module) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "module_to_dtype: module is NULL");
        return NULL;
    }
    if (!cnn__dtype_is_real(dtype)) {
        cnn__fail(module->ctx, CNN_ERROR_DTYPE, "module_to_dtype: dtype is %s, expected " CNN__REAL_DTYPES,
                  cnn_dtype_name(dtype));
        return NULL;
    }
    return clone_into(module, &(destination){ module->ctx, &dtype });
}
