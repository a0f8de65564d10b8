/* torch.nn.LayerNorm, RMSNorm and GroupNorm: a weight of ones and, except in RMSNorm, a bias of zeros. */
#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

typedef struct group_layer {
    cnn_norm_options options;
    int ndim; /* the dimensions of a row, or 1: the channels */
    int64_t shape[CNN_MAX_DIMS], groups;
    cnn_tensor *weight, *bias; /* NULL: none */
} group_layer;

static cnn_tensor *layer_norm_forward(cnn_module *self, cnn_tensor *x)
{
    const group_layer *l = self->attributes;
    return cnn_layer_norm(x, l->ndim, l->shape, l->weight, l->bias, &l->options);
}

static cnn_tensor *rms_norm_forward(cnn_module *self, cnn_tensor *x)
{
    const group_layer *l = self->attributes;
    return cnn_rms_norm(x, l->ndim, l->shape, l->weight, &l->options);
}

static cnn_tensor *group_norm_forward(cnn_module *self, cnn_tensor *x)
{
    const group_layer *l = self->attributes;
    char text[CNN__SHAPE_TEXT];
    if (x->ndim >= 2 && x->shape[1] != l->shape[0]) {
        return cnn__tape_fail(x->tape, CNN_ERROR_SHAPE, "group_norm: input %s has %lld channels, expected %lld",
                              cnn__shape_text(text, x->ndim, x->shape), (long long)x->shape[1], (long long)l->shape[0]);
    }
    return cnn_group_norm(x, l->groups, l->weight, l->bias, &l->options);
}

/* ---- printing and copying ---- */

static const char *without_bias(const group_layer *l)
{
    return l->options.no_bias && l->weight ? ", bias=False" : "";
}

/* "(5, 3)", "(5,)" */
static void shape_text(char *text, size_t size, const group_layer *l)
{
    size_t length = 0;
    for (int d = 0; d < l->ndim; d++) {
        length += (size_t)snprintf(text + length, size - length, d ? ", %lld" : "(%lld", (long long)l->shape[d]);
    }
    snprintf(text + length, size - length, l->ndim == 1 ? ",)" : ")");
}

static int layer_norm_describe(const cnn_module *self, char *buffer, size_t size)
{
    const group_layer *l = self->attributes;
    char shape[CNN_MAX_DIMS * 24], eps[CNN__FLOAT_TEXT];
    shape_text(shape, sizeof shape, l);
    return snprintf(buffer, size, "%s, eps=%s, elementwise_affine=%s%s", shape,
                    cnn__float_text(eps, cnn__option(l->options.eps, 1e-5)), l->weight ? "True" : "False",
                    without_bias(l));
}

static int rms_norm_describe(const cnn_module *self, char *buffer, size_t size)
{
    const group_layer *l = self->attributes;
    char shape[CNN_MAX_DIMS * 24], eps[CNN__FLOAT_TEXT];
    shape_text(shape, sizeof shape, l);
    return snprintf(buffer, size, "%s, eps=%s, elementwise_affine=%s", shape,
                    l->options.eps == 0 ? "None" : cnn__float_text(eps, cnn__option(l->options.eps, 0)),
                    l->weight ? "True" : "False");
}

static int group_norm_describe(const cnn_module *self, char *buffer, size_t size)
{
    const group_layer *l = self->attributes;
    char eps[CNN__FLOAT_TEXT];
    return snprintf(buffer, size, "%lld, %lld, eps=%s, affine=%s%s", (long long)l->groups, (long long)l->shape[0],
                    cnn__float_text(eps, cnn__option(l->options.eps, 1e-5)), l->weight ? "True" : "False",
                    without_bias(l));
}

/* The tensors are the clone's own. */
static cnn_status group_layer_clone(cnn_module *to, const cnn_module *self)
{
    group_layer *l = to->attributes;
    *l = *(const group_layer *)self->attributes;
    l->weight = cnn__cloned(to, self, l->weight);
    l->bias = cnn__cloned(to, self, l->bias);
    return CNN_OK;
}

