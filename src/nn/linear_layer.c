/* torch.nn.Linear. */
#include "nn/layer.h"

#include <stdio.h>

typedef struct linear_layer {
    int64_t in, out;
    cnn_tensor *weight, *bias;
} linear_layer;

static cnn_tensor *linear_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const linear_layer *l = self->attributes;
    return cnn_linear(x, l->weight, l->bias);
}

static int linear_layer_describe(const cnn_module *self, char *buffer, size_t size)
{
    const linear_layer *l = self->attributes;
    return snprintf(buffer, size, "in_features=%lld, out_features=%lld, bias=%s", (long long)l->in, (long long)l->out,
                    l->bias ? "True" : "False");
}

/* The tensors are the clone's own. */
static cnn_status linear_clone(cnn_module *to, const cnn_module *self)
{
    linear_layer *l = to->attributes;
    *l = *(const linear_layer *)self->attributes;
    l->weight = cnn__cloned(to, self, l->weight);
    l->bias = cnn__cloned(to, self, l->bias);
    return CNN_OK;
}

static const cnn__module_class linear_class = {
    .type = "Linear", .forward = linear_layer_forward, .describe = linear_layer_describe, .clone = linear_clone
};
/* PyTorch's name for the linear layer at the end of MultiheadAttention. */
static const cnn__module_class projection_class = { .type = "NonDynamicallyQuantizableLinear",
                                                    .forward = linear_layer_forward,
                                                    .describe = linear_layer_describe,
                                                    .clone = linear_clone };

cnn_module *cnn__linear_make(cnn_context *ctx, const char *call, bool projection, int64_t in, int64_t out,
                             const cnn_linear_options *o)
{
    const int64_t shape[2] = { out, in };
    cnn_module *module =
        cnn__module_new(ctx, call, projection ? &projection_class : &linear_class, sizeof(linear_layer));
    linear_layer *l = module ? module->attributes : NULL;
    if (!module) {
        return NULL;
    }
    *l = (linear_layer){ .in = in, .out = out };
    l->weight = cnn__layer_parameter(module, call, "weight", o->dtype, 2, shape);
    if (l->weight && !o->no_bias) {
        l->bias = cnn__layer_parameter(module, call, "bias", o->dtype, 1, shape);
    }
    if (!l->weight || (!l->bias && !o->no_bias)) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

cnn_status cnn__linear_init(cnn_module *module, const char *call)
{
    const linear_layer *l = module->attributes;
    return cnn__layer_init(l->weight, l->bias, call, (double)l->in);
}

cnn_module *cnn_linear_create(cnn_context *ctx, int64_t in_features, int64_t out_features,
                              const cnn_linear_options *options)
{
    const char *call = "linear_create";
    cnn_linear_options o;
    if (CNN__OPTIONS_READ(ctx, call, &o, options) != CNN_OK) {
        return NULL;
    }
    if (in_features < 1 || out_features < 1) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %lld, expected at least 1", call,
                  in_features < 1 ? "in_features" : "out_features",
                  (long long)(in_features < 1 ? in_features : out_features));
        return NULL;
    }
    if (!cnn__dtype_is_real(o.dtype)) {
        cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call, cnn_dtype_name(o.dtype));
        return NULL;
    }
    cnn_module *module = cnn__linear_make(ctx, call, false, in_features, out_features, &o);
    if (module && cnn__linear_init(module, call) != CNN_OK) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}
