/* Clipping of gradients. A norm is a total in double that one launch per gradient adds to; launches of a second round
 * scale by it. On a device the total stays there unless somebody wants to know it. */
#include "kernels/array/norm.h"
#include "nn/module.h"

#include <cnn/clip_grad.h>

#include <math.h>

/* The parameters of a call: those of a module, or a list. */
typedef struct clip_call {
    const char *call;
    cnn_context *ctx; /* NULL: an empty list */
    const cnn_module *module;
    cnn_tensor *const *list;
    int count;
} clip_call;

/* ---- parameters ---- */

static cnn_status clip_check_tensor(const clip_call *c, int i)
{
    const cnn_tensor *t = c->list[i];
    cnn_status status = cnn__tensor_check(t, c->call);
    if (status != CNN_OK) {
        return status;
    }
    if (t->kind != CNN__TENSOR_PLAIN) {
        return cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: parameters[%d] belongs to a tape, expected a parameter", c->call,
                         i);
    }
    return t->ctx == c->list[0]->ctx
               ? CNN_OK
               : cnn__fail(t->ctx, CNN_ERROR_STATE, "%s: parameters[%d] is of another context than parameters[0]",
                           c->call, i);
}

static cnn_status clip_of_list(clip_call *c)
{
    if (c->count < 0 || (c->count && !c->list)) {
        return c->count < 0 ? cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %d, expected at least 0",
                                        c->call, c->count)
                            : cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: parameters is NULL", c->call);
    }
    for (int i = 0; i < c->count; i++) {
        cnn_status status = clip_check_tensor(c, i);
        if (status != CNN_OK) {
            return status;
        }
    }
    c->ctx = c->count ? c->list[0]->ctx : NULL;
    return CNN_OK;
}

static cnn_status clip_of_module(clip_call *c)
{
    if (!c->module) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", c->call);
    }
    c->ctx = c->module->ctx;
    return CNN_OK;
}

/* What is done with each gradient. */
typedef cnn_status (*clip_fn)(const clip_call *c, cnn_tensor *grad, void *arg);

/* A gradient that counts as zero has no elements yet, and clipping leaves it as it is. */
static cnn_status clip_tensor(const clip_call *c, const cnn_tensor *t, clip_fn fn, void *arg)
{
    return t->grad && !t->grad_is_zero && t->numel ? fn(c, t->grad, arg) : CNN_OK;
}

static cnn_status clip_each(const clip_call *c, clip_fn fn, void *arg)
{
    cnn_status status = CNN_OK;
    for (int i = 0; i < c->count && status == CNN_OK; i++) {
        status = clip_tensor(c, c->list[i], fn, arg);
    }
    if (c->module) {
        for (cnn__state s = cnn__state_begin(c->module); status == CNN_OK && cnn__state_next(&s);) {
            status = s.is_parameter ? clip_tensor(c, s.tensor, fn, arg) : CNN_OK;
        }
    }
    return status;
}

/* With workspace where the launch needs it: for dtypes that are only stored, and on devices. */
static cnn_status clip_launch(const clip_call *c, cnn_launch *l)
{
    size_t bytes = cnn__launch_workspace(c->ctx, l);
    cnn__storage *workspace = bytes ? cnn__storage_new(c->ctx, bytes) : NULL;
    if (bytes && !workspace) {
        return cnn__fail_memory(c->ctx, c->call, bytes);
    }
    l->workspace = workspace ? workspace->data : NULL;
    cnn_status status = cnn__launch(c->ctx, c->call, l);
    if (workspace) {
        cnn__storage_release(workspace);
    }
    return status;
}

/* ---- by the norm ---- */

typedef struct clip_norm {
    cnn_norm_parameters norm;
    cnn_clip_parameters clip;
    bool error_if_nonfinite;
    double on_host; /* the total, on the CPU and where it is read */
    void *total;
} clip_norm;

static cnn_status clip_add_norm(const clip_call *c, cnn_tensor *grad, void *arg)
{
    clip_norm *n = arg;
    cnn_launch l = CNN__LAUNCH(NORM, grad->dtype, CNN__PARAMETERS(n->norm), .count = grad->numel,
                               .in = { cnn__data(grad) }, .out = { n->total });
    cnn_status status = clip_launch(c, &l);
    n->norm.first = false;
    return status;
}

static cnn_status clip_scale(const clip_call *c, cnn_tensor *grad, void *arg)
{
    clip_norm *n = arg;
    cnn_launch l = CNN__LAUNCH(CLIP, grad->dtype, CNN__PARAMETERS(n->clip), .count = grad->numel, .in = { n->total },
                               .out = { cnn__data(grad) });
    cnn__tensor_written(grad);
    return clip_launch(c, &l);
}

