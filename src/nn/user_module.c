/* Modules of the user's own: a forward callback with a pointer, like a class derived from nn.Module. */
#include "nn/module.h"

#include <string.h>

typedef struct user_module_custom {
    cnn_forward_fn forward;
    cnn_forward_many_fn forward_many;
    void *user;
    void (*free_user)(void *user);
    cnn_status (*clone_user)(cnn_module *clone, void *user, void **copy);
} user_module_custom;

static cnn_tensor *user_module_forward(cnn_module *self, cnn_tensor *x)
{
    const user_module_custom *c = self->attributes;
    return c->forward(self, x, c->user);
}

static cnn_status user_module_forward_many(cnn_module *self, cnn_tensor *const *inputs, int input_count,
                                           cnn_tensor **outputs, int output_count)
{
    const user_module_custom *c = self->attributes;
    return c->forward_many(self, inputs, input_count, outputs, output_count, c->user);
}

static void destroy(cnn_module *self)
{
    const user_module_custom *c = self->attributes;
    if (c->free_user) {
        c->free_user(c->user);
    }
}

static cnn_status user_module_clone(cnn_module *to, const cnn_module *self)
{
    const user_module_custom *from = self->attributes;
    user_module_custom *c = to->attributes;
    const char *call = "module_clone";
    *c = (user_module_custom){ .forward = from->forward,
                               .forward_many = from->forward_many,
                               .clone_user = from->clone_user };
    if (from->user && !from->clone_user) {
        return cnn__fail(self->ctx, CNN_ERROR_UNSUPPORTED,
                         "%s: %s has a `user` and no clone_user in its options, expected one that copies it", call,
                         cnn_module_type(self));
    }
    if (!from->clone_user) {
        return CNN_OK;
    }
    void *copy = NULL;
    unsigned long failures = cnn__failure_number();
    cnn_status status = from->clone_user(to, from->user, &copy);
    if (status != CNN_OK) {
        char cause[CNN__MESSAGE_SIZE];
        cnn__message(cause, sizeof cause, "%s", cnn__failure_number() != failures ? cnn__failure_message() : "");
        return cnn__fail(self->ctx, CNN_ERROR_CALLBACK, "%s: clone_user of %s returned %s%s%s", call,
                         cnn_module_type(self), cnn_status_name(status), *cause ? ": " : "", cause);
    }
    c->user = copy;
    c->free_user = from->free_user;
    return CNN_OK;
}

static const cnn__module_class custom_class = {
    .type = "module", .forward = user_module_forward, .destroy = destroy, .clone = user_module_clone
};

static const cnn__module_class many_class = {
    .type = "module", .forward_many = user_module_forward_many, .destroy = destroy, .clone = user_module_clone
};
static const cnn__module_class both_class = {
    .type = "module",
    .forward = user_module_forward,
    .forward_many = user_module_forward_many,
    .destroy = destroy,
    .clone = user_module_clone,
};

static cnn_module *user_module_make(cnn_context *ctx, const cnn_module_options *o)
{
    const char *call = "module_create";
    if (!o->forward && !o->forward_many) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: forward is NULL, expected a function", call);
        return NULL;
    }
    const cnn__module_class *class = !o->forward_many ? &custom_class : o->forward ? &both_class : &many_class;
    cnn_module *module = cnn__module_new(ctx, call, class, sizeof(user_module_custom));
    if (module && o->type && !(module->type = cnn__strdup(ctx, o->type))) {
        cnn__fail_memory(ctx, call, strlen(o->type) + 1);
        cnn_module_free(module);
        return NULL;
    }
    if (module) {
        *(user_module_custom *)module->attributes =
            (user_module_custom){ o->forward, o->forward_many, o->user, o->free_user, o->clone_user };
    }
    return module;
}

cnn_module *cnn_module_create(cnn_context *ctx, const cnn_module_options *options)
{
    cnn_module_options o;
    bool read = CNN__OPTIONS_READ(ctx, "module_create", &o, options) == CNN_OK;
    cnn_module *module = read ? user_module_make(ctx, &o) : NULL;
    if (!module && o.free_user) {
        o.free_user(o.user);
    }
    return module;
}

void *cnn_module_user(const cnn_module *module, cnn_forward_many_fn forward_many)
{
    if (!module || !forward_many) {
        cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "module_user: %s is NULL",
                  module ? "forward_many" : "module");
        return NULL;
    }
    const user_module_custom *c = module->attributes;
    bool own = module->attributes_size == sizeof *c && c->forward_many == forward_many;
    return own && module->class->destroy == destroy ? c->user : NULL;
}

cnn_status cnn_module_become(cnn_module *module, cnn_module *other)
{
    cnn_status status = CNN_OK;
    if (!module || !other) {
        status = cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "module_become: %s is NULL",
                           module ? "other" : "module");
    } else if (other == module || other->ctx != module->ctx || other->parent || other->children.count ||
               other->class->destroy != destroy) {
        status = cnn__fail(module->ctx, CNN_ERROR_STATE,
                           "module_become: other is a %s, expected one of cnn_module_create() that stands alone",
                           cnn_module_type(other));
    } else {
        cnn_module old = *module;
        module->class = other->class;
        module->type = other->type;
        module->attributes = other->attributes;
        module->attributes_size = other->attributes_size;
        other->class = old.class;
        other->type = old.type;
        other->attributes = old.attributes;
    }
    if (other && other != module && !other->parent) {
        cnn_module_free(other);
    }
    return status;
}
