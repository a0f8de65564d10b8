/* The walk over a module's state for callers: every parameter and buffer with its whole name, in time proportional to
 * their number. */
#include "nn/module.h"

size_t cnn__longest_name(const cnn_module *module)
{
    size_t longest = 0;
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        char none[1];
        size_t length = cnn__state_name(&s, none, sizeof none);
        longest = length > longest ? length : longest;
    }
    return longest;
}

cnn_status cnn_module_visit(const cnn_module *module, cnn_visit_fn visit, void *user)
{
    const char *call = "module_visit";
    if (!module || !visit) {
        return cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                         module ? "visit" : "module");
    }
    size_t size = cnn__longest_name(module) + 1;
    char *name = cnn__alloc(module->ctx, size);
    if (!name) {
        return cnn__fail_memory(module->ctx, call, size);
    }
    bool more = true;
    for (cnn__state s = cnn__state_begin(module); more && cnn__state_next(&s);) {
        cnn__state_name(&s, name, size);
        more = visit(name, s.tensor, s.is_parameter, user);
    }
    cnn__free(module->ctx, name);
    return CNN_OK;
}