/* The norm before clipping. `first` is still set where there is no gradient. */
static cnn_status clip_read(const clip_call *c, clip_norm *n, double *norm)
{
    cnn_status status = CNN_OK;
    if (n->norm.first) {
        n->on_host = 0;
    } else if (n->total != &n->on_host) {
        status = cnn__device_read(c->ctx, c->call, &n->on_host, n->total, sizeof n->on_host);
    }
    *norm = cnn__norm_of_total(n->on_host, n->norm.p);
    if (status == CNN_OK && n->error_if_nonfinite && !isfinite(*norm)) {
        status = cnn__fail(c->ctx, CNN_ERROR_STATE, "%s: the norm of the gradients is %s, expected a finite one",
                           c->call, CNN__G(*norm));
    }
    return status;
}

static cnn_status clip_by_norm(const clip_call *c, clip_norm *n, double *total_norm)
{
    double norm = 0;
    cnn_status status = clip_each(c, clip_add_norm, n);
    if (status == CNN_OK && (total_norm || n->error_if_nonfinite)) {
        status = clip_read(c, n, &norm);
    }
    if (status == CNN_OK) {
        status = clip_each(c, clip_scale, n);
    }
    if (status == CNN_OK && total_norm) {
        *total_norm = norm;
    }
    return status;
}

static cnn_status clip_read_options(const clip_call *c, double max_norm, const cnn_clip_grad_norm_options *options,
                                    clip_norm *n)
{
    cnn_clip_grad_norm_options ours;
    cnn_status status = CNN__OPTIONS_READ(c->ctx, c->call, &ours, options);
    if (status != CNN_OK) {
        return status;
    }
    double p = cnn__option(ours.norm_type, 2);
    if (!(p > 0)) {
        return cnn__fail(c->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: norm_type is %s, expected a number above 0", c->call,
                         CNN__G(p));
    }
    if (!(max_norm >= 0)) {
        return cnn__fail(c->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: max_norm is %s, expected at least 0", c->call,
                         CNN__G(max_norm));
    }
    n->norm = (cnn_norm_parameters){ .p = p, .first = true };
    n->clip = (cnn_clip_parameters){ .p = p, .max_norm = max_norm, .eps = 1e-6 };
    n->error_if_nonfinite = ours.error_if_nonfinite;
    n->total = &n->on_host;
    return CNN_OK;
}

static cnn_status clip_run(const clip_call *c, double max_norm, const cnn_clip_grad_norm_options *options,
                           double *total_norm)
{
    clip_norm n;
    cnn_tensor *on_device = NULL;
    cnn_status status = clip_read_options(c, max_norm, options, &n);
    if (status == CNN_OK && c->ctx && c->ctx->device) {
        on_device = cnn__tensor_new(c->ctx, c->call, CNN_F64, 0, NULL);
        if (!on_device) {
            return cnn__failure_status();
        }
        n.total = cnn__data(on_device);
    }
    if (status == CNN_OK) {
        status = clip_by_norm(c, &n, total_norm);
    }
    cnn__tensor_release(on_device);
    return status;
}

cnn_status cnn_clip_grad_norm(cnn_module *module, double max_norm, const cnn_clip_grad_norm_options *options,
                              double *total_norm)
{
    clip_call c = { .call = "clip_grad_norm", .module = module };
    cnn_status status = clip_of_module(&c);
    return status == CNN_OK ? clip_run(&c, max_norm, options, total_norm) : status;
}

cnn_status cnn_clip_grad_norm_for(cnn_tensor *const *parameters, int count, double max_norm,
                                  const cnn_clip_grad_norm_options *options, double *total_norm)
{
    clip_call c = { .call = "clip_grad_norm_for", .list = parameters, .count = count };
    cnn_status status = clip_of_list(&c);
    return status == CNN_OK ? clip_run(&c, max_norm, options, total_norm) : status;
}

/* ---- by value ---- */

static cnn_status clip_clamp(const clip_call *c, cnn_tensor *grad, void *arg)
{
    const double *bound = arg;
    cnn_elementwise_parameters p = { .function = CNN_UNARY_CLAMP, .value = { -*bound, *bound } };
    cnn__nest_make(&p.nest, grad->ndim, grad->shape, 2, (const cnn_tensor *const[]){ grad, grad });
    cnn_launch l = CNN__LAUNCH(UNARY, grad->dtype, CNN__PARAMETERS(p), .count = grad->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(grad) });
    cnn__tensor_written(grad);
    return clip_launch(c, &l);
}

static cnn_status clip_by_value(const clip_call *c, double clip_value)
{
    return clip_value >= 0 ? clip_each(c, clip_clamp, &clip_value)
                           : cnn__fail(c->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: clip_value is %s, expected at least 0",
                                       c->call, CNN__G(clip_value));
}

cnn_status cnn_clip_grad_value(cnn_module *module, double clip_value)
{
    clip_call c = { .call = "clip_grad_value", .module = module };
    cnn_status status = clip_of_module(&c);
    return status == CNN_OK ? clip_by_value(&c, clip_value) : status;
}

cnn_status cnn_clip_grad_value_for(cnn_tensor *const *parameters, int count, double clip_value)
{
    clip_call c = { .call = "clip_grad_value_for", .list = parameters, .count = count };
    cnn_status status = clip_of_list(&c);
    return status == CNN_OK ? clip_by_value(&c, clip_value) : status;
}
