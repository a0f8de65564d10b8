/* torch.nn.BatchNorm1d and 2d, InstanceNorm1d and 2d: parameters weight and bias, buffers running_mean, running_var and
 * num_batches_tracked. */
#include "autograd/tape.h"
#include "nn/layer.h"
#include "ops/norms.h"

#include <stdio.h>

typedef cnn__norm_class norm_class;

typedef struct norm_layer {
    cnn_batch_norm_options options;
    int64_t channels;
    cnn_tensor *weight, *bias, *mean, *var, *batches;
    bool created_cumulative; /* what cnn_module_set_cumulative() goes back to */
    cnn__folded folded;
} norm_layer;

static bool norm_layer_report(cnn_tape *tape, cnn_status status)
{
    if (status != CNN_OK) {
        cnn__tape_fail(tape, status, "%s", cnn__failure_message());
    }
    return status == CNN_OK;
}

static const norm_class *class_of(const cnn_module *self)
{
    return (const norm_class *)(const void *)self->class;
}

/* Counts where the number is, which on a device nobody waits for. */
static bool norm_layer_count(const norm_layer *l, const char *name, cnn_tape *tape)
{
    cnn_elementwise_parameters p = { .function = CNN_UNARY_ADD, .value = { 1 } };
    cnn_launch add = CNN__LAUNCH(UNARY, CNN_I64, CNN__PARAMETERS(p), .in = { cnn__data(l->batches) },
                                 .out = { cnn__data(l->batches) });
    return cnn__run(tape, name, &add);
}

/* The batch's share in a cumulative average: a number that the host needs. */
static bool count_for_average(const norm_layer *l, const char *name, cnn_tape *tape, cnn_batch_norm_options *options)
{
    int64_t batches;
    cnn_status status = cnn__elements_get(l->batches, name, &batches);
    if (status == CNN_OK) {
        batches += batches < INT64_MAX;
        options->momentum = 1 / (double)(batches > 0 ? batches : 1);
        status = cnn__elements_put(l->batches, name, &batches);
    }
    return norm_layer_report(tape, status);
}

/* Counts the batch, and for a cumulative average gives it its share. */
static bool count_batch(const norm_layer *l, const char *name, cnn_tape *tape, cnn_batch_norm_options *options)
{
    if (!l->batches || !cnn_tape_training(tape) || cnn__tape_tracing(tape) || cnn__step_of(tape)->recomputing) {
        return true;
    }
    if (!cnn__tape_protect(tape, l->batches)) {
        return false;
    }
    return options->cumulative ? count_for_average(l, name, tape, options) : norm_layer_count(l, name, tape);
}

/* Whether the input has dimensions and channels that fit; false: reported. */
static bool norm_layer_fits(const norm_class *class, const norm_layer *l, const cnn_tensor *x)
{
    char text[CNN__SHAPE_TEXT];
    if (x->ndim < class->least || x->ndim > class->most) {
        cnn__tape_fail(x->tape, CNN_ERROR_SHAPE, "%s: input is %s, expected [N,%lld%s]%s", class->name,
                       cnn__shape_text(text, x->ndim, x->shape), (long long)l->channels, class->positions,
                       class->without);
        return false;
    }
    int64_t channels = x->shape[class->instances && x->ndim < class->most ? 0 : 1];
    if (channels != l->channels) {
        cnn__tape_fail(x->tape, CNN_ERROR_SHAPE, "%s: input %s has %lld channels, expected %lld", class->name,
                       cnn__shape_text(text, x->ndim, x->shape), (long long)channels, (long long)l->channels);
    }
    return channels == l->channels;
}

static cnn_tensor *run_batch_norm(const cnn__op *op, const cnn_module *self, cnn_tensor *x)
{
    const norm_layer *l = self->attributes;
    cnn_batch_norm_options options = l->options;
    if (!norm_layer_fits(class_of(self), l, x) || !count_batch(l, class_of(self)->name, x->tape, &options)) {
        return cnn__tape_nil(x->tape);
    }
    return cnn__batch_norm(op, (cnn_tensor *const[]){ x, l->weight, l->bias, l->mean, l->var }, &options);
}

