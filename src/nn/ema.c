/* Averages of parameters: a copy of a module, and a scratch tensor as large as its largest parameter, so that an update
 * allocates nothing. Updates are launches on the elements, in the order of AveragedModel's formulas. */
#include "nn/module.h"

#include <cnn/ema.h>

struct cnn_ema {
    cnn_module *module;
    cnn__storage *scratch;
    double decay;
    int64_t count;
    bool equal_weights, use_buffers;
};

/* Whether an entry of the state is averaged; what is not is copied. */
static bool ema_averages(bool use_buffers, const cnn__state *s)
{
    return s->is_parameter || (use_buffers && cnn__dtype_is_full(s->tensor->dtype));
}

static cnn_status ema_missing(const char *call, const char *what)
{
    return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, what);
}

/* ---- life ---- */

void cnn_ema_free(cnn_ema *ema)
{
    if (!ema) {
        return;
    }
    cnn_context *ctx = cnn__context_retain(ema->module->ctx);
    if (ema->scratch) {
        cnn__storage_release(ema->scratch);
    }
    cnn_module_free(ema->module);
    cnn__free(ctx, ema);
    cnn__context_release(ctx);
}

static cnn_status ema_read(const cnn_module *module, const char *call, const cnn_ema_options *options,
                           cnn_ema_options *ours)
{
    const cnn_context *ctx = module->ctx;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, ours, options);
    if (status != CNN_OK) {
        return status;
    }
    ours->decay = cnn__option(ours->decay, 0.999);
    if (!(ours->decay >= 0 && ours->decay <= 1)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: decay is %s, expected 0 to 1", call,
                         CNN__G(ours->decay));
    }
    return ours->count >= 0 && ours->count <= (int64_t)1 << 53
               ? CNN_OK
               : cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %lld, expected 0 to 2^53", call,
                           (long long)ours->count);
}

/* Bytes of the largest tensor that is averaged. */
static cnn_status ema_measure(const cnn_module *module, const char *call, bool use_buffers, size_t *bytes)
{
    *bytes = 0;
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        size_t size = (size_t)s.tensor->numel * cnn_dtype_size(s.tensor->dtype);
        if (s.is_parameter && !cnn__dtype_is_full(s.tensor->dtype)) {
            return cnn__fail(module->ctx, CNN_ERROR_DTYPE, "%s: a parameter is %s, expected float32 or float64", call,
                             cnn_dtype_name(s.tensor->dtype));
        }
        *bytes = ema_averages(use_buffers, &s) && size > *bytes ? size : *bytes;
    }
    return CNN_OK;
}

/* `ema` with what it owns; it is freed on failure. */
static cnn_ema *ema_fill(cnn_ema *ema, const cnn_module *module, const char *call, size_t bytes)
{
    ema->module = cnn_module_clone(module);
    if (!ema->module) {
        cnn__free(module->ctx, ema);
        return NULL;
    }
    ema->scratch = cnn__storage_new(module->ctx, bytes);
    if (!ema->scratch) {
        cnn__fail_memory(module->ctx, call, bytes);
        cnn_ema_free(ema);
        return NULL;
    }
    return ema;
}

cnn_ema *cnn_ema_create(const cnn_module *module, const cnn_ema_options *options)
{
    const char *call = "ema_create";
    cnn_ema_options ours;
    size_t bytes;
    if (!module) {
        ema_missing(call, "module");
        return NULL;
    }
    if (ema_read(module, call, options, &ours) != CNN_OK ||
        ema_measure(module, call, ours.use_buffers, &bytes) != CNN_OK) {
        return NULL;
    }
    cnn_ema *ema = cnn__calloc(module->ctx, 1, sizeof *ema);
    if (!ema) {
        cnn__fail_memory(module->ctx, call, sizeof *ema);
        return NULL;
    }
    ema->decay = ours.decay;
    ema->count = ours.count;
    ema->equal_weights = ours.equal_weights;
    ema->use_buffers = ours.use_buffers;
    return ema_fill(ema, module, call, bytes);
}

cnn_module *cnn_ema_module(const cnn_ema *ema)
{
    if (!ema) {
        ema_missing("ema_module", "ema");
        return NULL;
    }
    return ema->module;
}

