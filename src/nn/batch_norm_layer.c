/* torch.nn.BatchNorm2d: parameters weight and bias, buffers running_mean, running_var and num_batches_tracked. */
#include "autograd/tape.h"
#include "nn/layer.h"

#include <stdio.h>

typedef struct norm_layer {
    cnn_batch_norm_options options;
    int64_t channels;
    cnn_tensor *weight, *bias, *mean, *var, *batches;
} norm_layer;

static bool norm_layer_report(cnn_tape *tape, cnn_status status)
{
    if (status != CNN_OK) {
        cnn__tape_fail(tape, status, "%s", cnn__failure_message());
    }
    return status == CNN_OK;
}

/* Counts where the number is, which on a device nobody waits for. */
static bool norm_layer_count(const norm_layer *l, cnn_tape *tape)
{
    cnn_elementwise_parameters p = { .function = CNN_UNARY_ADD, .value = { 1 } };
    cnn_launch add = CNN__LAUNCH(UNARY, CNN_I64, CNN__PARAMETERS(p), .in = { cnn__data(l->batches) },
                                 .out = { cnn__data(l->batches) });
    return cnn__run(tape, "batch_norm2d", &add);
}

/* The batch's share in a cumulative average: a number that the host needs. */
static bool count_for_average(const norm_layer *l, cnn_tape *tape, cnn_batch_norm_options *options)
{
    int64_t batches;
    cnn_status status = cnn__elements_get(l->batches, "batch_norm2d", &batches);
    if (status == CNN_OK) {
        batches += batches < INT64_MAX;
        options->momentum = 1 / (double)(batches > 0 ? batches : 1);
        status = cnn__elements_put(l->batches, "batch_norm2d", &batches);
    }
    return norm_layer_report(tape, status);
}

/* Counts the batch, and for a cumulative average gives it its share. */
static bool count_batch(const norm_layer *l, cnn_tape *tape, cnn_batch_norm_options *options)
{
    if (!l->batches || !cnn_tape_training(tape) || cnn__tape_tracing(tape)) {
        return true;
    }
    if (!cnn__tape_protect(tape, l->batches)) {
        return false;
    }
    return options->cumulative ? count_for_average(l, tape, options) : norm_layer_count(l, tape);
}

static cnn_tensor *norm_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const norm_layer *l = self->attributes;
    cnn_batch_norm_options options = l->options;
    char text[CNN__SHAPE_TEXT];
    if (x->ndim != 4) {
        return cnn__tape_fail(x->tape, CNN_ERROR_SHAPE, "batch_norm2d: input is %s, expected [N,%lld,H,W]",
                              cnn__shape_text(text, x->ndim, x->shape), (long long)l->channels);
    }
    if (x->shape[1] != l->channels) {
        return cnn__tape_fail(x->tape, CNN_ERROR_SHAPE, "batch_norm2d: input %s has %lld channels, expected %lld",
                              cnn__shape_text(text, x->ndim, x->shape), (long long)x->shape[1], (long long)l->channels);
    }
    if (!count_batch(l, x->tape, &options)) {
        return cnn__tape_nil(x->tape);
    }
    return cnn_batch_norm(x, l->weight, l->bias, l->mean, l->var, &options);
}

static int norm_layer_describe(const cnn_module *self, char *buffer, size_t size)
{
    const norm_layer *l = self->attributes;
    char eps[CNN__FLOAT_TEXT], momentum[CNN__FLOAT_TEXT];
    return snprintf(buffer, size, "%lld, eps=%s, momentum=%s, affine=%s, track_running_stats=%s",
                    (long long)l->channels, cnn__float_text(eps, cnn__option(l->options.eps, 1e-5)),
                    l->options.cumulative ? "None" : cnn__float_text(momentum, cnn__option(l->options.momentum, 0.1)),
                    l->weight ? "True" : "False", l->mean ? "True" : "False");
}

/* The tensors are the clone's own. */
static cnn_status batch_norm_clone(cnn_module *to, const cnn_module *self)
{
    norm_layer *l = to->attributes;
    *l = *(const norm_layer *)self->attributes;
    cnn_tensor **const tensors[] = { &l->weight, &l->bias, &l->mean, &l->var, &l->batches };
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        *tensors[i] = cnn__cloned(to, self, *tensors[i]);
    }
    return CNN_OK;
}

const cnn__module_class cnn__batch_norm2d_class = {
    .type = "BatchNorm2d", .forward = norm_layer_forward, .describe = norm_layer_describe, .clone = batch_norm_clone
};

static cnn_status norm_layer_check(const cnn_context *ctx, const char *call, const norm_layer *l)
{
    double momentum = cnn__option(l->options.momentum, 0.1), eps = cnn__option(l->options.eps, 1e-5);
    if (l->channels < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: channels is %lld, expected at least 1", call,
                         (long long)l->channels);
    }
    if (!cnn__dtype_is_real(l->options.dtype)) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call,
                         cnn_dtype_name(l->options.dtype));
    }
    if (!(momentum >= 0 && momentum <= 1)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: momentum is %s, expected 0 to 1", call,
                         CNN__G(momentum));
    }
    if (!(eps >= 0 && eps < 1e300)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: eps is %s, expected at least 0", call, CNN__G(eps));
    }
    return CNN_OK;
}

/* Filled with `value`; NULL on failure. */
static cnn_tensor *norm_layer_make(cnn_module *module, const char *call, const char *name, cnn_dtype dtype, int ndim,
                                   double value, bool parameter)
{
    const norm_layer *l = module->attributes;
    cnn_tensor *t = cnn__tensor_new(module->ctx, call, dtype, ndim, &l->channels);
    if (!t || cnn__fill(t, call, value) != CNN_OK) {
        cnn__tensor_release(t);
        return NULL;
    }
    return parameter ? cnn_module_add_parameter(module, name, t) : cnn_module_add_buffer(module, name, t);
}

static bool make_tensors(cnn_module *module, const char *call)
{
    norm_layer *l = module->attributes;
    cnn_dtype dtype = l->options.dtype;
    if (!l->options.no_affine && (!(l->weight = norm_layer_make(module, call, "weight", dtype, 1, 1, true)) ||
                                  !(l->bias = norm_layer_make(module, call, "bias", dtype, 1, 0, true)))) {
        return false;
    }
    return l->options.no_running ||
           ((l->mean = norm_layer_make(module, call, "running_mean", dtype, 1, 0, false)) != NULL &&
            (l->var = norm_layer_make(module, call, "running_var", dtype, 1, 1, false)) != NULL &&
            (l->batches = norm_layer_make(module, call, "num_batches_tracked", CNN_I64, 0, 0, false)) != NULL);
}

cnn_module *cnn_batch_norm2d_create(cnn_context *ctx, int64_t channels, const cnn_batch_norm_options *options)
{
    const char *call = "batch_norm2d_create";
    norm_layer l = { .channels = channels };
    if (CNN__OPTIONS_READ(ctx, call, &l.options, options) != CNN_OK || norm_layer_check(ctx, call, &l) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &cnn__batch_norm2d_class, sizeof l);
    if (!module) {
        return NULL;
    }
    *(norm_layer *)module->attributes = l;
    if (!make_tensors(module, call)) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

cnn__batch_norm2d_parts cnn__layer_batch_norm2d(const cnn_module *module)
{
    const norm_layer *l = module->attributes;
    return (cnn__batch_norm2d_parts){ l->weight, l->bias, l->mean, l->var, cnn__option(l->options.eps, 1e-5) };
}