static cnn_tensor *forward_batch_norm(cnn_module *self, cnn_tensor *x)
{
    return run_batch_norm(&cnn__batch_norm_op, self, x);
}

cnn_tensor *cnn__layer_batch_norm_relu(const cnn_module *module, bool six, cnn_tensor *x)
{
    return run_batch_norm(six ? &cnn__batch_norm_relu6_op : &cnn__batch_norm_relu_op, module, x);
}

static cnn_tensor *forward_instance_norm(cnn_module *self, cnn_tensor *x)
{
    const norm_layer *l = self->attributes;
    if (!norm_layer_fits(class_of(self), l, x)) {
        return cnn__tape_nil(x->tape);
    }
    bool alone = x->ndim < class_of(self)->most;
    cnn_tensor *batch = alone ? cnn_unsqueeze(x, 0) : x;
    cnn_tensor *y = cnn_instance_norm(batch, l->weight, l->bias, l->mean, l->var, &l->options);
    return alone ? cnn_squeeze(y, 0) : y;
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
    const norm_layer *from = self->attributes; /* whose folded weight another thread may be writing */
    norm_layer *l = to->attributes;
    cnn_tensor *const given[] = { from->weight, from->bias, from->mean, from->var, from->batches };
    cnn_tensor **const tensors[] = { &l->weight, &l->bias, &l->mean, &l->var, &l->batches };
    l->options = from->options;
    l->created_cumulative = from->created_cumulative;
    l->channels = from->channels;
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        *tensors[i] = cnn__cloned(to, self, given[i]);
    }
    return CNN_OK;
}

static void norm_layer_destroy(cnn_module *self)
{
    norm_layer *l = self->attributes;
    cnn__folded_free(&l->folded);
}

#define NORM_CLASS(type_name, function) \
    { \
        .type = (type_name), .forward = (function), .describe = norm_layer_describe, .destroy = norm_layer_destroy, \
        .clone = batch_norm_clone \
    }

static const norm_class batch_norm1d_class = { NORM_CLASS("BatchNorm1d", forward_batch_norm),
                                               "batch_norm1d",
                                               "batch_norm1d_create",
                                               2,
                                               3,
                                               false,
                                               ",L",
                                               " or without L" };
const norm_class cnn__batch_norm2d_class = {
    NORM_CLASS("BatchNorm2d", forward_batch_norm), "batch_norm2d", "batch_norm2d_create", 4, 4, false, ",H,W", ""
};
static const norm_class instance_norm1d_class = { NORM_CLASS("InstanceNorm1d", forward_instance_norm),
                                                  "instance_norm1d",
                                                  "instance_norm1d_create",
                                                  2,
                                                  3,
                                                  true,
                                                  ",L",
                                                  " or without N" };
static const norm_class instance_norm2d_class = { NORM_CLASS("InstanceNorm2d", forward_instance_norm),
                                                  "instance_norm2d",
                                                  "instance_norm2d_create",
                                                  3,
                                                  4,
                                                  true,
                                                  ",H,W",
                                                  " or without N" };

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

