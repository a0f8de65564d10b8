/* Copying the state of one module to another. Everything is compared first, so that a failure changes nothing. */
#include "nn/module.h"

static cnn_status copy_state_check_entry(const cnn_module *source, const cnn__state *s, const char *name, size_t length)
{
    const char *call = "module_copy_from";
    const cnn_tensor *from = cnn__state_find(source, name, length);
    if (!from) {
        return cnn__fail(s->root->ctx, CNN_ERROR_MISMATCH, "%s: the source has no \"%s\"", call, CNN__Q(name));
    }
    if (from->dtype != s->tensor->dtype || !cnn__same_shape(from, s->tensor)) {
        char ours[CNN__SHAPE_TEXT], theirs[CNN__SHAPE_TEXT];
        return cnn__fail(s->root->ctx, CNN_ERROR_MISMATCH, "%s: \"%s\" is %s %s, the source's is %s %s", call,
                         CNN__Q(name), cnn_dtype_name(s->tensor->dtype),
                         cnn__shape_text(ours, s->tensor->ndim, s->tensor->shape), cnn_dtype_name(from->dtype),
                         cnn__shape_text(theirs, from->ndim, from->shape));
    }
    return CNN_OK;
}

static cnn_status copy_state_check(const cnn_module *module, const cnn_module *source, char *name, size_t size)
{
    int ours = cnn_module_state_count(module), theirs = cnn_module_state_count(source);
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        cnn_status status = copy_state_check_entry(source, &s, name, cnn__state_name(&s, name, size));
        if (status != CNN_OK) {
            return status;
        }
    }
    if (ours != theirs) {
        return cnn__fail(module->ctx, CNN_ERROR_MISMATCH,
                         "module_copy_from: %d parameters and buffers, the source has %d", ours, theirs);
    }
    return CNN_OK;
}

cnn_status cnn_module_copy_from(cnn_module *module, const cnn_module *source)
{
    if (!module || !source) {
        return cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "module_copy_from: %s is NULL",
                         module ? "source" : "module");
    }
    size_t size = cnn__longest_name(module) + 1;
    char *name = cnn__alloc(module->ctx, size);
    if (!name) {
        return cnn__fail_memory(module->ctx, "module_copy_from", size);
    }
    cnn_status status = copy_state_check(module, source, name, size);
    for (cnn__state s = cnn__state_begin(module); status == CNN_OK && module != source && cnn__state_next(&s);) {
        size_t length = cnn__state_name(&s, name, size);
        cnn__tensor_written(s.tensor);
        status = cnn__elements_move(s.tensor, cnn__state_find(source, name, length), "module_copy_from");
    }
    cnn__free(module->ctx, name);
    return status;
}
