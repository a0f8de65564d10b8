/* torch.nn.PReLU: cnn_prelu() with a weight of one element or one for each channel. */
#include "nn/layer.h"

#include <stdio.h>

typedef struct prelu_layer {
    cnn_tensor *weight;
    int64_t count;
} prelu_layer;

static cnn_tensor *prelu_layer_forward(cnn_module *self, cnn_tensor *x)
{
    return cnn_prelu(x, ((const prelu_layer *)self->attributes)->weight);
}

static int prelu_describe(const cnn_module *self, char *buffer, size_t size)
{
    return snprintf(buffer, size, "num_parameters=%lld", (long long)((const prelu_layer *)self->attributes)->count);
}

/* The tensor is the clone's own. */
static cnn_status prelu_clone(cnn_module *to, const cnn_module *self)
{
    prelu_layer *l = to->attributes;
    *l = *(const prelu_layer *)self->attributes;
    l->weight = to->parameters.items[0].tensor;
    return CNN_OK;
}

static const cnn__module_class prelu_class = {
    .type = "PReLU", .forward = prelu_layer_forward, .describe = prelu_describe, .clone = prelu_clone
};

static cnn_status prelu_check(const cnn_context *ctx, const char *call, const cnn_prelu_options *o)
{
    if (o->num_parameters < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: num_parameters is %lld, expected at least 1", call,
                         (long long)o->num_parameters);
    }
    if (!cnn__dtype_is_real(o->dtype)) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call,
                         cnn_dtype_name(o->dtype));
    }
    return CNN_OK;
}

cnn_module *cnn_prelu_create(cnn_context *ctx, const cnn_prelu_options *options)
{
    const char *call = "prelu_create";
    cnn_prelu_options o;
    if (CNN__OPTIONS_READ(ctx, call, &o, options) != CNN_OK) {
        return NULL;
    }
    o.num_parameters = cnn__option_int(o.num_parameters, 1);
    if (prelu_check(ctx, call, &o) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &prelu_class, sizeof(prelu_layer));
    if (!module) {
        return NULL;
    }
    prelu_layer *l = module->attributes;
    l->count = o.num_parameters;
    l->weight = cnn__layer_parameter(module, call, "weight", o.dtype, 1, &l->count);
    if (!l->weight || cnn__fill(l->weight, call, cnn__option(o.init, 0.25)) != CNN_OK) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}