static const cnn__module_class layer_norm_class = {
    .type = "LayerNorm", .forward = layer_norm_forward, .describe = layer_norm_describe, .clone = group_layer_clone
};
static const cnn__module_class rms_norm_class = {
    .type = "RMSNorm", .forward = rms_norm_forward, .describe = rms_norm_describe, .clone = group_layer_clone
};
static const cnn__module_class group_norm_class = {
    .type = "GroupNorm", .forward = group_norm_forward, .describe = group_norm_describe, .clone = group_layer_clone
};

/* ---- making ---- */

static cnn_status group_layer_read(const cnn_context *ctx, const char *call, group_layer *l,
                                   const cnn_norm_options *options)
{
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &l->options, options);
    double eps = cnn__option(l->options.eps, 1e-5);
    if (status == CNN_OK && !cnn__dtype_is_real(l->options.dtype)) {
        status = cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call,
                           cnn_dtype_name(l->options.dtype));
    }
    if (status == CNN_OK && !(eps >= 0 && eps < 1e300)) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: eps is %s, expected at least 0", call, CNN__G(eps));
    }
    return status;
}

static bool add_filled(cnn_module *module, const char *call, const char *name, double value, cnn_tensor **parameter)
{
    const group_layer *l = module->attributes;
    *parameter = cnn__layer_parameter(module, call, name, l->options.dtype, l->ndim, l->shape);
    return *parameter && cnn__fill(*parameter, call, value) == CNN_OK;
}

static cnn_module *group_layer_new(cnn_context *ctx, const char *call, const cnn__module_class *class,
                                   const group_layer *given)
{
    cnn_module *module = cnn__module_new(ctx, call, class, sizeof *given);
    if (!module) {
        return NULL;
    }
    group_layer *l = module->attributes;
    *l = *given;
    bool biased = !l->options.no_bias && class != &rms_norm_class;
    if (!l->options.no_affine && (!add_filled(module, call, "weight", 1, &l->weight) ||
                                  (biased && !add_filled(module, call, "bias", 0, &l->bias)))) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

static cnn_module *row_layer_new(cnn_context *ctx, const char *call, const cnn__module_class *class, int ndim,
                                 const int64_t *shape, const cnn_norm_options *options)
{
    group_layer l = { .ndim = ndim };
    if (group_layer_read(ctx, call, &l, options) != CNN_OK) {
        return NULL;
    }
    if (ndim < 1 || ndim > CNN_MAX_DIMS || !shape) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the shape has %d dimensions, expected 1 to %d", call,
                  shape ? ndim : 0, CNN_MAX_DIMS);
        return NULL;
    }
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 1) {
            cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: dimension %d of the shape is %lld, expected at least 1",
                      call, d, (long long)shape[d]);
            return NULL;
        }
    }
    memcpy(l.shape, shape, (size_t)ndim * sizeof *shape);
    return group_layer_new(ctx, call, class, &l);
}

cnn_module *cnn_layer_norm_create(cnn_context *ctx, int ndim, const int64_t *shape,
                                  const cnn_layer_norm_options *options)
{
    return row_layer_new(ctx, "layer_norm_create", &layer_norm_class, ndim, shape, options);
}

cnn_module *cnn_rms_norm_create(cnn_context *ctx, int ndim, const int64_t *shape, const cnn_rms_norm_options *options)
{
    return row_layer_new(ctx, "rms_norm_create", &rms_norm_class, ndim, shape, options);
}

cnn_module *cnn_group_norm_create(cnn_context *ctx, int64_t groups, int64_t channels,
                                  const cnn_group_norm_options *options)
{
    const char *call = "group_norm_create";
    group_layer l = { .ndim = 1, .shape = { channels }, .groups = groups };
    if (group_layer_read(ctx, call, &l, options) != CNN_OK) {
        return NULL;
    }
    if (channels < 1 || groups < 1 || channels % groups) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                  "%s: groups is %lld and channels is %lld, expected a divisor of at least one channel", call,
                  (long long)groups, (long long)channels);
        return NULL;
    }
    return group_layer_new(ctx, call, &group_norm_class, &l);
}
