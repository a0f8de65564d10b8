/* Modules of the user's own: a forward callback with a pointer, like a class derived from nn.Module. */
#include "nn/module.h"

#include <string.h>

typedef struct custom {
    cnn_forward_fn forward;
    void *user;
    void (*free_user)(void *user);
} custom;

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x)
{
    const custom *c = self->attributes;
    return c->forward(self, x, c->user);
}

static void destroy(cnn_module *self)
{
    const custom *c = self->attributes;
    if (c->free_user) {
        c->free_user(c->user);
    }
}

static const cnn__module_class custom_class = { "module", forward, NULL, destroy };

static cnn_module *make(cnn_context *ctx, const cnn_module_options *o)
{
    const char *call = "module_create";
    if (!o->forward) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: forward is NULL, expected a function", call);
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &custom_class, sizeof(custom));
    if (module && o->type && !(module->type = cnn__strdup(ctx, o->type))) {
        cnn__fail_memory(ctx, call, strlen(o->type) + 1);
        cnn_module_free(module);
        return NULL;
    }
    if (module) {
        *(custom *)module->attributes = (custom){ o->forward, o->user, o->free_user };
    }
    return module;
}

cnn_module *cnn_module_create(cnn_context *ctx, const cnn_module_options *options)
{
    cnn_module_options o;
    bool read = CNN__OPTIONS_READ(ctx, "module_create", &o, options) == CNN_OK;
    cnn_module *module = read ? make(ctx, &o) : NULL;
    if (!module && o.free_user) {
        o.free_user(o.user);
    }
    return module;
}
