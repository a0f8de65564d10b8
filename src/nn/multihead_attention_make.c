/* Making a MultiheadAttention: arguments, parameters and PyTorch's first values. */
#include "nn/multihead_attention.h"

#include <cnn/init.h>

#include <math.h>

cnn_status cnn__multihead_attention_check(const cnn_context *ctx, const char *call, int64_t embed_dim,
                                          int64_t num_heads, cnn_multihead_attention_options *o)
{
    o->kdim = cnn__option_int(o->kdim, embed_dim);
    o->vdim = cnn__option_int(o->vdim, embed_dim);
    o->dropout = cnn__option(o->dropout, 0);
    if (embed_dim < 1 || embed_dim > INT64_MAX / 8) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: embed_dim is %lld, expected 1 to 2^60", call,
                         (long long)embed_dim);
    }
    if (num_heads < 1 || embed_dim % num_heads != 0) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: num_heads is %lld, expected a divisor of embed_dim %lld",
                         call, (long long)num_heads, (long long)embed_dim);
    }
    if (o->kdim < 1 || o->vdim < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %lld, expected at least 1", call,
                         o->kdim < 1 ? "kdim" : "vdim", (long long)(o->kdim < 1 ? o->kdim : o->vdim));
    }
    if (!(o->dropout >= 0 && o->dropout <= 1)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: dropout is %s, expected 0 to 1", call,
                         CNN__G(o->dropout));
    }
    return cnn__dtype_is_real(o->dtype) ? CNN_OK
                                        : cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES,
                                                    call, cnn_dtype_name(o->dtype));
}

static bool multihead_make_parameters(cnn_module *module, const char *call)
{
    static const char *const names[] = { "q_proj_weight", "k_proj_weight", "v_proj_weight" };
    cnn__multihead *m = module->attributes;
    const cnn_multihead_attention_options *o = &m->options;
    const int64_t e = m->width, widths[] = { e, o->kdim, o->vdim }, one[] = { 1, 1, e }, three = 3 * e;
    const bool packed = o->kdim == e && o->vdim == e;
    for (int i = 0; i < (packed ? 1 : 3); i++) {
        const int64_t shape[] = { packed ? three : e, widths[i] };
        m->weight[i] = cnn__layer_parameter(module, call, packed ? "in_proj_weight" : names[i], o->dtype, 2, shape);
        if (!m->weight[i]) {
            return false;
        }
    }
    if (!o->no_bias && !(m->bias = cnn__layer_parameter(module, call, "in_proj_bias", o->dtype, 1, &three))) {
        return false;
    }
    return !o->add_bias_kv || ((m->bias_k = cnn__layer_parameter(module, call, "bias_k", o->dtype, 3, one)) != NULL &&
                               (m->bias_v = cnn__layer_parameter(module, call, "bias_v", o->dtype, 3, one)) != NULL);
}

cnn_module *cnn__multihead_attention_make(cnn_context *ctx, const char *call, int64_t embed_dim, int64_t num_heads,
                                          const cnn_multihead_attention_options *o)
{
    const cnn_linear_options linear = { .struct_size = sizeof linear, .dtype = o->dtype, .no_bias = o->no_bias };
    cnn_module *module = cnn__module_new(ctx, call, &cnn__multihead_class, sizeof(cnn__multihead));
    if (!module) {
        return NULL;
    }
    *(cnn__multihead *)module->attributes = (cnn__multihead){ .options = *o, .width = embed_dim, .heads = num_heads };
    cnn_module *projection = NULL;
    if (!multihead_make_parameters(module, call) ||
        !(projection = cnn__linear_make(ctx, call, true, embed_dim, embed_dim, &linear)) ||
        cnn__module_attach(module, call, "out_proj", projection) != CNN_OK) {
        cnn_module_free(projection);
        cnn_module_free(module);
        return NULL;
    }
    return module;
}

cnn_status cnn__multihead_attention_init(cnn_module *module, const char *call)
{
    const cnn__multihead *m = module->attributes;
    cnn_module *projection = module->children.items[0].module;
    cnn_tensor *bias = cnn_module_find(projection, "bias");
    cnn_status status = CNN_OK;
    for (int i = 0; status == CNN_OK && i < 3 && m->weight[i]; i++) {
        const int64_t *shape = m->weight[i]->shape;
        status = cnn__layer_uniform(m->weight[i], call, sqrt(6 / ((double)shape[0] + (double)shape[1])));
    }
    if (status == CNN_OK) {
        status = cnn__linear_init(projection, call);
    }
    if (status == CNN_OK && m->bias) {
        status = cnn__fill(m->bias, call, 0);
        status = status == CNN_OK ? cnn__fill(bias, call, 0) : status;
    }
    const double std = sqrt(1 / (double)m->width);
    if (status == CNN_OK && m->bias_k) {
        status = cnn_init_normal(m->bias_k, 0, std);
        status = status == CNN_OK ? cnn_init_normal(m->bias_v, 0, std) : status;
    }
    return status;
}

cnn_module *cnn_multihead_attention_create(cnn_context *ctx, int64_t embed_dim, int64_t num_heads,
                                           const cnn_multihead_attention_options *options)
{
    const char *call = "multihead_attention_create";
    cnn_multihead_attention_options o;
    if (CNN__OPTIONS_READ(ctx, call, &o, options) != CNN_OK ||
        cnn__multihead_attention_check(ctx, call, embed_dim, num_heads, &o) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__multihead_attention_make(ctx, call, embed_dim, num_heads, &o);
    if (module && cnn__multihead_attention_init(module, call) != CNN_OK) {
        cnn_module_free(module);
        return NULL;
    }
    return module;
}