int64_t cnn_ema_count(const cnn_ema *ema)
{
    if (!ema) {
        ema_missing("ema_count", "ema");
        return 0;
    }
    return ema->count;
}

/* ---- updates ---- */

static cnn_status ema_check(const cnn_ema *ema, const cnn_module *module, const char *call)
{
    cnn__state ours = cnn__state_begin(ema->module), theirs = cnn__state_begin(module);
    for (int i = 0;; i++) {
        bool more = cnn__state_next(&ours), others = cnn__state_next(&theirs);
        if (!more && !others) {
            break;
        }
        if (more != others || ours.is_parameter != theirs.is_parameter || ours.tensor->dtype != theirs.tensor->dtype ||
            !cnn__same_shape(ours.tensor, theirs.tensor)) {
            return cnn__fail(module->ctx, CNN_ERROR_MISMATCH,
                             "%s: entry %d of the module's state is not the average's in kind, dtype and shape", call,
                             i);
        }
    }
    return module->ctx == ema->module->ctx ? CNN_OK
                                           : cnn__fail(module->ctx, CNN_ERROR_MISMATCH,
                                                       "%s: the module is of another context than the average", call);
}

static cnn_status ema_unary(const cnn_tensor *t, const char *call, cnn_unary function, double value, const void *x,
                            void *y)
{
    cnn_elementwise_parameters p = { .function = (int)function, .value = { value } };
    cnn__nest_make(&p.nest, t->ndim, t->shape, 2, (const cnn_tensor *const[]){ t, t });
    cnn_launch l = CNN__LAUNCH(UNARY, t->dtype, CNN__PARAMETERS(p), .count = t->numel, .in = { x }, .out = { y });
    return cnn__launch(t->ctx, call, &l);
}

static cnn_status ema_binary(const cnn_tensor *t, const char *call, cnn_binary function, const void *a, const void *b,
                             void *y)
{
    cnn_elementwise_parameters p = { .function = (int)function };
    cnn__nest_make(&p.nest, t->ndim, t->shape, 3, (const cnn_tensor *const[]){ t, t, t });
    cnn_launch l = CNN__LAUNCH(BINARY, t->dtype, CNN__PARAMETERS(p), .count = t->numel, .in = { a, b }, .out = { y });
    return cnn__launch(t->ctx, call, &l);
}

/* What the parameter adds to the average is made in the scratch. */
static cnn_status ema_move(const cnn_ema *ema, const char *call, const cnn_tensor *average, const cnn_tensor *t)
{
    void *scratch = ema->scratch->data, *to = cnn__data(average);
    cnn_status status;
    if (ema->equal_weights) {
        status = ema_binary(t, call, CNN_BINARY_SUB, cnn__data(t), to, scratch);
        if (status == CNN_OK) {
            status = ema_unary(t, call, CNN_UNARY_DIV, (double)(ema->count + 1), scratch, scratch);
        }
    } else {
        status = ema_unary(t, call, CNN_UNARY_MUL, 1 - ema->decay, cnn__data(t), scratch);
        if (status == CNN_OK) {
            status = ema_unary(t, call, CNN_UNARY_MUL, ema->decay, to, to);
        }
    }
    return status == CNN_OK ? ema_binary(t, call, CNN_BINARY_ADD, to, scratch, to) : status;
}

cnn_status cnn_ema_update(cnn_ema *ema, const cnn_module *module)
{
    const char *call = "ema_update";
    if (!ema || !module) {
        return ema_missing(call, ema ? "module" : "ema");
    }
    cnn_status status = ema_check(ema, module, call);
    cnn__state ours = cnn__state_begin(ema->module), theirs = cnn__state_begin(module);
    while (status == CNN_OK && cnn__state_next(&ours) && cnn__state_next(&theirs)) {
        if (!ours.tensor->numel) {
            continue;
        }
        cnn__tensor_written(ours.tensor);
        status = ema->count && ema_averages(ema->use_buffers, &ours)
                     ? ema_move(ema, call, ours.tensor, theirs.tensor)
                     : cnn__tensor_copy(ours.tensor, theirs.tensor, call);
    }
    ema->count += status == CNN_OK;
    return status;
}