/* `l` has the options and the channels. */
static cnn_module *norm_layer_new(cnn_context *ctx, const norm_class *class, const norm_layer *l)
{
    if (norm_layer_check(ctx, class->call, l) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, class->call, &class->class, sizeof *l);
    if (!module) {
        return NULL;
    }
    *(norm_layer *)module->attributes = *l;
    if (!make_tensors(module, class->call)) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

static cnn_module *batch_norm_new(cnn_context *ctx, const norm_class *class, int64_t channels,
                                  const cnn_batch_norm_options *options)
{
    norm_layer l = { .channels = channels };
    if (CNN__OPTIONS_READ(ctx, class->call, &l.options, options) != CNN_OK) {
        return NULL;
    }
    l.created_cumulative = l.options.cumulative;
    return norm_layer_new(ctx, class, &l);
}

cnn_module *cnn_batch_norm1d_create(cnn_context *ctx, int64_t channels, const cnn_batch_norm1d_options *options)
{
    return batch_norm_new(ctx, &batch_norm1d_class, channels, options);
}

cnn_module *cnn_batch_norm2d_create(cnn_context *ctx, int64_t channels, const cnn_batch_norm_options *options)
{
    return batch_norm_new(ctx, &cnn__batch_norm2d_class, channels, options);
}

static cnn_module *instance_norm_new(cnn_context *ctx, const norm_class *class, int64_t channels,
                                     const cnn_instance_norm_options *options)
{
    cnn_instance_norm_options o;
    if (CNN__OPTIONS_READ(ctx, class->call, &o, options) != CNN_OK) {
        return NULL;
    }
    norm_layer l = { .channels = channels,
                     .options = { .struct_size = sizeof l.options,
                                  .momentum = o.momentum,
                                  .eps = o.eps,
                                  .dtype = o.dtype,
                                  .no_affine = !o.affine,
                                  .no_running = !o.track_running_stats } };
    return norm_layer_new(ctx, class, &l);
}

cnn_module *cnn_instance_norm1d_create(cnn_context *ctx, int64_t channels, const cnn_instance_norm1d_options *options)
{
    return instance_norm_new(ctx, &instance_norm1d_class, channels, options);
}

cnn_module *cnn_instance_norm2d_create(cnn_context *ctx, int64_t channels, const cnn_instance_norm2d_options *options)
{
    return instance_norm_new(ctx, &instance_norm2d_class, channels, options);
}

cnn__batch_norm2d_parts cnn__layer_batch_norm2d(const cnn_module *module)
{
    norm_layer *l = module->attributes;
    return (
        cnn__batch_norm2d_parts){ l->weight, l->bias, l->mean, l->var, cnn__option(l->options.eps, 1e-5), &l->folded };
}

/* ---- running statistics of a tree ---- */

typedef enum statistics_change { STATISTICS_RESET, STATISTICS_CUMULATIVE, STATISTICS_AS_CREATED } statistics_change;

static cnn_status change_statistics(norm_layer *l, const char *call, statistics_change change)
{
    cnn_tensor *const buffers[] = { l->mean, l->var, l->batches };
    cnn_status status = CNN_OK;
    if (change != STATISTICS_RESET) {
        l->options.cumulative = change == STATISTICS_CUMULATIVE || l->created_cumulative;
        return CNN_OK;
    }
    for (int i = 0; i < 3 && status == CNN_OK && l->mean; i++) {
        cnn__tensor_written(buffers[i]);
        status = cnn__fill(buffers[i], call, i == 1);
    }
    return status;
}

/* Changes every batch normalisation within `root`. */
static cnn_status change_all_statistics(cnn_module *root, const char *call, statistics_change change)
{
    cnn_status status = root ? CNN_OK : cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", call);
    for (const cnn_module *m = root; m && status == CNN_OK; m = cnn__module_next(root, m)) {
        if (m->class == &batch_norm1d_class.class || m->class == &cnn__batch_norm2d_class.class) {
            status = change_statistics(m->attributes, call, change);
        }
    }
    return status;
}

cnn_status cnn_module_reset_running_stats(cnn_module *module)
{
    return change_all_statistics(module, "module_reset_running_stats", STATISTICS_RESET);
}

cnn_status cnn_module_set_cumulative(cnn_module *module, bool cumulative)
{
    return change_all_statistics(module, "module_set_cumulative",
                                 cumulative ? STATISTICS_CUMULATIVE : STATISTICS_AS_CREATED);
}
